/// JPEG images in memory, through libjpeg-turbo, for a language that cannot call functions that use
/// setjmp.
///
/// Pixels are dense rows from the top, 1 (grey) or 3 (red, green, blue) bytes each. No function
/// prints, traps or exits: a failure is returned with one line of text.
#ifndef JPEG_BRIDGE_H
#define JPEG_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// The most pixels along a side.
  JPEG_BRIDGE_MAX_SIDE = 32768,
  /// The most passes over the pixels of a progressive file, which may take thousands to no end.
  JPEG_BRIDGE_MAX_SCANS = 200,
  /// The size of a buffer for the text of a failure, its terminating zero included.
  JPEG_BRIDGE_MESSAGE_SIZE = 200
};

typedef struct {
  uint32_t width, height;
  uint32_t channels;  // 1 grey, 3 red, green, blue
} jpeg_bridge_shape;

/// A JPEG file in memory whose header was read.
typedef struct jpeg_bridge_reader jpeg_bridge_reader;

/// Reads the header, and says which shape the pixels will have. Without being made smaller they may take
/// `max_bytes` at most, three a pixel.
///
/// Where `least_side` is above zero, the image is made smaller while it is decoded, by a factor of 2,
/// 4 or 8, as long as both sides keep `least_side` pixels or more; that takes less time than decoding
/// all pixels. `file` must stay until the reader is closed. NULL with a message on failure.
jpeg_bridge_reader *jpeg_bridge_open(
  const uint8_t *file, size_t size, uint32_t least_side, uint64_t max_bytes,
  jpeg_bridge_shape *shape, char *message);

/// Decodes the pixels, `width * height * channels` bytes. A file that ends too early or holds damaged
/// data is a failure. Orientation and colour profiles are not applied. To be called once. 0, or -1
/// with a message.
int jpeg_bridge_read(jpeg_bridge_reader *reader, uint8_t *pixels, char *message);

/// Frees a reader; NULL is fine.
void jpeg_bridge_close(jpeg_bridge_reader *reader);

#ifdef __cplusplus
}
#endif

#endif

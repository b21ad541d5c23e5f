/// PNG images in memory, through libpng, for a language that cannot call functions that use setjmp.
///
/// Pixels are dense rows from the top, 1 (grey) or 3 (red, green, blue) bytes each. No function
/// prints, traps or exits: a failure is returned with one line of text.
#ifndef PNG_BRIDGE_H
#define PNG_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// The most pixels along a side.
  PNG_BRIDGE_MAX_SIDE = 32768,
  /// The most bytes that the pixels of an image take that is written.
  PNG_BRIDGE_MAX_BYTES = 1 << 28,
  /// The size of a buffer for the text of a failure, its terminating zero included.
  PNG_BRIDGE_MESSAGE_SIZE = 160
};

typedef struct {
  uint32_t width, height;
  uint32_t channels;  // 1 grey, 3 red, green, blue
} png_bridge_shape;

/// The bytes that suffice for the encoded image, or 0 (with a message) when the shape is beyond the
/// limits above.
size_t png_bridge_encoded_bound(png_bridge_shape shape, char *message);

/// Encodes the pixels into `file`, which has room for `*size` bytes, and sets `*size` to the bytes
/// written. 0, or -1 with a message.
int png_bridge_encode(
  png_bridge_shape shape, const uint8_t *pixels, uint8_t *file, size_t *size, char *message);

/// A PNG file in memory whose header was read.
typedef struct png_bridge_reader png_bridge_reader;

/// Reads the header of a PNG of any colour type and depth, and says which shape its pixels will
/// have. No memory is taken in proportion to the declared size, which is checked against the limits
/// above, against `max_bytes`, the most that the pixels may take, and against what `size` bytes can hold. `file` must stay until the reader is closed.
/// NULL with a message on failure.
png_bridge_reader *png_bridge_open(
  const uint8_t *file, size_t size, uint64_t max_bytes, png_bridge_shape *shape, char *message);

/// Decodes the pixels, `width * height * channels` bytes: palettes are looked up, 16 bits are scaled
/// to 8, alpha is dropped, gamma and colour profiles are not applied. To be called once. 0, or -1
/// with a message.
int png_bridge_read(png_bridge_reader *reader, uint8_t *pixels, char *message);

/// Frees a reader; NULL is fine.
void png_bridge_close(png_bridge_reader *reader);

#ifdef __cplusplus
}
#endif

#endif

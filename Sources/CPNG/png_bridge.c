#include "png_bridge.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct png_bridge_reader {
  png_structp png;
  png_infop info;
  const uint8_t *next;
  size_t remaining;
  png_bridge_shape shape;
  char *message;  // the caller's, for the duration of a call
};

static void set_message(char *message, const char *text) {
  snprintf(message, PNG_BRIDGE_MESSAGE_SIZE, "%s", text);
}

/// Whether a shape is within the limits; leaves a message where it is not.
/// limit: what the limit on bytes is called, for the message.
static int check_shape(
  png_bridge_shape shape, uint64_t max_bytes, const char *limit, char *message) {
  if (shape.channels != 1 && shape.channels != 3) {
    snprintf(
      message, PNG_BRIDGE_MESSAGE_SIZE, "an image has 1 or 3 channels, not %u",
      (unsigned)shape.channels);
    return 0;
  }
  uint64_t sides = (uint64_t)shape.width * shape.height;
  if (
    shape.width < 1 || shape.height < 1 || shape.width > PNG_BRIDGE_MAX_SIDE ||
    shape.height > PNG_BRIDGE_MAX_SIDE || sides * shape.channels > max_bytes) {
    snprintf(
      message, PNG_BRIDGE_MESSAGE_SIZE,
      "%u x %u pixels are outside the limits: 1 to %d a side and at most %llu bytes in all%s",
      (unsigned)shape.width, (unsigned)shape.height, PNG_BRIDGE_MAX_SIDE,
      (unsigned long long)max_bytes, limit);
    return 0;
  }
  return 1;
}

// MARK: Writing

/// libpng's simplified interface catches its own errors, so no setjmp is needed here.
static png_image image_of(png_bridge_shape shape) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = shape.width;
  image.height = shape.height;
  image.format = shape.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  return image;
}

size_t png_bridge_encoded_bound(png_bridge_shape shape, char *message) {
  if (!check_shape(shape, PNG_BRIDGE_MAX_BYTES, "", message)) return 0;
  png_image image = image_of(shape);
  return PNG_IMAGE_PNG_SIZE_MAX(image);
}

int png_bridge_encode(
  png_bridge_shape shape, const uint8_t *pixels, uint8_t *file, size_t *size, char *message) {
  if (!check_shape(shape, PNG_BRIDGE_MAX_BYTES, "", message)) return -1;
  png_image image = image_of(shape);
  png_alloc_size_t bytes = *size;
  if (!png_image_write_to_memory(&image, file, &bytes, 0, pixels, 0, NULL)) {
    set_message(message, image.message[0] != 0 ? image.message : "the image could not be encoded");
    return -1;
  }
  *size = bytes;
  return 0;
}

// MARK: Reading

// libpng's simplified interface would be shorter here too, but it expands every text and profile
// chunk before its caller sees the size: a small file could take gigabytes.

static void fail(png_structp png, png_const_charp text) {
  png_bridge_reader *reader = png_get_error_ptr(png);
  set_message(reader->message, text);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void read_bytes(png_structp png, png_bytep bytes, size_t count) {
  png_bridge_reader *reader = png_get_io_ptr(png);
  if (count > reader->remaining) png_error(png, "the file ends before the image is complete");
  memcpy(bytes, reader->next, count);
  reader->next += count;
  reader->remaining -= count;
}

/// Reads up to the first image data, checks the size, and asks for 8-bit grey or RGB rows.
/// libpng comes back to the setjmp of the caller on failure.
static int read_header(png_bridge_reader *reader, size_t file_size, uint64_t max_bytes) {
  png_structp png = reader->png;
  png_infop info = reader->info;
  // Sizes are checked below, with a clearer message than libpng's.
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  // Whatever is neither pixels, palette nor transparency is skipped without taking memory.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_read_fn(png, reader, read_bytes);
  png_read_info(png, info);

  reader->shape.width = png_get_image_width(png, info);
  reader->shape.height = png_get_image_height(png, info);
  int color = (png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR) != 0;
  reader->shape.channels = color ? 3 : 1;
  if (!check_shape(reader->shape, max_bytes, " (picture_bytes)", reader->message)) return -1;
  // Deflate makes at most 1032 bytes of one.
  uint64_t rows = (uint64_t)png_get_rowbytes(png, info) * reader->shape.height;
  if (rows / 1032 > file_size) {
    snprintf(
      reader->message, PNG_BRIDGE_MESSAGE_SIZE,
      "%u x %u pixels are declared, more than %zu bytes can hold",
      (unsigned)reader->shape.width, (unsigned)reader->shape.height, file_size);
    return -1;
  }

  png_set_expand(png);
  png_set_scale_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t row = (size_t)reader->shape.width * reader->shape.channels;
  if (png_get_rowbytes(png, info) != row) {
    set_message(reader->message, "the pixel format is not supported");
    return -1;
  }
  return 0;
}

png_bridge_reader *png_bridge_open(
  const uint8_t *file, size_t size, uint64_t max_bytes, png_bridge_shape *shape, char *message) {
  set_message(message, "out of memory");
  png_bridge_reader *reader = calloc(1, sizeof *reader);
  if (reader == NULL) return NULL;
  reader->next = file;
  reader->remaining = size;
  reader->message = message;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, fail, ignore_warning);
  if (reader->png != NULL) reader->info = png_create_info_struct(reader->png);
  if (reader->info == NULL || setjmp(png_jmpbuf(reader->png)) != 0 ||
      read_header(reader, size, max_bytes) != 0) {
    png_bridge_close(reader);
    return NULL;
  }
  *shape = reader->shape;
  reader->message = NULL;
  return reader;
}

/// Reads all rows and the end of the file; interlaced images take several passes over the rows.
static void read_rows(png_bridge_reader *reader, uint8_t *pixels) {
  size_t row = (size_t)reader->shape.width * reader->shape.channels;
  int interlaced = png_get_interlace_type(reader->png, reader->info) != PNG_INTERLACE_NONE;
  int passes = interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1;
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < reader->shape.height; y++)
      png_read_row(reader->png, pixels + y * row, NULL);
  png_read_end(reader->png, NULL);
}

int png_bridge_read(png_bridge_reader *reader, uint8_t *pixels, char *message) {
  reader->message = message;
  if (setjmp(png_jmpbuf(reader->png)) != 0) return -1;
  read_rows(reader, pixels);
  return 0;
}

void png_bridge_close(png_bridge_reader *reader) {
  if (reader == NULL) return;
  png_destroy_read_struct(&reader->png, &reader->info, NULL);
  free(reader);
}

#include "jpeg_bridge.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// After stdio.h, which it needs.
#include <jpeglib.h>
#include <jerror.h>

struct jpeg_bridge_reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  jmp_buf failure;
  jpeg_bridge_shape shape;
  JSAMPLE *line;  // a row of four inks, where the file has these
  char *message;  // the caller's, for the duration of a call
};

static void set_message(char *message, const char *text) {
  snprintf(message, JPEG_BRIDGE_MESSAGE_SIZE, "%s", text);
}

static void fail(j_common_ptr jpeg) {
  jpeg_bridge_reader *reader = jpeg->client_data;
  char text[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, text);
  set_message(reader->message, text);
  longjmp(reader->failure, 1);
}

/// libjpeg goes on with grey pixels where data are missing or damaged, and warns; that is no image
/// to learn from. What stands between segments does no harm.
static void hear(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  switch (jpeg->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR: return;
    default: fail(jpeg);
  }
}

static void count_scans(j_common_ptr jpeg) {
  jpeg_bridge_reader *reader = jpeg->client_data;
  if (((j_decompress_ptr)jpeg)->input_scan_number <= JPEG_BRIDGE_MAX_SCANS) return;
  snprintf(
    reader->message, JPEG_BRIDGE_MESSAGE_SIZE, "it has more than %d scans", JPEG_BRIDGE_MAX_SCANS);
  longjmp(reader->failure, 1);
}

/// Reads up to the first scan, checks the size, and chooses factor and colours. -1 with a message.
static int read_header(
  jpeg_bridge_reader *reader, const uint8_t *file, size_t size, uint32_t least_side,
  uint64_t max_bytes) {
  j_decompress_ptr jpeg = &reader->jpeg;
  jpeg_mem_src(jpeg, file, size);
  jpeg_read_header(jpeg, TRUE);
  uint64_t pixels = (uint64_t)jpeg->image_width * jpeg->image_height;
  if (
    jpeg->image_width > JPEG_BRIDGE_MAX_SIDE || jpeg->image_height > JPEG_BRIDGE_MAX_SIDE ||
    pixels * 3 > max_bytes) {
    snprintf(
      reader->message, JPEG_BRIDGE_MESSAGE_SIZE,
      "%u x %u pixels are outside the limits: at most %d a side and %llu bytes in all (picture_bytes)",
      jpeg->image_width, jpeg->image_height, JPEG_BRIDGE_MAX_SIDE, (unsigned long long)max_bytes);
    return -1;
  }
  // A block of 64 pixels takes a bit or more for each component, or one for all of a scan's.
  if (pixels / 64 / 64 > size) {
    snprintf(
      reader->message, JPEG_BRIDGE_MESSAGE_SIZE,
      "%u x %u pixels are declared, more than %zu bytes can hold", jpeg->image_width,
      jpeg->image_height, size);
    return -1;
  }
  unsigned factor = 1;
  while (
    least_side > 0 && factor < 8 && jpeg->image_width / (2 * factor) >= least_side &&
    jpeg->image_height / (2 * factor) >= least_side)
    factor *= 2;
  jpeg->scale_num = 1;
  jpeg->scale_denom = factor;
  switch (jpeg->jpeg_color_space) {
    case JCS_GRAYSCALE: jpeg->out_color_space = JCS_GRAYSCALE; break;
    case JCS_CMYK:
    case JCS_YCCK: jpeg->out_color_space = JCS_CMYK; break;
    default: jpeg->out_color_space = JCS_RGB;
  }
  jpeg_calc_output_dimensions(jpeg);
  reader->shape.width = jpeg->output_width;
  reader->shape.height = jpeg->output_height;
  reader->shape.channels = jpeg->out_color_space == JCS_GRAYSCALE ? 1 : 3;
  return 0;
}

jpeg_bridge_reader *jpeg_bridge_open(
  const uint8_t *file, size_t size, uint32_t least_side, uint64_t max_bytes,
  jpeg_bridge_shape *shape, char *message) {
  set_message(message, "out of memory");
  jpeg_bridge_reader *reader = calloc(1, sizeof *reader);
  if (reader == NULL) return NULL;
  reader->message = message;
  reader->jpeg.err = jpeg_std_error(&reader->errors);
  reader->errors.error_exit = fail;
  reader->errors.emit_message = hear;
  reader->jpeg.client_data = reader;
  if (setjmp(reader->failure) != 0) {
    jpeg_bridge_close(reader);
    return NULL;
  }
  jpeg_create_decompress(&reader->jpeg);
  reader->progress.progress_monitor = count_scans;
  reader->jpeg.progress = &reader->progress;
  if (read_header(reader, file, size, least_side, max_bytes) != 0) {
    jpeg_bridge_close(reader);
    return NULL;
  }
  *shape = reader->shape;
  reader->message = NULL;
  return reader;
}

/// A row of cyan, magenta, yellow and black as red, green and blue. Files that say they are Adobe's,
/// nearly all there are, hold the inks inverted.
static void mix_inks(const jpeg_bridge_reader *reader, uint8_t *pixels) {
  const JSAMPLE *inks = reader->line;
  for (uint32_t x = 0; x < reader->shape.width; x++)
    for (int channel = 0; channel < 3; channel++) {
      unsigned ink = inks[4 * x + channel], black = inks[4 * x + 3];
      if (!reader->jpeg.saw_Adobe_marker) ink = 255 - ink, black = 255 - black;
      pixels[3 * x + channel] = (uint8_t)((ink * black + 127) / 255);
    }
}

static int read_rows(jpeg_bridge_reader *reader, uint8_t *pixels) {
  j_decompress_ptr jpeg = &reader->jpeg;
  const size_t row = (size_t)reader->shape.width * reader->shape.channels;
  jpeg_start_decompress(jpeg);
  if (jpeg->output_width != reader->shape.width || jpeg->output_height != reader->shape.height) {
    set_message(reader->message, "its size changes while it is read");
    return -1;
  }
  if (jpeg->out_color_space == JCS_CMYK) {
    reader->line = malloc((size_t)reader->shape.width * 4);
    if (reader->line == NULL) {
      set_message(reader->message, "out of memory");
      return -1;
    }
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    uint8_t *start = pixels + jpeg->output_scanline * row;
    JSAMPROW line = reader->line != NULL ? reader->line : start;
    jpeg_read_scanlines(jpeg, &line, 1);
    if (reader->line != NULL) mix_inks(reader, start);
  }
  jpeg_finish_decompress(jpeg);
  return 0;
}

int jpeg_bridge_read(jpeg_bridge_reader *reader, uint8_t *pixels, char *message) {
  reader->message = message;
  if (setjmp(reader->failure) != 0) return -1;
  return read_rows(reader, pixels);
}

void jpeg_bridge_close(jpeg_bridge_reader *reader) {
  if (reader == NULL) return;
  jpeg_destroy_decompress(&reader->jpeg);
  free(reader->line);
  free(reader);
}

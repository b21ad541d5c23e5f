// Convolutions as matrix products over blocks of output lines that stay in the cache.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

enum {
  /// Output pixels in a block: enough for a matrix product at full speed, and few enough that
  /// their columns stay in the second-level cache.
  BLOCK_PIXELS = 224,
  /// Parts of a batch whose weight gradients are added up in their order.
  CHUNKS = 16,
};

static size_t depth_of(const vk_taps *t) {
  size_t taps = 0;
  for (size_t r = 0; r < t->run_count; r++) taps += (size_t)t->runs[r].length;
  return taps * t->inputs;
}

void vk_gather_taps(const vk_taps *taps, const float *x, float *columns) {
  const vk_tap_arguments a = {
    .taps = *taps, .depth = depth_of(taps), .source = x, .columns = columns};
  vk_run(
    vk_kernels()->gather_taps, &a, taps->batch * taps->output_height,
    vk_units(taps->output_width * a.depth, 1));
}

void vk_scatter_taps(const vk_taps *taps, const float *columns, float *x) {
  // The gather reads what the scatter reads, through a pointer that it could write by.
  const vk_tap_arguments a = {
    .taps = *taps, .depth = depth_of(taps), .columns = (float *)columns, .target = x};
  // Lines of one image add to the same pixels: blocks are whole images.
  const size_t image = taps->output_height * taps->output_width * a.depth;
  vk_run(
    vk_kernels()->scatter_taps, &a, taps->batch * taps->output_height,
    taps->output_height * vk_units(image, 1));
}

typedef struct {
  vk_tap_arguments taps;
  vk_unary_op op;
  float parameters[2];
  const float *x, *weights, *bias, *saved, *dy;
  float *y, *dx;
  float *weight_partials, *bias_partials;  // [chunks, depth * outputs], [chunks, outputs]
  size_t lines_per_block, images_per_chunk;
  vk_matrix_product multiply;
  _Atomic int32_t *status;
} tap_work;

/// A matrix as one block, for work on the calling thread.
static vk_grid whole(size_t rows, size_t columns) {
  vk_grid grid = vk_grid_make(rows, columns);
  grid.block_rows = vk_ceil(rows, grid.fold) * grid.fold;
  grid.blocks = 1;
  return grid;
}

static void multiply(
  const tap_work *w, int transpose_a, int transpose_b, size_t m, size_t n, size_t k, const float *a,
  const float *b, float beta, float *c) {
  const int32_t status = w->multiply(
    transpose_a, transpose_b, (int64_t)m, (int64_t)n, (int64_t)k, 1.0f, a,
    (int64_t)(transpose_a ? m : k), b, (int64_t)(transpose_b ? k : n), beta, c, (int64_t)n);
  if (status != 0) atomic_store(w->status, status);
}

/// Takes note of short memory for the thread that called the kernel: this one may be of the pool.
static void refuse(const tap_work *w) { atomic_store(w->status, VK_OUT_OF_MEMORY); }

/// A unit is a block of lines.
static void forward_blocks(const void *arguments, size_t begin, size_t end) {
  const tap_work *w = arguments;
  const vk_taps *t = &w->taps.taps;
  const size_t depth = w->taps.depth, lines = t->batch * t->output_height;
  float *columns = vk_try_scratch(w->lines_per_block * t->output_width * depth * sizeof *columns);
  if (!columns) return refuse(w);
  for (size_t block = begin; block < end; block++) {
    vk_tap_arguments gather = w->taps;
    gather.first_line = block * w->lines_per_block;
    gather.source = w->x;
    gather.columns = columns;
    const size_t last = vk_min(lines, gather.first_line + w->lines_per_block);
    const size_t rows = (last - gather.first_line) * t->output_width;
    float *y = w->y + gather.first_line * t->output_width * t->outputs;
    vk_kernels()->gather_taps(&gather, gather.first_line, last);
    multiply(w, 0, 0, rows, t->outputs, depth, columns, w->weights, 0.0f, y);
    const vk_bias_activation_arguments finish = {
      .grid = whole(rows, t->outputs), .op = w->op, .parameters = {w->parameters[0],
      w->parameters[1]}, .x = y, .bias = w->bias, .y = y};
    vk_kernels()->bias_activation(&finish, 0, finish.grid.pieces);
  }
  free(columns);
}

/// A unit is a chunk of images.
static void backward_chunks(const void *arguments, size_t begin, size_t end) {
  const tap_work *w = arguments;
  const vk_taps *t = &w->taps.taps;
  const size_t depth = w->taps.depth, outputs = t->outputs;
  const size_t pixels = w->lines_per_block * t->output_width;
  float *scratch = vk_try_scratch((pixels * (depth + outputs) + outputs) * sizeof *scratch);
  if (!scratch) return refuse(w);
  float *columns = scratch, *inner = columns + pixels * depth, *sums = inner + pixels * outputs;
  for (size_t chunk = begin; chunk < end; chunk++) {
    const size_t image = chunk * w->images_per_chunk;
    const size_t first = image * t->output_height;
    const size_t last = vk_min(t->batch, image + w->images_per_chunk) * t->output_height;
    float *weights = w->weight_partials + chunk * depth * outputs;
    float *bias = w->bias_partials + chunk * outputs;
    for (size_t line = first; line < last; line += w->lines_per_block) {
      const size_t stop = vk_min(last, line + w->lines_per_block);
      const size_t rows = (stop - line) * t->output_width;
      const size_t offset = line * t->output_width * outputs;
      const vk_bias_backward_arguments before = {
        .grid = whole(rows, outputs), .op = w->op, .parameters = {w->parameters[0],
        w->parameters[1]}, .saved = w->saved ? w->saved + offset : NULL, .dy = w->dy + offset,
        .dx = inner, .partials = sums};
      vk_kernels()->bias_activation_backward(&before, 0, before.grid.pieces);
      for (size_t c = 0; c < outputs; c++) bias[c] = (line == first ? 0.0f : bias[c]) + sums[c];

      vk_tap_arguments move = w->taps;
      move.first_line = line;
      move.columns = columns;
      move.source = w->x;
      move.target = w->dx;
      vk_kernels()->gather_taps(&move, line, stop);
      multiply(w, 1, 0, depth, outputs, rows, columns, inner, line == first ? 0.0f : 1.0f, weights);
      if (!w->dx) continue;
      multiply(w, 0, 1, rows, depth, outputs, inner, w->weights, 0.0f, columns);
      vk_kernels()->scatter_taps(&move, line, stop);
    }
  }
  free(scratch);
}

static tap_work work_of(
  const vk_taps *taps, vk_unary_op op, const float *parameters, vk_matrix_product multiply,
  _Atomic int32_t *status) {
  tap_work w = {
    .taps = {.taps = *taps, .depth = depth_of(taps)}, .op = op, .multiply = multiply,
    .lines_per_block = vk_max(1, BLOCK_PIXELS / vk_max(1, taps->output_width)), .status = status};
  if (parameters) w.parameters[0] = parameters[0], w.parameters[1] = parameters[1];
  return w;
}

int32_t vk_tap_convolution(
  const vk_taps *taps, vk_unary_op op, const float *parameters, const float *x,
  const float *weights, const float *bias, float *y, vk_matrix_product multiply) {
  _Atomic int32_t status = 0;
  tap_work w = work_of(taps, op, parameters, multiply, &status);
  w.x = x, w.weights = weights, w.bias = bias, w.y = y;
  const size_t blocks = vk_ceil(taps->batch * taps->output_height, w.lines_per_block);
  vk_run(forward_blocks, &w, blocks, vk_max(1, blocks / CHUNKS));
  return atomic_load(&status);
}

int32_t vk_tap_convolution_backward(
  const vk_taps *taps, vk_unary_op op, const float *parameters, const float *x,
  const float *weights, const float *saved, const float *dy, float *dx, float *dweights,
  float *dbias, vk_matrix_product multiply) {
  _Atomic int32_t status = 0;
  tap_work w = work_of(taps, op, parameters, multiply, &status);
  const size_t size = w.taps.depth * taps->outputs;
  w.images_per_chunk = vk_max(1, vk_ceil(taps->batch, CHUNKS));
  const size_t chunks = vk_ceil(taps->batch, w.images_per_chunk);
  w.x = x, w.weights = weights, w.saved = saved, w.dy = dy, w.dx = dx;
  w.weight_partials = vk_scratch(chunks * (size + taps->outputs) * sizeof(float));
  if (!w.weight_partials) return VK_OUT_OF_MEMORY;
  w.bias_partials = w.weight_partials + chunks * size;
  vk_run(backward_chunks, &w, chunks, 1);
  if (atomic_load(&status) != 0) {
    free(w.weight_partials);
    return atomic_load(&status);
  }
  const vk_partials_arguments products = {w.weight_partials, chunks, size, dweights};
  const vk_partials_arguments sums = {w.bias_partials, chunks, taps->outputs, dbias};
  vk_run(vk_kernels()->add_partials, &products, size, vk_units(chunks, 1));
  vk_run(vk_kernels()->add_partials, &sums, taps->outputs, vk_units(chunks, 1));
  free(w.weight_partials);
  return atomic_load(&status);
}

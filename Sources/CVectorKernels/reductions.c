// Reductions: how far one block reaches, and the blocks' results combined in their order.
#include <stdlib.h>

#include "kernels.h"

/// Over the last axis: a long row is cut into segments, whose results are reduced once more.
static void reduce_rows(vk_reduce_op op, const float *x, float *out, size_t rows, size_t columns) {
  vk_reduce_rows_arguments a = {.op = op, .x = x, .out = out, .columns = columns};
  a.segment = vk_max(1, vk_min(columns, 2 * VK_BLOCK));
  a.segments = vk_max(1, vk_ceil(columns, a.segment));
  if (a.segments == 1) {
    vk_run(vk_kernels()->reduce_rows, &a, rows, vk_units(columns, 1));
    return;
  }
  a.out = vk_scratch(rows * a.segments * sizeof *out);
  vk_run(vk_kernels()->reduce_rows, &a, rows * a.segments, 1);
  reduce_rows(op, a.out, out, rows, a.segments);
  free(a.out);
}

void vk_reduce(
  vk_reduce_op op, const float *x, float *out, size_t outer, size_t reduced, size_t inner) {
  if (inner <= 1) {
    if (inner == 1) reduce_rows(op, x, out, outer, reduced);
    return;
  }
  vk_reduce_columns_arguments a = {.grid = vk_grid_make(reduced, inner), .op = op, .x = x,
  .out = out};
  if (reduced == 0 || (outer > 1 && reduced <= 512)) {
    a.grid.block_rows = vk_max(1, reduced);
    a.grid.blocks = 1;
  }
  const size_t blocks = a.grid.blocks;
  const size_t tile = vk_min(reduced, a.grid.block_rows) * vk_min(inner, VK_TILE);
  if (blocks > 1) a.out = vk_scratch(outer * blocks * inner * sizeof *out);
  vk_run(vk_kernels()->reduce_columns, &a, outer * blocks * a.grid.pieces, vk_units(tile, 1));
  if (blocks > 1) {
    vk_reduce(op, a.out, out, outer, blocks, inner);
    free(a.out);
  }
}

void vk_argmax(const float *x, int32_t *out, size_t outer, size_t reduced, size_t inner) {
  if (reduced == 0 || inner == 0) return;
  const vk_argmax_arguments a = {x, out, reduced, inner, vk_ceil(inner, VK_TILE)};
  if (inner == 1) {
    vk_run(vk_kernels()->argmax_rows, &a, outer, vk_units(reduced, 1));
  } else {
    const size_t tile = reduced * vk_min(inner, VK_TILE);
    vk_run(vk_kernels()->argmax_columns, &a, outer * a.pieces, vk_units(tile, 1));
  }
}

static double sum_blocks(vk_kernel kernel, const float *x, size_t n) {
  enum { ON_STACK = 64 };
  double stack[ON_STACK];
  const size_t blocks = vk_ceil(n, VK_BLOCK);
  double *partials = blocks <= ON_STACK ? stack : vk_scratch(blocks * sizeof *partials);
  const vk_sum_arguments a = {x, partials, n};
  vk_run(kernel, &a, blocks, 1);
  double total = 0.0;
  // Nothing was summed where memory is short.
  const size_t summed = vk_has_failed() ? 0 : blocks;
  for (size_t block = 0; block < summed; block++) total += partials[block];
  if (partials != stack) free(partials);
  return total;
}

double vk_sum_f64(const float *x, size_t n) { return sum_blocks(vk_kernels()->sum_f64, x, n); }

double vk_sum_squares_f64(const float *x, size_t n) {
  return sum_blocks(vk_kernels()->sum_squares_f64, x, n);
}

void vk_softmax(const float *x, float *y, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.x = x, .out = y, .columns = columns};
  vk_run(vk_kernels()->softmax, &a, rows, vk_units(columns, VK_COSTLY));
}

void vk_log_softmax(const float *x, float *y, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.x = x, .out = y, .columns = columns};
  vk_run(vk_kernels()->log_softmax, &a, rows, vk_units(columns, VK_COSTLY));
}

void vk_log_sum_exp(const float *x, float *y, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.x = x, .out = y, .columns = columns};
  vk_run(vk_kernels()->log_sum_exp, &a, rows, vk_units(columns, VK_COSTLY));
}

void vk_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.y = y, .dy = dy, .out = dx, .columns = columns};
  vk_run(vk_kernels()->softmax_backward, &a, rows, vk_units(columns, 1));
}

void vk_log_softmax_backward(
  const float *y, const float *dy, float *dx, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.y = y, .dy = dy, .out = dx, .columns = columns};
  vk_run(vk_kernels()->log_softmax_backward, &a, rows, vk_units(columns, VK_COSTLY));
}

void vk_log_sum_exp_backward(
  const float *x, const float *y, const float *dy, float *dx, size_t rows, size_t columns) {
  const vk_softmax_arguments a = {.x = x, .y = y, .dy = dy, .out = dx, .columns = columns};
  vk_run(vk_kernels()->log_sum_exp_backward, &a, rows, vk_units(columns, VK_COSTLY));
}

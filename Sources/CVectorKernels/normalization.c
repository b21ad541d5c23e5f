// Normalisation: partial sums combined, then the pass that needs them.
#include <stdlib.h>

#include "kernels.h"

void vk_column_moments(const float *x, float *mean, float *variance, size_t rows, size_t columns) {
  if (rows == 0 || columns == 0) return;
  const vk_grid grid = vk_grid_make(rows, columns);
  double *partials = vk_scratch(grid.blocks * 2 * columns * sizeof *partials);
  const vk_moments_arguments a = {grid, x, partials, mean, variance};
  vk_run(vk_kernels()->column_moments, &a, grid.blocks * grid.pieces, 1);
  vk_run(vk_kernels()->combine_moments, &a, columns, vk_units(4 * grid.blocks, 1));
  free(partials);
}

void vk_normalize_columns(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, float *y, size_t rows,
  size_t columns) {
  vk_normalize_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .x = x, .mean = mean,
    .inverse_deviation = inverse_deviation, .scale = scale, .shift = shift, .y = y};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  vk_run(vk_kernels()->normalize_columns, &a, a.grid.blocks * a.grid.pieces, 1);
}

static vk_normalize_arguments backward_arguments(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy,
  float *dx, size_t rows, size_t columns) {
  vk_normalize_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .x = x, .mean = mean,
    .inverse_deviation = inverse_deviation, .scale = scale, .shift = shift, .dy = dy, .y = dx};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  return a;
}

void vk_normalize_columns_backward(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy,
  float *dx,
  float *dscale, float *dshift, size_t rows, size_t columns, int batch_statistics) {
  if (columns == 0) return;
  vk_normalize_arguments a = backward_arguments(
    op, parameters, x, mean, inverse_deviation, scale, shift, dy, dx, rows, columns);
  const size_t blocks = a.grid.blocks;
  a.partials = vk_scratch(blocks * 2 * columns * sizeof *a.partials);
  if (!a.partials) return;
  vk_run(vk_kernels()->normalize_columns_sums, &a, blocks * a.grid.pieces, 1);
  const vk_partials_arguments shifts = {a.partials, blocks, 2 * columns, dshift};
  const vk_partials_arguments scales = {a.partials + columns, blocks, 2 * columns, dscale};
  vk_run(vk_kernels()->add_partials, &shifts, columns, vk_units(blocks, 1));
  vk_run(vk_kernels()->add_partials, &scales, columns, vk_units(blocks, 1));
  free(a.partials);
  if (!dx) return;
  vk_normalize_columns_input_gradient(
    op, parameters, x, mean, inverse_deviation, scale, shift, dy, dx,
    batch_statistics ? dscale : NULL, batch_statistics ? dshift : NULL, rows, columns);
}

void vk_normalize_columns_input_gradient(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy,
  float *dx, const float *scale_sum, const float *shift_sum, size_t rows, size_t columns) {
  // After a fault there may be no numbers to read.
  if (columns == 0 || vk_has_failed()) return;
  vk_normalize_arguments a = backward_arguments(
    op, parameters, x, mean, inverse_deviation, scale, shift, dy, dx, rows, columns);
  float *shift_term = vk_scratch(2 * columns * sizeof *shift_term);
  if (!shift_term) return;
  float *scale_term = shift_term + columns;
  for (size_t c = 0; c < columns; c++) {
    const float factor = shift_sum ? scale[c] * inverse_deviation[c] / (float)rows : 0.0f;
    shift_term[c] = shift_sum ? factor * shift_sum[c] : 0.0f;
    scale_term[c] = scale_sum ? factor * scale_sum[c] * inverse_deviation[c] : 0.0f;
  }
  a.shift_term = shift_term;
  a.scale_term = scale_term;
  vk_run(vk_kernels()->normalize_columns_backward, &a, a.grid.blocks * a.grid.pieces, 1);
  free(shift_term);
}

/// Examples to a block, so that at most VK_PARTIALS blocks leave a partial sum.
static size_t block_examples(size_t batch, size_t example) {
  return vk_max(vk_ceil(batch, VK_PARTIALS), vk_units(example, 1));
}

/// Elements of an example from which on its own positions are divided among threads.
#define VK_LARGE_EXAMPLE ((size_t)1 << 20)

/// What the loops over groups are told of the forward pass.
static vk_group_arguments forward_arguments(
  const float *x, size_t batch, size_t spatial, size_t channels, size_t groups) {
  return (vk_group_arguments){
    .x = x, .batch = batch, .spatial = spatial, .channels = channels, .groups = groups,
    .block_examples = block_examples(batch, spatial * channels)};
}

/// Divides the rows of large examples into blocks.
static void divide_rows(vk_group_arguments *a) {
  const size_t fold = vk_fold(a->spatial, a->channels);
  a->block_rows = vk_max(1, VK_LARGE_EXAMPLE / 8 / a->channels / fold) * fold;
  a->blocks = vk_ceil(a->spatial, a->block_rows);
}

/// Writes mean and inverse deviation of the groups of examples whose rows are divided.
static void write_moments(vk_group_arguments *a) {
  a->moments = vk_scratch(a->batch * a->blocks * 2 * a->channels * sizeof *a->moments);
  vk_run(vk_kernels()->group_moments, a, a->batch * a->blocks, 1);
  vk_run(vk_kernels()->group_combine, a, a->batch, 1);
  free(a->moments);
}

void vk_group_normalize(
  vk_unary_op op, const float *parameters, const float *x, const float *scale, const float *shift,
  float epsilon, float *mean, float *inverse_deviation, float *y, vk_bfloat16 *rounded, size_t batch,
  size_t spatial, size_t channels, size_t groups) {
  if (batch == 0 || spatial == 0 || channels == 0) return;
  vk_group_arguments a = forward_arguments(x, batch, spatial, channels, groups);
  a.op = op, a.scale = scale, a.shift = shift, a.y = y, a.rounded = rounded, a.epsilon = epsilon;
  a.mean = a.mean_out = mean;
  a.inverse_deviation = a.inverse_deviation_out = inverse_deviation;
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  // Examples as large as the maps of pictures are divided themselves: there is often one alone.
  if (spatial > 1 && spatial * channels >= VK_LARGE_EXAMPLE) {
    divide_rows(&a);
    write_moments(&a);
    vk_run(vk_kernels()->group_apply, &a, batch * a.blocks, 1);
    return;
  }
  const size_t blocks = vk_ceil(batch, a.block_examples);
  a.moments = vk_scratch(blocks * 2 * channels * sizeof *a.moments);
  vk_run(vk_kernels()->group_normalize, &a, blocks, 1);
  free(a.moments);
}

void vk_group_moments(
  const float *x, float epsilon, float *mean, float *inverse_deviation, size_t batch, size_t spatial,
  size_t channels, size_t groups) {
  if (batch == 0 || spatial == 0 || channels == 0) return;
  vk_group_arguments a = forward_arguments(x, batch, spatial, channels, groups);
  a.epsilon = epsilon, a.mean_out = mean, a.inverse_deviation_out = inverse_deviation;
  divide_rows(&a);
  write_moments(&a);
}

void vk_group_apply(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, float *y,
  vk_bfloat16 *rounded, size_t batch, size_t spatial, size_t channels, size_t groups) {
  if (batch == 0 || spatial == 0 || channels == 0) return;
  vk_group_arguments a = forward_arguments(x, batch, spatial, channels, groups);
  a.op = op, a.scale = scale, a.shift = shift, a.y = y, a.rounded = rounded;
  a.mean = mean, a.inverse_deviation = inverse_deviation;
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  divide_rows(&a);
  vk_run(vk_kernels()->group_apply, &a, batch * a.blocks, 1);
}

void vk_group_normalize_backward(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy,
  float *dx,
  float *dscale, float *dshift, size_t batch, size_t spatial, size_t channels, size_t groups) {
  if (channels == 0) return;
  vk_group_arguments a = {
    .op = op, .x = x, .scale = scale, .shift = shift, .dy = dy, .mean = mean,
    .inverse_deviation = inverse_deviation, .y = dx, .batch = batch, .spatial = spatial,
    .channels = channels, .groups = groups, .block_examples = block_examples(batch,
    spatial * channels)};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  const size_t blocks = vk_ceil(batch, a.block_examples);
  a.sums = vk_scratch(blocks * 4 * channels * sizeof *a.sums);
  if (!a.sums) return;
  vk_run(vk_kernels()->group_normalize_backward, &a, blocks, 1);
  const vk_partials_arguments shifts = {a.sums, blocks, 4 * channels, dshift};
  const vk_partials_arguments scales = {a.sums + channels, blocks, 4 * channels, dscale};
  vk_run(vk_kernels()->add_partials, &shifts, channels, vk_units(blocks, 1));
  vk_run(vk_kernels()->add_partials, &scales, channels, vk_units(blocks, 1));
  free(a.sums);
}

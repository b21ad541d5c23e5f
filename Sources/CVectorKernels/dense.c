// Dense layers: bias, activation and their gradients.
#include <stdlib.h>

#include "kernels.h"

void vk_bias_activation(
  vk_unary_op op, const float *parameters, const float *x, const float *bias, float *pre, float *y,
  vk_bfloat16 *rounded, size_t rows, size_t columns) {
  vk_bias_activation_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .x = x, .bias = bias, .pre = pre, .y = y,
    .rounded = rounded};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  vk_run(vk_kernels()->bias_activation, &a, a.grid.blocks * a.grid.pieces, 1);
}

/// Runs a backward loop, whose blocks leave a row of sums each where `dbias` is wanted, and adds the
/// rows up. `partials` is the place in the arguments that names the rows.
static void run_with_sums(
  vk_kernel kernel, const void *arguments, const vk_grid *grid, float **partials, float *dbias) {
  const size_t blocks = grid->blocks, columns = grid->columns;
  if (dbias) *partials = blocks == 1 ? dbias : vk_scratch(blocks * columns * sizeof *dbias);
  vk_run(kernel, arguments, blocks * grid->pieces, 1);
  if (!dbias || blocks == 1) return;
  const vk_partials_arguments sums = {*partials, blocks, columns, dbias};
  vk_run(vk_kernels()->add_partials, &sums, columns, vk_units(blocks, 1));
  free(*partials);
}

void vk_bias_activation_backward(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx,
  float *dbias,
  size_t rows, size_t columns) {
  vk_bias_backward_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .saved = saved, .dy = dy, .dx = dx};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  run_with_sums(vk_kernels()->bias_activation_backward, &a, &a.grid, &a.partials, dbias);
}

void vk_bias_activation_backward_bfloat16(
  vk_unary_op op, const float *parameters, const vk_bfloat16 *saved, const float *dy,
  vk_bfloat16 *dx, float *dbias, size_t rows, size_t columns) {
  vk_bias_backward_bfloat16_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .saved = saved, .dy = dy, .dx = dx};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  run_with_sums(vk_kernels()->bias_activation_backward_bfloat16, &a, &a.grid, &a.partials, dbias);
}

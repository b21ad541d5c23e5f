// Dense layers: bias, activation and their gradients.
#include <stdlib.h>

#include "kernels.h"

void vk_bias_activation(
  vk_unary_op op, const float *parameters, const float *x, const float *bias, float *pre, float *y,
  size_t rows, size_t columns) {
  vk_bias_activation_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .x = x, .bias = bias, .pre = pre, .y = y};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  vk_run(vk_kernels()->bias_activation, &a, a.grid.blocks * a.grid.pieces, 1);
}

void vk_bias_activation_backward(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx,
  float *dbias,
  size_t rows, size_t columns) {
  vk_bias_backward_arguments a = {
    .grid = vk_grid_make(rows, columns), .op = op, .saved = saved, .dy = dy, .dx = dx};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  const size_t blocks = a.grid.blocks;
  if (dbias) a.partials = blocks == 1 ? dbias : vk_scratch(blocks * columns * sizeof *dbias);
  vk_run(vk_kernels()->bias_activation_backward, &a, blocks * a.grid.pieces, 1);
  if (!dbias || blocks == 1) return;
  const vk_partials_arguments sums = {a.partials, blocks, columns, dbias};
  vk_run(vk_kernels()->add_partials, &sums, columns, vk_units(blocks, 1));
  free(a.partials);
}

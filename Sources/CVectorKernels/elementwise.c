// Elementwise functions: arguments checked, axes merged, work cut into blocks.
#include "kernels.h"

int vk_unary_saves(vk_unary_op op) {
  switch (op) {
    case VK_IDENTITY: case VK_NEGATE: case VK_AFFINE: return 0;
    case VK_EXP: case VK_SQRT: case VK_RECIPROCAL: case VK_RELU: case VK_LEAKY_RELU: case VK_ELU:
    case VK_TANH: case VK_SIGMOID: case VK_SOFTPLUS: return 1;
    case VK_LOG: case VK_SQUARE: case VK_ABS: case VK_GELU: case VK_SILU: case VK_CLAMP: return 2;
  }
  return 2;
}

/// Elements to a block: the operations that compute an exponential or a logarithm take smaller
/// ones.
static size_t unary_block(vk_unary_op op) {
  switch (op) {
    case VK_EXP: case VK_LOG: case VK_ELU: case VK_GELU: case VK_SILU: case VK_TANH:
    case VK_SIGMOID: case VK_SOFTPLUS: return VK_BLOCK / VK_COSTLY;
    default: return VK_BLOCK;
  }
}

void vk_unary(vk_unary_op op, const float *parameters, const float *x, float *y, size_t n) {
  vk_unary_arguments a = {.op = op, .x = x, .y = y};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  vk_run(vk_kernels()->unary, &a, n, unary_block(op));
}

void vk_unary_backward(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx,
  size_t n) {
  vk_unary_arguments a = {.op = op, .x = saved, .dy = dy, .y = dx};
  if (parameters) a.parameters[0] = parameters[0], a.parameters[1] = parameters[1];
  vk_run(vk_kernels()->unary_backward, &a, n, unary_block(op));
}

void vk_binary(vk_binary_op op, const float *a, const float *b, float *out, size_t n) {
  const vk_binary_arguments arguments = {op, a, b, out};
  vk_run(vk_kernels()->binary, &arguments, n, VK_BLOCK);
}

void vk_binary_broadcast(
  vk_binary_op op, int rank, const int64_t *shape, const float *a, const int64_t *a_strides,
  const float *b, const int64_t *b_strides, float *out) {
  vk_broadcast_arguments arguments = {.op = op, .a = a, .b = b, .out = out};
  size_t n = 1;
  int merged = 0;
  for (int axis = 0; axis < rank; axis++) {
    const size_t size = (size_t)shape[axis];
    n *= size;
    if (size == 1) continue;
    // An axis that continues the previous one in both inputs is one with it.
    const int last = merged - 1;
    if (last >= 0 && arguments.a_strides[last] == a_strides[axis] * shape[axis]
        && arguments.b_strides[last] == b_strides[axis] * shape[axis]) {
      arguments.shape[last] *= size;
      arguments.a_strides[last] = a_strides[axis];
      arguments.b_strides[last] = b_strides[axis];
    } else {
      arguments.shape[merged] = size;
      arguments.a_strides[merged] = a_strides[axis];
      arguments.b_strides[merged] = b_strides[axis];
      merged++;
    }
  }
  if (merged == 0) arguments.shape[merged++] = 1;
  arguments.rank = merged;
  vk_run(vk_kernels()->binary_broadcast, &arguments, n, VK_BLOCK);
}

void vk_fill(float value, float *x, size_t n) {
  const vk_axpby_arguments a = {.alpha = value, .y = x};
  vk_run(vk_kernels()->fill, &a, n, VK_BLOCK);
}

void vk_axpy(float alpha, const float *x, float *y, size_t n) {
  const vk_axpby_arguments a = {.alpha = alpha, .x = x, .y = y};
  vk_run(vk_kernels()->axpy, &a, n, VK_BLOCK);
}

void vk_axpby(float alpha, const float *x, float beta, float *y, size_t n) {
  const vk_axpby_arguments a = {.alpha = alpha, .beta = beta, .x = x, .y = y};
  vk_run(vk_kernels()->axpby, &a, n, VK_BLOCK);
}

int vk_all_finite(const float *x, size_t n) {
  int finite = 1;
  const vk_finite_arguments a = {x, &finite};
  vk_run(vk_kernels()->all_finite, &a, n, VK_BLOCK);
  return finite;
}

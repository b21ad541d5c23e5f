// Elementwise loops: one switch over the operation, outside the loop.

/// y = op(x) over n elements; y may be x.
static void VK(apply_unary)(
  vk_unary_op op, const float *parameters, const float *x, float *y, size_t n) {
  const float first = parameters ? parameters[0] : 0.0f, second = parameters ? parameters[1] : 0.0f;
#define VK_CASE(OP, EXPRESSION)                \
  case OP:                                     \
    VK_LOOP for (size_t i = 0; i < n; i++) {   \
      const float v = x[i];                    \
      y[i] = (EXPRESSION);                     \
    }                                          \
    break;
  switch (op) {
    case VK_IDENTITY:
      if (y != x) memcpy(y, x, n * sizeof *y);
      break;
    VK_CASE(VK_NEGATE, -v)
    VK_CASE(VK_EXP, VK(exp)(v))
    VK_CASE(VK_LOG, VK(log)(v))
    VK_CASE(VK_SQRT, __builtin_elementwise_sqrt(v))
    VK_CASE(VK_SQUARE, v * v)
    VK_CASE(VK_RECIPROCAL, 1.0f / v)
    VK_CASE(VK_ABS, VK(abs)(v))
    VK_CASE(VK_RELU, v < 0.0f ? 0.0f : v)
    VK_CASE(VK_LEAKY_RELU, v < 0.0f ? first * v : v)
    VK_CASE(VK_ELU, v < 0.0f ? first * VK(expm1)(v) : v)
    VK_CASE(VK_GELU, VK(gelu)(v))
    VK_CASE(VK_SILU, VK(silu)(v))
    VK_CASE(VK_TANH, VK(tanh)(v))
    VK_CASE(VK_SIGMOID, VK(sigmoid)(v))
    VK_CASE(VK_SOFTPLUS, VK(softplus)(v))
    VK_CASE(VK_CLAMP, VK(clamp)(v, first, second))
    VK_CASE(VK_AFFINE, first * v + second)
  }
#undef VK_CASE
}

/// dx = dy * op'(saved) over n elements; dx may be dy or saved.
static void VK(apply_unary_backward)(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx,
  size_t n) {
  const float first = parameters ? parameters[0] : 0.0f, second = parameters ? parameters[1] : 0.0f;
  const float zero = 0.0f;
#define VK_CASE(OP, EXPRESSION)                                \
  case OP:                                                     \
    VK_LOOP for (size_t i = 0; i < n; i++) {                   \
      const float v = saved[i], d = dy[i];                     \
      dx[i] = (EXPRESSION);                                    \
    }                                                          \
    break;
  switch (op) {
    case VK_IDENTITY:
      if (dx != dy) memmove(dx, dy, n * sizeof *dx);
      break;
    case VK_NEGATE:
      VK_LOOP for (size_t i = 0; i < n; i++) dx[i] = -dy[i];
      break;
    case VK_AFFINE:
      VK_LOOP for (size_t i = 0; i < n; i++) dx[i] = first * dy[i];
      break;
    // From the output.
    VK_CASE(VK_EXP, d * v)
    VK_CASE(VK_SQRT, 0.5f * d / v)
    VK_CASE(VK_RECIPROCAL, -d * v * v)
    VK_CASE(VK_RELU, v > 0.0f ? d : zero)
    VK_CASE(VK_LEAKY_RELU, v > 0.0f ? d : first * d)
    VK_CASE(VK_ELU, v > 0.0f ? d : d * (v + first))
    VK_CASE(VK_TANH, d * (1.0f - v * v))
    VK_CASE(VK_SIGMOID, d * v * (1.0f - v))
    VK_CASE(VK_SOFTPLUS, -d * VK(expm1)(-v))  // the sigmoid of x is 1 - e^-y
    // From the input.
    VK_CASE(VK_LOG, d / v)
    VK_CASE(VK_SQUARE, 2.0f * v * d)
    VK_CASE(VK_ABS, v > 0.0f ? d : (v < 0.0f ? -d : zero))
    VK_CASE(VK_GELU, d * VK(gelu_derivative)(v))
    VK_CASE(VK_SILU, d * VK(silu_derivative)(v))
    VK_CASE(VK_CLAMP, ((v >= first) & (v <= second)) ? d : zero)
  }
#undef VK_CASE
}

VK_KERNEL(unary) {
  const vk_unary_arguments *a = arguments;
  VK(apply_unary)(a->op, a->parameters, a->x + begin, a->y + begin, end - begin);
}

VK_KERNEL(unary_backward) {
  const vk_unary_arguments *a = arguments;
  const float *saved = a->x ? a->x + begin : NULL;
  VK(apply_unary_backward)(
    a->op, a->parameters, saved, a->dy + begin, a->y + begin, end - begin);
}

/// out[i] = a[i * a_step] op b[i * b_step]
static void VK(apply_binary)(
  vk_binary_op op, const float *a, int64_t a_step, const float *b, int64_t b_step, float *out,
  size_t n) {
#define VK_CASE(OP, EXPRESSION)                                              \
  case OP:                                                                   \
    if (a_step == 1 && b_step == 1) {                                        \
      VK_LOOP for (size_t i = 0; i < n; i++) {                               \
        const float u = a[i], v = b[i];                                      \
        out[i] = (EXPRESSION);                                               \
      }                                                                      \
    } else if (a_step == 1 && b_step == 0) {                                 \
      const float v = b[0];                                                  \
      VK_LOOP for (size_t i = 0; i < n; i++) {                               \
        const float u = a[i];                                                \
        out[i] = (EXPRESSION);                                               \
      }                                                                      \
    } else if (a_step == 0 && b_step == 1) {                                 \
      const float u = a[0];                                                  \
      VK_LOOP for (size_t i = 0; i < n; i++) {                               \
        const float v = b[i];                                                \
        out[i] = (EXPRESSION);                                               \
      }                                                                      \
    } else {                                                                 \
      for (size_t i = 0; i < n; i++) {                                       \
        const float u = a[(int64_t)i * a_step], v = b[(int64_t)i * b_step];  \
        out[i] = (EXPRESSION);                                               \
      }                                                                      \
    }                                                                        \
    break;
  switch (op) {
    VK_CASE(VK_ADD, u + v)
    VK_CASE(VK_SUBTRACT, u - v)
    VK_CASE(VK_MULTIPLY, u * v)
    VK_CASE(VK_DIVIDE, u / v)
    // A NaN on either side is the result.
    VK_CASE(VK_MAXIMUM, ((u > v) | (u != u)) ? u : v)
    VK_CASE(VK_MINIMUM, ((u < v) | (u != u)) ? u : v)
  }
#undef VK_CASE
}

VK_KERNEL(binary) {
  const vk_binary_arguments *a = arguments;
  VK(apply_binary)(a->op, a->a + begin, 1, a->b + begin, 1, a->out + begin, end - begin);
}

VK_KERNEL(binary_broadcast) {
  const vk_broadcast_arguments *a = arguments;
  const int last = a->rank - 1;
  // The position of `begin`, then one run along the last axis after another.
  size_t index[VK_MAX_RANK];
  int64_t a_offset = 0, b_offset = 0;
  size_t rest = begin;
  for (int axis = last; axis >= 0; axis--) {
    index[axis] = rest % a->shape[axis];
    rest /= a->shape[axis];
    a_offset += (int64_t)index[axis] * a->a_strides[axis];
    b_offset += (int64_t)index[axis] * a->b_strides[axis];
  }
  for (size_t i = begin; i < end;) {
    const size_t n = vk_min(end - i, a->shape[last] - index[last]);
    VK(apply_binary)(
      a->op, a->a + a_offset, a->a_strides[last], a->b + b_offset, a->b_strides[last], a->out + i,
      n);
    i += n;
    a_offset -= (int64_t)index[last] * a->a_strides[last];
    b_offset -= (int64_t)index[last] * a->b_strides[last];
    index[last] = 0;
    for (int axis = last - 1; axis >= 0; axis--) {
      a_offset += a->a_strides[axis];
      b_offset += a->b_strides[axis];
      if (++index[axis] < a->shape[axis]) break;
      a_offset -= (int64_t)index[axis] * a->a_strides[axis];
      b_offset -= (int64_t)index[axis] * a->b_strides[axis];
      index[axis] = 0;
    }
  }
}

VK_KERNEL(fill) {
  const vk_axpby_arguments *a = arguments;
  VK_LOOP for (size_t i = begin; i < end; i++) a->y[i] = a->alpha;
}

VK_KERNEL(axpy) {
  const vk_axpby_arguments *a = arguments;
  const float alpha = a->alpha, *x = a->x;
  float *y = a->y;
  VK_LOOP for (size_t i = begin; i < end; i++) y[i] += alpha * x[i];
}

VK_KERNEL(axpby) {
  const vk_axpby_arguments *a = arguments;
  const float alpha = a->alpha, beta = a->beta, *x = a->x;
  float *y = a->y;
  if (beta == 0.0f) {
    VK_LOOP for (size_t i = begin; i < end; i++) y[i] = alpha * x[i];
  } else {
    VK_LOOP for (size_t i = begin; i < end; i++) y[i] = alpha * x[i] + beta * y[i];
  }
}

VK_KERNEL(all_finite) {
  const vk_finite_arguments *a = arguments;
  const float *x = a->x;
  uint32_t found = 0;
  VK_LOOP for (size_t i = begin; i < end; i++) {
    found |= (VK(bits)(x[i]) & 0x7f800000u) == 0x7f800000u;
  }
  if (found) __atomic_store_n(a->finite, 0, __ATOMIC_RELAXED);
}

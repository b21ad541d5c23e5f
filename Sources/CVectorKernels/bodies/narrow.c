// Convolutions to one to four outputs, which would leave most lanes of a vector idle: here the
// lanes are input channels, sixteen at a time.

/// The sums of the lanes of four vectors.
VK_INLINE void VK(sum_lanes)(const VK(vector) v[4], float sums[4]) {
  typedef float four __attribute__((ext_vector_type(4)));
  four part[4];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    const __typeof__(v[0].lo) eight = v[i].lo + v[i].hi;
    part[i] = eight.lo + eight.hi;
  }
  const four a = __builtin_shufflevector(part[0], part[1], 0, 4, 2, 6)
    + __builtin_shufflevector(part[0], part[1], 1, 5, 3, 7);
  const four b = __builtin_shufflevector(part[2], part[3], 0, 4, 2, 6)
    + __builtin_shufflevector(part[2], part[3], 1, 5, 3, 7);
  const four total = __builtin_shufflevector(a, b, 0, 1, 4, 5)
    + __builtin_shufflevector(a, b, 2, 3, 6, 7);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) sums[i] = total[i];
}

/// The outputs of four neighbouring pixels, the first at column x. Where `inside` is 0, sources and
/// pixels beside the image are left out.
VK_INLINE void VK(narrow_pixels)(
  const vk_narrow_arguments *a, const float *image, int64_t y, int64_t x, size_t outputs,
  int inside, float *out) {
  VK(vector) sums[4][4] = {{0}};
  const int64_t inputs = (int64_t)a->inputs, width = (int64_t)a->width;
  const int64_t kernel = (int64_t)a->kernel_width;
  const float *weights = a->weights;
  for (int64_t ky = 0; ky < (int64_t)a->kernel_height; ky++) {
    const int64_t row = y + ky - (int64_t)a->pad_top;
    if (row < 0 || row >= (int64_t)a->height) {
      weights += kernel * inputs * (int64_t)outputs;
      continue;
    }
    for (int64_t kx = 0; kx < kernel; kx++) {
      const int64_t column = x + kx - (int64_t)a->pad_left;
      const float *source = image + (row * width + column) * inputs;
      for (int64_t channel = 0; channel < inputs; channel += 16) {
        VK(vector) w[4];
#pragma clang loop unroll(full)
        for (size_t o = 0; o < outputs; o++) {
          w[o] = *(const VK(vector) *)weights;
          weights += 16;
        }
#pragma clang loop unroll(full)
        for (int64_t p = 0; p < 4; p++) {
          if (!inside && (column + p < 0 || column + p >= width)) continue;
          const VK(vector) v = *(const VK(vector) *)(source + p * inputs + channel);
#pragma clang loop unroll(full)
          for (size_t o = 0; o < outputs; o++) sums[o][p] += v * w[o];
        }
      }
    }
  }
  const int64_t pixels = inside ? 4 : (int64_t)vk_min(4, a->output_width - (size_t)x);
#pragma clang loop unroll(full)
  for (size_t o = 0; o < outputs; o++) {
    float totals[4];
    VK(sum_lanes)(sums[o], totals);
    const float bias = a->bias ? a->bias[o] : 0.0f;
    for (int64_t p = 0; p < pixels; p++) out[p * (int64_t)outputs + (int64_t)o] = totals[p] + bias;
  }
}

VK_INLINE void VK(narrow_line)(const vk_narrow_arguments *a, size_t line, size_t outputs) {
  const float *image = a->x + line / a->output_height * a->height * a->width * a->inputs;
  float *out = a->y + line * a->output_width * outputs;
  const int64_t y = (int64_t)(line % a->output_height);
  for (size_t x = 0; x < a->output_width; x += 4) {
    const int inside = x >= a->pad_left && x + 4 <= a->output_width
      && x + a->kernel_width + 3 <= a->width + a->pad_left;
    if (inside) {
      VK(narrow_pixels)(a, image, y, (int64_t)x, outputs, 1, out + x * outputs);
    } else {
      VK(narrow_pixels)(a, image, y, (int64_t)x, outputs, 0, out + x * outputs);
    }
  }
}

VK_KERNEL(narrow_convolution) {
  const vk_narrow_arguments *a = arguments;
  for (size_t line = begin; line < end; line++) {
    switch (a->outputs) {
      case 1: VK(narrow_line)(a, line, 1); break;
      case 2: VK(narrow_line)(a, line, 2); break;
      case 3: VK(narrow_line)(a, line, 3); break;
      default: VK(narrow_line)(a, line, 4); break;
    }
  }
}

/// Adds to one kernel tap's weights what one line of an image gives, for `vectors` times sixteen
/// input channels.
VK_INLINE void VK(narrow_tap)(
  const float *x, size_t stride, const float *dy, size_t n, size_t outputs, size_t vectors,
  float *weights) {
  VK(vector) sums[2][4] = {{0}};
  for (size_t i = 0; i < n; i++) {
    VK(vector) v[2];
#pragma clang loop unroll(full)
    for (size_t k = 0; k < vectors; k++) v[k] = *(const VK(vector) *)(x + i * stride + 16 * k);
#pragma clang loop unroll(full)
    for (size_t o = 0; o < outputs; o++) {
      const float d = dy[i * outputs + o];
#pragma clang loop unroll(full)
      for (size_t k = 0; k < vectors; k++) sums[k][o] += v[k] * d;
    }
  }
#pragma clang loop unroll(full)
  for (size_t k = 0; k < vectors; k++) {
#pragma clang loop unroll(full)
    for (size_t o = 0; o < outputs; o++) {
      *(VK(vector) *)(weights + (k * outputs + o) * 16) += sums[k][o];
    }
  }
}

VK_INLINE void VK(narrow_line_weights)(
  const vk_narrow_arguments *a, size_t line, size_t outputs, float *weights) {
  const float *image = a->x + line / a->output_height * a->height * a->width * a->inputs;
  const float *dy = a->dy + line * a->output_width * outputs;
  const int64_t y = (int64_t)(line % a->output_height), inputs = (int64_t)a->inputs;
  for (int64_t ky = 0; ky < (int64_t)a->kernel_height; ky++) {
    const int64_t row = y + ky - (int64_t)a->pad_top;
    if (row < 0 || row >= (int64_t)a->height) continue;
    for (int64_t kx = 0; kx < (int64_t)a->kernel_width; kx++) {
      // Output pixels whose source lies inside the image.
      const int64_t shift = kx - (int64_t)a->pad_left;
      const int64_t first = shift < 0 ? -shift : 0;
      const int64_t beyond = (int64_t)a->width - shift;
      const int64_t last = beyond < (int64_t)a->output_width ? beyond : (int64_t)a->output_width;
      if (last <= first) continue;
      const float *source = image + (row * (int64_t)a->width + first + shift) * inputs;
      const float *gradient = dy + first * (int64_t)outputs;
      float *tap = weights + (ky * (int64_t)a->kernel_width + kx) * inputs * (int64_t)outputs;
      const size_t n = (size_t)(last - first);
      int64_t channel = 0;
      for (; channel + 32 <= inputs; channel += 32) {
        VK(narrow_tap)(
          source + channel, a->inputs, gradient, n, outputs, 2, tap + channel * (int64_t)outputs);
      }
      if (channel < inputs) {
        VK(narrow_tap)(
          source + channel, a->inputs, gradient, n, outputs, 1, tap + channel * (int64_t)outputs);
      }
    }
  }
}

VK_KERNEL(narrow_weights) {
  const vk_narrow_arguments *a = arguments;
  const size_t size = a->kernel_height * a->kernel_width * a->inputs * a->outputs;
  for (size_t chunk = begin; chunk < end; chunk++) {
    float *weights = a->partials + chunk * size;
    memset(weights, 0, size * sizeof *weights);
    const size_t first = chunk * a->images_per_chunk;
    const size_t last = vk_min(a->batch, first + a->images_per_chunk);
    for (size_t line = first * a->output_height; line < last * a->output_height; line++) {
      switch (a->outputs) {
        case 1: VK(narrow_line_weights)(a, line, 1, weights); break;
        case 2: VK(narrow_line_weights)(a, line, 2, weights); break;
        case 3: VK(narrow_line_weights)(a, line, 3, weights); break;
        default: VK(narrow_line_weights)(a, line, 4, weights); break;
      }
    }
  }
}

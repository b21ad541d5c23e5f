// Copies between layouts, gathers, upsampling, conversions.

/// Adds to or replaces a run of n elements.
VK_INLINE void VK(copy_run)(
  const float *source, int64_t source_step, float *destination, int64_t destination_step, size_t n,
  int accumulate) {
  if (source_step == 1 && destination_step == 1 && accumulate) {
    VK_LOOP for (size_t i = 0; i < n; i++) destination[i] += source[i];
  } else if (source_step == 1 && destination_step == 1) {
    memcpy(destination, source, n * sizeof *destination);
  } else {
    for (size_t i = 0; i < n; i++) {
      float *target = destination + (int64_t)i * destination_step;
      const float value = source[(int64_t)i * source_step];
      *target = accumulate ? *target + value : value;
    }
  }
}

VK_KERNEL(copy_strided) {
  const vk_copy_arguments *a = arguments;
  enum { SQUARE = 16 };
  const int last = a->rank - 1, before = a->rank - 2;
  const int64_t source_row = a->source_strides[before], source_step = a->source_strides[last];
  const int64_t destination_row = a->destination_strides[before];
  const int64_t destination_step = a->destination_strides[last];
  for (size_t unit = begin; unit < end; unit++) {
    const size_t first_column = unit % a->pieces * a->piece;
    size_t rest = unit / a->pieces;
    const size_t first_row = rest % a->strips * a->strip;
    rest /= a->strips;
    const float *source = a->source + (int64_t)first_row * source_row
      + (int64_t)first_column * source_step;
    float *destination = a->destination + (int64_t)first_row * destination_row
      + (int64_t)first_column * destination_step;
    for (int axis = before - 1; axis >= 0; axis--) {
      const int64_t index = (int64_t)(rest % a->shape[axis]);
      rest /= a->shape[axis];
      source += index * a->source_strides[axis];
      destination += index * a->destination_strides[axis];
    }
    const size_t rows = vk_min(a->strip, a->shape[before] - first_row);
    const size_t columns = vk_min(a->piece, a->shape[last] - first_column);
    // A transposition touches both arrays in squares, whose cache lines are used up before they are
    // lost.
    const size_t step = source_step == 1 || source_step == 0 ? columns : SQUARE;
    for (size_t c = 0; c < columns; c += step) {
      const size_t n = vk_min(step, columns - c);
      for (size_t r = 0; r < rows; r++) {
        VK(copy_run)(
          source + (int64_t)r * source_row + (int64_t)c * source_step, source_step,
          destination + (int64_t)r * destination_row + (int64_t)c * destination_step,
          destination_step, n, a->accumulate);
      }
    }
  }
}

VK_KERNEL(gather_rows) {
  const vk_rows_arguments *a = arguments;
  for (size_t i = begin; i < end; i++) {
    const float *row = a->source + (size_t)a->indices[i] * a->columns;
    memcpy(a->destination + i * a->columns, row, a->columns * sizeof *row);
  }
}

VK_KERNEL(scatter_add_rows) {
  const vk_rows_arguments *a = arguments;
  const size_t first = begin * VK_LANES, n = vk_min(a->columns, end * VK_LANES) - first;
  for (size_t i = 0; i < a->count; i++) {
    const float *row = a->source + i * a->columns + first;
    float *target = a->destination + (size_t)a->indices[i] * a->columns + first;
    VK_LOOP for (size_t c = 0; c < n; c++) target[c] += row[c];
  }
}

VK_KERNEL(upsample_nearest) {
  const vk_upsample_arguments *a = arguments;
  const size_t channels = a->channels, wide = a->width * a->factor_x * channels;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->source + row * a->width * channels;
    float *y = a->destination + row * a->factor_y * wide, *target = y;
    for (size_t column = 0; column < a->width; column++, x += channels) {
      for (size_t k = 0; k < a->factor_x; k++, target += channels) {
        for (size_t c = 0; c < channels; c++) target[c] = x[c];
      }
    }
    for (size_t k = 1; k < a->factor_y; k++) memcpy(y + k * wide, y, wide * sizeof *y);
  }
}

VK_KERNEL(upsample_nearest_backward) {
  const vk_upsample_arguments *a = arguments;
  const size_t channels = a->channels, narrow = a->width * channels, wide = narrow * a->factor_x;
  for (size_t row = begin; row < end; row++) {
    float *dx = a->destination + row * narrow;
    memset(dx, 0, narrow * sizeof *dx);
    for (size_t k = 0; k < a->factor_y; k++) {
      const float *dy = a->source + (row * a->factor_y + k) * wide;
      for (size_t column = 0; column < a->width; column++) {
        float *target = dx + column * channels;
        for (size_t j = 0; j < a->factor_x; j++, dy += channels) {
          VK_LOOP for (size_t c = 0; c < channels; c++) target[c] += dy[c];
        }
      }
    }
  }
}

VK_KERNEL(bytes_to_float) {
  const vk_scale_arguments *a = arguments;
  const uint8_t *x = a->x;
  const float divisor = a->value;
  float *y = a->y;
  VK_LOOP for (size_t i = begin; i < end; i++) y[i] = (float)x[i] / divisor;
}

VK_KERNEL(threshold) {
  const vk_scale_arguments *a = arguments;
  const float *x = a->x, threshold = a->value;
  float *y = a->y;
  VK_LOOP for (size_t i = begin; i < end; i++) y[i] = x[i] > threshold ? 1.0f : 0.0f;
}

// Movement.
#include "kernels.h"

typedef struct {
  size_t size;
  int64_t source, destination;
} vk_axis;

static int64_t magnitude(int64_t stride) { return stride < 0 ? -stride : stride; }

/// Axes of one element left out, neighbours merged where they continue each other in both arrays,
/// and ordered: the destination's innermost last, before it the one that is innermost in the
/// source.
static int order_axes(
  int rank, const int64_t *shape, const int64_t *source, const int64_t *destination,
  vk_axis *axes) {
  int count = 0;
  for (int axis = 0; axis < rank; axis++) {
    if (shape[axis] == 1) continue;
    const vk_axis next = {(size_t)shape[axis], source[axis], destination[axis]};
    const vk_axis last = count > 0 ? axes[count - 1] : (vk_axis){0, 0, 0};
    if (count > 0 && last.source == next.source * shape[axis]
        && last.destination == next.destination * shape[axis]) {
      axes[count - 1] = (vk_axis){last.size * next.size, next.source, next.destination};
    } else {
      axes[count++] = next;
    }
  }
  for (int i = 1; i < count; i++) {
    for (int j = i; j > 0; j--) {
      const vk_axis swapped = axes[j];
      if (magnitude(axes[j - 1].destination) >= magnitude(swapped.destination)) break;
      axes[j] = axes[j - 1];
      axes[j - 1] = swapped;
    }
  }
  // A contiguous source needs no second axis; else the one with its shortest step makes the
  // squares.
  if (count > 2 && magnitude(axes[count - 1].source) > 1) {
    int chosen = count - 2;
    for (int i = 0; i < count - 2; i++) {
      const int64_t step = magnitude(axes[i].source);
      if (step > 0 && step < magnitude(axes[chosen].source)) chosen = i;
    }
    const vk_axis moved = axes[chosen];
    for (int i = chosen; i < count - 2; i++) axes[i] = axes[i + 1];
    axes[count - 2] = moved;
  }
  return count;
}

void vk_copy_strided(
  int rank, const int64_t *shape, const float *source, const int64_t *source_strides,
  float *destination,
  const int64_t *destination_strides, int accumulate) {
  for (int axis = 0; axis < rank; axis++) {
    if (shape[axis] == 0) return;
  }
  vk_axis axes[VK_MAX_RANK];
  const int count = order_axes(rank, shape, source_strides, destination_strides, axes);
  vk_copy_arguments a = {
    .rank = count < 2 ? 2 : count, .source = source, .destination = destination,
    .accumulate = accumulate};
  size_t units = 1;
  for (int i = 0; i < a.rank; i++) {
    const int axis = i - (a.rank - count);
    const vk_axis own = axis < 0 ? (vk_axis){1, 0, 0} : axes[axis];
    a.shape[i] = own.size;
    a.source_strides[i] = own.source;
    a.destination_strides[i] = own.destination;
    if (i < a.rank - 2) units *= own.size;
  }
  const size_t rows = a.shape[a.rank - 2], columns = a.shape[a.rank - 1];
  a.piece = vk_min(columns, VK_BLOCK);
  a.pieces = vk_ceil(columns, a.piece);
  a.strip = vk_min(rows, vk_max(16, VK_TILE / a.piece));
  a.strips = vk_ceil(rows, a.strip);
  units *= a.strips * a.pieces;
  vk_run(vk_kernels()->copy_strided, &a, units, vk_units(a.piece * a.strip, 1));
}

void vk_gather_rows(
  const float *table, const int32_t *indices, float *out, size_t count, size_t columns) {
  const vk_rows_arguments a = {table, indices, out, count, columns};
  vk_run(vk_kernels()->gather_rows, &a, count, vk_units(columns, 1));
}

void vk_scatter_add_rows(
  const float *rows, const int32_t *indices, float *table, size_t count, size_t columns) {
  const vk_rows_arguments a = {rows, indices, table, count, columns};
  vk_run(vk_kernels()->scatter_add_rows, &a, vk_ceil(columns, 64), vk_units(64 * count, 1));
}

static void upsample(
  vk_kernel kernel, const float *source, float *destination, size_t rows, size_t width,
  size_t channels,
  size_t factor_y, size_t factor_x) {
  const vk_upsample_arguments a = {source, destination, width, channels, factor_y, factor_x};
  vk_run(kernel, &a, rows, vk_units(width * channels * factor_y * factor_x, 1));
}

void vk_upsample_nearest(
  const float *x, float *y, size_t batch, size_t height, size_t width, size_t channels,
  size_t factor_y,
  size_t factor_x) {
  upsample(
    vk_kernels()->upsample_nearest, x, y, batch * height, width, channels, factor_y, factor_x);
}

void vk_upsample_nearest_backward(
  const float *dy, float *dx, size_t batch, size_t height, size_t width, size_t channels,
  size_t factor_y, size_t factor_x) {
  upsample(
    vk_kernels()->upsample_nearest_backward, dy, dx, batch * height, width, channels, factor_y,
    factor_x);
}

void vk_bytes_to_float(const uint8_t *x, float divisor, float *y, size_t n) {
  const vk_scale_arguments a = {x, divisor, y};
  vk_run(vk_kernels()->bytes_to_float, &a, n, VK_BLOCK);
}

void vk_threshold(const float *x, float threshold, float *y, size_t n) {
  const vk_scale_arguments a = {x, threshold, y};
  vk_run(vk_kernels()->threshold, &a, n, VK_BLOCK);
}

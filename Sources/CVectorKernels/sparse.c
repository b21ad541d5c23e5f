// Sparse matrices: collected from dense ones, transposed, multiplied by dense ones.
#include <string.h>

#include "kernels.h"

size_t vk_count_nonzeros(const float *x, size_t rows, size_t columns, int32_t *offsets) {
  const vk_nonzeros_arguments a = {.x = x, .columns = columns, .counts = offsets + 1};
  if (vk_has_failed()) return 0;
  vk_run(vk_kernels()->count_nonzeros, &a, rows, vk_units(columns, 1));
  offsets[0] = 0;
  for (size_t row = 0; row < rows; row++) offsets[row + 1] += offsets[row];
  return (size_t)offsets[rows];
}

void vk_collect_nonzeros(
  const float *x, size_t rows, size_t columns, const int32_t *offsets, int32_t *indices,
  float *values) {
  const vk_nonzeros_arguments a = {
    .x = x, .columns = columns, .offsets = offsets, .indices = indices, .values = values};
  vk_run(vk_kernels()->collect_nonzeros, &a, rows, vk_units(columns, 1));
}

void vk_sparse_transpose(
  const vk_sparse *sparse, size_t columns, int32_t *offsets, int32_t *indices, float *values) {
  if (vk_has_failed()) return;
  const size_t count = (size_t)sparse->offsets[sparse->rows];
  // offsets[c + 1] counts column c, then is where its next element goes, and in the end where it ends.
  memset(offsets, 0, (columns + 1) * sizeof *offsets);
  for (size_t i = 0; i < count; i++) offsets[sparse->indices[i] + 1]++;
  int32_t sum = 0;
  for (size_t column = 0; column < columns; column++) {
    const int32_t size = offsets[column + 1];
    offsets[column + 1] = sum;
    sum += size;
  }
  for (size_t row = 0; row < sparse->rows; row++) {
    for (int32_t i = sparse->offsets[row]; i < sparse->offsets[row + 1]; i++) {
      const int32_t place = offsets[sparse->indices[i] + 1]++;
      indices[place] = (int32_t)row;
      values[place] = sparse->values[i];
    }
  }
}

void vk_sparse_product(const vk_sparse *sparse, const float *matrix, float *out, size_t columns) {
  if (sparse->rows == 0 || columns == 0 || vk_has_failed()) return;
  const vk_sparse_product_arguments a = {
    .sparse = *sparse, .matrix = matrix, .out = out, .columns = columns,
    .tiles = vk_max(1, vk_ceil(columns, VK_SPARSE_TILE))};
  const size_t mean = (size_t)sparse->offsets[sparse->rows] / sparse->rows + 1;
  vk_run(
    vk_kernels()->sparse_product, &a, a.tiles * sparse->rows,
    vk_units(mean * VK_SPARSE_TILE / VK_COSTLY, 1));
}

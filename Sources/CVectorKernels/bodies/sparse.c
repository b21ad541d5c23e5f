// Matrices by their elements that are not zero.

VK_KERNEL(count_nonzeros) {
  const vk_nonzeros_arguments *a = arguments;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->columns;
    int32_t count = 0;
    VK_LOOP for (size_t i = 0; i < a->columns; i++) count += x[i] != 0;
    a->counts[row] = count;
  }
}

/// Without branches: what is zero is written as well, and written over by what follows.
VK_KERNEL(collect_nonzeros) {
  const vk_nonzeros_arguments *a = arguments;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->columns;
    size_t place = (size_t)a->offsets[row];
    for (size_t first = 0; first < a->columns; first += VK_TILE) {
      const size_t n = vk_min(VK_TILE, a->columns - first);
      int32_t indices[VK_TILE + 1];
      float values[VK_TILE + 1];
      size_t count = 0;
      for (size_t i = 0; i < n; i++) {
        indices[count] = (int32_t)(first + i);
        values[count] = x[first + i];
        count += x[first + i] != 0;
      }
      memcpy(a->indices + place, indices, count * sizeof *indices);
      memcpy(a->values + place, values, count * sizeof *values);
      place += count;
    }
  }
}

/// One row of so many vectors of columns.
VK_INLINE void VK(sparse_vectors)(
  const int32_t *indices, const float *values, size_t count, const float *matrix, size_t columns,
  float *out, size_t vectors) {
  VK(vector) sums[4] = {{0}};
  for (size_t i = 0; i < count; i++) {
    const float *row = matrix + (size_t)indices[i] * columns;
    const float value = values[i];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) sums[v] += value * *(const VK(vector) *)(row + 16 * v);
  }
#pragma clang loop unroll(full)
  for (size_t v = 0; v < vectors; v++) *(VK(vector) *)(out + 16 * v) = sums[v];
}

VK_KERNEL(sparse_product) {
  const vk_sparse_product_arguments *a = arguments;
  const size_t vectors = a->columns / 16;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t tile = unit / a->sparse.rows, row = unit % a->sparse.rows;
    const int32_t *indices = a->sparse.indices + a->sparse.offsets[row];
    const float *values = a->sparse.values + a->sparse.offsets[row];
    const size_t count = (size_t)(a->sparse.offsets[row + 1] - a->sparse.offsets[row]);
    // Tiles of nearly the same width, so that threads have the same to do.
    const size_t first = vectors * tile / a->tiles * 16;
    const size_t last = vectors * (tile + 1) / a->tiles * 16;
    const float *matrix = a->matrix + first;
    float *out = a->out + row * a->columns + first;
    switch ((last - first) / 16) {
      case 4: VK(sparse_vectors)(indices, values, count, matrix, a->columns, out, 4); break;
      case 3: VK(sparse_vectors)(indices, values, count, matrix, a->columns, out, 3); break;
      case 2: VK(sparse_vectors)(indices, values, count, matrix, a->columns, out, 2); break;
      case 1: VK(sparse_vectors)(indices, values, count, matrix, a->columns, out, 1); break;
      default: break;
    }
    if (tile + 1 < a->tiles) continue;
    for (size_t column = vectors * 16; column < a->columns; column++) {
      float sum = 0;
      for (size_t i = 0; i < count; i++) {
        sum += values[i] * a->matrix[(size_t)indices[i] * a->columns + column];
      }
      a->out[row * a->columns + column] = sum;
    }
  }
}

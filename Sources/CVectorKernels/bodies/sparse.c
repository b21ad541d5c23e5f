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

/// Which of sixteen numbers are not zero, a bit each.
VK_INLINE uint16_t VK(nonzero_bits)(const float *x) {
  typedef _Bool mask __attribute__((ext_vector_type(16)));
  const mask set = __builtin_convertvector(*(const VK(vector) *)x != 0, mask);
  uint16_t bits;
  memcpy(&bits, &set, sizeof bits);
  return bits;
}

VK_KERNEL(collect_nonzeros) {
  const vk_nonzeros_arguments *a = arguments;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->columns;
    size_t place = (size_t)a->offsets[row], column = 0;
    for (; column + 16 <= a->columns; column += 16) {
      for (unsigned bits = VK(nonzero_bits)(x + column); bits != 0; bits &= bits - 1) {
        const size_t found = column + (size_t)__builtin_ctz(bits);
        a->indices[place] = (int32_t)found;
        a->values[place++] = x[found];
      }
    }
    for (; column < a->columns; column++) {
      if (x[column] == 0) continue;
      a->indices[place] = (int32_t)column;
      a->values[place++] = x[column];
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

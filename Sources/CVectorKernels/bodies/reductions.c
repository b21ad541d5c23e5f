// Reductions along rows and columns, softmax and its relatives.

enum { VK_LANES = 64 };

/// The sum of n elements, in several lanes.
static float VK(sum)(const float *x, size_t n) {
#pragma clang fp reassociate(on)
  float total = 0.0f;
  for (size_t i = 0; i < n; i++) total += x[i];
  return total;
}

/// The sum of n elements: lanes in single precision over runs of a few thousand, those in double.
static double VK(long_sum)(const float *x, size_t n) {
  double total = 0.0;
  for (size_t i = 0; i < n; i += 4 * VK_TILE) total += VK(sum)(x + i, vk_min(n - i, 4 * VK_TILE));
  return total;
}

static double VK(dot)(const float *x, const float *y, size_t n) {
  double total = 0.0;
  for (size_t i = 0; i < n; i += 4 * VK_TILE) {
    const size_t last = vk_min(n, i + 4 * VK_TILE);
    float run = 0.0f;
    {
#pragma clang fp reassociate(on)
      for (size_t j = i; j < last; j++) run += x[j] * y[j];
    }
    total += run;
  }
  return total;
}

/// The larger one; a NaN on either side is the result.
VK_INLINE float VK(larger)(float a, float b) { return ((b > a) | (b != b)) ? b : a; }
VK_INLINE float VK(smaller)(float a, float b) { return ((b < a) | (b != b)) ? b : a; }

VK_INLINE float VK(reduce_start)(vk_reduce_op op) {
  return op == VK_REDUCE_SUM ? 0.0f : op == VK_REDUCE_MAX ? -INFINITY : INFINITY;
}

VK_INLINE float VK(reduce_pair)(vk_reduce_op op, float a, float b) {
  return op == VK_REDUCE_SUM ? a + b : op == VK_REDUCE_MAX ? VK(larger)(a, b) : VK(smaller)(a, b);
}

/// accumulator[i] = accumulator[i] op x[i]
static void VK(accumulate)(vk_reduce_op op, float *accumulator, const float *x, size_t n) {
  switch (op) {
    case VK_REDUCE_SUM:
      VK_LOOP for (size_t i = 0; i < n; i++) accumulator[i] += x[i];
      break;
    case VK_REDUCE_MAX:
      VK_LOOP for (size_t i = 0; i < n; i++) accumulator[i] = VK(larger)(accumulator[i], x[i]);
      break;
    case VK_REDUCE_MIN:
      VK_LOOP for (size_t i = 0; i < n; i++) accumulator[i] = VK(smaller)(accumulator[i], x[i]);
      break;
  }
}

/// Sixteen elements side by side; several of them stay in registers over a whole loop, where an
/// array would not.
typedef float VK(vector) __attribute__((ext_vector_type(16), aligned(4), may_alias));

/// The lanes of a that win over b's; a NaN on either side wins.
#define VK_WINNER(op, a, b) \
  ((((op) == VK_REDUCE_MAX ? ((a) > (b)) : ((a) < (b))) | ((a) != (a))) ? (a) : (b))

VK_INLINE float VK(extreme)(vk_reduce_op op, const float *x, size_t n) {
  float result = VK(reduce_start)(op);
  size_t i = 0;
  if (n >= 16) {
    VK(vector) best[4] = {result, result, result, result};
    for (; i + 64 <= n; i += 64) {
#pragma clang loop unroll(full)
      for (size_t k = 0; k < 4; k++) {
        const VK(vector) v = *(const VK(vector) *)(x + i + 16 * k);
        best[k] = VK_WINNER(op, v, best[k]);
      }
    }
    for (; i + 16 <= n; i += 16) {
      const VK(vector) v = *(const VK(vector) *)(x + i);
      best[0] = VK_WINNER(op, v, best[0]);
    }
    const VK(vector) left = VK_WINNER(op, best[0], best[1]);
    const VK(vector) right = VK_WINNER(op, best[2], best[3]);
    const VK(vector) sixteen = VK_WINNER(op, left, right);
    const __typeof__(sixteen.lo) eight = VK_WINNER(op, sixteen.lo, sixteen.hi);
    const __typeof__(eight.lo) four = VK_WINNER(op, eight.lo, eight.hi);
    for (size_t lane = 0; lane < 4; lane++) result = VK(reduce_pair)(op, result, four[lane]);
  }
  for (; i < n; i++) result = VK(reduce_pair)(op, result, x[i]);
  return result;
}

#undef VK_WINNER

static float VK(maximum)(const float *x, size_t n) { return VK(extreme)(VK_REDUCE_MAX, x, n); }
static float VK(minimum)(const float *x, size_t n) { return VK(extreme)(VK_REDUCE_MIN, x, n); }

VK_KERNEL(reduce_rows) {
  const vk_reduce_rows_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t first = unit % a->segments * a->segment;
    const float *x = a->x + unit / a->segments * a->columns + first;
    const size_t n = vk_min(a->segment, a->columns - first);
    switch (a->op) {
      case VK_REDUCE_SUM: a->out[unit] = (float)VK(long_sum)(x, n); break;
      case VK_REDUCE_MAX: a->out[unit] = VK(maximum)(x, n); break;
      case VK_REDUCE_MIN: a->out[unit] = VK(minimum)(x, n); break;
    }
  }
}

/// Where a tile lies: rows first_row..<last_row, columns first_column..<first_column + width.
typedef struct { size_t block, first_row, last_row, first_column, width; } VK(tile);

VK_INLINE VK(tile) VK(tile_at)(const vk_grid *grid, size_t index) {
  VK(tile) tile = {.block = index / grid->pieces};
  tile.first_row = tile.block * grid->block_rows;
  tile.last_row = vk_min(grid->rows, tile.first_row + grid->block_rows);
  tile.first_column = index % grid->pieces * VK_TILE;
  tile.width = vk_min(VK_TILE, grid->columns - tile.first_column);
  return tile;
}

/// out[c] = the sum over the folded rows of folded[k * width + c].
static void VK(unfold_sums)(const float *folded, size_t fold, size_t width, float *out) {
  memcpy(out, folded, width * sizeof *out);
  for (size_t k = 1; k < fold; k++) VK(accumulate)(VK_REDUCE_SUM, out, folded + k * width, width);
}

/// Repeats the first `width` elements `fold` times.
static void VK(repeat)(float *x, size_t fold, size_t width) {
  for (size_t k = 1; k < fold; k++) memcpy(x + k * width, x, width * sizeof *x);
}

VK_KERNEL(reduce_columns) {
  const vk_reduce_columns_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  const size_t tiles = grid->blocks * grid->pieces;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t outer = unit / tiles;
    const VK(tile) tile = VK(tile_at)(grid, unit % tiles);
    const float *x = a->x + outer * grid->rows * grid->columns + tile.first_column;
    float folded[VK_TILE];
    for (size_t i = 0; i < grid->fold * tile.width; i++) folded[i] = VK(reduce_start)(a->op);
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      VK(accumulate)(a->op, folded, x + r * grid->columns, n);
    }
    for (size_t k = 1; k < grid->fold; k++) {
      VK(accumulate)(a->op, folded, folded + k * tile.width, tile.width);
    }
    float *out = a->out + (outer * grid->blocks + tile.block) * grid->columns + tile.first_column;
    memcpy(out, folded, tile.width * sizeof *out);
  }
}

VK_KERNEL(add_partials) {
  const vk_partials_arguments *a = arguments;
  double totals[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    for (size_t i = 0; i < n; i++) totals[i] = 0.0;
    for (size_t block = 0; block < a->blocks; block++) {
      const float *partial = a->partials + block * a->stride + first;
      VK_LOOP for (size_t i = 0; i < n; i++) totals[i] += (double)partial[i];
    }
    VK_LOOP for (size_t i = 0; i < n; i++) a->out[first + i] = (float)totals[i];
  }
}

/// The index of the first element equal to `value`, or of the first NaN if value is one.
static size_t VK(first_equal)(const float *x, size_t n, float value) {
  const int wants_nan = value != value;
  for (size_t i = 0; i < n; i += VK_LANES) {
    const size_t last = vk_min(n, i + VK_LANES);
    uint32_t found = 0;
    VK_LOOP for (size_t j = i; j < last; j++) found |= (x[j] == value) | (x[j] != x[j]);
    if (!found) continue;
    for (size_t j = i; j < last; j++) {
      if (wants_nan ? x[j] != x[j] : x[j] == value) return j;
    }
  }
  return 0;
}

VK_KERNEL(argmax_rows) {
  const vk_argmax_arguments *a = arguments;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->x + row * a->reduced;
    a->out[row] = (int32_t)VK(first_equal)(x, a->reduced, VK(maximum)(x, a->reduced));
  }
}

VK_KERNEL(argmax_columns) {
  const vk_argmax_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t outer = unit / a->pieces, first = unit % a->pieces * VK_TILE;
    const size_t n = vk_min(VK_TILE, a->inner - first);
    const float *x = a->x + outer * a->reduced * a->inner + first;
    int32_t *index = a->out + outer * a->inner + first;
    float best[VK_TILE];
    memcpy(best, x, n * sizeof *best);
    for (size_t i = 0; i < n; i++) index[i] = 0;
    for (size_t r = 1; r < a->reduced; r++) {
      const float *row = x + r * a->inner;
      const int32_t position = (int32_t)r;
      VK_LOOP for (size_t i = 0; i < n; i++) {
        const float candidate = row[i], current = best[i];
        const int first_nan = (candidate != candidate) & (current == current);
        const int better = (candidate > current) | first_nan;
        best[i] = better ? candidate : current;
        index[i] = better ? position : index[i];
      }
    }
  }
}

VK_KERNEL(sum_f64) {
  const vk_sum_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t last = vk_min(a->n, (unit + 1) * VK_BLOCK);
    double total = 0.0;
    {
#pragma clang fp reassociate(on)
      for (size_t i = unit * VK_BLOCK; i < last; i++) total += (double)a->x[i];
    }
    a->partials[unit] = total;
  }
}

VK_KERNEL(sum_squares_f64) {
  const vk_sum_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t last = vk_min(a->n, (unit + 1) * VK_BLOCK);
    double total = 0.0;
    {
#pragma clang fp reassociate(on)
      for (size_t i = unit * VK_BLOCK; i < last; i++) total += (double)a->x[i] * (double)a->x[i];
    }
    a->partials[unit] = total;
  }
}

// MARK: Softmax. Short rows are treated several at a time, so that the exponentials run over full
// vectors.

/// How many whole rows fit in a tile; 0 where one does not.
VK_INLINE size_t VK(tile_rows)(size_t columns) {
  const size_t rows = columns == 0 ? 1 : VK_TILE / columns;
  return rows > 16 ? rows / 16 * 16 : rows;
}

static void VK(exponentials)(const float *x, float shift, float *y, size_t n) {
  VK_LOOP for (size_t i = 0; i < n; i++) y[i] = VK(exp)(x[i] - shift);
}

/// For the `rows` rows at x, at most a tile of them (or one long one): a shift near the largest
/// element, and the logarithm of the sum of exponentials of what is left. Apart, since their sum loses
/// the digits of the second where the first is large.
static void VK(log_sum_exp_rows)(
  const float *x, size_t rows, size_t columns, float *shifts, float *logarithms) {
  float terms[VK_TILE];
  if (rows * columns <= VK_TILE) {
    for (size_t r = 0; r < rows; r++) {
      const float maximum = VK(maximum)(x + r * columns, columns);
      // Subtracting an infinite maximum would give NaN for it.
      const float shift = VK(abs)(maximum) == INFINITY ? 0.0f : maximum;
      shifts[r] = shift;
      for (size_t c = 0; c < columns; c++) terms[r * columns + c] = x[r * columns + c] - shift;
    }
    VK(exponentials)(terms, 0.0f, terms, rows * columns);
    for (size_t r = 0; r < rows; r++) logarithms[r] = VK(sum)(terms + r * columns, columns);
  } else {
    const float maximum = VK(maximum)(x, columns);
    shifts[0] = VK(abs)(maximum) == INFINITY ? 0.0f : maximum;
    double total = 0.0;
    for (size_t c = 0; c < columns; c += VK_TILE) {
      const size_t n = vk_min(VK_TILE, columns - c);
      VK(exponentials)(x + c, shifts[0], terms, n);
      total += VK(sum)(terms, n);
    }
    logarithms[0] = (float)total;
  }
  for (size_t r = 0; r < rows; r++) logarithms[r] = VK(log)(logarithms[r]);
}

VK_KERNEL(log_sum_exp) {
  const vk_softmax_arguments *a = arguments;
  const size_t step = vk_max(1, VK(tile_rows)(a->columns));
  for (size_t row = begin; row < end; row += step) {
    const size_t rows = vk_min(step, end - row);
    float shifts[VK_TILE], logarithms[VK_TILE];
    VK(log_sum_exp_rows)(a->x + row * a->columns, rows, a->columns, shifts, logarithms);
    for (size_t r = 0; r < rows; r++) a->out[row + r] = shifts[r] + logarithms[r];
  }
}

VK_KERNEL(log_softmax) {
  const vk_softmax_arguments *a = arguments;
  const size_t columns = a->columns, step = vk_max(1, VK(tile_rows)(columns));
  for (size_t row = begin; row < end; row += step) {
    const size_t rows = vk_min(step, end - row);
    float shifts[VK_TILE], logarithms[VK_TILE];
    VK(log_sum_exp_rows)(a->x + row * columns, rows, columns, shifts, logarithms);
    for (size_t r = 0; r < rows; r++) {
      const float *x = a->x + (row + r) * columns, shift = shifts[r], logarithm = logarithms[r];
      float *y = a->out + (row + r) * columns;
      VK_LOOP for (size_t c = 0; c < columns; c++) y[c] = (x[c] - shift) - logarithm;
    }
  }
}

VK_KERNEL(softmax) {
  const vk_softmax_arguments *a = arguments;
  const size_t columns = a->columns, step = vk_max(1, VK(tile_rows)(columns));
  for (size_t row = begin; row < end; row += step) {
    const size_t rows = vk_min(step, end - row);
    float *y = a->out + row * columns;
    for (size_t r = 0; r < rows; r++) {
      const float *x = a->x + (row + r) * columns;
      const float maximum = VK(maximum)(x, columns);
      VK_LOOP for (size_t c = 0; c < columns; c++) y[r * columns + c] = x[c] - maximum;
    }
    VK(exponentials)(y, 0.0f, y, rows * columns);
    for (size_t r = 0; r < rows; r++) {
      const float factor = (float)(1.0 / VK(long_sum)(y + r * columns, columns));
      VK_LOOP for (size_t c = 0; c < columns; c++) y[r * columns + c] *= factor;
    }
  }
}

VK_KERNEL(softmax_backward) {
  const vk_softmax_arguments *a = arguments;
  const size_t columns = a->columns;
  for (size_t row = begin; row < end; row++) {
    const float *y = a->y + row * columns, *dy = a->dy + row * columns;
    float *dx = a->out + row * columns;
    const float total = (float)VK(dot)(y, dy, columns);
    VK_LOOP for (size_t c = 0; c < columns; c++) dx[c] = y[c] * (dy[c] - total);
  }
}

VK_KERNEL(log_softmax_backward) {
  const vk_softmax_arguments *a = arguments;
  const size_t columns = a->columns;
  for (size_t row = begin; row < end; row++) {
    const float *y = a->y + row * columns, *dy = a->dy + row * columns;
    float *dx = a->out + row * columns;
    const float total = (float)VK(long_sum)(dy, columns);
    VK_LOOP for (size_t c = 0; c < columns; c++) dx[c] = dy[c] - VK(exp)(y[c]) * total;
  }
}

VK_KERNEL(log_sum_exp_backward) {
  const vk_softmax_arguments *a = arguments;
  const size_t columns = a->columns;
  for (size_t row = begin; row < end; row++) {
    const float *x = a->x + row * columns, d = a->dy[row];
    float *dx = a->out + row * columns;
    // A row of -infinity alone has no gradient.
    const float total = a->y[row] == -INFINITY ? 0.0f : a->y[row];
    VK_LOOP for (size_t c = 0; c < columns; c++) dx[c] = d * VK(exp)(x[c] - total);
  }
}

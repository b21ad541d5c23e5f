// Normalisation over columns (batch) and over groups of channels in an example (group, layer). Both
// come down to tiles with a few constants a column.

/// What a tile's columns need, repeated for folded rows; factor = inverse deviation * scale.
typedef struct {
  float mean[VK_TILE + VK_STAGGER], factor[VK_TILE + VK_STAGGER], shift[VK_TILE + VK_STAGGER];
} VK(constants);

/// y = op((x - mean) * factor + shift)
static void VK(normalize_tile)(
  vk_unary_op op, const float *parameters, const VK(constants) *k, const float *x, float *y,
  size_t n) {
  VK_LOOP for (size_t i = 0; i < n; i++) y[i] = (x[i] - k->mean[i]) * k->factor[i] + k->shift[i];
  if (op != VK_IDENTITY) VK(apply_unary)(op, parameters, y, y, n);
}

/// Whether the derivative is 1 above zero and constant below, so that the gradient needs no pass of
/// its own.
static int VK(is_rectifier)(vk_unary_op op, const float *parameters, float *slope) {
  *slope = op == VK_IDENTITY ? 1.0f : op == VK_LEAKY_RELU ? parameters[0] : 0.0f;
  return op == VK_IDENTITY || op == VK_RELU || op == VK_LEAKY_RELU;
}

/// d = dy * op'(pre), with the pre-activation computed again from x.
static void VK(pre_gradient)(
  vk_unary_op op, const float *parameters, const VK(constants) *k, const float *x, const float *dy,
  float *d, size_t n) {
  float pre[VK_TILE];
  VK(normalize_tile)(VK_IDENTITY, NULL, k, x, pre, n);
  if (vk_unary_saves(op) == 1) VK(apply_unary)(op, parameters, pre, pre, n);
  VK(apply_unary_backward)(op, parameters, pre, dy, d, n);
}

/// Adds dpre and dpre * (x - mean) of a tile to its columns' sums.
static void VK(add_gradient_sums)(
  vk_unary_op op, const float *parameters, const VK(constants) *k, const float *x, const float *dy,
  float *shift_sums, float *scale_sums, size_t n) {
  float slope;
  if (VK(is_rectifier)(op, parameters, &slope)) {
    VK_LOOP for (size_t i = 0; i < n; i++) {
      const float centered = x[i] - k->mean[i];
      const float d = centered * k->factor[i] + k->shift[i] > 0.0f ? dy[i] : slope * dy[i];
      shift_sums[i] += d;
      scale_sums[i] += d * centered;
    }
    return;
  }
  float d[VK_TILE];
  VK(pre_gradient)(op, parameters, k, x, dy, d, n);
  VK_LOOP for (size_t i = 0; i < n; i++) {
    shift_sums[i] += d[i];
    scale_sums[i] += d[i] * (x[i] - k->mean[i]);
  }
}

/// dx = factor * dpre - shift_term - (x - mean) * scale_term; dx may be dy.
static void VK(input_gradient)(
  vk_unary_op op, const float *parameters, const VK(constants) *k, const float *x, const float *dy,
  const float *shift_term, const float *scale_term, float *dx, size_t n) {
  float slope;
  if (VK(is_rectifier)(op, parameters, &slope)) {
    VK_LOOP for (size_t i = 0; i < n; i++) {
      const float centered = x[i] - k->mean[i];
      const float d = centered * k->factor[i] + k->shift[i] > 0.0f ? dy[i] : slope * dy[i];
      dx[i] = k->factor[i] * d - shift_term[i] - centered * scale_term[i];
    }
    return;
  }
  float d[VK_TILE];
  VK(pre_gradient)(op, parameters, k, x, dy, d, n);
  VK_LOOP for (size_t i = 0; i < n; i++) {
    dx[i] = k->factor[i] * d[i] - shift_term[i] - (x[i] - k->mean[i]) * scale_term[i];
  }
}

// MARK: Moments

/// Mean and sum of squared deviations of each of `width` columns of the rows first..<last; rows lie
/// `stride` apart. Runs of rows are combined after Chan et al. (1979). Within a run, deviations are
/// taken from the mean of the runs before (for the first one, from its own): what that loses in a
/// run far from the others is small beside the variance that such a run brings.
static void VK(moments)(
  const float *x, size_t first, size_t last, size_t stride, size_t width, size_t fold, double *mean,
  double *squares) {
  const size_t run = 64 * fold;
  float center[VK_TILE + VK_STAGGER], sums[VK_TILE + VK_STAGGER], square_sums[VK_TILE + VK_STAGGER];
  for (size_t c = 0; c < width; c++) mean[c] = squares[c] = 0.0;
  for (size_t start = first; start < last; start += run) {
    const size_t stop = vk_min(last, start + run);
    const double rows = (double)(stop - start), before = (double)(start - first);
    if (start == first) {
      memset(sums, 0, fold * width * sizeof *sums);
      for (size_t r = start; r < stop; r += fold) {
        VK(accumulate)(VK_REDUCE_SUM, sums, x + r * stride, vk_min(fold, stop - r) * width);
      }
      VK(unfold_sums)(sums, fold, width, center);
      for (size_t c = 0; c < width; c++) center[c] = (float)((double)center[c] / rows);
    } else {
      VK_LOOP for (size_t c = 0; c < width; c++) center[c] = (float)mean[c];
    }
    VK(repeat)(center, fold, width);
    memset(sums, 0, fold * width * sizeof *sums);
    memset(square_sums, 0, fold * width * sizeof *square_sums);
    for (size_t r = start; r < stop; r += fold) {
      const float *row = x + r * stride;
      const size_t n = vk_min(fold, stop - r) * width;
      VK_LOOP for (size_t i = 0; i < n; i++) {
        const float d = row[i] - center[i];
        sums[i] += d;
        square_sums[i] += d * d;
      }
    }
    for (size_t k = 1; k < fold; k++) {
      VK(accumulate)(VK_REDUCE_SUM, sums, sums + k * width, width);
      VK(accumulate)(VK_REDUCE_SUM, square_sums, square_sums + k * width, width);
    }
    const double inverse = 1.0 / rows, weight = rows / (before + rows), product = before * weight;
    VK_LOOP for (size_t c = 0; c < width; c++) {
      const double residue = (double)sums[c] * inverse;
      const double delta = (double)center[c] + residue - mean[c];
      mean[c] += delta * weight;
      squares[c] += (double)square_sums[c] - residue * (double)sums[c] + delta * delta * product;
    }
  }
}

VK_KERNEL(column_moments) {
  const vk_moments_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(&a->grid, unit);
    double *mean = a->partials + tile.block * 2 * a->grid.columns + tile.first_column;
    VK(moments)(
      a->x + tile.first_column, tile.first_row, tile.last_row, a->grid.columns, tile.width,
      a->grid.fold, mean, mean + a->grid.columns);
  }
}

VK_KERNEL(combine_moments) {
  const vk_moments_arguments *a = arguments;
  const size_t stride = 2 * a->grid.columns, n = end - begin;
  double *means = a->partials + begin, *squares = means + a->grid.columns;
  for (size_t block = 1; block < a->grid.blocks; block++) {
    const double *block_means = means + block * stride, *block_squares = squares + block * stride;
    const size_t before = block * a->grid.block_rows;
    const double rows = (double)(vk_min(a->grid.rows, before + a->grid.block_rows) - before);
    const double weight = rows / ((double)before + rows), product = (double)before * weight;
    VK_LOOP for (size_t c = 0; c < n; c++) {
      const double delta = block_means[c] - means[c];
      means[c] += delta * weight;
      squares[c] += block_squares[c] + delta * delta * product;
    }
  }
  const double inverse = 1.0 / (double)a->grid.rows;
  VK_LOOP for (size_t c = 0; c < n; c++) {
    a->mean[begin + c] = (float)means[c];
    a->variance[begin + c] = squares[c] < 0.0 ? 0.0f : (float)(squares[c] * inverse);
  }
}

/// Mean and sum of squared deviations of n neighbouring elements.
static void VK(run_moments)(const float *x, size_t n, double *mean, double *squares) {
  const float center = (float)(VK(long_sum)(x, n) / (double)n);
  double deviations = 0.0, total = 0.0;
  for (size_t i = 0; i < n; i += 4 * VK_TILE) {
    const size_t last = vk_min(n, i + 4 * VK_TILE);
    float run = 0.0f, run_squares = 0.0f;
    {
#pragma clang fp reassociate(on)
      for (size_t j = i; j < last; j++) {
        const float d = x[j] - center;
        run += d;
        run_squares += d * d;
      }
    }
    deviations += run;
    total += run_squares;
  }
  *mean = center + deviations / (double)n;
  *squares = total - deviations * deviations / (double)n;
}

// MARK: Columns

static void VK(column_constants)(
  const vk_normalize_arguments *a, const VK(tile) *tile, VK(constants) *k) {
  const size_t first = tile->first_column, width = tile->width, fold = a->grid.fold;
  for (size_t c = 0; c < width; c++) {
    k->mean[c] = a->mean[first + c];
    k->factor[c] = a->inverse_deviation[first + c] * a->scale[first + c];
    k->shift[c] = a->shift[first + c];
  }
  VK(repeat)(k->mean, fold, width);
  VK(repeat)(k->factor, fold, width);
  VK(repeat)(k->shift, fold, width);
}

VK_KERNEL(normalize_columns) {
  const vk_normalize_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    VK(constants) k;
    VK(column_constants)(a, &tile, &k);
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      VK(normalize_tile)(a->op, a->parameters, &k, a->x + offset, a->y + offset, n);
    }
  }
}

VK_KERNEL(normalize_columns_sums) {
  const vk_normalize_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    VK(constants) k;
    VK(column_constants)(a, &tile, &k);
    float shift_sums[VK_TILE + VK_STAGGER] = {0}, scale_sums[VK_TILE + VK_STAGGER] = {0};
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      VK(add_gradient_sums)(
        a->op, a->parameters, &k, a->x + offset, a->dy + offset, shift_sums, scale_sums, n);
    }
    float *out = a->partials + tile.block * 2 * grid->columns + tile.first_column;
    VK(unfold_sums)(shift_sums, grid->fold, tile.width, out);
    VK(unfold_sums)(scale_sums, grid->fold, tile.width, out + grid->columns);
    const float *inverse = a->inverse_deviation + tile.first_column;
    VK_LOOP for (size_t c = 0; c < tile.width; c++) out[grid->columns + c] *= inverse[c];
  }
}

VK_KERNEL(normalize_columns_backward) {
  const vk_normalize_arguments *a = arguments;
  const vk_grid *grid = &a->grid;
  for (size_t unit = begin; unit < end; unit++) {
    const VK(tile) tile = VK(tile_at)(grid, unit);
    VK(constants) k;
    VK(column_constants)(a, &tile, &k);
    float shift_term[VK_TILE + VK_STAGGER], scale_term[VK_TILE + VK_STAGGER];
  memcpy(shift_term, a->shift_term + tile.first_column, tile.width * sizeof *shift_term);
    memcpy(scale_term, a->scale_term + tile.first_column, tile.width * sizeof *scale_term);
    VK(repeat)(shift_term, grid->fold, tile.width);
    VK(repeat)(scale_term, grid->fold, tile.width);
    for (size_t r = tile.first_row; r < tile.last_row; r += grid->fold) {
      const size_t n = vk_min(grid->fold, tile.last_row - r) * tile.width;
      const size_t offset = r * grid->columns + tile.first_column;
      VK(input_gradient)(
        a->op, a->parameters, &k, a->x + offset, a->dy + offset, shift_term, scale_term,
        a->y + offset, n);
    }
  }
}

// MARK: Groups. An example is a matrix [spatial, channels] whose columns share statistics by group.

/// values[c] = of_groups[the group of channel first + c]
static void VK(spread_groups)(
  const float *of_groups, size_t first, size_t width, size_t group_size, float *values) {
  for (size_t c = 0; c < width;) {
    const size_t group = (first + c) / group_size;
    const size_t last = vk_min(width, (group + 1) * group_size - first);
    for (; c < last; c++) values[c] = of_groups[group];
  }
}

static void VK(group_constants)(
  const vk_group_arguments *a, size_t example, size_t first, size_t width, size_t fold,
  VK(constants) *k) {
  const size_t group_size = a->channels / a->groups, groups = example * a->groups;
  const float *scale = a->scale + first;
  VK(spread_groups)(a->mean + groups, first, width, group_size, k->mean);
  VK(spread_groups)(a->inverse_deviation + groups, first, width, group_size, k->factor);
  VK_LOOP for (size_t c = 0; c < width; c++) k->factor[c] *= scale[c];
  memcpy(k->shift, a->shift + first, width * sizeof *k->shift);
  VK(repeat)(k->mean, fold, width);
  VK(repeat)(k->factor, fold, width);
  VK(repeat)(k->shift, fold, width);
}

/// Writes mean and inverse deviation of an example's groups from the moments of its channels, or, where there is one
/// position alone, from its elements.
static void VK(write_groups)(
  const vk_group_arguments *a, size_t example, const double *means, const double *squares) {
  const size_t channels = a->channels, group_size = channels / a->groups;
  const float *x = a->x + example * a->spatial * channels;
  for (size_t group = 0; group < a->groups; group++) {
    const size_t first = group * group_size;
    double mean = 0.0, total = 0.0;
    if (a->spatial > 1) {
      for (size_t c = first; c < first + group_size; c++) mean += means[c];
      mean /= (double)group_size;
      for (size_t c = first; c < first + group_size; c++) {
        const double delta = means[c] - mean;
        total += squares[c] + delta * delta * (double)a->spatial;
      }
    } else {
      VK(run_moments)(x + first, group_size, &mean, &total);
    }
    const double variance = total / (double)(group_size * a->spatial);
    a->mean_out[example * a->groups + group] = (float)mean;
    a->inverse_deviation_out[example * a->groups + group] =
      (float)(1.0 / __builtin_elementwise_sqrt(variance + (double)a->epsilon));
  }
}

/// The moments of all channels over the rows first..<last of an example.
static void VK(row_moments)(
  const vk_group_arguments *a, size_t example, size_t first, size_t last, double *moments) {
  const size_t channels = a->channels, fold = vk_fold(a->spatial, channels);
  const float *x = a->x + example * a->spatial * channels;
  for (size_t c = 0; c < channels; c += VK_TILE) {
    VK(moments)(
      x + c, first, last, channels, vk_min(VK_TILE, channels - c), fold, moments + c,
      moments + channels + c);
  }
}

/// Normalises the rows first..<last of an example, whose groups are known.
static void VK(normalize_rows)(
  const vk_group_arguments *a, size_t example, size_t first, size_t last) {
  const size_t channels = a->channels, fold = vk_fold(a->spatial, channels);
  for (size_t c = 0; c < channels; c += VK_TILE) {
    const size_t width = vk_min(VK_TILE, channels - c);
    VK(constants) k;
    VK(group_constants)(a, example, c, width, fold, &k);
    float before_rounding[VK_TILE + VK_STAGGER];
    for (size_t r = first; r < last; r += fold) {
      const size_t n = vk_min(fold, last - r) * width;
      const size_t offset = (example * a->spatial + r) * channels + c;
      float *y = a->rounded ? before_rounding : a->y + offset;
      VK(normalize_tile)(a->op, a->parameters, &k, a->x + offset, y, n);
      if (a->rounded) VK(round)(y, a->rounded + offset, n);
    }
  }
}

VK_KERNEL(group_normalize) {
  const vk_group_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    const size_t last = vk_min(a->batch, (unit + 1) * a->block_examples);
    double *moments = a->moments + unit * 2 * a->channels;
    for (size_t example = unit * a->block_examples; example < last; example++) {
      if (a->spatial > 1) VK(row_moments)(a, example, 0, a->spatial, moments);
      VK(write_groups)(a, example, moments, moments + a->channels);
      VK(normalize_rows)(a, example, 0, a->spatial);
    }
  }
}

/// The rows of a block of a large example.
static void VK(block_rows)(
  const vk_group_arguments *a, size_t unit, size_t *example, size_t *first, size_t *last) {
  *example = unit / a->blocks;
  *first = unit % a->blocks * a->block_rows;
  *last = vk_min(a->spatial, *first + a->block_rows);
}

VK_KERNEL(group_moments) {
  const vk_group_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    size_t example, first, last;
    VK(block_rows)(a, unit, &example, &first, &last);
    VK(row_moments)(a, example, first, last, a->moments + unit * 2 * a->channels);
  }
}

/// The moments of an example's blocks, one after the other after Chan et al. (1979), and its groups.
VK_KERNEL(group_combine) {
  const vk_group_arguments *a = arguments;
  const size_t channels = a->channels, stride = 2 * channels;
  for (size_t example = begin; example < end; example++) {
    double *means = a->moments + example * a->blocks * stride, *squares = means + channels;
    for (size_t block = 1; block < a->blocks; block++) {
      const double *block_means = means + block * stride, *block_squares = squares + block * stride;
      const size_t before = block * a->block_rows;
      const double rows = (double)(vk_min(a->spatial, before + a->block_rows) - before);
      const double weight = rows / ((double)before + rows), product = (double)before * weight;
      VK_LOOP for (size_t c = 0; c < channels; c++) {
        const double delta = block_means[c] - means[c];
        means[c] += delta * weight;
        squares[c] += block_squares[c] + delta * delta * product;
      }
    }
    VK(write_groups)(a, example, means, squares);
  }
}

VK_KERNEL(group_apply) {
  const vk_group_arguments *a = arguments;
  for (size_t unit = begin; unit < end; unit++) {
    size_t example, first, last;
    VK(block_rows)(a, unit, &example, &first, &last);
    VK(normalize_rows)(a, example, first, last);
  }
}

/// dx of a piece of an example's channels, from the example's sums of dpre and dpre * normalised x.
static void VK(group_input_gradient)(
  const vk_group_arguments *a, size_t example, size_t c, size_t width, size_t fold,
  const VK(constants) *k, const float *example_sums) {
  const size_t channels = a->channels, group_size = channels / a->groups;
  const double count = (double)(group_size * a->spatial);
  float shift_term[VK_TILE + VK_STAGGER], scale_term[VK_TILE + VK_STAGGER];
  for (size_t i = 0; i < width;) {
    const size_t group = (c + i) / group_size, first = group * group_size;
    const size_t last = vk_min(width, first + group_size - c);
    const double inverse = (double)a->inverse_deviation[example * a->groups + group];
    const double shift_sum = VK(dot)(a->scale + first, example_sums + first, group_size);
    const double scale_sum = VK(dot)(a->scale + first, example_sums + channels + first, group_size);
    const float shift = (float)(shift_sum / count * inverse);
    const float scale = (float)(scale_sum / count * inverse * inverse);
    for (; i < last; i++) {
      shift_term[i] = shift;
      scale_term[i] = scale;
    }
  }
  VK(repeat)(shift_term, fold, width);
  VK(repeat)(scale_term, fold, width);
  for (size_t r = 0; r < a->spatial; r += fold) {
    const size_t n = vk_min(fold, a->spatial - r) * width;
    const size_t offset = (example * a->spatial + r) * channels + c;
    VK(input_gradient)(
      a->op, a->parameters, k, a->x + offset, a->dy + offset, shift_term, scale_term,
      a->y + offset, n);
  }
}

/// Writes the example's sums of dpre and dpre * normalised x for a piece of its channels.
static void VK(group_sums)(
  const vk_group_arguments *a, size_t example, size_t c, size_t width, size_t fold,
  const VK(constants) *k, float *example_sums) {
  const size_t channels = a->channels, group_size = channels / a->groups;
  float shift_sums[VK_TILE + VK_STAGGER], scale_sums[VK_TILE + VK_STAGGER], inverse[VK_TILE];
  memset(shift_sums, 0, fold * width * sizeof *shift_sums);
  memset(scale_sums, 0, fold * width * sizeof *scale_sums);
  for (size_t r = 0; r < a->spatial; r += fold) {
    const size_t n = vk_min(fold, a->spatial - r) * width;
    const size_t offset = (example * a->spatial + r) * channels + c;
    VK(add_gradient_sums)(
      a->op, a->parameters, k, a->x + offset, a->dy + offset, shift_sums, scale_sums, n);
  }
  VK(unfold_sums)(shift_sums, fold, width, example_sums + c);
  float *scale_out = example_sums + channels + c;
  VK(unfold_sums)(scale_sums, fold, width, scale_out);
  VK(spread_groups)(a->inverse_deviation + example * a->groups, c, width, group_size, inverse);
  VK_LOOP for (size_t i = 0; i < width; i++) scale_out[i] *= inverse[i];
}

VK_KERNEL(group_normalize_backward) {
  const vk_group_arguments *a = arguments;
  const size_t channels = a->channels, fold = vk_fold(a->spatial, channels);
  VK(constants) k;
  for (size_t unit = begin; unit < end; unit++) {
    float *totals = a->sums + unit * 4 * channels, *example_sums = totals + 2 * channels;
    memset(totals, 0, 2 * channels * sizeof *totals);
    const size_t last = vk_min(a->batch, (unit + 1) * a->block_examples);
    for (size_t example = unit * a->block_examples; example < last; example++) {
      for (size_t c = 0; c < channels; c += VK_TILE) {
        const size_t width = vk_min(VK_TILE, channels - c);
        VK(group_constants)(a, example, c, width, fold, &k);
        VK(group_sums)(a, example, c, width, fold, &k, example_sums);
      }
      VK(accumulate)(VK_REDUCE_SUM, totals, example_sums, 2 * channels);
      if (!a->y) continue;
      for (size_t c = 0; c < channels; c += VK_TILE) {
        const size_t width = vk_min(VK_TILE, channels - c);
        // The constants of a single piece are still there.
        if (channels > VK_TILE) VK(group_constants)(a, example, c, width, fold, &k);
        VK(group_input_gradient)(a, example, c, width, fold, &k, example_sums);
      }
    }
  }
}

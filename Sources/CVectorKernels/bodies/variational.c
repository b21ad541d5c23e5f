// Terms of variational objectives. Forward, a term an element is written to a tile by a plain loop
// and the tile is summed by rows; backward, the gradients of the rows are spread over a tile.

/// Writes the terms of `n` elements from element `offset` of draw `sample`.
typedef void (*VK(term))(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms);

/// out[row] = the sum of the terms of the row, for the rows begin..<end of all draws.
static void VK(sum_terms)(const vk_density_arguments *a, VK(term) term, size_t begin, size_t end) {
  float terms[VK_TILE];
  const size_t columns = a->columns, step = VK(tile_rows)(columns);
  for (size_t row = begin; row < end;) {
    const size_t sample = row / a->rows, r = row % a->rows;
    if (step == 0) {
      double total = 0.0;
      for (size_t c = 0; c < columns; c += VK_TILE) {
        const size_t n = vk_min(VK_TILE, columns - c);
        term(a, sample, r * columns + c, n, terms);
        total += VK(sum)(terms, n);
      }
      a->out[row++] = (float)total;
      continue;
    }
    const size_t rows = vk_min(step, vk_min(end - row, a->rows - r));
    term(a, sample, r * columns, rows * columns, terms);
    for (size_t i = 0; i < rows; i++) a->out[row++] = VK(sum)(terms + i * columns, columns);
  }
}

/// An input's element `offset` of a draw.
VK_INLINE const float *VK(input)(
  const vk_density_arguments *a, int input, size_t sample, size_t offset) {
  const size_t own = a->input_samples[input] > 1 ? sample * a->rows * a->columns : 0;
  return a->inputs[input] + own + offset;
}

/// weights[i] = dout of the row that element offset + i of the draw belongs to.
static void VK(spread_rows)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *weights) {
  const float *dout = a->dout + sample * a->rows;
  for (size_t i = 0; i < n;) {
    const size_t row = (offset + i) / a->columns;
    const size_t last = vk_min(n, (row + 1) * a->columns - offset);
    const float weight = dout[row];
    for (; i < last; i++) weights[i] = weight;
  }
}

/// Stores the gradient of an input for a draw: in the draw's place, or added up over the draws.
static void VK(put_gradient)(
  const vk_density_arguments *a, int input, size_t sample, size_t offset, const float *values,
  size_t n) {
  float *gradient = a->gradients[input];
  if (!gradient) return;
  const int own = a->input_samples[input] > 1;
  gradient += (own ? sample * a->rows * a->columns : 0) + offset;
  if (own || sample == 0) {
    memcpy(gradient, values, n * sizeof *gradient);
  } else {
    VK(accumulate)(VK_REDUCE_SUM, gradient, values, n);
  }
}

// MARK: Reparameterisation

VK_KERNEL(reparameterize) {
  const vk_reparameterize_arguments *a = arguments;
  float deviation[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    const float *mean = a->mean + first, *log_variance = a->log_variance + first;
    VK_LOOP for (size_t i = 0; i < n; i++) deviation[i] = VK(exp)(0.5f * log_variance[i]);
    for (size_t s = 0; s < a->samples; s++) {
      const float *noise = a->noise + s * a->n + first;
      float *z = a->out + s * a->n + first;
      VK_LOOP for (size_t i = 0; i < n; i++) z[i] = mean[i] + deviation[i] * noise[i];
    }
  }
}

VK_KERNEL(reparameterize_backward) {
  const vk_reparameterize_arguments *a = arguments;
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    float *dmean = a->out + first, *dlog_variance = a->dlog_variance + first;
    float totals[VK_TILE] = {0}, products[VK_TILE] = {0};
    for (size_t s = 0; s < a->samples; s++) {
      const float *noise = a->noise + s * a->n + first, *dz = a->dz + s * a->n + first;
      VK_LOOP for (size_t i = 0; i < n; i++) {
        totals[i] += dz[i];
        products[i] += dz[i] * noise[i];
      }
    }
    const float *log_variance = a->log_variance + first;
    memcpy(dmean, totals, n * sizeof *dmean);
    VK_LOOP for (size_t i = 0; i < n; i++) {
      dlog_variance[i] = 0.5f * products[i] * VK(exp)(0.5f * log_variance[i]);
    }
  }
}

// MARK: Divergence of Gaussians

static void VK(gaussian_kl_standard_terms)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms) {
  const float *mean = VK(input)(a, 0, sample, offset), *lv = VK(input)(a, 1, sample, offset);
  // e^lv - 1 in one: near lv = 0, where an unused latent lies, the difference would lose its
  // digits.
  VK_LOOP for (size_t i = 0; i < n; i++) {
    terms[i] = 0.5f * (mean[i] * mean[i] + (VK(expm1)(lv[i]) - lv[i]));
  }
}

VK_KERNEL(gaussian_kl_standard) {
  VK(sum_terms)(arguments, VK(gaussian_kl_standard_terms), begin, end);
}

VK_KERNEL(gaussian_kl_standard_backward) {
  const vk_density_arguments *a = arguments;
  float weights[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    VK(spread_rows)(a, 0, first, n, weights);
    const float *mean = a->inputs[0] + first, *lv = a->inputs[1] + first;
    float *dmean = a->gradients[0] + first, *dlv = a->gradients[1] + first;
    VK_LOOP for (size_t i = 0; i < n; i++) {
      dmean[i] = weights[i] * mean[i];
      dlv[i] = 0.5f * weights[i] * VK(expm1)(lv[i]);
    }
  }
}

static void VK(gaussian_kl_terms)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms) {
  const float *mq = VK(input)(a, 0, sample, offset), *lq = VK(input)(a, 1, sample, offset);
  const float *mp = VK(input)(a, 2, sample, offset), *lp = VK(input)(a, 3, sample, offset);
  VK_LOOP for (size_t i = 0; i < n; i++) {
    const float ratio = lq[i] - lp[i], difference = mq[i] - mp[i];
    terms[i] = 0.5f
      * ((VK(expm1)(ratio) - ratio) + difference * difference * VK(exp)(-lp[i]));
  }
}

VK_KERNEL(gaussian_kl) { VK(sum_terms)(arguments, VK(gaussian_kl_terms), begin, end); }

VK_KERNEL(gaussian_kl_backward) {
  const vk_density_arguments *a = arguments;
  float weights[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    VK(spread_rows)(a, 0, first, n, weights);
    const float *mq = a->inputs[0] + first, *lq = a->inputs[1] + first;
    const float *mp = a->inputs[2] + first, *lp = a->inputs[3] + first;
    float *dmq = a->gradients[0] + first, *dlq = a->gradients[1] + first;
    float *dmp = a->gradients[2] + first, *dlp = a->gradients[3] + first;
    VK_LOOP for (size_t i = 0; i < n; i++) {
      const float difference = mq[i] - mp[i], precision = VK(exp)(-lp[i]);
      const float excess = VK(expm1)(lq[i] - lp[i]);
      const float dmean = weights[i] * difference * precision;
      dmq[i] = dmean;
      dmp[i] = -dmean;
      dlq[i] = 0.5f * weights[i] * excess;
      dlp[i] = -0.5f * weights[i] * (excess + difference * difference * precision);
    }
  }
}

// MARK: Gaussian density

static void VK(gaussian_log_density_terms)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms) {
  const float *x = VK(input)(a, 0, sample, offset), *mean = VK(input)(a, 1, sample, offset);
  const float *lv = VK(input)(a, 2, sample, offset);
  const float log_two_pi = 1.83787707f;
  VK_LOOP for (size_t i = 0; i < n; i++) {
    const float difference = x[i] - mean[i];
    terms[i] = -0.5f * (log_two_pi + lv[i] + difference * difference * VK(exp)(-lv[i]));
  }
}

VK_KERNEL(gaussian_log_density) {
  VK(sum_terms)(arguments, VK(gaussian_log_density_terms), begin, end);
}

VK_KERNEL(gaussian_log_density_backward) {
  const vk_density_arguments *a = arguments;
  float weights[VK_TILE], dx[VK_TILE], dmean[VK_TILE], dlv[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    for (size_t s = 0; s < a->samples; s++) {
      VK(spread_rows)(a, s, first, n, weights);
      const float *x = VK(input)(a, 0, s, first), *mean = VK(input)(a, 1, s, first);
      const float *lv = VK(input)(a, 2, s, first);
      VK_LOOP for (size_t i = 0; i < n; i++) {
        const float difference = x[i] - mean[i];
        const float scaled = weights[i] * difference * VK(exp)(-lv[i]);
        dx[i] = -scaled;
        dmean[i] = scaled;
        dlv[i] = 0.5f * (scaled * difference - weights[i]);
      }
      VK(put_gradient)(a, 0, s, first, dx, n);
      VK(put_gradient)(a, 1, s, first, dmean, n);
      VK(put_gradient)(a, 2, s, first, dlv, n);
    }
  }
}

// MARK: Bernoulli density

static void VK(bernoulli_log_density_terms)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms) {
  const float *x = VK(input)(a, 0, sample, offset), *logits = VK(input)(a, 1, sample, offset);
  VK_LOOP for (size_t i = 0; i < n; i++) terms[i] = x[i] * logits[i] - VK(softplus)(logits[i]);
}

VK_KERNEL(bernoulli_log_density) {
  VK(sum_terms)(arguments, VK(bernoulli_log_density_terms), begin, end);
}

VK_KERNEL(bernoulli_log_density_backward) {
  const vk_density_arguments *a = arguments;
  const size_t matrix = a->rows * a->columns;
  float weights[VK_TILE];
  for (size_t first = begin; first < end;) {
    const size_t sample = first / matrix, offset = first % matrix;
    const size_t n = vk_min(VK_TILE, vk_min(end - first, matrix - offset));
    VK(spread_rows)(a, sample, offset, n, weights);
    const float *x = VK(input)(a, 0, sample, offset), *logits = VK(input)(a, 1, sample, offset);
    float *dlogits = a->gradients[1] + first;
    VK_LOOP for (size_t i = 0; i < n; i++) {
      dlogits[i] = weights[i] * (x[i] - VK(sigmoid)(logits[i]));
    }
    first += n;
  }
}

// MARK: Squared error

static void VK(squared_error_terms)(
  const vk_density_arguments *a, size_t sample, size_t offset, size_t n, float *terms) {
  const float *x = VK(input)(a, 0, sample, offset), *mean = VK(input)(a, 1, sample, offset);
  VK_LOOP for (size_t i = 0; i < n; i++) terms[i] = (x[i] - mean[i]) * (x[i] - mean[i]);
}

VK_KERNEL(squared_error) { VK(sum_terms)(arguments, VK(squared_error_terms), begin, end); }

VK_KERNEL(squared_error_backward) {
  const vk_density_arguments *a = arguments;
  float weights[VK_TILE], dx[VK_TILE], dmean[VK_TILE];
  for (size_t first = begin; first < end; first += VK_TILE) {
    const size_t n = vk_min(VK_TILE, end - first);
    for (size_t s = 0; s < a->samples; s++) {
      VK(spread_rows)(a, s, first, n, weights);
      const float *x = VK(input)(a, 0, s, first), *mean = VK(input)(a, 1, s, first);
      VK_LOOP for (size_t i = 0; i < n; i++) {
        dmean[i] = 2.0f * weights[i] * (mean[i] - x[i]);
        dx[i] = -dmean[i];
      }
      VK(put_gradient)(a, 0, s, first, dx, n);
      VK(put_gradient)(a, 1, s, first, dmean, n);
    }
  }
}

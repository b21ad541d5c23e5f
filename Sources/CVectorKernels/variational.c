// Variational terms.
#include "kernels.h"

/// Elements to a block where each stands for `samples` draws: whole vectors.
static size_t element_block(size_t samples, size_t cost) {
  return vk_ceil(vk_units(samples, cost), 64) * 64;
}

void vk_reparameterize(
  const float *mean, const float *log_variance, const float *noise, float *z, size_t samples,
  size_t n) {
  const vk_reparameterize_arguments a = {
    .mean = mean, .log_variance = log_variance, .noise = noise, .out = z, .samples = samples,
    .n = n};
  vk_run(vk_kernels()->reparameterize, &a, n, element_block(samples, VK_COSTLY));
}

void vk_reparameterize_backward(
  const float *log_variance, const float *noise, const float *dz, float *dmean,
  float *dlog_variance,
  size_t samples, size_t n) {
  const vk_reparameterize_arguments a = {
    .log_variance = log_variance, .noise = noise, .dz = dz, .out = dmean,
    .dlog_variance = dlog_variance, .samples = samples, .n = n};
  vk_run(vk_kernels()->reparameterize_backward, &a, n, element_block(samples, VK_COSTLY));
}

/// Forward: a unit is a row of a draw.
static void run_rows(vk_kernel kernel, const vk_density_arguments *a, size_t cost) {
  vk_run(kernel, a, a->samples * a->rows, vk_units(a->columns, cost));
}

/// Backward: a unit is an element, with its draws.
static void run_elements(vk_kernel kernel, const vk_density_arguments *a, size_t cost) {
  if (a->samples == 0) return;
  vk_run(kernel, a, a->rows * a->columns, element_block(a->samples, cost));
}

void vk_gaussian_kl_standard(
  const float *mean, const float *log_variance, float *out, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {mean, log_variance}, .out = out, .samples = 1, .rows = rows, .columns = columns};
  run_rows(vk_kernels()->gaussian_kl_standard, &a, VK_COSTLY);
}

void vk_gaussian_kl_standard_backward(
  const float *mean, const float *log_variance, const float *dout, float *dmean,
  float *dlog_variance,
  size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {mean, log_variance}, .dout = dout, .gradients = {dmean, dlog_variance}, .samples = 1,
    .rows = rows, .columns = columns};
  run_elements(vk_kernels()->gaussian_kl_standard_backward, &a, VK_COSTLY);
}

void vk_gaussian_kl(
  const float *mq, const float *lq, const float *mp, const float *lp, float *out, size_t rows,
  size_t columns) {
  const vk_density_arguments a = {
    .inputs = {mq, lq, mp, lp}, .out = out, .samples = 1, .rows = rows, .columns = columns};
  run_rows(vk_kernels()->gaussian_kl, &a, VK_COSTLY);
}

void vk_gaussian_kl_backward(
  const float *mq, const float *lq, const float *mp, const float *lp, const float *dout, float *dmq,
  float *dlq, float *dmp, float *dlp, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {mq, lq, mp, lp}, .dout = dout, .gradients = {dmq, dlq, dmp, dlp}, .samples = 1,
    .rows = rows, .columns = columns};
  run_elements(vk_kernels()->gaussian_kl_backward, &a, VK_COSTLY);
}

void vk_gaussian_log_density(
  const float *x, size_t x_samples, const float *mean, size_t mean_samples,
  const float *log_variance,
  size_t log_variance_samples, float *out, size_t samples, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, mean, log_variance},
    .input_samples = {x_samples, mean_samples, log_variance_samples}, .out = out,
    .samples = samples, .rows = rows, .columns = columns};
  run_rows(vk_kernels()->gaussian_log_density, &a, VK_COSTLY);
}

void vk_gaussian_log_density_backward(
  const float *x, size_t x_samples, const float *mean, size_t mean_samples,
  const float *log_variance,
  size_t log_variance_samples, const float *dout, float *dx, float *dmean, float *dlog_variance,
  size_t samples, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, mean, log_variance},
    .input_samples = {x_samples, mean_samples, log_variance_samples}, .dout = dout,
    .gradients = {dx, dmean, dlog_variance}, .samples = samples, .rows = rows, .columns = columns};
  run_elements(vk_kernels()->gaussian_log_density_backward, &a, VK_COSTLY);
}

void vk_bernoulli_log_density(
  const float *x, const float *logits, float *out, size_t samples, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, logits}, .input_samples = {1, samples}, .out = out, .samples = samples,
    .rows = rows,
    .columns = columns};
  run_rows(vk_kernels()->bernoulli_log_density, &a, VK_COSTLY);
}

void vk_bernoulli_log_density_backward(
  const float *x, const float *logits, const float *dout, float *dlogits, size_t samples,
  size_t rows,
  size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, logits}, .input_samples = {1, samples}, .dout = dout, .gradients = {NULL,
    dlogits},
    .samples = samples, .rows = rows, .columns = columns};
  // Nothing is added up over the draws: every element of each is a unit.
  vk_run(
    vk_kernels()->bernoulli_log_density_backward, &a, samples * rows * columns,
    VK_BLOCK / VK_COSTLY);
}

void vk_squared_error(
  const float *x, const float *mean, float *out, size_t samples, size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, mean}, .input_samples = {1, samples}, .out = out, .samples = samples,
    .rows = rows,
    .columns = columns};
  run_rows(vk_kernels()->squared_error, &a, 1);
}

void vk_squared_error_backward(
  const float *x, const float *mean, const float *dout, float *dx, float *dmean, size_t samples,
  size_t rows, size_t columns) {
  const vk_density_arguments a = {
    .inputs = {x, mean}, .input_samples = {1, samples}, .dout = dout, .gradients = {dx, dmean},
    .samples = samples, .rows = rows, .columns = columns};
  run_elements(vk_kernels()->squared_error_backward, &a, 1);
}

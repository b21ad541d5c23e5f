// Optimizers.
#include "kernels.h"

/// One pass over all arrays; on one thread where they are small together.
static void run(vk_kernel kernel, const vk_update_arguments *a, size_t count) {
  size_t elements = 0, pieces = 0;
  for (size_t i = 0; i < count; i++) {
    elements += a->updates[i].count;
    pieces += vk_ceil(a->updates[i].count, VK_BLOCK);
  }
  vk_run(kernel, a, pieces, elements < 2 * VK_BLOCK ? vk_max(1, pieces) : 1);
}

void vk_adam(
  const vk_update *updates, size_t count, float rate, float beta1, float beta2, float epsilon,
  float bias1, float bias2, float gradient_scale, int decoupled) {
  const vk_update_arguments a = {
    .updates = updates, .rate = rate, .beta1 = beta1, .beta2 = beta2, .epsilon = epsilon,
    .bias1 = bias1, .bias2 = bias2, .gradient_scale = gradient_scale, .decoupled = decoupled};
  run(vk_kernels()->adam, &a, count);
}

void vk_sgd(
  const vk_update *updates, size_t count, float rate, float momentum, int nesterov,
  float gradient_scale) {
  const vk_update_arguments a = {
    .updates = updates, .rate = rate, .beta1 = momentum, .gradient_scale = gradient_scale,
    .nesterov = nesterov};
  run(vk_kernels()->sgd, &a, count);
}

void vk_average(const vk_update *updates, size_t count, float decay) {
  const vk_update_arguments a = {.updates = updates, .beta1 = decay};
  run(vk_kernels()->average, &a, count);
}

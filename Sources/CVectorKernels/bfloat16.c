// Conversions between 32-bit floats and bfloat16.
#include "kernels.h"

void vk_round_to_bfloat16(const float *x, vk_bfloat16 *y, size_t n) {
  const vk_round_arguments a = {x, y};
  vk_run(vk_kernels()->round_to_bfloat16, &a, n, VK_BLOCK);
}

void vk_widen_bfloat16(const vk_bfloat16 *x, float *y, size_t n) {
  const vk_widen_arguments a = {x, y};
  vk_run(vk_kernels()->widen_bfloat16, &a, n, VK_BLOCK);
}

// Random numbers.
#include "kernels.h"

void vk_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

static void run(
  vk_kernel kernel, uint64_t key, uint32_t draw, const uint64_t *positions, float *out, size_t rows,
  size_t columns, size_t cost) {
  const vk_random_arguments a = {
    .key = {(uint32_t)key, (uint32_t)(key >> 32)}, .draw = draw, .positions = positions, .out = out,
    .columns = columns, .row_blocks = vk_ceil(columns, 4)};
  vk_run(kernel, &a, rows * a.row_blocks, vk_units(4, cost));
}

void vk_random_uniform(
  uint64_t key, uint32_t draw, const uint64_t *positions, float *out, size_t rows, size_t columns) {
  run(vk_kernels()->random_uniform, key, draw, positions, out, rows, columns, VK_COSTLY);
}

void vk_random_normal(
  uint64_t key, uint32_t draw, const uint64_t *positions, float *out, size_t rows, size_t columns) {
  run(vk_kernels()->random_normal, key, draw, positions, out, rows, columns, 2 * VK_COSTLY);
}

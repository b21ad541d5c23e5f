// Conversions to and from bfloat16, on the bits: the processor's own instruction for it takes
// subnormal numbers for zero, and both are bound by memory.

VK_INLINE vk_bfloat16 VK(nearest_bfloat16)(float x) {
  const uint32_t bits = VK(bits)(x);
  // Half of the last place, less one where the last bit that stays is even.
  const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  // Rounding would make some NaNs infinite.
  const uint32_t quiet = bits >> 16 | 0x40u;
  return (vk_bfloat16)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

static void VK(round)(const float *x, vk_bfloat16 *y, size_t n) {
  VK_LOOP for (size_t i = 0; i < n; i++) y[i] = VK(nearest_bfloat16)(x[i]);
}

static void VK(widen)(const vk_bfloat16 *x, float *y, size_t n) {
  VK_LOOP for (size_t i = 0; i < n; i++) y[i] = VK(from_bits)((uint32_t)x[i] << 16);
}

VK_KERNEL(round_to_bfloat16) {
  const vk_round_arguments *a = arguments;
  VK(round)(a->x + begin, a->y + begin, end - begin);
}

VK_KERNEL(widen_bfloat16) {
  const vk_widen_arguments *a = arguments;
  VK(widen)(a->x + begin, a->y + begin, end - begin);
}

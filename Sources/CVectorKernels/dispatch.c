// The choice of instruction set.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static _Atomic(const vk_table *) current;

vk_isa vk_isa_supported(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return VK_ISA_BASELINE;
  const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return avx512 ? VK_ISA_AVX512 : VK_ISA_AVX2;
#else
  return VK_ISA_BASELINE;
#endif
}

static const vk_table *table_of(vk_isa isa) {
#if defined(__x86_64__)
  const vk_isa supported = vk_isa_supported();
  switch (isa < supported ? isa : supported) {
    case VK_ISA_AVX512: return &vk_table_avx512;
    case VK_ISA_AVX2: return &vk_table_avx2;
    case VK_ISA_BASELINE: break;
  }
#else
  (void)isa;
#endif
  return &vk_table_baseline;
}

/// The cap of the environment; an unknown word caps nothing.
static vk_isa environment_cap(void) {
  const char *cap = getenv("VAE_MAX_CPU_ISA");
  if (cap && strcmp(cap, "baseline") == 0) return VK_ISA_BASELINE;
  if (cap && strcmp(cap, "avx2") == 0) return VK_ISA_AVX2;
  return VK_ISA_AVX512;
}

const vk_table *vk_kernels(void) {
  const vk_table *table = atomic_load_explicit(&current, memory_order_acquire);
  if (table) return table;
  const vk_table *chosen = table_of(environment_cap());
  return atomic_compare_exchange_strong(&current, &table, chosen) ? chosen : table;
}

vk_isa vk_isa_current(void) {
#if defined(__x86_64__)
  const vk_table *table = vk_kernels();
  if (table == &vk_table_avx512) return VK_ISA_AVX512;
  if (table == &vk_table_avx2) return VK_ISA_AVX2;
#endif
  return VK_ISA_BASELINE;
}

void vk_isa_select(vk_isa isa) { atomic_store(&current, table_of(isa)); }

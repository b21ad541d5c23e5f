// The vector loops for AVX2 with fused multiply-add.
#if defined(__x86_64__)
#define VK(name) vk_avx2_##name
#define VK_TABLE vk_table_avx2
#define VK_TARGET "avx2,fma,bmi,bmi2,lzcnt,popcnt"
#include "bodies/all.c"
#else
typedef int vk_avx2_is_absent;
#endif

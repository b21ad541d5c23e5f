// The vector loops for AVX-512 F, BW, DQ and VL.
#if defined(__x86_64__)
#define VK(name) vk_avx512_##name
#define VK_TABLE vk_table_avx512
#define VK_TARGET "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,lzcnt,popcnt"
#include "bodies/all.c"
#else
typedef int vk_avx512_is_absent;
#endif

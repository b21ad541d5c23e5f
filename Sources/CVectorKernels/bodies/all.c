// All vector loops, compiled once for an instruction set. The including file defines
//   VK(name)   the name with the instruction set's prefix,
//   VK_TABLE   the table to define,
//   VK_TARGET  the features to compile for (left out for the baseline).
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../kernels.h"

#pragma clang fp contract(fast)

#ifdef VK_TARGET
#define VK_ATTRIBUTE(features) \
  _Pragma(VK_STRING(clang attribute push(__attribute__((target(features))), apply_to = function)))
#define VK_STRING(...) #__VA_ARGS__
VK_ATTRIBUTE(VK_TARGET)
#endif

#define VK_INLINE static inline __attribute__((always_inline))
#define VK_KERNEL(name) static void VK(name)(const void *arguments, size_t begin, size_t end)
/// Before a loop whose iterations are independent: the vectoriser need not prove that arrays do not
/// overlap (an array that is both input and output is read and written at the same index).
#define VK_LOOP _Pragma("clang loop vectorize(assume_safety)")

#include "math.c"

#include "elementwise.c"
#include "bfloat16.c"
#include "reductions.c"
#include "dense.c"
#include "normalization.c"
#include "variational.c"
#include "movement.c"
#include "taps.c"
#include "narrow.c"
#include "sparse.c"
#include "random.c"
#include "optimizers.c"

#define VK_FIELD(name) .name = VK(name),
const vk_table VK_TABLE = {VK_KERNELS(VK_FIELD)};
#undef VK_FIELD

#ifdef VK_TARGET
#pragma clang attribute pop
#endif

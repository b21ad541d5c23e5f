#include <math.h>

#include "portable_math.h"

/* The Swift runtime's overlay of the C library calls hypotf, which glibc 2.35 gave a new version, so that
 * libvae.so would not load with an older one for a function that nothing of ours calls. Defined here and
 * hidden, it is found inside. Squares of floats are exact in a double, and so the one rounding of the
 * sum lies far below a float's. */
__attribute__((visibility("hidden"))) float hypotf(float x, float y) {
  if (isinf(x) || isinf(y)) return INFINITY;
  return (float)sqrt((double)x * x + (double)y * y);
}

// What Swift's module of the C library leaves out.
#include <malloc.h>

// Bytes that malloc has given out and not got back.
static inline size_t cmalloc_bytes_in_use(void) {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

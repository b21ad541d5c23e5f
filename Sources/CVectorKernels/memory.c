// What happens where memory is short: the calling thread's fault, and the question before a request.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kernels.h"

static _Thread_local vk_fault fault;
static _Atomic(vk_memory_gate) gate;
/// Pages of zeros that the system gives to whoever reads them, and that take no memory as long as nobody writes.
static _Alignas(64) unsigned char nothing[VK_NOTHING];

void *vk_nothing(void) { return nothing; }

vk_fault *vk_thread_fault(void) { return &fault; }

int vk_has_failed(void) { return fault.bytes != 0 || fault.threads != 0; }

void vk_set_memory_gate(vk_memory_gate grants) { atomic_store(&gate, grants); }

int vk_may_take(size_t bytes) {
  const vk_memory_gate grants = atomic_load_explicit(&gate, memory_order_relaxed);
  return !grants || grants(bytes);
}

void *vk_try_scratch(size_t bytes) {
  const size_t size = (bytes + 63) / 64 * 64 + 64;
  return vk_may_take(size) ? aligned_alloc(64, size) : NULL;
}

void *vk_scratch(size_t bytes) {
  void *memory = vk_try_scratch(bytes);
  if (!memory) vk_refuse_memory(bytes);
  return memory;
}

// MARK: The address space

int64_t vk_address_space(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur > INT64_MAX) return INT64_MAX;
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  char text[64] = "";
  const ssize_t size = file < 0 ? 0 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  // Where nobody tells, nothing is left for sure.
  if (size <= 0) return 0;
  const int64_t used = strtoll(text, NULL, 10) * sysconf(_SC_PAGESIZE);
  return (int64_t)limit.rlim_cur > used ? (int64_t)limit.rlim_cur - used : 0;
}

// MARK: The reserve of small blocks

/// Blocks that are given back when memory runs short, so that what an error takes is there even if the system gives
/// nothing more. They are taken when the library is loaded, since the first call may find nothing left.
enum { BALLAST_BLOCKS = 8, BALLAST_BLOCK = 32 << 10 };
static _Atomic(void *) ballast[BALLAST_BLOCKS];

static void *ballast_block(void) {
  void *block = malloc(BALLAST_BLOCK);
  // Touched, so that a system that promised more than it has gives it now. Not by memset, which a compiler that sees
  // that nobody reads leaves out.
  volatile unsigned char *bytes = block;
  for (size_t at = 0; block && at < BALLAST_BLOCK; at += 1024) bytes[at] = 1;
  return block;
}

void vk_take_ballast(void) {
  for (int index = 0; index < BALLAST_BLOCKS; index++) {
    if (atomic_load_explicit(&ballast[index], memory_order_relaxed)) continue;
    // Of two threads that fill a place at the same time one gives its block back.
    free(atomic_exchange(&ballast[index], ballast_block()));
  }
}

void vk_drop_ballast(void) {
  for (int index = 0; index < BALLAST_BLOCKS; index++)
    free(atomic_exchange(&ballast[index], NULL));
}

__attribute__((constructor)) static void take_first_ballast(void) { vk_take_ballast(); }

void vk_refuse_memory(size_t bytes) {
  if (fault.watchers == 0) {
    fprintf(stderr, "vector kernels: no memory for %zu bytes\n", bytes);
    abort();
  }
  if (!vk_has_failed()) fault.bytes = bytes ? bytes : 1;
}

void vk_refuse_threads(int threads) {
  if (fault.watchers == 0) {
    fprintf(
      stderr, "vector kernels: the system gives this process no %d threads; compute with fewer\n",
      threads);
    abort();
  }
  if (!vk_has_failed()) fault.threads = threads;
}

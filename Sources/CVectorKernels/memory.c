// What happens where memory is short: the calling thread's fault, and the question before a request.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels.h"

static _Thread_local vk_fault fault;
static _Atomic(vk_memory_gate) gate;

vk_fault *vk_thread_fault(void) { return &fault; }

int vk_has_failed(void) { return fault.bytes != 0 || fault.threads != 0; }

void vk_set_memory_gate(vk_memory_gate grants) { atomic_store(&gate, grants); }

void *vk_try_scratch(size_t bytes) {
  const vk_memory_gate grants = atomic_load_explicit(&gate, memory_order_relaxed);
  const size_t size = (bytes + 63) / 64 * 64 + 64;
  return grants && !grants(size) ? NULL : aligned_alloc(64, size);
}

void *vk_scratch(size_t bytes) {
  void *memory = vk_try_scratch(bytes);
  if (!memory) vk_refuse_memory(bytes);
  return memory;
}

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

// Large blocks of memory, mapped by themselves, so that the pages of one can become those of another.
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>

#include "kernels.h"

static void *map_anonymous(void *at, size_t bytes, int flags) {
  return mmap(
    at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

void *vk_map_pages(size_t bytes) {
  if (bytes > SIZE_MAX - VK_HUGE_PAGE) return NULL;
  if (bytes < 2 * VK_HUGE_PAGE) {
    void *small = map_anonymous(NULL, bytes, 0);
    return small == MAP_FAILED ? NULL : small;
  }
  char *all = map_anonymous(NULL, bytes + VK_HUGE_PAGE, 0);
  if (all == MAP_FAILED) return NULL;
  const size_t before = -(uintptr_t)all % VK_HUGE_PAGE;
  if (before) munmap(all, before);
  if (before < VK_HUGE_PAGE) munmap(all + before + bytes, VK_HUGE_PAGE - before);
  madvise(all + before, bytes, MADV_HUGEPAGE);
  return all + before;
}

void vk_unmap_pages(void *block, size_t bytes) {
  if (!bytes || munmap(block, bytes) == 0) return;
  // A mapping cannot be split any more; what is in the pages goes back at least.
  madvise(block, bytes, MADV_DONTNEED);
}

/// Whether the system refuses to move pages at all, as in a sandbox.
static atomic_int moving_is_refused;
/// How many pages the calling thread may still move; negative for any number.
static _Thread_local long moves_left = -1;

int vk_can_move_pages(void) {
  return !atomic_load_explicit(&moving_is_refused, memory_order_relaxed);
}

void vk_limit_page_moves(long pages) { moves_left = pages; }

size_t vk_move_pages(void *from, void *to, size_t bytes) {
  // One call moves pages of one mapping, of which a block may consist of several, all of whole huge pages.
  for (size_t at = 0; at < bytes; at += VK_HUGE_PAGE) {
    if (moves_left == 0) return at;
    char *source = (char *)from + at, *target = (char *)to + at;
    const int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (mremap(source, VK_HUGE_PAGE, VK_HUGE_PAGE, flags, target) == MAP_FAILED) {
      if (errno == ENOSYS || errno == EPERM) atomic_store(&moving_is_refused, 1);
      return at;
    }
    if (moves_left > 0) moves_left--;
  }
  return bytes;
}

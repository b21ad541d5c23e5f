// Large blocks of memory, mapped by themselves, so that the pages of one can become those of another.
#define _GNU_SOURCE
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
  if (bytes) munmap(block, bytes);
}

size_t vk_move_pages(void *from, void *to, size_t bytes) {
  // One call moves pages of one mapping, of which a block may consist of several, all of whole huge pages.
  for (size_t at = 0; at < bytes; at += VK_HUGE_PAGE) {
    char *source = (char *)from + at, *target = (char *)to + at;
    if (
      mremap(source, VK_HUGE_PAGE, VK_HUGE_PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) !=
      MAP_FAILED)
      continue;
    // What was at the target may be gone.
    if (map_anonymous(target, VK_HUGE_PAGE, MAP_FIXED) == MAP_FAILED) return at;
    munmap(source, VK_HUGE_PAGE);
  }
  return bytes;
}

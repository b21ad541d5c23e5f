// Threads: how many, and the division of a kernel's blocks over the OpenMP pool.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // sched_getaffinity
#endif
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "crowding.h"
#include "entry.h"
#include "kernels.h"

// libgomp by hand: clang as Swift ships it has no omp.h.
extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);
extern int omp_get_thread_num(void);
extern int omp_get_num_threads(void);
extern void omp_set_num_threads(int threads);
extern int omp_pause_resource_all(int kind);
enum { OMP_PAUSE_HARD = 2 };

enum { MAX_THREADS = 256 };

/// The process-wide number of threads; 0 before the first question.
static atomic_int process_threads;
/// What this thread last told OpenMP; 0 before the first time.
static _Thread_local int applied_threads;
static _Thread_local int recording = 1;
static _Thread_local int in_backward;
static _Thread_local int rounds_operands;
static _Thread_local int sparing;

static int clamp_threads(long threads) {
  return threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : (int)threads;
}

/// The most threads that make a default.
static atomic_int default_limit = MAX_THREADS;

void vk_limit_default_threads(int most) { atomic_store(&default_limit, clamp_threads(most)); }

static int default_threads(void) {
  const char *setting = getenv("OMP_NUM_THREADS");
  const long asked = setting ? strtol(setting, NULL, 10) : 0;
  if (asked > 0) return clamp_threads(asked);
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) != 0) return 1;
  const int present = clamp_threads(CPU_COUNT(&processors)), most = atomic_load(&default_limit);
  return present < most ? present : most;
}

int vk_threads(void) {
  int threads = atomic_load_explicit(&process_threads, memory_order_relaxed);
  if (threads == 0) {
    const int chosen = default_threads();
    // A number that another thread sets meanwhile stands.
    if (atomic_compare_exchange_strong(&process_threads, &threads, chosen)) threads = chosen;
  }
  return threads;
}

void vk_set_threads(int threads) {
  atomic_store(&process_threads, clamp_threads(threads));
  vk_apply_threads();
}

void vk_apply_threads(void) {
  const int threads = vk_threads();
  if (applied_threads == threads) return;
  omp_set_num_threads(threads);
  applied_threads = threads;
}

void vk_use_one_thread(void) {
  omp_set_num_threads(1);
  applied_threads = 1;
}

int vk_recording(void) { return recording; }
void vk_set_recording(int value) { recording = value; }

int vk_in_backward(void) { return in_backward; }
void vk_set_in_backward(int value) { in_backward = value; }

int vk_rounds_operands(void) { return rounds_operands; }
void vk_set_rounds_operands(int value) { rounds_operands = value; }

int vk_is_sparing(void) { return sparing; }
void vk_set_sparing(int value) { sparing = value; }

/// libgomp's pool does not survive fork, and a child that wakes it would wait for ever: it is given
/// up before, and grows again on both sides when it is needed. With it goes the thread's setting.
static void release_pool(void) {
  omp_pause_resource_all(OMP_PAUSE_HARD);
  applied_threads = 0;
  vk_forget_team();
}

__attribute__((constructor)) static void register_fork_handler(void) {
  pthread_atfork(release_pool, NULL, NULL);
}

typedef struct {
  vk_kernel kernel;
  const void *arguments;
  size_t count, block, blocks;
  /// When the calling thread's share was done.
  int64_t finished;
} vk_work;

static void run_blocks(const vk_work *work, size_t first, size_t last) {
  for (size_t index = first; index < last; index++) {
    const size_t begin = index * work->block;
    work->kernel(work->arguments, begin, vk_min(begin + work->block, work->count));
  }
}

static void run_share(void *data) {
  vk_work *work = data;
  const size_t thread = (size_t)omp_get_thread_num(), threads = (size_t)omp_get_num_threads();
  run_blocks(work, work->blocks * thread / threads, work->blocks * (thread + 1) / threads);
  if (thread == 0) work->finished = vk_now();
}

void vk_run(vk_kernel kernel, const void *arguments, size_t count, size_t block) {
  if (count == 0 || vk_has_failed()) return;
  vk_work work = {kernel, arguments, count, block, vk_ceil(count, block), 0};
  const int threads = count >= 2 * block ? vk_threads() : 1;
  const int64_t began = threads == 1 ? 0 : vk_now();
  if (threads == 1 || vk_is_left_alone_at(began)) {
    run_blocks(&work, 0, work.blocks);
  } else {
    // The whole team, however few blocks there are: libgomp ends threads that a smaller team leaves
    // out.
    vk_entry entry;
    if (!vk_enter(&entry)) return;
    GOMP_parallel(run_share, &work, (unsigned)threads, 0);
    vk_note_loop(began, work.finished, vk_now());
    vk_leave(&entry);
  }
}

void vk_divide(
  void (*work)(const void *context, size_t begin, size_t end), const void *context, size_t count,
  size_t block) {
  vk_run(work, context, count, vk_max(1, block));
}

vk_grid vk_grid_make(size_t rows, size_t columns) {
  vk_grid grid = {.rows = rows, .columns = columns};
  const size_t width = vk_min(columns, VK_TILE);
  grid.pieces = vk_ceil(columns, VK_TILE);
  grid.fold = vk_fold(rows, columns);
  // At least 16 rows keep the partial results small beside the data.
  const size_t least = width == 0 ? 1 : vk_max(16, vk_ceil(VK_BLOCK, width));
  const size_t block = vk_max(least, vk_ceil(rows, VK_PARTIALS));
  grid.block_rows = vk_ceil(block, grid.fold) * grid.fold;
  grid.blocks = vk_ceil(rows, grid.block_rows);
  return grid;
}

// The way into oneDNN and the OpenMP pool; see entry.h.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "entry.h"

#include <execinfo.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "kernels.h"

extern int omp_in_parallel(void);

// MARK: The end of the process

/// Calls that are under way.
static atomic_int inside;
static atomic_int is_ending;
/// The thread that ends the process.
static pthread_t ending_thread;
/// How many calls of this thread are under way, one in the other.
static _Thread_local int depth;

static void rest(long nanoseconds) {
  nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL);
}

/// Lets the calls of other threads come to their end, for some seconds at most, and keeps them from making
/// more.
static void end_calls(void) {
  enum { ROUNDS = 50000 };
  if (atomic_load(&is_ending)) return;
  ending_thread = pthread_self();
  atomic_store(&is_ending, 1);
  const int own = depth > 0;
  for (int round = 0; atomic_load(&inside) > own && round < ROUNDS; round++) rest(100000);
}

// Handlers of the process's end run in the reverse order of their registration, and oneDNN registers destructors of
// what it makes at its first use of each kind, in the middle of a call. So the handler must be registered last of all:
// when the end has begun. What the C library runs even before the handlers are the destructors of the thread that ends the
// process; one of them registers the handler. It is there for the thread that loaded the library, which most
// often is the one that ends the process, and for each that computes. For others the handler is
// registered again and again while a program is young, and whenever oneDNN was asked to make something.

extern int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *library)
  __attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

/// Uses of oneDNN that may have registered something.
static atomic_uint uses;
/// How many of them there were when the handler was registered last.
static atomic_uint covered_uses;

static void register_handler(void) {
  const unsigned now = atomic_load(&uses);
  if (atomic_exchange(&covered_uses, now) != now) atexit(end_calls);
}

static void thread_ends(void *object) {
  (void)object;
  // A call of another thread may be in the middle of its first use: it counts.
  if (atomic_load(&inside) > 0) atomic_fetch_add(&uses, 1);
  register_handler();
}

static _Thread_local int is_watched;

static void watch_thread(void) {
  if (is_watched) return;
  is_watched = 1;
  if (__cxa_thread_atexit_impl) __cxa_thread_atexit_impl(thread_ends, NULL, &__dso_handle);
}

__attribute__((constructor)) static void watch_loading_thread(void) { watch_thread(); }

static void watch_end(int after_making) {
  enum { EARLY = 64 };
  static atomic_uint calls;
  const unsigned number = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
  if (!after_making && number > EARLY && (number & (number - 1)) != 0) return;
  atomic_fetch_add(&uses, 1);
  register_handler();
}

static void count(vk_entry *entry) {
  watch_thread();
  // A thread of the pool computes for one that is counted, and must not be kept from it.
  entry->is_counted = depth == 0 && !omp_in_parallel();
  if (entry->is_counted) {
    atomic_fetch_add(&inside, 1);
    if (atomic_load(&is_ending) && !pthread_equal(ending_thread, pthread_self())) {
      atomic_fetch_sub(&inside, 1);
      for (;;) pause();
    }
  }
  depth++;
}

/// Other threads do not exist in a process that fork has made.
static void forget_calls(void) {
  atomic_store(&inside, depth > 0);
  atomic_store(&is_ending, 0);
}

__attribute__((constructor)) static void register_child_handler(void) {
  pthread_atfork(NULL, NULL, forget_calls);
}

// MARK: Signals

/// Blocks all signals of the calling thread but those that report an error of its own, and keeps in
/// `before` which were blocked until now.
static void hold_signals(sigset_t *before) {
  static const int errors[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t held;
  sigfillset(&held);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) sigdelset(&held, errors[i]);
  pthread_sigmask(SIG_BLOCK, &held, before);
}

// MARK: Entering and leaving

/// The size of the calling thread's team, as libgomp keeps it; 0 before the first one.
static _Thread_local int team;

void vk_forget_team(void) { team = 0; }

int vk_enter(vk_entry *entry) {
  if (vk_has_failed()) return 0;
  vk_enter_idle(entry);
  // In the pool threads are not had, but used.
  const int threads = vk_threads();
  if (!entry->is_counted || threads == team) return 1;
  if (vk_has_threads(threads)) {
    // libgomp ends those that a smaller team leaves out.
    team = threads;
    return 1;
  }
  vk_leave(entry);
  vk_refuse_threads(threads);
  return 0;
}

void vk_enter_idle(vk_entry *entry) {
  count(entry);
  hold_signals(&entry->signals);
}

void vk_leave(const vk_entry *entry) {
  depth--;
  if (entry->is_counted) {
    watch_end(0);
    atomic_fetch_sub(&inside, 1);
  }
  pthread_sigmask(SIG_SETMASK, &entry->signals, NULL);
}

void vk_watch_end(void) { watch_end(1); }

// MARK: Threads

typedef struct {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  int is_over;
} trial;

static void *wait_for_end(void *context) {
  trial *t = context;
  pthread_mutex_lock(&t->mutex);
  while (!t->is_over) pthread_cond_wait(&t->changed, &t->mutex);
  pthread_mutex_unlock(&t->mutex);
  return NULL;
}

/// Makes ready for threads that end. The C library loads the unwinder when the first one does, and ends the process where it
/// cannot; and each thread that takes memory would take 64 MB of a limited address space for it.
static int prepare_for_threads(int threads) {
  static _Atomic(int) has_unwinder;
  void *frame;
  if (!atomic_load(&has_unwinder) && backtrace(&frame, 1) < 1) return 0;
  atomic_store(&has_unwinder, 1);
  struct rlimit stack;
  const int64_t address_space = vk_address_space();
  if (address_space == INT64_MAX) return 1;
  mallopt(M_ARENA_MAX, 1);
  int64_t each = 8 << 20;
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur <= INT64_MAX / 2) each = (int64_t)stack.rlim_cur;
  return address_space / (threads + 1) > each + VK_THREAD_SPACE;
}

/// Whether so many threads can be made and live at a time.
int vk_can_make_threads(int threads) {
  if (!prepare_for_threads(threads)) return 0;
  trial t = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
  pthread_t *made = calloc((size_t)threads, sizeof *made);
  if (!made) return 0;
  int count = 0;
  while (count < threads && pthread_create(&made[count], NULL, wait_for_end, &t) == 0) count++;
  pthread_mutex_lock(&t.mutex);
  t.is_over = 1;
  pthread_cond_broadcast(&t.changed);
  pthread_mutex_unlock(&t.mutex);
  for (int i = 0; i < count; i++) pthread_join(made[i], NULL);
  free(made);
  return count == threads;
}

int vk_has_threads(int threads) {
  const int present = team < 1 ? 1 : team;
  return threads <= present || vk_can_make_threads(threads - present);
}

// Whether the machine is crowded; see crowding.h.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // sched_getaffinity
#endif
#include "crowding.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "kernels.h"

extern void GOMP_parallel(void (*body)(void *), void *data, unsigned threads, unsigned flags);

enum {
  MICROSECOND = 1000,
  MILLISECOND = 1000000,
  /// Waiting below this is that of uneven shares and of waking, and says nothing.
  LEAST_WAIT = 100 * MICROSECOND,
  /// How long loops are looked at before it is said what the machine is like.
  WINDOW = 8 * MILLISECOND,
  /// Waiting that is too much, as a part of a window or of a loop that is longer than one: where the machine was
  /// crowded last, and where it was quiet, when one short interruption must not count.
  MUCH = 6,
  VERY_MUCH = 3,
  /// Without loops for so long, a window begins anew.
  PAUSE = 20 * MILLISECOND,
};
/// For how long a machine counts as crowded: at first, and at most.
static const int64_t FIRST_HOLD = 50 * (int64_t)MILLISECOND, LAST_HOLD = 1600 * (int64_t)MILLISECOND;

/// Until when the machine counts as crowded.
static _Atomic int64_t crowded_until;
static _Atomic int64_t hold;
/// What tests say: 0 nothing, 1 crowded, -1 quiet.
static atomic_int forced;

static _Thread_local struct {
  int64_t began, last, waited;
} window;

int64_t vk_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int vk_is_crowded_at(int64_t now) {
  const int said = atomic_load_explicit(&forced, memory_order_relaxed);
  if (said != 0) return said > 0;
  return now < atomic_load_explicit(&crowded_until, memory_order_relaxed);
}


void vk_force_crowding(int crowding) { atomic_store(&forced, crowding); }

static void begin_throttle(void);
static void end_throttle(void);

/// How many threads of all processes run or could run at this moment beside the calling one; -1 where that cannot be
/// told.
static long running_others(void) {
  const int file = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[128] = {0};
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  // After three averages: how many threads run or could run, this one among them.
  long running = 0;
  if (length <= 0 || sscanf(text, "%*s %*s %*s %ld/", &running) != 1) return -1;
  return running - 1;
}

int vk_is_team_in_vain(long others, long processors, int threads) {
  if (others < 0) return 0;
  // Of two threads one that shares its processor takes twice as long for its half: as long as one alone for all of it.
  return others >= processors || (threads == 2 && others + threads > processors);
}

/// Whether a team is in vain at this moment. Threads are known of the whole machine only, and so are its processors
/// counted, also for a process that may use some of them.
static int is_in_vain_now(void) {
  return vk_is_team_in_vain(running_others(), sysconf(_SC_NPROCESSORS_ONLN), vk_threads());
}

int vk_is_left_alone_at(int64_t now) {
  if (vk_is_crowded_at(now)) return 1;
  if (atomic_load_explicit(&forced, memory_order_relaxed) != 0) return 0;
  // Before the team is tried again, and before it is used at all, a look may spare the trial.
  static _Atomic int64_t looked = -1;
  const int64_t until = atomic_load_explicit(&crowded_until, memory_order_relaxed);
  if (atomic_exchange_explicit(&looked, until, memory_order_relaxed) == until || !is_in_vain_now())
    return 0;
  int64_t last = atomic_load_explicit(&hold, memory_order_relaxed);
  if (last == 0) atomic_store_explicit(&hold, last = FIRST_HOLD, memory_order_relaxed);
  atomic_store_explicit(&crowded_until, now + last, memory_order_relaxed);
  begin_throttle();
  return 1;
}

int vk_is_crowded(void) { return vk_is_left_alone_at(vk_now()); }

/// The team waits too much: it is left alone for a while, twice as long as the last time.
static void set_crowded(int64_t now) {
  const int64_t last = atomic_load_explicit(&hold, memory_order_relaxed);
  const int64_t next = last == 0 ? FIRST_HOLD : last < LAST_HOLD ? 2 * last : LAST_HOLD;
  atomic_store_explicit(&hold, next, memory_order_relaxed);
  atomic_store_explicit(&crowded_until, now + next, memory_order_relaxed);
  begin_throttle();
}

/// A whole window was quiet.
static void set_quiet(void) {
  const int64_t last = atomic_load_explicit(&hold, memory_order_relaxed);
  if (last == 0) return;
  const int64_t next = last > FIRST_HOLD ? last / 4 : 0;
  atomic_store_explicit(&hold, next, memory_order_relaxed);
  if (next == 0) end_throttle();
}

void vk_note_loop(int64_t began, int64_t finished, int64_t ended) {
  if (window.began == 0 || began - window.last > PAUSE) {
    window.began = began;
    window.waited = 0;
  }
  window.last = ended;
  if (ended - finished > LEAST_WAIT) window.waited += ended - finished;
  const int was_quiet = atomic_load_explicit(&hold, memory_order_relaxed) == 0;
  // In a loop over a large map some milliseconds are that of a few pages that the system had to clear.
  const int64_t length = ended - began > WINDOW ? ended - began : WINDOW;
  const int is_much = window.waited > length / (was_quiet ? VERY_MUCH : MUCH);
  if (!is_much && ended - window.began < WINDOW) return;
  window.began = 0;
  if (is_much) {
    set_crowded(ended);
  } else {
    set_quiet();
  }
}

// MARK: Spinning

/// libgomp's threads spin for milliseconds before they sleep, unless it has made more threads than there are
/// processors: then for a microsecond. It has settings for both, which it reads from the environment before
/// any of our code runs. So as long as the machine is crowded, a thread of ours keeps a team of its own that
/// does nothing, and makes them too many.
static pthread_mutex_t throttle_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t throttle_changed = PTHREAD_COND_INITIALIZER;
static int is_throttled;
/// Which of all throttles is in force.
static unsigned throttle_number;

enum { MOST_IDLE = 16 };

static void do_nothing(void *data) { (void)data; }

static void *keep_idle_team(void *context) {
  GOMP_parallel(do_nothing, NULL, (unsigned)(uintptr_t)context, 0);
  pthread_mutex_lock(&throttle_mutex);
  const unsigned own = throttle_number;
  while (is_throttled && throttle_number == own)
    pthread_cond_wait(&throttle_changed, &throttle_mutex);
  pthread_mutex_unlock(&throttle_mutex);
  // With this thread libgomp ends those of its team.
  return NULL;
}

/// How large a team makes too many threads; 0 where that is for the user to choose, or not worth it.
static int idle_team(void) {
  if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT")) return 0;
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) != 0) return 0;
  const int missing = CPU_COUNT(&processors) - vk_threads();
  const int team = 2 + (missing > 0 ? missing : 0);
  return team <= MOST_IDLE && vk_can_make_threads(team) ? team : 0;
}

static void begin_throttle(void) {
  pthread_mutex_lock(&throttle_mutex);
  const int team = is_throttled ? 0 : idle_team();
  if (team > 0) {
    is_throttled = 1;
    throttle_number++;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread;
    if (pthread_create(&thread, NULL, keep_idle_team, (void *)(uintptr_t)team) == 0) {
      pthread_detach(thread);
    } else {
      is_throttled = 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_mutex_unlock(&throttle_mutex);
}

static void end_throttle(void) {
  pthread_mutex_lock(&throttle_mutex);
  is_throttled = 0;
  pthread_cond_broadcast(&throttle_changed);
  pthread_mutex_unlock(&throttle_mutex);
}

/// A process that fork has made has neither the thread nor, it may be, a free lock.
static void lock_throttle(void) { pthread_mutex_lock(&throttle_mutex); }
static void unlock_throttle(void) { pthread_mutex_unlock(&throttle_mutex); }

static void forget_throttle(void) {
  is_throttled = 0;
  // It still counts the thread that waits in the parent.
  throttle_changed = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
  pthread_mutex_unlock(&throttle_mutex);
}

__attribute__((constructor)) static void register_fork_handlers(void) {
  pthread_atfork(lock_throttle, unlock_throttle, forget_throttle);
}

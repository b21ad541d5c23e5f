/// The one way into oneDNN and into the OpenMP pool: what must hold before, while and after a call of
/// either runs.
///
/// **Signals wait.** oneDNN's matrix products keep their place in the work in the stack pointer's register, and
/// what a signal handler pushes there lands in memory of others: with oneDNN 2.6.3 a program whose handler
/// does nothing at all ends in a corrupted heap after some hundred signals. So signals wait, for the
/// micro- to milliseconds that a kernel takes, or go to another thread of the process. A thread begins with
/// the mask of the one that made it; since every way into the OpenMP pool holds signals, those of the pool never
/// take any.
///
/// **The process does not end meanwhile.** `exit` runs the destructors of oneDNN in the thread that calls it,
/// while other threads may compute. A handler that runs before them lets calls that are under way come to their end, and
/// every further one of another thread waits for ever.
///
/// **The threads are there.** libgomp ends the process where it cannot make a thread. So a team is tried out before
/// it is asked for.
#ifndef VK_ENTRY_H
#define VK_ENTRY_H

#include <pthread.h>
#include <signal.h>

/// What a call remembers until it leaves.
typedef struct {
  sigset_t signals;
  int is_counted;
} vk_entry;

/// Enters. Calls may nest.
///
/// Gives 0 where the calling thread's fault is set or the threads cannot be had, which is then its fault: the
/// call must not be made, and not left.
int vk_enter(vk_entry *entry);
/// Enters for work on oneDNN's objects that computes nothing: whatever threads there are, and whatever the
/// fault.
void vk_enter_idle(vk_entry *entry);
/// Leaves: signals that came meanwhile are delivered now.
void vk_leave(const vk_entry *entry);

/// To be called when oneDNN was asked to make something, inside of the call.
void vk_watch_end(void);

/// Whether so many threads can compute together for the calling thread: tried out where they are more than it
/// had last.
int vk_has_threads(int threads);

#endif

/// Holding back signals while a kernel runs.
///
/// oneDNN's matrix products keep their place in the work in the stack pointer's register, and what a
/// signal handler pushes there lands in memory of others: with oneDNN 2.6.3 a program whose handler
/// does nothing at all ends in a corrupted heap after some hundred signals. So signals wait, for the
/// micro- to milliseconds that a kernel takes, or go to another thread of the process.
///
/// A thread begins with the mask of the one that made it. Since every way into the OpenMP pool holds
/// signals, those of the pool never take any.
#ifndef HELD_SIGNALS_H
#define HELD_SIGNALS_H

#include <pthread.h>
#include <signal.h>

/// Blocks all signals of the calling thread but those that report an error of its own, and keeps in
/// `before` which were blocked until now. Holds may nest.
static inline void vk_hold_signals(sigset_t *before) {
  static const int errors[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
  sigset_t held;
  sigfillset(&held);
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) sigdelset(&held, errors[i]);
  pthread_sigmask(SIG_BLOCK, &held, before);
}

/// Ends a hold: what came meanwhile is delivered now.
static inline void vk_release_signals(const sigset_t *before) {
  pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif

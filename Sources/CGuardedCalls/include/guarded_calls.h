/// Calls of functions that may be written in C++, where an exception must not pass through Swift.
#ifndef GUARDED_CALLS_H
#define GUARDED_CALLS_H

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body`. Returns 0, or 1 where it threw a C++ exception, whose words are then in `*what`, to be
/// released with gc_free; NULL where there is no memory for them. Frames between `body` and the throw
/// must have nothing to undo that only Swift knows of.
int gc_call(void (*body)(void *context), void *context, char **what);

void gc_free(char *what);

#ifdef __cplusplus
}
#endif

#endif

/// Calls of functions that may be written in C++, where an exception must not pass through Swift.
#ifndef GUARDED_CALLS_H
#define GUARDED_CALLS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Calls `body`. Returns 0, or 1 where it threw a C++ exception, whose words are then in `what`, at
/// most `capacity` bytes with the NUL. Frames between `body` and the throw must have nothing to undo
/// that only Swift knows of.
int gc_call(void (*body)(void *context), void *context, char *what, size_t capacity);

#ifdef __cplusplus
}
#endif

#endif

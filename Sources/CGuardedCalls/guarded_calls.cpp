#include "guarded_calls.h"

#include <cstdio>
#include <exception>

int gc_call(void (*body)(void *context), void *context, char *what, size_t capacity) {
  try {
    body(context);
    return 0;
  } catch (const std::exception &error) {
    std::snprintf(what, capacity, "%s", error.what());
  } catch (...) {
    std::snprintf(what, capacity, "an exception that is no std::exception");
  }
  return 1;
}

#include "guarded_calls.h"

#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <exception>

int gc_call(void (*body)(void *context), void *context, char **what) {
  *what = nullptr;
  try {
    body(context);
    return 0;
  } catch (const abi::__forced_unwind &) {
    // The end of the thread, by pthread_exit or pthread_cancel, which nobody may stop.
    throw;
  } catch (const std::exception &error) {
    *what = strdup(error.what());
  } catch (...) {
    *what = strdup("an exception that is no std::exception");
  }
  return 1;
}

void gc_free(char *what) { std::free(what); }

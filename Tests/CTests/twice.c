// The library is loaded, closed and loaded again, and once more from a copy at another path: each
// works, and nothing of it is unloaded while threads of it may run.
//
//     twice LIBRARY COPY
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef uint32_t (*version_function)(void);
typedef int32_t (*list_function)(char *, size_t, size_t *, void **);

static void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "failed: %s: %s\n", what, dlerror());
  abort();
}

// A function of a library; ISO C has no cast from data to functions.
#define FUNCTION(type, library, name) (*(type *)(void *[]){dlsym(library, name)})

static void use(void *library) {
  version_function version = FUNCTION(version_function, library, "vae_abi_version");
  list_function list = FUNCTION(list_function, library, "vae_list_variants_json");
  require(version && list, "the functions are there");
  require(version() > 0, "it has a version");
  char buffer[1 << 14];
  size_t needed = 0;
  require(list(buffer, sizeof buffer, &needed, NULL) == 0 && needed > 100, "it lists its variants");
}

int main(int count, char **arguments) {
  alarm(60);
  if (count != 3) return 64;
  for (int round = 0; round < 3; round++) {
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    require(library != NULL, "the library loads");
    use(library);
    require(dlclose(library) == 0, "it closes");
    require(
        dlopen(arguments[1], RTLD_NOW | RTLD_NOLOAD) != NULL, "it stays, since its threads may run");
  }
  void *copy = dlopen(arguments[2], RTLD_NOW | RTLD_LOCAL);
  require(copy != NULL, "a copy loads beside it");
  use(copy);
  return 0;
}

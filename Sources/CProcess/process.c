#include "process.h"

#include <stddef.h>
#include <sys/auxv.h>

static int argument_count;
static char **arguments;

// Swift's runtime searches the arguments beside the environment, which a library that sets a variable
// before `main` moves elsewhere, or in /proc, which need not be there. glibc hands them to whatever
// runs before `main`.
static void take_arguments(int count, char **values, char **environment) {
  (void)environment;
  argument_count = count;
  arguments = values;
}

__attribute__((section(".init_array"), used)) static void (*const taking)(int, char **, char **) =
    take_arguments;

int process_argument_count(void) { return argument_count; }

char *const *process_arguments(void) { return arguments; }

const char *process_executed_path(void) { return (const char *)getauxval(AT_EXECFN); }

// Eight threads with models of their own train and ask at the same time; all get what one gets.
//
//     threads [ROUNDS]    so often each, 3 where nothing is said
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <unistd.h>

#include "support.h"

static vae_data *data;
static double expected;
static int rounds = 3;

static void *work(void *argument) {
  (void)argument;
  for (int round = 0; round < rounds; round++) {
    require(trained_elbo(data) == expected, "a thread reaches the same bound");
    size_t needed = 0;
    char buffer[1 << 14];
    vae_error *error = NULL;
    check(vae_describe_json("beta-vae", buffer, sizeof buffer, &needed, &error), error);
    require(vae_describe_json("no", buffer, sizeof buffer, &needed, &error) == VAE_ERR_RECIPE, "no");
    require(strstr(vae_error_message(error), "beta-vae") != NULL, "the error is this thread's");
    vae_error_free(error);
  }
  return NULL;
}

int main(int argc, char **argv) {
  alarm(240);
  if (argc > 1) rounds = atoi(argv[1]);
  data = make_data();
  expected = trained_elbo(data);
  pthread_t threads[8];
  for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, work, NULL);
  for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
  vae_data_free(data);
  return 0;
}

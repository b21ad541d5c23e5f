// exit() while another thread computes, and out of a callback of the computing thread: the process ends with the
// status that was asked for, many times.
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vae.h>

extern char **environ;

enum { ROUNDS = 60, STATUS = 7 };

static vae_model *make(int convolutional) {
  const vae_setting settings[] = {
    {"latent", "2"},
    {convolutional ? "architecture" : "hidden", convolutional ? "conv" : "16"},
    {"channels", "4,4"}};
  vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .settings = settings,
    .setting_count = convolutional ? 3 : 2, .height = 8, .width = 8, .channels = 1,
    .range = VAE_RANGE_BINARY};
  vae_model *model = NULL;
  if (vae_model_create(&options, &model, NULL)) _exit(2);
  return model;
}

static void *sample(void *model) {
  for (int64_t count = 1;; count = count % 200 + 1) {
    vae_array *images = NULL;
    if (vae_sample(model, count, 1, 0, &images, NULL)) abort();
    vae_array_free(images);
  }
  return NULL;
}

static int32_t stop_all(const vae_progress *progress, void *user_data) {
  (void)progress, (void)user_data;
  exit(STATUS);
}

static int child(int number) {
  vae_set_threads(2, NULL);
  if (number % 4 == 3) {
    vae_data *data = NULL;
    if (vae_data_open("shapes:32", &data, NULL)) return 3;
    const vae_setting settings[] = {{"hidden", "8"}, {"latent", "2"}};
    vae_model_options options = {
      .struct_size = sizeof options, .variant = "gaussian-vae", .settings = settings,
      .setting_count = 2, .data = data};
    vae_model *model = NULL;
    vae_trainer *trainer = NULL;
    if (vae_model_create(&options, &model, NULL)) return 4;
    if (vae_trainer_create(model, data, NULL, &trainer, NULL)) return 5;
    vae_trainer_fit(trainer, stop_all, NULL, NULL, NULL);
    return 6;
  }
  vae_model *model = make(number % 2);
  pthread_t thread;
  if (pthread_create(&thread, NULL, sample, model)) return 8;
  usleep((useconds_t)(number * 1500));
  exit(STATUS);
}

int main(int count, char **arguments) {
  if (count > 1) return child(atoi(arguments[1]));
  int failures = 0;
  for (int number = 0; number < ROUNDS; number++) {
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    char *const again[] = {arguments[0], text, NULL};
    pid_t process;
    int status = 0;
    if (posix_spawn(&process, arguments[0], NULL, NULL, again, environ)) return 1;
    waitpid(process, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS) {
      fprintf(stderr, "process %d ended with status %#x\n", number, (unsigned)status);
      failures++;
    }
  }
  printf("%d of %d processes ended as they should\n", ROUNDS - failures, ROUNDS);
  return failures > 0;
}

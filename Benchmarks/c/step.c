// Measures a training step of the workload `mlp` through the interface, median and least in milliseconds:
// of vae_trainer_step_on with one batch, which is what `vae-zoo bench mlp` does, too; or of the times between
// the callbacks of vae_trainer_fit, which shuffles and gathers the examples of each batch besides.
//
//     step STEPS batch|fit
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <vae.h>

enum { BATCH = 128, PIXELS = 784, IMAGES = 20 * BATCH, WARM_UP = 20 };

typedef struct times {
  double *all;
  int count, limit;
  double last;
} times;

static void check(vae_status status, vae_error **error) {
  if (status == VAE_OK || status == VAE_ERR_CANCELLED) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

// Notes the time since the step before, but for those that an epoch's end stands between.
static int32_t note(const vae_progress *progress, void *user_data) {
  times *found = user_data;
  const double present = now();
  if (!progress->is_epoch_end && found->last > 0 && progress->step > WARM_UP) {
    found->all[found->count++] = present - found->last;
  }
  found->last = progress->is_epoch_end ? 0 : present;
  return found->count == found->limit;
}

// Steps on the same batch again and again.
static void step_on_batch(vae_trainer *trainer, const float *pixels, times *found) {
  const int64_t shape[] = {BATCH, 28, 28, 1};
  const vae_tensor batch = {
    .struct_size = sizeof batch, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .data = (void *)pixels};
  vae_error *error = NULL;
  for (int step = -WARM_UP; step < found->limit; step++) {
    const double begin = now();
    check(vae_trainer_step_on(trainer, &batch, NULL, &error), &error);
    if (step >= 0) found->all[found->count++] = now() - begin;
  }
}

int main(int count, char **arguments) {
  const int steps = count > 1 ? atoi(arguments[1]) : 0;
  const int fits = count > 2 && strcmp(arguments[2], "fit") == 0;
  if (count != 3 || steps < 1 || (!fits && strcmp(arguments[2], "batch") != 0)) {
    fprintf(stderr, "step STEPS batch|fit\n");
    return 64;
  }
  float *pixels = malloc(sizeof(float) * IMAGES * PIXELS);
  times found = {.all = malloc(sizeof(double) * (size_t)steps), .limit = steps};
  if (pixels == NULL || found.all == NULL) return 1;
  uint32_t state = 1;
  for (int i = 0; i < IMAGES * PIXELS; i++) {
    state = state * 1664525u + 1013904223u;
    pixels[i] = (float)((state >> 8) % 100 < 13);
  }

  vae_error *error = NULL;
  const int64_t shape[] = {IMAGES, 28, 28, 1};
  const vae_tensor images = {
    .struct_size = sizeof images, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .data = pixels};
  vae_data *data = NULL;
  check(vae_data_from_tensors(&images, NULL, VAE_RANGE_BINARY, &data, &error), &error);
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .data = data};
  vae_model *model = NULL;
  check(vae_model_create(&options, &model, &error), &error);
  const vae_trainer_options training = {.struct_size = sizeof training, .epochs = 1000000};
  vae_trainer *trainer = NULL;
  check(vae_trainer_create(model, data, &training, &trainer, &error), &error);
  if (fits) {
    check(vae_trainer_fit(trainer, note, &found, NULL, &error), &error);
  } else {
    step_on_batch(trainer, pixels, &found);
  }

  qsort(found.all, (size_t)found.count, sizeof(double), compare);
  printf("%.4f %.4f\n", found.all[found.count / 2], found.all[0]);
  vae_error_free(error);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  free(found.all);
  free(pixels);
  return 0;
}

// Measures what a call through the interface costs: one that does nothing, and one that reads a
// metric. Prints nanoseconds a call, the least of several runs.
//
//     calls
#define _POSIX_C_SOURCE 199309L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <vae.h>

enum { RUNS = 20, CALLS = 1000000 };

static void check(vae_status status, vae_error **error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

// Prints what one of many calls takes.
#define MEASURE(name, call)                              \
  do {                                                   \
    double least = 1e18;                                 \
    for (int run = 0; run < RUNS; run++) {               \
      const double begin = now();                        \
      for (int i = 0; i < CALLS; i++) call;              \
      const double each = (now() - begin) / CALLS;       \
      least = each < least ? each : least;               \
    }                                                    \
    printf("%-20s %6.2f ns\n", name, least);             \
  } while (0)

int main(void) {
  vae_error *error = NULL;
  float pixels[64 * 16];
  for (int i = 0; i < 64 * 16; i++) pixels[i] = (float)(i % 3 == 0);
  const int64_t shape[] = {64, 4, 4, 1};
  const vae_tensor images = {
    .struct_size = sizeof images, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .data = pixels};
  vae_data *data = NULL;
  check(vae_data_from_tensors(&images, &images, VAE_RANGE_AUTO, &data, &error), &error);
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .data = data};
  vae_model *model = NULL;
  check(vae_model_create(&options, &model, &error), &error);
  const vae_trainer_options training = {.struct_size = sizeof training, .batch_size = 32};
  vae_trainer *trainer = NULL;
  check(vae_trainer_create(model, data, &training, &trainer, &error), &error);
  check(vae_trainer_fit(trainer, NULL, NULL, NULL, &error), &error);
  vae_metrics *metrics = NULL;
  check(vae_evaluate(model, data, NULL, NULL, &metrics, &error), &error);

  volatile uint32_t version;
  double value = 0;
  MEASURE("vae_abi_version", version = vae_abi_version());
  MEASURE("vae_metrics_get", vae_metrics_get(metrics, "distortion_stderr", &value, NULL));
  MEASURE("vae_trainer_metric", vae_trainer_metric(trainer, "valid.distortion", &value, NULL));
  (void)version;
  vae_metrics_free(metrics);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return 0;
}

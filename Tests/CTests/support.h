// What the test programs share: a small model in memory, and failing with a word.
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae.h>

enum { IMAGES = 512, SIDE = 16, PIXELS = SIDE * SIDE };

static inline void check(vae_status status, vae_error *error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(error));
  abort();
}

static inline void require(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "failed: %s\n", what);
  abort();
}

// A data source over binary images that live as long as the process.
static inline vae_data *make_data(void) {
  static float pixels[IMAGES * PIXELS];
  for (unsigned i = 0; i < IMAGES * PIXELS; i++) pixels[i] = (float)((i * 2654435761u >> 9) % 3 == 0);
  static const int64_t shape[] = {IMAGES, SIDE, SIDE, 1};
  const vae_tensor images = {
    .struct_size = sizeof images, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .data = pixels};
  vae_data *data = NULL;
  vae_error *error = NULL;
  check(vae_data_from_tensors(&images, &images, VAE_RANGE_AUTO, &data, &error), error);
  return data;
}

static inline vae_model *make_model(void) {
  const vae_setting settings[] = {{"hidden", "200"}, {"latent", "8"}};
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .settings = settings,
    .setting_count = 2, .range = VAE_RANGE_BINARY, .height = SIDE, .width = SIDE, .channels = 1,
    .seed = 1};
  vae_model *model = NULL;
  vae_error *error = NULL;
  check(vae_model_create(&options, &model, &error), error);
  return model;
}

static inline vae_trainer *make_trainer(vae_model *model, const vae_data *data, int64_t epochs) {
  const vae_trainer_options options = {
    .struct_size = sizeof options, .epochs = epochs, .batch_size = 64};
  vae_trainer *trainer = NULL;
  vae_error *error = NULL;
  check(vae_trainer_create(model, data, &options, &trainer, &error), error);
  return trainer;
}

// The bound that a fresh model reaches after some epochs: the same in every process and thread.
static inline double trained_elbo(const vae_data *data) {
  vae_error *error = NULL;
  vae_model *model = make_model();
  vae_trainer *trainer = make_trainer(model, data, 3);
  check(vae_trainer_fit(trainer, NULL, NULL, NULL, &error), error);
  double elbo = 0;
  check(vae_trainer_metric(trainer, "valid.elbo", &elbo, &error), error);
  vae_trainer_free(trainer);
  vae_model_free(model);
  return elbo;
}

#endif

/* Trains the plug-in's variant for some steps from C, and draws from it.
 *
 *     ./use mixture.so [DATA] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <vae.h>

static void check(vae_status status, vae_error *const *error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 2 && argc != 3) {
    fprintf(stderr, "usage: %s PLUGIN [DATA]\n", argv[0]);
    return 64;
  }
  vae_error *error = NULL;
  check(vae_load_plugin(argv[1], &error), &error);
  vae_data *data = NULL;
  check(vae_data_open(argc > 2 ? argv[2] : "shapes:32", &data, &error), &error);
  const vae_setting settings[] = {{"components", "5"}, {"scale", "0.5"}, {"latent", "6"}};
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = "mixture-vae", .settings = settings, .setting_count = 3,
    .data = data, .seed = 1};
  vae_model *model = NULL;
  check(vae_model_create(&options, &model, &error), &error);
  vae_trainer *trainer = NULL;
  /* Small data have few steps in an epoch. */
  const vae_trainer_options training = {.struct_size = sizeof training, .epochs = 100};
  check(vae_trainer_create(model, data, &training, &trainer, &error), &error);
  vae_bound first = {.struct_size = sizeof first}, bound = {.struct_size = sizeof bound};
  check(vae_trainer_step(trainer, &first, &error), &error);
  for (int step = 0; step < 60; step++) check(vae_trainer_step(trainer, &bound, &error), &error);
  printf("ELBO of a batch: %.1f at the first step, %.1f at the last\n", first.elbo, bound.elbo);
  if (!(bound.elbo > first.elbo)) return 1;

  vae_array *images = NULL;
  check(vae_sample(model, 4, 1, 1, &images, &error), &error);
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_array_view(images, &view, &error), &error);
  const float *pixels = view.data;
  for (int64_t i = 0; i < 4 * view.shape[1] * view.shape[2]; i++) {
    if (!isfinite(pixels[i])) return 1;
  }
  vae_array_free(images);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return 0;
}

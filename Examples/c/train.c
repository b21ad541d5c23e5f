// Trains a variational autoencoder, measures it, and draws pictures.
//
//     train [SOURCE [VARIANT [EPOCHS]]]    such as: train mnist beta-vae 20
//
// VARIANT is one that is trained on images alone, with its own settings; without one it is a small gaussian-vae.
// Writes model.safetensors and samples.pgm into the present folder.
#include <stdio.h>
#include <stdlib.h>
#include <vae.h>

// Ends the program where a call failed.
static void check(vae_status status, vae_error **error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  vae_error_free(*error);
  exit(1);
}

static int32_t report(const vae_progress *progress, void *user_data) {
  (void)user_data;
  if (progress->is_epoch_end) {
    printf("epoch %lld: train %.2f", (long long)progress->epoch, progress->train.elbo);
    if (progress->valid.is_held_out) printf(", held out %.2f", progress->valid.elbo);
    printf(" nats\n");
  }
  return 0;
}

// Writes rows of images, 8 in each, as one grey picture.
static void write_pgm(const char *path, const vae_tensor *images) {
  const int64_t count = images->shape[0], height = images->shape[1], width = images->shape[2];
  const int64_t channels = images->shape[3], columns = 8, rows = count / columns;
  const float *pixels = images->data;
  FILE *file = fopen(path, "wb");
  if (!file) {
    perror(path);
    exit(1);
  }
  fprintf(file, "P5 %lld %lld 255\n", (long long)(columns * width), (long long)(rows * height));
  for (int64_t y = 0; y < rows * height; y++) {
    for (int64_t x = 0; x < columns * width; x++) {
      const int64_t image = y / height * columns + x / width;
      const int64_t pixel = (image * height + y % height) * width + x % width;
      float value = 0;
      for (int64_t c = 0; c < channels; c++) value += pixels[pixel * channels + c] / channels;
      fputc((int)(255 * (value < 0 ? 0 : value > 1 ? 1 : value) + 0.5f), file);
    }
  }
  fclose(file);
}

int main(int count, char **arguments) {
  vae_error *error = NULL;
  vae_data *data = NULL;
  check(vae_data_open(count > 1 ? arguments[1] : "shapes:32", &data, &error), &error);

  const vae_setting settings[] = {{"latent", "8"}, {"hidden", "256"}};
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = count > 2 ? arguments[2] : "gaussian-vae",
    .settings = settings, .setting_count = count > 2 ? 0 : 2, .data = data, .seed = 1};
  vae_model *model = NULL;
  check(vae_model_create(&options, &model, &error), &error);

  const vae_trainer_options training = {
    .struct_size = sizeof training, .epochs = count > 3 ? atoi(arguments[3]) : 2};
  vae_trainer *trainer = NULL;
  check(vae_trainer_create(model, data, &training, &trainer, &error), &error);
  check(vae_trainer_fit(trainer, report, NULL, NULL, &error), &error);

  vae_metrics *metrics = NULL;
  double elbo = 0, rate = 0;
  check(vae_evaluate(model, data, NULL, NULL, &metrics, &error), &error);
  check(vae_metrics_get(metrics, "elbo", &elbo, &error), &error);
  check(vae_metrics_get(metrics, "rate", &rate, &error), &error);
  printf("test: ELBO %.2f nats, of which the latents cost %.2f\n", elbo, rate);

  vae_array *images = NULL;
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_sample(model, 32, 1, 7, &images, &error), &error);
  check(vae_array_view(images, &view, &error), &error);
  write_pgm("samples.pgm", &view);
  check(vae_model_save(model, "model.safetensors", &error), &error);

  vae_array_free(images);
  vae_metrics_free(metrics);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return 0;
}

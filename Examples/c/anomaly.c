// Finds the odd ones out: images that a model, trained on ordinary ones, holds for unlikely.
//
//     anomaly [SOURCE]    such as: anomaly parts.npz
//
// Trains on the images of SOURCE, else on the built-in shapes, then scores ordinary test images and damaged
// copies of them by their log-likelihood. A real use would train on pictures of good parts, and look at the
// lowest scores.
#include <stdio.h>
#include <stdlib.h>
#include <vae.h>

enum { COUNT = 200 };

// Ends the program where a call failed.
static void check(vae_status status, vae_error **error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  vae_error_free(*error);
  exit(1);
}

// The log-likelihood of each image.
static void score(vae_model *model, const vae_tensor *images, double *scores) {
  vae_error *error = NULL;
  vae_array *result = NULL;
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_log_likelihood(model, images, 16, 1, NULL, &result, &error), &error);
  check(vae_array_view(result, &view, &error), &error);
  for (int64_t i = 0; i < view.shape[0]; i++) scores[i] = ((const double *)view.data)[i];
  vae_array_free(result);
}

int main(int argc, char **argv) {
  vae_error *error = NULL;
  vae_data *data = NULL;
  check(vae_data_open(argc > 1 ? argv[1] : "shapes:32", &data, &error), &error);
  const vae_setting settings[] = {{"latent", "8"}, {"hidden", "256"}};
  const vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .settings = settings,
    .setting_count = 2, .data = data, .seed = 1};
  vae_model *model = NULL;
  check(vae_model_create(&options, &model, &error), &error);
  const vae_trainer_options training = {.struct_size = sizeof training, .epochs = 3};
  vae_trainer *trainer = NULL;
  check(vae_trainer_create(model, data, &training, &trainer, &error), &error);
  check(vae_trainer_fit(trainer, NULL, NULL, NULL, &error), &error);

  vae_array *images = NULL;
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_data_images(data, "test", 0, COUNT, &images, &error), &error);
  check(vae_array_view(images, &view, &error), &error);
  double ordinary[COUNT], damaged[COUNT];
  score(model, &view, ordinary);
  // A hole or spot in the middle of each image. The array is ours, so we may write to it.
  const int64_t height = view.shape[1], width = view.shape[2], channels = view.shape[3];
  float *pixels = view.data;
  for (int64_t i = 0; i < COUNT; i++) {
    for (int64_t y = height * 2 / 5; y < height * 3 / 5; y++) {
      for (int64_t x = width * 2 / 5; x < width * 3 / 5; x++) {
        float *pixel = pixels + ((i * height + y) * width + x) * channels;
        for (int64_t c = 0; c < channels; c++) pixel[c] = 1 - pixel[c];
      }
    }
  }
  score(model, &view, damaged);

  // How often a damaged image scores below an ordinary one: 1 for a perfect detector, 0.5 for chance.
  double wins = 0;
  for (int i = 0; i < COUNT; i++) {
    for (int j = 0; j < COUNT; j++) wins += damaged[i] < ordinary[j];
  }
  const double area = wins / COUNT / COUNT;
  printf("an ordinary image scores %.1f nats, damaged %.1f\n", ordinary[0], damaged[0]);
  printf("area under the curve %.3f\n", area);

  vae_array_free(images);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return area > 0.7 ? 0 : 1;
}

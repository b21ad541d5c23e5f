// A program that uses most of the interface, compiled against the header of every version.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <unistd.h>

#include "support.h"

static int32_t count_steps(const vae_progress *progress, void *user_data) {
  if (!progress->is_epoch_end) ++*(int *)user_data;
  return 0;
}

int main(void) {
  alarm(120);
  vae_error *error = NULL;
  require(vae_abi_version() >> 16 == VAE_ABI_MAJOR, "the major version is this header's");
  require((vae_abi_version() & 0xffff) >= VAE_ABI_MINOR, "the minor version is not older");
  vae_data *data = make_data();
  vae_data_info data_info = {.struct_size = sizeof data_info};
  check(vae_data_describe(data, &data_info, &error), error);
  require(data_info.train_count == IMAGES && data_info.width == SIDE, "the data are described");

  vae_model *model = make_model();
  vae_trainer *trainer = make_trainer(model, data, 2);
  int steps = 0;
  check(vae_trainer_fit(trainer, count_steps, &steps, NULL, &error), error);
  require(steps == 2 * IMAGES / 64, "every step is told");
  vae_metrics *metrics = NULL;
  const vae_evaluation_options options = {
    .struct_size = sizeof options, .importance_samples = 4, .split = "test"};
  check(vae_evaluate(model, data, &options, NULL, &metrics, &error), error);
  double nll = 0;
  check(vae_metrics_get(metrics, "nll", &nll, &error), error);
  require(isfinite(nll) && nll > 0, "the likelihood is measured");

  vae_array *images = NULL;
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_data_images(data, "test", 0, 10, &images, &error), error);
  check(vae_array_view(images, &view, &error), error);
  vae_encoding *encoding = NULL;
  check(vae_encode(model, &view, 1, &encoding, &error), error);
  vae_array *sample = NULL, *decoded = NULL, *reconstructed = NULL;
  check(vae_encoding_get(encoding, VAE_ENCODING_SAMPLE, 0, &sample, &error), error);
  vae_tensor latents = {.struct_size = sizeof latents}, a = latents, b = latents;
  check(vae_array_view(sample, &latents, &error), error);
  const vae_tensor *layers[] = {&latents};
  check(vae_decode(model, layers, 1, 1, &decoded, &error), error);
  check(vae_reconstruct(model, &view, 1, &reconstructed, &error), error);
  check(vae_array_view(decoded, &a, &error), error);
  check(vae_array_view(reconstructed, &b, &error), error);
  require(memcmp(a.data, b.data, 10 * PIXELS * sizeof(float)) == 0, "decoding is reconstruction");

  vae_array *bytes = NULL;
  check(vae_model_save_memory(model, &bytes, &error), error);
  check(vae_array_view(bytes, &a, &error), error);
  vae_model *copy = NULL;
  check(vae_model_load_memory(a.data, (size_t)a.shape[0], &copy, &error), error);
  vae_array *first = NULL, *second = NULL;
  check(vae_sample(model, 5, 1, 3, &first, &error), error);
  check(vae_sample(copy, 5, 1, 3, &second, &error), error);
  check(vae_array_view(first, &a, &error), error);
  check(vae_array_view(second, &b, &error), error);
  require(memcmp(a.data, b.data, 5 * PIXELS * sizeof(float)) == 0, "a copy draws the same");
  vae_model_free(copy);
  require(vae_model_load("no-such-model", &copy, &error) == VAE_ERR_NOT_FOUND, "a status keeps its number");
  require(copy == NULL && strlen(vae_error_message(error)) > 0, "a failure says what is wrong");

  vae_error_free(error);
  vae_array_free(first);
  vae_array_free(second);
  vae_array_free(bytes);
  vae_array_free(images);
  vae_array_free(sample);
  vae_array_free(decoded);
  vae_array_free(reconstructed);
  vae_encoding_free(encoding);
  vae_metrics_free(metrics);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return 0;
}

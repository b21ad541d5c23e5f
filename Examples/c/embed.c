// Loads a model from a single file and writes what its encoder says about images: one line of
// latent means an image, separated by tabs.
//
//     embed MODEL.safetensors SOURCE [COUNT]     such as: embed model.safetensors shapes:32 100
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

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: %s MODEL.safetensors SOURCE [COUNT]\n", arguments[0]);
    return 64;
  }
  vae_error *error = NULL;
  vae_model *model = NULL;
  check(vae_model_load(arguments[1], &model, &error), &error);
  vae_data *data = NULL;
  check(vae_data_open(arguments[2], &data, &error), &error);
  vae_array *images = NULL;
  check(
      vae_data_images(data, "train", 0, count > 3 ? atoll(arguments[3]) : 10, &images, &error),
      &error);

  // Any float32 memory serves as images; here it is an array of the library's own.
  vae_tensor view = {.struct_size = sizeof view};
  check(vae_array_view(images, &view, &error), &error);
  vae_encoding *encoding = NULL;
  check(vae_encode(model, &view, 0, &encoding, &error), &error);
  vae_array *means = NULL;
  check(vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, &means, &error), &error);

  check(vae_array_view(means, &view, &error), &error);
  const float *values = view.data;
  for (int64_t row = 0; row < view.shape[0]; row++) {
    for (int64_t unit = 0; unit < view.shape[1]; unit++) {
      printf("%s%.5f", unit ? "\t" : "", values[row * view.shape[1] + unit]);
    }
    printf("\n");
  }

  vae_array_free(means);
  vae_encoding_free(encoding);
  vae_array_free(images);
  vae_data_free(data);
  vae_model_free(model);
  return 0;
}

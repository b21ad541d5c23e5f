// Turns latents into a picture with the autoencoder that another program has stored: what stands at the end of a
// diffusion program.
//
//     decode_latents WEIGHTS LATENTS ROWS COLUMNS PICTURE.ppm [key=value]
//
// WEIGHTS is what `vae-zoo import` takes, such as the folder vae of Stable Diffusion. LATENTS are float32 as a
// diffusion model leaves them: scaled, [channels, ROWS, COLUMNS]. A last argument is a setting, such as
// prior.scaling_factor=0.13025, where the files do not say it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vae.h>

// Ends the program where a call failed.
static void check(vae_status status, vae_error **error) {
  if (status == VAE_OK) return;
  fprintf(stderr, "%s: %s\n", vae_status_name(status), vae_error_message(*error));
  vae_error_free(*error);
  exit(1);
}

static int32_t show(double fraction, void *nothing) {
  (void)nothing;
  fprintf(stderr, "\r%3.0f %%", 100 * fraction);
  return 0;
}

int main(int count, char **arguments) {
  char *value = count > 6 ? strchr(arguments[6], '=') : NULL;
  if (count < 6 || (count > 6 && !value)) {
    fprintf(stderr, "usage: %s WEIGHTS LATENTS ROWS COLUMNS PICTURE.ppm [key=value]\n", arguments[0]);
    return 64;
  }
  enum { LARGEST = 1 << 22 };
  static float numbers[LARGEST];
  const int64_t rows = strtoll(arguments[3], NULL, 10), columns = strtoll(arguments[4], NULL, 10);
  const int is_size = rows > 0 && columns > 0 && rows <= LARGEST && columns <= LARGEST / rows;
  FILE *file = fopen(arguments[2], "rb");
  if (!file) return perror(arguments[2]), 66;
  const size_t found = fread(numbers, sizeof *numbers, LARGEST, file);
  if (!is_size || !found || found % (size_t)(rows * columns)) {
    fprintf(stderr, "%s holds no latents of %s by %s places\n", arguments[2], arguments[3], arguments[4]);
    return 65;
  }
  fclose(file);

  vae_error *error = NULL;
  vae_model *model = NULL;
  if (value) *value++ = 0;
  const vae_setting setting = {count > 6 ? arguments[6] : NULL, value};
  check(vae_model_import(arguments[1], 0, &setting, value != NULL, NULL, &model, &error), &error);

  // Strides say that channels come first in memory: nothing is copied for that.
  const int64_t channels = (int64_t)found / (rows * columns);
  const int64_t shape[] = {1, rows, columns, channels}, strides[] = {0, columns, 1, rows * columns};
  const vae_tensor latents = {
    .struct_size = sizeof latents, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .strides = strides, .data = numbers};
  const vae_call_options options = {.struct_size = sizeof options, .progress = show};
  vae_array *picture = NULL;
  check(vae_decode_pictures(model, &latents, 1, 0, 0, VAE_UINT8, &options, &picture, &error), &error);

  vae_tensor view = {.struct_size = sizeof view};
  check(vae_array_view(picture, &view, &error), &error);
  file = fopen(arguments[5], "wb");
  if (!file) return perror(arguments[5]), 73;
  const size_t size = (size_t)(view.shape[1] * view.shape[2] * view.shape[3]);
  const long long height = view.shape[1], width = view.shape[2];
  fprintf(file, "P%c\n%lld %lld\n255\n", view.shape[3] == 3 ? '6' : '5', width, height);
  int written = fwrite(view.data, 1, size, file) == size;
  // What is in the buffer is written by closing.
  written = !fclose(file) && written;
  fprintf(stderr, written ? "\r%s is written\n" : "\r%s cannot be written\n", arguments[5]);
  vae_array_free(picture);
  vae_model_free(model);
  return written ? 0 : 73;
}

// A program compiled against an older or a newer vae.h, whose structs have one field less or one more
// (scripts/abi-resized): it runs, nothing is written beyond its structs, and a field that the library
// does not know is refused unless it is zero.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <unistd.h>

#include "support.h"

// A struct that the library fills in, before bytes that are nobody's.
#define GUARDED(type, name) \
  struct { \
    type value; \
    unsigned char guard[64]; \
  } name; \
  memset(&name, 0xa5, sizeof name); \
  name.value.struct_size = sizeof name.value

#define REQUIRE_UNTOUCHED(name) require_untouched(name.guard, #name)

static void require_untouched(const unsigned char *guard, const char *what) {
  for (int i = 0; i < 64; i++) require(guard[i] == 0xa5, what);
}

#ifdef VAE_RESIZED_LONGER
#define REQUIRE_ZERO_TAIL(name) \
  require(name.value.added_later == 0, #name " has its unknown field zeroed")
#define REQUIRE_REFUSED(name, field, call) \
  do { \
    vae_error *refusal = NULL; \
    name.added_later = 7; \
    require((call) == VAE_ERR_UNSUPPORTED, #name " with an unknown field is refused"); \
    require(strstr(vae_error_message(refusal), field) != NULL, "the refusal names the struct"); \
    vae_error_free(refusal); \
    name.added_later = 0; \
  } while (0)
#else
#define REQUIRE_ZERO_TAIL(name) (void)0
#define REQUIRE_REFUSED(name, field, call) (void)0
#endif

static int32_t stop_at_third(const vae_progress *progress, void *user_data) {
  int *calls = user_data;
  require(progress->step == *calls + 1, "progress is told step by step");
  require(isfinite(progress->train.elbo), "progress tells the bound");
  return ++*calls == 3;
}

int main(void) {
  alarm(120);
  vae_error *error = NULL;

  static float pixels[IMAGES * PIXELS];
  for (unsigned i = 0; i < IMAGES * PIXELS; i++) pixels[i] = (float)((i * 2654435761u >> 9) % 3 == 0);
  const int64_t shape[] = {IMAGES, SIDE, SIDE, 1};
  vae_tensor images = {
    .struct_size = sizeof images, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 4,
    .shape = shape, .data = pixels};
  vae_data *data = NULL;
  REQUIRE_REFUSED(
    images, "train", vae_data_from_tensors(&images, NULL, VAE_RANGE_BINARY, &data, &refusal));
  check(vae_data_from_tensors(&images, &images, VAE_RANGE_BINARY, &data, &error), error);
  GUARDED(vae_data_info, data_info);
  check(vae_data_describe(data, &data_info.value, &error), error);
  require(data_info.value.train_count == IMAGES, "the data are described");
  REQUIRE_UNTOUCHED(data_info);
  REQUIRE_ZERO_TAIL(data_info);

  vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .range = VAE_RANGE_BINARY,
    .height = SIDE, .width = SIDE, .channels = 1, .seed = 1};
  vae_model *model = NULL;
  REQUIRE_REFUSED(options, "options", vae_model_create(&options, &model, &refusal));
  check(vae_model_create(&options, &model, &error), error);
  GUARDED(vae_model_info, model_info);
  check(vae_model_describe(model, &model_info.value, &error), error);
  require(model_info.value.latent_layers == 1, "the model is described");
  REQUIRE_UNTOUCHED(model_info);
  REQUIRE_ZERO_TAIL(model_info);

  vae_trainer_options training = {.struct_size = sizeof training, .epochs = 2, .batch_size = 64};
  vae_trainer *trainer = NULL;
  REQUIRE_REFUSED(training, "options", vae_trainer_create(model, data, &training, &trainer, &refusal));
  check(vae_trainer_create(model, data, &training, &trainer, &error), error);
  int calls = 0;
  require(
    vae_trainer_fit(trainer, stop_at_third, &calls, NULL, &error) == VAE_ERR_CANCELLED && calls == 3,
    "a callback stops the training");
  vae_error_free(error);
  GUARDED(vae_bound, bound);
  check(vae_trainer_step(trainer, &bound.value, &error), error);
  require(isfinite(bound.value.elbo), "a step tells its bound");
  REQUIRE_UNTOUCHED(bound);

  vae_evaluation_options evaluation = {.struct_size = sizeof evaluation, .importance_samples = 2};
  vae_metrics *metrics = NULL;
  REQUIRE_REFUSED(
    evaluation, "options", vae_evaluate(model, data, &evaluation, NULL, &metrics, &refusal));
  check(vae_evaluate(model, data, &evaluation, NULL, &metrics, &error), error);
  vae_array *drawn = NULL;
  check(vae_sample(model, 2, 1, 1, &drawn, &error), error);
  GUARDED(vae_tensor, view);
  check(vae_array_view(drawn, &view.value, &error), error);
  require(view.value.rank == 4 && view.value.shape[0] == 2, "an array is looked at");
  REQUIRE_UNTOUCHED(view);
  REQUIRE_ZERO_TAIL(view);

  vae_array_free(drawn);
  vae_metrics_free(metrics);
  vae_trainer_free(trainer);
  vae_model_free(model);
  vae_data_free(data);
  return 0;
}

/* A decoder that stores what its factory received, and what a function made by `closure` sorted. */
#include <stdlib.h>
#include <string.h>
#include <vae_plugin.h>

static const vae_host *host;

static const int64_t list[] = {3, 1, 2};
static const char *const words[] = {"first", "second"};
#define SIZE .struct_size = sizeof(vae_hyperparameter)
static const vae_hyperparameter hyperparameters[] = {
  {SIZE, .type = VAE_TYPE_I32, .name = "small", .help = "", .default_integer = -16},
  {SIZE, .type = VAE_TYPE_I64, .name = "large", .help = "", .default_integer = -(1LL << 40)},
  {SIZE, .type = VAE_TYPE_U64, .name = "unsigned_one", .help = "", .default_integer = 1LL << 62},
  {SIZE, .type = VAE_TYPE_F32, .name = "single", .help = "", .default_number = 0.25},
  {SIZE, .type = VAE_TYPE_F64, .name = "twofold", .help = "", .default_number = 0.001},
  {SIZE, .type = VAE_TYPE_BOOL, .name = "flag", .help = "", .default_integer = 1},
  {SIZE, .type = VAE_TYPE_STRING, .name = "word", .help = "", .choices = words, .choice_count = 2},
  {SIZE, .type = VAE_TYPE_STRING, .name = "words", .help = "", .default_text = "any"},
  {SIZE, .type = VAE_TYPE_I64S, .name = "list", .help = "", .default_values = list, .default_count = 3}};

/* Which way round two numbers stand, by a factor that a C comparison has no place for. */
static void compare(void *result, void *const *arguments, void *user_data) {
  const float *const *a = arguments[0], *const *b = arguments[1];
  *(int32_t *)result = *(const int *)user_data * ((**a > **b) - (**a < **b));
}

static void *make(
  vae_build *build, int32_t small, int64_t large, uint64_t unsigned_one, float single, double twofold, int32_t flag,
  const char *word, const char *text, const int64_t *values, size_t count) {
  float record[16] = {
    (float)small, (float)(large / (1LL << 40)), (float)(unsigned_one >> 60), single, (float)(twofold * 1000),
    (float)flag, (float)strlen(word), (float)strlen(text), (float)count};
  for (size_t i = 0; i < count && i < 7; i++) record[9 + i] = (float)values[i];
  const int64_t shape[] = {16};
  host->parameter_from(build, "record", shape, 1, record, VAE_PARAMETER_BUFFER);
  const int32_t types[] = {VAE_TYPE_POINTER, VAE_TYPE_POINTER};
  static int downwards = -1;
  vae_function order = host->closure(build, VAE_TYPE_I32, types, 2, compare, &downwards);
  if (!order) return NULL;
  qsort(record, 16, sizeof *record, (int (*)(const void *, const void *))order);
  host->parameter_from(build, "sorted", shape, 1, record, VAE_PARAMETER_BUFFER);
  return host->user_data(build);
}

static vae_value *decode(void *self, vae_pass *pass, vae_value *z) {
  (void)self, (void)pass;
  return z;
}

VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *given) {
  static int user_data;
  static const vae_decoder methods = {.struct_size = sizeof methods, .decode = decode};
  static vae_component component;
  static const vae_plugin plugin = {
    .struct_size = sizeof plugin, .abi_version = VAE_PLUGIN_ABI_VERSION, .name = "signature", .version = "1",
    .components = &component, .component_count = 1};
  host = given;
  component = (vae_component){
    .struct_size = sizeof component, .name = "signature", .summary = "stores its arguments",
    .hyperparameters = hyperparameters, .hyperparameter_count = sizeof hyperparameters / sizeof *hyperparameters,
    .make = (vae_function)make, .user_data = &user_data, .decoder = &methods};
  return &plugin;
}

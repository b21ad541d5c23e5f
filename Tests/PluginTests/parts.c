/* Small components of every role but the prior, which the example has: what the tests hold to formulas. */
#include <stdlib.h>
#include <vae_plugin.h>

static const vae_host *host;

typedef struct {
  vae_parameter *weights, *bias, *updates;
  int64_t size;
  double beta;
  int32_t phases;
} part;

static part *linear(vae_build *build, int64_t inputs, int64_t outputs) {
  part *self = calloc(1, sizeof *self);
  const int64_t shape[] = {inputs, outputs}, one[] = {1};
  self->size = outputs;
  self->weights = host->parameter(build, "weights", shape, 2, VAE_INIT_LECUN_UNIFORM, 0, 0);
  self->bias = host->parameter(build, "bias", shape + 1, 1, VAE_INIT_CONSTANT, 0, VAE_PARAMETER_NOT_DECAYED);
  self->updates = host->parameter(build, "updates", one, 1, VAE_INIT_CONSTANT, 0, VAE_PARAMETER_BUFFER);
  return self;
}

static vae_value *applied(const part *self, vae_pass *pass, vae_value *x) {
  int64_t shape[8];
  host->shape(pass, x, shape);
  const int64_t rows[] = {shape[0], -1};
  return host->dense(
    pass, host->reshape(pass, x, rows, 2), host->use(pass, self->weights), host->use(pass, self->bias), 0, 0);
}

/* Counts its updates, to show that buffers change after them. */
static void after_update(void *object, vae_pass *pass) {
  const part *self = object;
  host->assign(pass, self->updates, host->scale(pass, host->use(pass, self->updates), 1, 1));
}

/* -- Encoders ----------------------------------------------------------------------------------------- */

static void *make_encoder(vae_build *build) {
  vae_build_info info = {.struct_size = sizeof info};
  host->describe_build(build, &info);
  if (info.latents == VAE_LATENTS_CODES) {
    return linear(build, info.height * info.width * info.channels, info.latent_size);
  }
  return linear(build, info.height * info.width * info.channels, 2 * info.latent_size);
}

static vae_value *encode(void *object, vae_pass *pass, vae_value *x) { return applied(object, pass, x); }

/* The same Gaussian as a posterior of its own. */
static vae_value *half(vae_pass *pass, vae_value *parameters, int64_t which) {
  int64_t shape[8];
  host->shape(pass, parameters, shape);
  return host->slice(pass, parameters, 1, which * shape[1] / 2, shape[1] / 2);
}

static vae_value *own_mean(void *object, vae_pass *pass, vae_value *parameters) {
  (void)object;
  return half(pass, parameters, 0);
}

static vae_value *own_variance(void *object, vae_pass *pass, vae_value *parameters) {
  (void)object;
  return host->exp(pass, half(pass, parameters, 1));
}

static vae_value *own_sample(void *object, vae_pass *pass, vae_value *parameters) {
  const int64_t units = ((const part *)object)->size / 2;
  vae_value *deviation = host->exp(pass, host->scale(pass, half(pass, parameters, 1), 0.5f, 0));
  return host->add(
    pass, half(pass, parameters, 0), host->multiply(pass, deviation, host->normal(pass, "z", &units, 1)));
}

static vae_value *own_log_density(void *object, vae_pass *pass, vae_value *parameters, vae_value *z) {
  (void)object;
  return host->gaussian_log_density(pass, z, half(pass, parameters, 0), half(pass, parameters, 1));
}

/* -- Decoder ------------------------------------------------------------------------------------------ */

static void *make_decoder(vae_build *build) {
  vae_build_info info = {.struct_size = sizeof info};
  host->describe_build(build, &info);
  return linear(build, info.latent_size, info.height * info.width * info.parameters_per_pixel);
}

static vae_value *decode(void *object, vae_pass *pass, vae_value *z) { return applied(object, pass, z); }

static void begin(void *object, vae_pass *pass, vae_value *parameters) {
  const part *self = object;
  host->assign(pass, self->bias, host->reshape(pass, parameters, &self->size, 1));
}

/* -- Objectives --------------------------------------------------------------------------------------- */

static void *make_objective(vae_build *build, double beta, int32_t phases) {
  const int64_t one[] = {1};
  part *self = calloc(1, sizeof *self);
  self->beta = beta;
  self->phases = phases;
  if (phases == 2) self->bias = host->parameter(build, "critic", one, 1, VAE_INIT_CONSTANT, 2, 0);
  return self;
}

static void requirements(void *object, vae_requirements *needs) {
  const part *self = object;
  needs->phases = self->phases;
  needs->draws = 3;
}

static vae_value *loss(void *object, vae_pass *pass, const vae_terms *terms) {
  const part *self = object;
  if (terms->phase == 1) return host->total(pass, host->square(pass, host->use(pass, self->bias)));
  vae_value *rate = host->average(pass, terms->rate);
  host->log_term(pass, "weighted_rate", host->scale(pass, rate, (float)self->beta, 0));
  host->log_term(pass, "layers", host->total(pass, terms->layer_rates[0]));
  return host->add(
    pass, host->average(pass, terms->distortion), host->scale(pass, rate, (float)self->beta, 0));
}

VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *given) {
  static const vae_encoder gaussian = {.struct_size = sizeof gaussian, .encode = encode};
  static const vae_encoder own = {
    .struct_size = sizeof own, .encode = encode, .sample = own_sample, .log_density = own_log_density,
    .mean = own_mean, .variance = own_variance};
  static const vae_decoder decoder = {.struct_size = sizeof decoder, .decode = decode, .begin = begin};
  static const vae_objective objective = {
    .struct_size = sizeof objective, .requirements = requirements, .loss = loss};
  static const vae_hyperparameter weights[] = {
    {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_F64, .name = "beta", .help = "weight of the rate",
     .default_number = 1, .minimum_number = 0, .maximum_number = 1e6},
    {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_I32, .name = "phases", .help = "losses",
     .default_integer = 1, .minimum_integer = 0, .maximum_integer = 3}};
  static vae_component components[4];
  static const vae_plugin plugin = {
    .struct_size = sizeof plugin, .abi_version = VAE_PLUGIN_ABI_VERSION, .name = "parts", .version = "1",
    .components = components, .component_count = 4};
  host = given;
  const vae_component common = {
    .struct_size = sizeof common, .summary = "of the tests", .destroy = free};
  for (int i = 0; i < 4; i++) components[i] = common;
  components[0].name = "linear";
  components[0].make = (vae_function)make_encoder;
  components[0].encoder = &gaussian;
  components[0].after_update = after_update;
  components[1].name = "linear-own";
  components[1].make = (vae_function)make_encoder;
  components[1].encoder = &own;
  components[2].name = "linear";
  components[2].make = (vae_function)make_decoder;
  components[2].decoder = &decoder;
  components[3].name = "weighted";
  components[3].hyperparameters = weights;
  components[3].hyperparameter_count = 2;
  components[3].make = (vae_function)make_objective;
  components[3].objective = &objective;
  return &plugin;
}

/* A mixture of Gaussians as prior: log p(z) = log sum_k w_k N(z; m_k, s_k), with weights, means and deviations that
 * are trained with everything else. */
#include "mixture.h"

#include <stdlib.h>

typedef struct {
  int64_t units, components;
  vae_parameter *logits, *means, *log_deviations;
} prior;

/* The hyper-parameters, as `vae-zoo describe` shows them; the arguments of the factory, in the same order. */
static const vae_hyperparameter hyperparameters[] = {
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_I64, .name = "latent", .help = "latent units",
   .default_integer = 20, .minimum_integer = 1, .maximum_integer = 1024},
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_I64, .name = "components",
   .help = "Gaussians in the mixture", .default_integer = 10, .minimum_integer = 1, .maximum_integer = 1024},
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_F64, .name = "spread",
   .help = "deviation of the first means around zero", .default_number = 1, .minimum_number = 0,
   .maximum_number = 100},
};

static void *make(vae_build *build, int64_t latent, int64_t components, double spread) {
  prior *self = malloc(sizeof *self);
  if (!self) {
    host->fail(build, "there is no memory");
    return NULL;
  }
  const int64_t shape[] = {components, latent};
  *self = (prior){
    .units = latent,
    .components = components,
    .logits = host->parameter(build, "logits", shape, 1, VAE_INIT_CONSTANT, 0, VAE_PARAMETER_NOT_DECAYED),
    .means = host->parameter(build, "means", shape, 2, VAE_INIT_NORMAL, spread, VAE_PARAMETER_NOT_DECAYED),
    .log_deviations =
      host->parameter(build, "log_deviations", shape, 2, VAE_INIT_CONSTANT, 0, VAE_PARAMETER_NOT_DECAYED)};
  return self;
}

static int64_t units(void *object) { return ((const prior *)object)->units; }

static vae_value *log_density(void *object, vae_pass *pass, vae_value *z) {
  const prior *self = object;
  const float half_log_tau = 0.918938533204672742f; /* log(2 pi) / 2 */
  vae_value *log_deviations = host->use(pass, self->log_deviations);
  /* [rows, 1, units] against [components, units] */
  const int64_t column[] = {-1, 1, self->units};
  vae_value *distances =
    host->subtract(pass, host->reshape(pass, z, column, 3), host->use(pass, self->means));
  vae_value *scaled = host->multiply(pass, distances, host->exp(pass, host->negate(pass, log_deviations)));
  vae_value *elements = host->subtract(
    pass, host->scale(pass, host->square(pass, scaled), -0.5f, -half_log_tau), log_deviations);
  vae_value *densities = host->sum(pass, elements, -1, 0); /* [rows, components] */
  return host->log_sum_exp(
    pass, host->add(pass, densities, host->log_softmax(pass, host->use(pass, self->logits))));
}

static vae_value *sample(void *object, vae_pass *pass, float temperature) {
  const prior *self = object;
  /* The largest of log w_k - log(-log u_k) is component k with probability w_k (Gumbel 1954). */
  vae_value *uniform = host->uniform(pass, "component", &self->components, 1);
  vae_value *gumbel =
    host->negate(pass, host->log(pass, host->negate(pass, host->log(pass, uniform))));
  vae_value *scores = host->add(pass, gumbel, host->use(pass, self->logits));
  vae_value *behind = host->subtract(pass, scores, host->largest(pass, scores, -1, 1));
  vae_value *chosen = host->above(pass, behind, -1e-30f); /* one of each row */
  vae_value *mean = host->matmul(pass, chosen, host->use(pass, self->means), 0, 0);
  vae_value *deviation =
    host->matmul(pass, chosen, host->exp(pass, host->use(pass, self->log_deviations)), 0, 0);
  vae_value *noise = host->scale(pass, host->normal(pass, "unit", &self->units, 1), temperature, 0);
  return host->add(pass, mean, host->multiply(pass, deviation, noise));
}

static const vae_prior methods = {
  .struct_size = sizeof methods, .units = units, .log_density = log_density, .sample = sample};

const vae_component mixture_prior = {
  .struct_size = sizeof mixture_prior,
  .name = "mixture",
  .summary = "a mixture of Gaussians, trained with the model",
  .hyperparameters = hyperparameters,
  .hyperparameter_count = sizeof hyperparameters / sizeof *hyperparameters,
  .make = (vae_function)make,
  .destroy = free,
  .prior = &methods};

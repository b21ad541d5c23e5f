/* The Laplace distribution around the decoder's output: log p(x) = sum -|x - m| / b - log 2b, one scale b for all
 * pixels. Absolute errors forgive outliers that squared ones do not. */
#include "mixture.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
  vae_parameter *log_scale;
} laplace;

static const vae_hyperparameter hyperparameters[] = {
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_F64, .name = "scale", .help = "the first scale b",
   .default_number = 0.3, .minimum_number = 1e-3, .maximum_number = 1e3},
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_BOOL, .name = "learns_scale",
   .help = "whether b is trained", .default_integer = 1},
};

static void *make(vae_build *build, double scale, int32_t learns_scale) {
  laplace *self = malloc(sizeof *self);
  if (!self) {
    host->fail(build, "there is no memory");
    return NULL;
  }
  const uint32_t flags = VAE_PARAMETER_NOT_DECAYED | (learns_scale ? 0 : VAE_PARAMETER_BUFFER);
  self->log_scale = host->parameter(build, "log_scale", NULL, 0, VAE_INIT_CONSTANT, log(scale), flags);
  return self;
}

static int64_t parameters_per_pixel(void *object, int64_t channels) {
  (void)object;
  return channels;
}

/* The density in one pass over memory, as an operation with its own gradient: inputs x and m [rows, ...] and log b,
 * output [rows]. */
static int32_t density_forward(
  const vae_buffer *inputs, uint64_t count, const vae_buffer *output, void *user_data) {
  (void)count, (void)user_data;
  const float *x = inputs[0].data, *m = inputs[1].data;
  const double log_scale = *inputs[2].data, scale = exp(log_scale);
  const int64_t elements = inputs[0].count / output->count;
  for (int64_t row = 0; row < output->count; row++) {
    double sum = 0;
    for (int64_t i = row * elements; i < (row + 1) * elements; i++) sum += fabs((double)x[i] - m[i]);
    output->data[row] = (float)(-sum / scale - (double)elements * (log(2) + log_scale));
  }
  return 0;
}

static int32_t density_backward(
  const vae_buffer *inputs, uint64_t count, const vae_buffer *output, const vae_buffer *output_gradient,
  const vae_buffer *input_gradients, void *user_data) {
  (void)count, (void)user_data;
  const float *x = inputs[0].data, *m = inputs[1].data;
  const double scale = exp(*inputs[2].data);
  const int64_t elements = inputs[0].count / output->count;
  double log_scale_gradient = 0;
  for (int64_t row = 0; row < output->count; row++) {
    const double gradient = output_gradient->data[row];
    double sum = 0;
    for (int64_t i = row * elements; i < (row + 1) * elements; i++) {
      const double distance = (double)x[i] - m[i];
      const double slope = gradient * (distance > 0 ? 1 : distance < 0 ? -1 : 0) / scale;
      if (input_gradients[0].data) input_gradients[0].data[i] = (float)-slope;
      if (input_gradients[1].data) input_gradients[1].data[i] = (float)slope;
      sum += fabs(distance);
    }
    log_scale_gradient += gradient * (sum / scale - (double)elements);
  }
  if (input_gradients[2].data) *input_gradients[2].data = (float)log_scale_gradient;
  return 0;
}

static vae_value *log_density(void *object, vae_pass *pass, vae_value *x, vae_value *parameters) {
  static const vae_operation density = {
    .struct_size = sizeof density, .name = "laplace density", .forward = density_forward,
    .backward = density_backward};
  const laplace *self = object;
  vae_value *inputs[] = {x, parameters, host->use(pass, self->log_scale)};
  int64_t shape[8] = {0};
  host->shape(pass, x, shape);
  return host->custom(pass, &density, inputs, 3, shape, 1, NULL);
}

static vae_value *mean(void *object, vae_pass *pass, vae_value *parameters) {
  (void)object, (void)pass;
  return parameters;
}

/* m - b sign(v) log(1 - 2 |v|) of v = u - 1/2: the inverse of the distribution function. */
static vae_value *sample(void *object, vae_pass *pass, vae_value *parameters, vae_value *noise) {
  const laplace *self = object;
  vae_value *v = host->scale(pass, noise, 1, -0.5f);
  vae_value *sign = host->scale(pass, host->above(pass, v, 0), 2, -1);
  vae_value *rest = host->clamp(pass, host->scale(pass, host->abs(pass, v), -2, 1), 1e-7f, 1);
  vae_value *scale = host->exp(pass, host->use(pass, self->log_scale));
  vae_value *distance = host->multiply(pass, scale, host->multiply(pass, sign, host->log(pass, rest)));
  return host->subtract(pass, parameters, distance);
}

static vae_value *parameters_with_mean(void *object, vae_pass *pass, vae_value *wanted) {
  return mean(object, pass, wanted);
}

static const vae_likelihood methods = {
  .struct_size = sizeof methods,
  .noise = VAE_NOISE_UNIFORM,
  .parameters_per_pixel = parameters_per_pixel,
  .log_density = log_density,
  .mean = mean,
  .sample = sample,
  .parameters_with_mean = parameters_with_mean};

const vae_component laplace_likelihood = {
  .struct_size = sizeof laplace_likelihood,
  .name = "laplace",
  .summary = "Laplace distributions of one scale around the decoder's output",
  .hyperparameters = hyperparameters,
  .hyperparameter_count = sizeof hyperparameters / sizeof *hyperparameters,
  .make = (vae_function)make,
  .destroy = free,
  .likelihood = &methods};

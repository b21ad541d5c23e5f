/* A plug-in that breaks one rule, chosen by a hyper-parameter, whose default FAULT may set. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <vae_plugin.h>

#ifndef FAULT
#define FAULT "none"
#endif

static const vae_host *host;
static vae_pass *stale_pass;
static vae_value *stale_value;

typedef struct {
  char fault[32];
  int64_t size;
  vae_parameter *weights, *bias;
} decoder;

static const char *const faults[] = {
  "none", "null", "shape", "infinite", "fail", "foreign", "stale", "assign", "parameter", "random", "loop",
  "crash", "leak", "gradient", "refuse", "refuse data", "silent", "two parameters", "no shape", "no name",
  "thread negate", "thread fail_pass", "thread describe_pass", "thread shape", "thread data", "thread use",
  "thread assign", "thread log_term", "thread constant", "thread concatenate", "thread custom", "thread fail",
  "thread fail_data", "thread describe_build", "thread user_data", "thread parameter", "thread parameter_from",
  "thread closure"};

static const vae_hyperparameter hyperparameters[] = {
  {.struct_size = sizeof(vae_hyperparameter), .type = VAE_TYPE_STRING, .name = "fault", .help = "what is wrong",
   .default_text = FAULT, .choices = faults, .choice_count = sizeof faults / sizeof *faults}};

/* A call of the host from another thread. */
typedef struct {
  const char *operation;
  vae_build *build;
  vae_pass *pass;
  vae_value *value;
  vae_parameter *parameter;
  /* Whether it was answered. */
  int is_answered;
} task;

static void *call_from_elsewhere(void *argument) {
  task *self = argument;
  const char *operation = self->operation;
  vae_build *build = self->build;
  vae_pass *pass = self->pass;
  vae_build_info build_info = {.struct_size = sizeof build_info, .height = -1};
  vae_pass_info pass_info = {.struct_size = sizeof pass_info, .rows = -1};
  const float number = 1;
  const void *result = NULL;
  if (!strcmp(operation, "negate")) result = host->negate(pass, self->value);
  if (!strcmp(operation, "fail_pass")) host->fail_pass(pass, "a reason of another thread");
  if (!strcmp(operation, "describe_pass")) host->describe_pass(pass, &pass_info);
  if (!strcmp(operation, "shape") && host->shape(pass, self->value, NULL) != -1) result = self;
  if (!strcmp(operation, "data")) result = host->data(pass, self->value);
  if (!strcmp(operation, "use")) result = host->use(pass, self->parameter);
  if (!strcmp(operation, "assign")) host->assign(pass, self->parameter, self->value);
  if (!strcmp(operation, "log_term")) host->log_term(pass, "term", self->value);
  if (!strcmp(operation, "constant")) result = host->constant(pass, &number, NULL, 0);
  if (!strcmp(operation, "concatenate")) result = host->concatenate(pass, NULL, 0, 0);
  if (!strcmp(operation, "custom")) result = host->custom(pass, NULL, NULL, 17, NULL, 0, NULL);
  if (!strcmp(operation, "fail")) host->fail(build, "a reason of another thread");
  if (!strcmp(operation, "fail_data")) host->fail_data(build, "a reason of another thread");
  if (!strcmp(operation, "describe_build")) host->describe_build(build, &build_info);
  if (!strcmp(operation, "user_data")) result = host->user_data(build);
  if (!strcmp(operation, "parameter"))
    result = host->parameter(build, "other", NULL, 0, VAE_INIT_CONSTANT, 0, 0);
  if (!strcmp(operation, "parameter_from")) result = host->parameter_from(build, "other", NULL, 0, &number, 0);
  if (!strcmp(operation, "closure") && host->closure(build, 0, NULL, 0, NULL, NULL)) result = self;
  self->is_answered = result || pass_info.rows != -1 || build_info.height != -1;
  return NULL;
}

/* Calls the host from another thread where the fault is "thread" and an operation. */
static void call_elsewhere(const char *fault, task task) {
  if (strncmp(fault, "thread ", 7)) return;
  pthread_t thread;
  task.operation = fault + 7;
  pthread_create(&thread, NULL, call_from_elsewhere, &task);
  pthread_join(thread, NULL);
  if (task.is_answered) abort();
}

static void *make(vae_build *build, const char *fault) {
  if (!strcmp(fault, "silent")) return NULL;
  if (!strcmp(fault, "refuse")) host->fail(build, "it is told to refuse");
  if (!strcmp(fault, "refuse data")) host->fail_data(build, "it is told to refuse data");
  vae_build_info info = {.struct_size = sizeof info};
  host->describe_build(build, &info);
  const int64_t outputs = info.height * info.width * info.parameters_per_pixel;
  const int64_t shape[] = {info.latent_size, outputs};
  decoder *self = calloc(1, sizeof *self);
  strncpy(self->fault, fault, sizeof self->fault - 1);
  self->size = outputs;
  self->weights = host->parameter(build, "weights", shape, 2, VAE_INIT_LECUN_UNIFORM, 0, 0);
  self->bias = host->parameter(build, "bias", shape + 1, 1, VAE_INIT_CONSTANT, 0, VAE_PARAMETER_NOT_DECAYED);
  call_elsewhere(fault, (task){.build = build});
  if (!strcmp(fault, "two parameters")) host->parameter(build, "bias", shape, 1, VAE_INIT_CONSTANT, 0, 0);
  if (!strcmp(fault, "no shape")) host->parameter(build, "third", NULL, 2, VAE_INIT_CONSTANT, 0, 0);
  if (!strcmp(fault, "no name")) host->parameter(build, NULL, shape, 1, VAE_INIT_CONSTANT, 0, 0);
  return self;
}

static void destroy(void *object) {
  decoder *self = object;
  if (strcmp(self->fault, "leak")) free(self);
}

static int32_t doubled(const vae_buffer *inputs, uint64_t count, const vae_buffer *output, void *user_data) {
  (void)count, (void)user_data;
  for (int64_t i = 0; i < output->count; i++) output->data[i] = 2 * inputs->data[i];
  return 0;
}

static int32_t tripled_gradient(
  const vae_buffer *inputs, uint64_t count, const vae_buffer *output, const vae_buffer *output_gradient,
  const vae_buffer *input_gradients, void *user_data) {
  (void)inputs, (void)count, (void)output, (void)user_data;
  if (!input_gradients->data) return 0;
  for (int64_t i = 0; i < input_gradients->count; i++) {
    input_gradients->data[i] = 3 * output_gradient->data[i];
  }
  return 0;
}

static vae_value *decode(void *object, vae_pass *pass, vae_value *z) {
  decoder *self = object;
  const char *fault = self->fault;
  vae_value *output = host->dense(
    pass, z, host->use(pass, self->weights), host->use(pass, self->bias), VAE_ACTIVATION_NONE, 0);
  if (!strcmp(fault, "null")) return NULL;
  if (!strcmp(fault, "shape")) return host->row_sums(pass, output);
  if (!strcmp(fault, "infinite")) return host->log(pass, host->scale(pass, output, 0, 0));
  if (!strcmp(fault, "fail")) host->fail_pass(pass, "it is told to fail");
  if (!strcmp(fault, "foreign")) return (vae_value *)object;
  if (!strcmp(fault, "parameter")) return host->use(pass, (vae_parameter *)object);
  if (!strcmp(fault, "assign")) host->assign(pass, self->bias, host->use(pass, self->bias));
  if (!strcmp(fault, "random")) return host->scale(pass, output, 1, (float)(rand() % 1000) * 1e-3f);
  if (!strcmp(fault, "loop")) {
    for (volatile int forever = 1; forever;) {
    }
  }
  if (!strcmp(fault, "crash")) *(volatile int *)8 = 1;
  if (!strcmp(fault, "gradient")) {
    static const vae_operation wrong = {
      .struct_size = sizeof wrong, .name = "wrong", .forward = doubled, .backward = tripled_gradient};
    int64_t shape[8];
    const int64_t rank = host->shape(pass, output, shape);
    return host->custom(pass, &wrong, &output, 1, shape, rank, NULL);
  }
  if (!strcmp(fault, "stale") && stale_pass) {
    if (host->negate(stale_pass, stale_value)) abort();
    return host->add(pass, output, stale_value);
  }
  stale_pass = pass;
  stale_value = output;
  call_elsewhere(fault, (task){.pass = pass, .value = output, .parameter = self->bias});
  return output;
}

VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *given) {
  static const vae_decoder methods = {.struct_size = sizeof methods, .decode = decode};
  static vae_component component;
  static const vae_plugin plugin = {
    .struct_size = sizeof plugin, .abi_version = VAE_PLUGIN_ABI_VERSION, .name = "hostile", .version = "1",
    .summary = "breaks a rule", .components = &component, .component_count = 1};
  host = given;
  component = (vae_component){
    .struct_size = sizeof component, .name = "hostile", .summary = "breaks a rule",
    .hyperparameters = hyperparameters, .hyperparameter_count = 1, .make = (vae_function)make, .destroy = destroy,
    .decoder = &methods};
  return &plugin;
}

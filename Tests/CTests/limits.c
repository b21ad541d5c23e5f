// Limits of the process: little address space, and no threads. Each is an error, and what works without still works.
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vae.h>

#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      return 1; \
    } \
  } while (0)

static vae_status make(const char *hidden, vae_model **model, vae_error **error) {
  const vae_setting settings[] = {{"hidden", hidden}, {"latent", "2"}};
  vae_model_options options = {
    .struct_size = sizeof options, .variant = "gaussian-vae", .settings = settings,
    .setting_count = 2, .height = 32, .width = 32, .channels = 1, .range = VAE_RANGE_UNIT,
    .seed = 1};
  *model = NULL;
  return vae_model_create(&options, model, error);
}

static long pages_in_use(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1) pages = 0;
  if (file) fclose(file);
  return pages;
}

static void allow_address_space(long kilobytes) {
  const rlim_t bytes =
    (rlim_t)pages_in_use() * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)kilobytes * 1024;
  setrlimit(RLIMIT_AS, &(struct rlimit){bytes, RLIM_INFINITY});
}

/// A model of 36 million parameters, made and saved with so many megabytes more.
static int little_memory(long megabytes) {
  CHECK(vae_set_threads(1, NULL) == VAE_OK);
  vae_model *small = NULL, *large = NULL;
  CHECK(make("16", &small, NULL) == VAE_OK);
  vae_array *images = NULL;
  CHECK(vae_sample(small, 2, 1, 0, &images, NULL) == VAE_OK);
  vae_array_free(images);
  allow_address_space(1024 * megabytes);
  vae_error *error = NULL;
  vae_status status = make("[4096,4096]", &large, &error);
  if (status == VAE_OK) status = vae_model_save(large, "limits.safetensors", &error);
  CHECK(status == VAE_OK || status == VAE_ERR_OUT_OF_MEMORY);
  CHECK((status == VAE_OK) == (vae_error_message(error)[0] == '\0'));
  vae_error_free(error);
  vae_model_free(large);
  status = vae_sample(small, 50000, 1, 0, &images, NULL);
  CHECK(status == VAE_OK || status == VAE_ERR_OUT_OF_MEMORY);
  vae_array_free(images);
  setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  CHECK(vae_sample(small, 2, 1, 0, &images, NULL) == VAE_OK);
  vae_array_free(images);
  vae_model_free(small);
  return 0;
}

/// Calls with one thread or two, right after others took nearly all of the address space: each succeeds, or is an error.
static int calls_in_little_space(long kilobytes) {
  static float pixels[500 * 1024];
  const int64_t shape[] = {500, 32, 32};
  vae_tensor images = {
    .struct_size = sizeof images, .dtype = VAE_FLOAT32, .device = VAE_DEVICE_CPU, .rank = 3, .shape = shape, .data = pixels};
  for (int threads = 1; threads <= 2; threads++) {
    for (int call = 0; call < 6; call++) {
      vae_model *model = NULL;
      vae_data *data = NULL;
      vae_error *error = NULL;
      CHECK(vae_set_threads(threads, NULL) == VAE_OK || threads > 1);
      CHECK(vae_data_open("shapes:32", &data, NULL) == VAE_OK && make("256", &model, NULL) == VAE_OK);
      allow_address_space(kilobytes);
      vae_array *array = NULL;
      vae_encoding *encoding = NULL;
      vae_metrics *metrics = NULL;
      vae_trainer *trainer = NULL;
      vae_status status = VAE_OK;
      static char text[1 << 17];
      uint64_t needed = 0;
      switch (call) {
        case 0: status = vae_sample(model, 500, 1, 0, &array, &error); break;
        case 1: status = vae_encode(model, &images, 0, &encoding, &error); break;
        case 2: status = vae_evaluate(model, data, NULL, NULL, &metrics, &error); break;
        case 3: status = vae_model_save(model, "limits.safetensors", &error); break;
        case 4: status = vae_describe_json("vq-vae", text, sizeof text, &needed, &error); break;
        default:
          status = vae_trainer_create(model, data, NULL, &trainer, &error);
          for (int step = 0; step < 3 && status == VAE_OK; step++) status = vae_trainer_step(trainer, NULL, &error);
      }
      setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
      CHECK(status == VAE_OK || status == VAE_ERR_OUT_OF_MEMORY || status == VAE_ERR_THREADS);
      CHECK((status == VAE_OK) == (vae_error_message(error)[0] == '\0'));
      vae_error_free(error);
      vae_array_free(array);
      vae_encoding_free(encoding);
      vae_metrics_free(metrics);
      vae_trainer_free(trainer);
      vae_data_free(data);
      vae_model_free(model);
    }
  }
  return 0;
}

/// The first call of a process that has so many kilobytes left: an error, which says that.
static int first_call(long kilobytes) {
  allow_address_space(kilobytes);
  vae_model *model = NULL;
  vae_error *error = NULL;
  CHECK(make("16", &model, &error) == VAE_ERR_OUT_OF_MEMORY);
  CHECK(!model && strstr(vae_error_message(error), "memory"));
  vae_error_free(error);
  setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY});
  CHECK(make("16", &model, NULL) == VAE_OK);
  vae_model_free(model);
  return 0;
}

static int no_threads(void) {
  // Limits on processes are not for root.
  if (getuid() == 0) CHECK(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
  vae_model *model = NULL;
  CHECK(vae_set_threads(2, NULL) == VAE_OK);
  CHECK(setrlimit(RLIMIT_NPROC, &(struct rlimit){1, 1}) == 0);
  vae_error *error = NULL;
  CHECK(vae_set_threads(8, &error) == VAE_ERR_THREADS);
  CHECK(strstr(vae_error_message(error), "8 threads"));
  vae_error_free(error);
  CHECK(vae_threads() == 2);
  error = NULL;
  // On a crowded machine one thread computes alone, and needs no second one.
  const vae_status status = make("256", &model, &error);
  CHECK(status == VAE_ERR_THREADS || status == VAE_OK);
  CHECK(status == VAE_OK || (!model && strstr(vae_error_message(error), "2 threads")));
  vae_model_free(model);
  model = NULL;
  vae_error_free(error);
  CHECK(vae_set_threads(1, NULL) == VAE_OK);
  CHECK(make("256", &model, NULL) == VAE_OK);
  vae_array *images = NULL;
  CHECK(vae_sample(model, 64, 1, 0, &images, NULL) == VAE_OK);
  vae_array_free(images);
  vae_model_free(model);
  return 0;
}

static int in_child(int (*body)(long), long argument) {
  const pid_t process = fork();
  if (process == 0) _exit(body(argument));
  int status = 0;
  waitpid(process, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  fprintf(stderr, "with %ld: status %#x\n", argument, (unsigned)status);
  return 1;
}

static int without_threads(long unused) {
  (void)unused;
  return no_threads();
}

int main(void) {
  int failures = in_child(without_threads, 0);
  for (long megabytes = 0; megabytes <= 400; megabytes += 20)
    failures += in_child(little_memory, megabytes);
  for (long kilobytes = 0; kilobytes <= 1000; kilobytes += 20)
    failures += in_child(first_call, kilobytes);
  for (long megabytes = 1; megabytes <= 97; megabytes += 8)
    failures += in_child(calls_in_little_space, 1024 * megabytes);
  unlink("limits.safetensors");
  printf("%d failures\n", failures);
  return failures > 0;
}

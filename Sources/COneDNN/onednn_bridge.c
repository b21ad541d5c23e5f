#include "onednn_bridge.h"

#include <entry.h>
#include <vector_kernels.h>
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Leaves the function with the status of a call that failed.
#define TRY(call)                                              \
  do {                                                         \
    dnnl_status_t status_of_call = (call);                     \
    if (status_of_call != dnnl_success) return status_of_call; \
  } while (0)

_Static_assert((int)dnnl_out_of_memory == (int)VK_OUT_OF_MEMORY, "one status for short memory");

// MARK: The library

static char version_text[32];
static pthread_once_t version_once = PTHREAD_ONCE_INIT;

static void write_version(void) {
  const dnnl_version_t *version = dnnl_version();
  snprintf(
    version_text, sizeof version_text, "%d.%d.%d", version->major, version->minor, version->patch);
}

const char *od_version(void) {
  pthread_once(&version_once, write_version);
  return version_text;
}

const char *od_status_text(od_status status) { return dnnl_status2str((dnnl_status_t)status); }

void od_cap_isa(const char *isa) {
  if (isa == NULL) return;
  // SSE 4.1 is the least that oneDNN can be told. AVX-512 comes with its bfloat16 products, without
  // the tiles of AMX.
  if (strcmp(isa, "baseline") == 0) dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
  if (strcmp(isa, "avx2") == 0) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
  if (strcmp(isa, "avx512") == 0) dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx512_core_bf16);
}

int od_has_bfloat16(void) {
  // A set of instructions is a set of bits that contains those of the sets below it.
  return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) ==
         dnnl_cpu_isa_avx512_core_bf16;
}

/// The process's processor, as oneDNN sees it: never destroyed, since handles refer to it.
static dnnl_engine_t engine;
static dnnl_status_t engine_status;
static pthread_once_t engine_once = PTHREAD_ONCE_INIT;

static void create_engine(void) { engine_status = dnnl_engine_create(&engine, dnnl_cpu, 0); }

// MARK: Matrix products

static dnnl_status_t multiply(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
  int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  return dnnl_sgemm(
    transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

/// A kind of product, and whether its bits are those of one thread.
typedef struct {
  int64_t m, n, k;
  int transposes, threads;
  enum { UNKNOWN, EQUAL, DIFFERENT } bits;
} product_kind;

enum { PRODUCT_KINDS = 256 };
static product_kind product_kinds[PRODUCT_KINDS];
static pthread_mutex_t product_kinds_mutex = PTHREAD_MUTEX_INITIALIZER;

static size_t place_of(const product_kind *p) {
  uint64_t hash = (uint64_t)p->transposes * 8 + (uint64_t)p->threads;
  const int64_t sizes[] = {p->m, p->n, p->k};
  for (int i = 0; i < 3; i++) hash = (hash ^ (uint64_t)sizes[i]) * 0x9e3779b97f4a7c15u;
  return (size_t)(hash >> 56) % PRODUCT_KINDS;
}

/// Numbers whose sums depend on their order.
static void fill(float *x, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (float)(seed >> 8) / 16777216.0f - 0.5f;
  }
}

/// Compares the product of all threads with that of one. oneDNN divides the rows and columns of a result among
/// threads, and only where these are few the sums too; how, follows from sizes and threads alone.
static int has_equal_bits(const product_kind *p) {
  enum { MOST = 1 << 22 };
  const double sizes = (double)p->m * p->k + (double)p->k * p->n + 2 * (double)p->m * p->n;
  if (sizes > MOST) return 0;
  const size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
  float *a = malloc((m * k + k * n + 2 * m * n) * sizeof *a);
  if (a == NULL) return 0;
  float *b = a + m * k, *team = b + k * n, *alone = team + m * n;
  const int transpose_a = p->transposes & 1, transpose_b = p->transposes >> 1;
  const int64_t lda = transpose_a ? p->m : p->k, ldb = transpose_b ? p->k : p->n;
  fill(a, m * k + k * n, 1);
  dnnl_status_t status =
    multiply(transpose_a, transpose_b, p->m, p->n, p->k, 1, a, lda, b, ldb, 0, team, p->n);
  vk_use_one_thread();
  if (status == dnnl_success)
    status =
      multiply(transpose_a, transpose_b, p->m, p->n, p->k, 1, a, lda, b, ldb, 0, alone, p->n);
  vk_apply_threads();
  const int is_equal =
    status == dnnl_success && memcmp(team, alone, m * n * sizeof *team) == 0;
  free(a);
  return is_equal;
}

/// Whether one thread gives the same bits as all, tried once for a kind of product.
static int may_run_alone(const product_kind *wanted) {
  product_kind *kept = &product_kinds[place_of(wanted)];
  pthread_mutex_lock(&product_kinds_mutex);
  product_kind found = *kept;
  pthread_mutex_unlock(&product_kinds_mutex);
  const int is_known = found.bits != UNKNOWN && found.m == wanted->m && found.n == wanted->n
    && found.k == wanted->k && found.transposes == wanted->transposes
    && found.threads == wanted->threads;
  if (!is_known) {
    found = *wanted;
    found.bits = has_equal_bits(wanted) ? EQUAL : DIFFERENT;
    pthread_mutex_lock(&product_kinds_mutex);
    *kept = found;
    pthread_mutex_unlock(&product_kinds_mutex);
  }
  return found.bits == EQUAL;
}

od_status od_matrix_product(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
  int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  // oneDNN would leave C as it is, unscaled.
  if (k < 1) return dnnl_invalid_arguments;
  vk_entry entry;
  if (!vk_enter(&entry)) return dnnl_out_of_memory;
  const product_kind kind = {
    .m = m, .n = n, .k = k, .transposes = (transpose_a != 0) | (transpose_b != 0) << 1,
    .threads = vk_threads()};
  const int is_plain = lda == (transpose_a ? m : k) && ldb == (transpose_b ? k : n) && ldc == n;
  const int is_alone = entry.is_counted && kind.threads > 1 && is_plain && vk_is_crowded()
    && may_run_alone(&kind);
  if (is_alone) vk_use_one_thread();
  const dnnl_status_t status =
    multiply(transpose_a, transpose_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  if (is_alone) vk_apply_threads();
  vk_leave(&entry);
  return status;
}

// MARK: What differs between oneDNN 2 and 3

/// An array's sizes and memory layout: behind a pointer in version 3, a plain value in version 2.
typedef dnnl_memory_desc_t layout;
/// The same, lent.
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout_view;
#else
typedef const dnnl_memory_desc_t *layout_view;
#endif

/// What oneDNN must know of a convolution. `weights` leave the layout to oneDNN; `bias` stays empty
/// where there is none.
typedef struct {
  layout input, weights, plain_weights, bias, output;
  dnnl_dims_t strides, padding_before, padding_after;
} geometry;

#if DNNL_VERSION_MAJOR >= 3

static layout_view view(const layout *owned) { return *owned; }

static dnnl_status_t layout_create(
  layout *out, int rank, const dnnl_dims_t sizes, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_create_with_tag(out, rank, sizes, type, tag);
}

static dnnl_status_t layout_copy(layout *out, layout_view source) {
  return dnnl_memory_desc_clone(out, source);
}

static void layout_destroy(layout *owned) {
  if (*owned != NULL) dnnl_memory_desc_destroy(*owned);
}

/// `forward` describes the forward pass, NULL where that is the pass asked for.
static dnnl_status_t describe_pass(
  dnnl_primitive_desc_t *out, od_convolution_kind kind, const geometry *g,
  dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attributes) {
  const dnnl_dims_t undilated = {0, 0};
  switch (kind) {
    case OD_FORWARD:
      return dnnl_convolution_forward_primitive_desc_create(
        out, engine, dnnl_forward_training, dnnl_convolution_direct, g->input, g->weights, g->bias,
        g->output, g->strides, undilated, g->padding_before, g->padding_after, attributes);
    case OD_BACKWARD_DATA:
      return dnnl_convolution_backward_data_primitive_desc_create(
        out, engine, dnnl_convolution_direct, g->input, g->weights, g->output, g->strides,
        undilated, g->padding_before, g->padding_after, forward, attributes);
    case OD_BACKWARD_WEIGHTS:
      return dnnl_convolution_backward_weights_primitive_desc_create(
        out, engine, dnnl_convolution_direct, g->input, g->weights, g->bias, g->output, g->strides,
        undilated, g->padding_before, g->padding_after, forward, attributes);
  }
  return dnnl_invalid_arguments;
}

static dnnl_status_t describe_product(
  dnnl_primitive_desc_t *out, const layout *a, const layout *b, const layout *c,
  dnnl_primitive_attr_t attributes) {
  return dnnl_matmul_primitive_desc_create(out, engine, *a, *b, NULL, *c, attributes);
}

#else

static layout_view view(const layout *owned) { return owned; }

static dnnl_status_t layout_create(
  layout *out, int rank, const dnnl_dims_t sizes, dnnl_data_type_t type, dnnl_format_tag_t tag) {
  return dnnl_memory_desc_init_by_tag(out, rank, sizes, type, tag);
}

static dnnl_status_t layout_copy(layout *out, layout_view source) {
  *out = *source;
  return dnnl_success;
}

static void layout_destroy(layout *owned) { (void)owned; }

/// `forward` describes the forward pass, NULL where that is the pass asked for.
static dnnl_status_t describe_pass(
  dnnl_primitive_desc_t *out, od_convolution_kind kind, const geometry *g,
  dnnl_primitive_desc_t forward, dnnl_primitive_attr_t attributes) {
  dnnl_convolution_desc_t operation;
  switch (kind) {
    case OD_FORWARD:
      TRY(dnnl_convolution_forward_desc_init(
        &operation, dnnl_forward_training, dnnl_convolution_direct, &g->input, &g->weights,
        &g->bias, &g->output, g->strides, g->padding_before, g->padding_after));
      break;
    case OD_BACKWARD_DATA:
      TRY(dnnl_convolution_backward_data_desc_init(
        &operation, dnnl_convolution_direct, &g->input, &g->weights, &g->output, g->strides,
        g->padding_before, g->padding_after));
      break;
    case OD_BACKWARD_WEIGHTS:
      TRY(dnnl_convolution_backward_weights_desc_init(
        &operation, dnnl_convolution_direct, &g->input, &g->weights, &g->bias, &g->output,
        g->strides, g->padding_before, g->padding_after));
      break;
    default:
      return dnnl_invalid_arguments;
  }
  return dnnl_primitive_desc_create(out, &operation, attributes, engine, forward);
}

static dnnl_status_t describe_product(
  dnnl_primitive_desc_t *out, const layout *a, const layout *b, const layout *c,
  dnnl_primitive_attr_t attributes) {
  dnnl_matmul_desc_t operation;
  TRY(dnnl_matmul_desc_init(&operation, a, b, NULL, c));
  return dnnl_primitive_desc_create(out, &operation, attributes, engine, NULL);
}

#endif

// MARK: What products and convolutions share

/// Attributes by which scratch memory is the caller's.
static dnnl_status_t attributes_create(dnnl_primitive_attr_t *out) {
  TRY(dnnl_primitive_attr_create(out));
  dnnl_status_t status =
    dnnl_primitive_attr_set_scratchpad_mode(*out, dnnl_scratchpad_mode_user);
  if (status == dnnl_success) return status;
  dnnl_primitive_attr_destroy(*out);
  *out = NULL;
  return status;
}

/// The name of a primitive's implementation, which lives as long as the primitive.
static const char *implementation_of(const_dnnl_primitive_t primitive) {
  const_dnnl_primitive_desc_t description = NULL;
  const char *name = NULL;
  dnnl_status_t status = dnnl_primitive_get_primitive_desc(primitive, &description);
  if (status == dnnl_success)
    status = dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
  return status == dnnl_success ? name : "unknown";
}

/// Lends an array an address. oneDNN's interface has no notion of an array that is only read.
static dnnl_status_t lend(dnnl_memory_t array, const void *address) {
  if (address == NULL) return dnnl_invalid_arguments;
  return dnnl_memory_set_data_handle(array, (void *)address);
}

static dnnl_status_t execute(
  dnnl_primitive_t primitive, dnnl_stream_t stream, int count, const dnnl_exec_arg_t *arguments) {
  vk_entry entry;
  if (!vk_enter(&entry)) return dnnl_out_of_memory;
  dnnl_status_t status = dnnl_primitive_execute(primitive, stream, count, arguments);
  if (status == dnnl_success) status = dnnl_stream_wait(stream);
  vk_leave(&entry);
  return status;
}

// MARK: Passes

/// What a primitive computes with.
typedef struct {
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  /// Arrays without an address of their own: every call lends them the caller's.
  dnnl_exec_arg_t arguments[5];
  int argument_count;
  size_t scratch_bytes;
} pass;

/// Makes an array without an address and enters it among the arguments of the pass.
static dnnl_status_t add_array(
  pass *p, dnnl_memory_t *out, int argument, layout_view its_layout) {
  TRY(dnnl_memory_create(out, its_layout, engine, DNNL_MEMORY_NONE));
  p->arguments[p->argument_count++] = (dnnl_exec_arg_t){.arg = argument, .memory = *out};
  return dnnl_success;
}

/// What a compiled primitive may take, in bytes: oneDNN ends the process where the system refuses it.
enum { PRIMITIVE_SPACE = 4 << 20 };

/// Compiles a primitive, where there is memory for one.
static dnnl_status_t make_primitive(dnnl_primitive_t *out, const_dnnl_primitive_desc_t description) {
  return vk_may_take(PRIMITIVE_SPACE) ? dnnl_primitive_create(out, description) : dnnl_out_of_memory;
}

/// Makes stream and primitive.
static dnnl_status_t pass_prepare(pass *p, const_dnnl_primitive_desc_t description) {
  TRY(dnnl_stream_create(&p->stream, engine, dnnl_stream_default_flags));
  return make_primitive(&p->primitive, description);
}

/// The scratch memory that a pass needs, the last of its arguments; `out` stays NULL where there is none.
static dnnl_status_t add_scratch(
  pass *p, dnnl_memory_t *out, const_dnnl_primitive_desc_t description) {
  layout_view scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
  return p->scratch_bytes == 0 ? dnnl_success : add_array(p, out, DNNL_ARG_SCRATCHPAD, scratch);
}

static void pass_destroy(pass *p) {
  for (int i = 0; i < p->argument_count; i++) dnnl_memory_destroy(p->arguments[i].memory);
  if (p->primitive != NULL) dnnl_primitive_destroy(p->primitive);
  if (p->stream != NULL) dnnl_stream_destroy(p->stream);
}

static dnnl_status_t pass_run(const pass *p) {
  return execute(p->primitive, p->stream, p->argument_count, p->arguments);
}

/// Runs a pass that was made for one thread.
static dnnl_status_t pass_run_alone(const pass *p) {
  vk_use_one_thread();
  const dnnl_status_t status = pass_run(p);
  vk_apply_threads();
  return status;
}

static size_t whole_lines(size_t bytes) { return (bytes + 63) / 64 * 64; }

static layout_view layout_of(const_dnnl_memory_t array) {
  layout_view found = NULL;
  dnnl_memory_get_memory_desc(array, &found);
  return found;
}

/// Whether a pass for one thread takes arrays in the layouts of one for a team, and no more scratch memory.
static int takes_arrays_of(const pass *alone, const pass *team) {
  if (alone->scratch_bytes > team->scratch_bytes) return 0;
  for (int i = 0; i < alone->argument_count; i++) {
    const dnnl_exec_arg_t *own = &alone->arguments[i], *other = &team->arguments[i];
    if (own->arg == DNNL_ARG_SCRATCHPAD) continue;
    if (i >= team->argument_count || own->arg != other->arg) return 0;
    if (!dnnl_memory_desc_equal(layout_of(own->memory), layout_of(other->memory))) return 0;
  }
  return 1;
}

/// Lends a pass the addresses that another one has been lent.
static dnnl_status_t lend_again(const pass *to, const pass *from) {
  for (int i = 0; i < to->argument_count; i++)
    for (int j = 0; j < from->argument_count; j++) {
      void *address = NULL;
      if (to->arguments[i].arg != from->arguments[j].arg) continue;
      TRY(dnnl_memory_get_data_handle(from->arguments[j].memory, &address));
      TRY(dnnl_memory_set_data_handle(to->arguments[i].memory, address));
    }
  return dnnl_success;
}

/// Numbers whose sums depend on their order: as 32-bit floats and as bfloat16 all are between 1/2 and 2 in size.
static void fill_pairs(uint16_t *x, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    x[i] = (uint16_t)(0x3f00u | (seed >> 16 & 0x80ffu));
  }
}

/// Lends a pass numbers to try it with, in memory for all its arrays.
static dnnl_status_t lend_trial(const pass *p, unsigned char *arrays, void *scratch) {
  for (int i = 0; i < p->argument_count; i++) {
    const dnnl_memory_t array = p->arguments[i].memory;
    const int is_scratch = p->arguments[i].arg == DNNL_ARG_SCRATCHPAD;
    const size_t bytes = is_scratch ? 0 : dnnl_memory_desc_get_size(layout_of(array));
    fill_pairs((uint16_t *)arrays, bytes / 2, (uint32_t)i + 1);
    TRY(dnnl_memory_set_data_handle(array, is_scratch ? scratch : arrays));
    arrays += whole_lines(bytes);
  }
  return dnnl_success;
}

/// Whether a pass for one thread gives the bits of one for a team. oneDNN divides results among threads, and in some
/// passes sums too; how, follows from sizes and threads alone.
static int has_bits_of(const pass *alone, const pass *team) {
  // What is larger is left to the team: a trial must not need memory that a training would miss.
  enum { MOST = 1 << 24 };
  if (!takes_arrays_of(alone, team)) return 0;
  size_t bytes = 0;
  for (int i = 0; i < team->argument_count; i++)
    if (team->arguments[i].arg != DNNL_ARG_SCRATCHPAD)
      bytes += whole_lines(dnnl_memory_desc_get_size(layout_of(team->arguments[i].memory)));
  const size_t scratch_bytes = whole_lines(team->scratch_bytes);
  if (2 * bytes + scratch_bytes > MOST) return 0;
  unsigned char *memory = aligned_alloc(64, 2 * bytes + scratch_bytes);
  if (memory == NULL) return 0;
  void *scratch = memory + 2 * bytes;
  // Between the arrays too.
  memset(memory, 0, 2 * bytes);
  const int is_equal = lend_trial(team, memory, scratch) == dnnl_success
    && lend_trial(alone, memory + bytes, scratch) == dnnl_success
    && pass_run(team) == dnnl_success && pass_run_alone(alone) == dnnl_success
    && memcmp(memory, memory + bytes, bytes) == 0;
  free(memory);
  return is_equal;
}

/// Whether a pass made for one thread serves in place of that of the team; it is made when the machine is crowded for
/// the first time.
typedef enum { UNTRIED, SERVES, FAILS } alone_state;

/// Whether the calling thread should leave the team alone, if its own pass serves.
static int is_wanted_alone(alone_state state) {
  if (state == FAILS || vk_threads() == 1 || !vk_is_crowded()) return 0;
  // A thread of the pool computes alone as it is.
  vk_entry entry;
  vk_enter_idle(&entry);
  vk_leave(&entry);
  return entry.is_counted;
}

// MARK: Products made ready

/// What a product is made for.
typedef struct {
  int transpose_a, transpose_b;
  int64_t m, n, k;
  od_element_type operands;
} product_shape;

struct od_product {
  product_shape shape;
  pass pass;
  /// `scratch` is NULL where there is none.
  dnnl_memory_t a, b, c, scratch;
  /// The same for one thread.
  od_product *alone;
  alone_state alone_state;
};

static dnnl_status_t product_layouts(layout layouts[3], const product_shape *s) {
  const dnnl_data_type_t type = s->operands == OD_BFLOAT16 ? dnnl_bf16 : dnnl_f32;
  const dnnl_dims_t a = {s->m, s->k}, b = {s->k, s->n}, c = {s->m, s->n};
  TRY(layout_create(&layouts[0], 2, a, type, s->transpose_a ? dnnl_ba : dnnl_ab));
  TRY(layout_create(&layouts[1], 2, b, type, s->transpose_b ? dnnl_ba : dnnl_ab));
  return layout_create(&layouts[2], 2, c, dnnl_f32, dnnl_ab);
}

static dnnl_status_t product_prepare(
  od_product *p, const layout layouts[3], const_dnnl_primitive_desc_t description) {
  TRY(pass_prepare(&p->pass, description));
  TRY(add_array(&p->pass, &p->a, DNNL_ARG_SRC, view(&layouts[0])));
  TRY(add_array(&p->pass, &p->b, DNNL_ARG_WEIGHTS, view(&layouts[1])));
  TRY(add_array(&p->pass, &p->c, DNNL_ARG_DST, view(&layouts[2])));
  return add_scratch(&p->pass, &p->scratch, description);
}

static void product_destroy(od_product *p);

static dnnl_status_t product_create(const product_shape *shape, od_product **out) {
  *out = NULL;
  if (shape->m < 1 || shape->n < 1 || shape->k < 1) return dnnl_invalid_arguments;
  pthread_once(&engine_once, create_engine);
  TRY(engine_status);
  od_product *p = calloc(1, sizeof *p);
  if (p == NULL) return dnnl_out_of_memory;
  p->shape = *shape;

  layout layouts[3] = {0};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = product_layouts(layouts, shape);
  if (status == dnnl_success) status = attributes_create(&attributes);
  if (status == dnnl_success)
    status = describe_product(&description, &layouts[0], &layouts[1], &layouts[2], attributes);
  if (status == dnnl_success) status = product_prepare(p, layouts, description);
  if (description != NULL) dnnl_primitive_desc_destroy(description);
  if (attributes != NULL) dnnl_primitive_attr_destroy(attributes);
  for (int i = 0; i < 3; i++) layout_destroy(&layouts[i]);

  if (status != dnnl_success) {
    product_destroy(p);
    return status;
  }
  *out = p;
  return dnnl_success;
}

static void product_destroy(od_product *p) {
  if (p->alone != NULL) product_destroy(p->alone);
  pass_destroy(&p->pass);
  free(p);
}

od_status od_product_create(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, od_element_type operands,
  od_product **out) {
  vk_entry entry;
  vk_enter_idle(&entry);
  const product_shape shape = {transpose_a != 0, transpose_b != 0, m, n, k, operands};
  const dnnl_status_t status = product_create(&shape, out);
  vk_watch_end();
  vk_leave(&entry);
  return status;
}

void od_product_destroy(od_product *p) {
  if (p == NULL) return;
  vk_entry entry;
  vk_enter_idle(&entry);
  product_destroy(p);
  vk_leave(&entry);
}

const char *od_product_implementation(const od_product *p) {
  return implementation_of(p->pass.primitive);
}

size_t od_product_scratch_bytes(const od_product *p) { return p->pass.scratch_bytes; }

/// The same product for one thread, where it has the same bits; NULL where it has not.
static const pass *product_alone(od_product *p) {
  if (p->alone_state == UNTRIED) {
    vk_entry entry;
    vk_enter_idle(&entry);
    vk_use_one_thread();
    const dnnl_status_t status = product_create(&p->shape, &p->alone);
    vk_apply_threads();
    vk_watch_end();
    vk_leave(&entry);
    p->alone_state =
      status == dnnl_success && has_bits_of(&p->alone->pass, &p->pass) ? SERVES : FAILS;
  }
  return p->alone_state == SERVES ? &p->alone->pass : NULL;
}

od_status od_product_run(
  od_product *p, const void *a, const void *b, float *c, void *scratch) {
  const pass *alone = is_wanted_alone(p->alone_state) ? product_alone(p) : NULL;
  TRY(lend(p->a, a));
  TRY(lend(p->b, b));
  TRY(lend(p->c, c));
  if (p->scratch != NULL) TRY(lend(p->scratch, scratch));
  if (alone == NULL) return pass_run(&p->pass);
  TRY(lend_again(alone, &p->pass));
  return pass_run_alone(alone);
}

// MARK: Layouts of weights

/// A layout in which convolutions want packed weights, which stays known: there are few for each shape of weights.
typedef struct known_layout {
  layout own;
  uint64_t number;
  struct known_layout *next;
} known_layout;

static known_layout *known_layouts;
static pthread_mutex_t known_layouts_mutex = PTHREAD_MUTEX_INITIALIZER;

/// The number of a layout, from one: equal layouts have the same.
static dnnl_status_t layout_number(uint64_t *out, layout_view wanted) {
  dnnl_status_t status = dnnl_success;
  pthread_mutex_lock(&known_layouts_mutex);
  known_layout *found = known_layouts;
  while (found != NULL && !dnnl_memory_desc_equal(view(&found->own), wanted)) found = found->next;
  if (found == NULL && (found = calloc(1, sizeof *found)) == NULL) status = dnnl_out_of_memory;
  if (status == dnnl_success && found->number == 0) {
    status = layout_copy(&found->own, wanted);
    if (status == dnnl_success) {
      found->number = known_layouts == NULL ? 1 : known_layouts->number + 1;
      found->next = known_layouts;
      known_layouts = found;
    } else {
      free(found);
    }
  }
  if (status == dnnl_success) *out = found->number;
  pthread_mutex_unlock(&known_layouts_mutex);
  return status;
}

// MARK: Making a convolution

/// What a convolution is made for.
typedef struct {
  od_convolution_shape shape;
  od_convolution_kind kind;
  od_element_type operands;
  int with_bias;
} convolution_plan;

struct od_convolution {
  convolution_plan plan;
  pass pass;
  /// Between plain and preferred weights, in the direction that the kind needs; NULL where the two
  /// are the same.
  dnnl_primitive_t reorder;
  /// `plain_weights`, `bias` and `scratch` are NULL where there is none.
  dnnl_memory_t input, weights, plain_weights, bias, output, scratch;
  size_t packed_count;
  /// The number of the layout of packed weights, zero where plain ones serve.
  uint64_t packed_layout;
  /// The same for one thread.
  od_convolution *alone;
  alone_state alone_state;
};

/// oneDNN's names for the arrays of a pass, and for the question which weights it prefers.
typedef struct {
  int input, weights, bias, output;
  dnnl_query_t preferred_weights;
} pass_names;

static const pass_names names_of[] = {
  [OD_FORWARD] =
    {.input = DNNL_ARG_SRC,
     .weights = DNNL_ARG_WEIGHTS,
     .bias = DNNL_ARG_BIAS,
     .output = DNNL_ARG_DST,
     .preferred_weights = dnnl_query_weights_md},
  [OD_BACKWARD_DATA] =
    {.input = DNNL_ARG_DIFF_SRC,
     .weights = DNNL_ARG_WEIGHTS,
     .output = DNNL_ARG_DIFF_DST,
     .preferred_weights = dnnl_query_weights_md},
  [OD_BACKWARD_WEIGHTS] =
    {.input = DNNL_ARG_SRC,
     .weights = DNNL_ARG_DIFF_WEIGHTS,
     .bias = DNNL_ARG_DIFF_BIAS,
     .output = DNNL_ARG_DIFF_DST,
     .preferred_weights = dnnl_query_diff_weights_md},
};

static int is_positive(const od_convolution_shape *s) {
  return s->batch > 0 && s->input_height > 0 && s->input_width > 0 && s->input_channels > 0 &&
         s->output_height > 0 && s->output_width > 0 && s->output_channels > 0 &&
         s->kernel_height > 0 && s->kernel_width > 0 && s->stride_y > 0 && s->stride_x > 0;
}

/// The types of a pass's arrays: what it multiplies, and what it gives.
typedef struct {
  dnnl_data_type_t input, weights, output;
} element_types;

static element_types types_of(od_convolution_kind kind, dnnl_data_type_t operands) {
  element_types types = {operands, operands, operands};
  if (kind == OD_FORWARD) types.output = dnnl_f32;
  if (kind == OD_BACKWARD_DATA) types.input = dnnl_f32;
  if (kind == OD_BACKWARD_WEIGHTS) types.weights = dnnl_f32;
  return types;
}

static dnnl_status_t geometry_create(
  geometry *g, const od_convolution_shape *s, element_types types, int with_bias) {
  // oneDNN counts sizes in the order batch, channels, height, width, however they lie in memory.
  const dnnl_dims_t input = {s->batch, s->input_channels, s->input_height, s->input_width};
  const dnnl_dims_t output = {s->batch, s->output_channels, s->output_height, s->output_width};
  const dnnl_dims_t bias = {s->output_channels};
  const dnnl_dims_t weights = {
    s->output_channels, s->input_channels, s->kernel_height, s->kernel_width};
  TRY(layout_create(&g->input, 4, input, types.input, dnnl_nhwc));
  TRY(layout_create(&g->output, 4, output, types.output, dnnl_nhwc));
  TRY(layout_create(&g->weights, 4, weights, types.weights, dnnl_format_tag_any));
  TRY(layout_create(&g->plain_weights, 4, weights, dnnl_f32, dnnl_oihw));
  if (with_bias) TRY(layout_create(&g->bias, 1, bias, dnnl_f32, dnnl_x));
  g->strides[0] = s->stride_y;
  g->strides[1] = s->stride_x;
  g->padding_before[0] = s->pad_top;
  g->padding_before[1] = s->pad_left;
  g->padding_after[0] = s->pad_bottom;
  g->padding_after[1] = s->pad_right;
  return dnnl_success;
}

static void geometry_destroy(geometry *g) {
  layout_destroy(&g->input);
  layout_destroy(&g->weights);
  layout_destroy(&g->plain_weights);
  layout_destroy(&g->bias);
  layout_destroy(&g->output);
}

/// Describes the pass by the first implementation that oneDNN offers: its list of those that can
/// serve a shape ends with the reference code, so that looking further would not avoid it.
/// `forward` are the arrays of the forward pass that a backward one takes as a hint.
static dnnl_status_t choose_pass(
  dnnl_primitive_desc_t *out, od_convolution_kind kind, const geometry *g,
  const geometry *forward) {
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t hint = NULL;
  dnnl_status_t status = attributes_create(&attributes);
  if (status == dnnl_success && kind != OD_FORWARD)
    status = describe_pass(&hint, OD_FORWARD, forward, NULL, attributes);
  if (status == dnnl_success) status = describe_pass(out, kind, g, hint, attributes);
  if (hint != NULL) dnnl_primitive_desc_destroy(hint);
  if (attributes != NULL) dnnl_primitive_attr_destroy(attributes);
  return status;
}

static dnnl_status_t reorder_create(dnnl_primitive_t *out, layout_view from, layout_view to) {
  dnnl_primitive_desc_t description = NULL;
  TRY(dnnl_reorder_primitive_desc_create(&description, from, engine, to, engine, NULL));
  dnnl_status_t status = make_primitive(out, description);
  dnnl_primitive_desc_destroy(description);
  return status;
}

/// Makes everything that executing `description` needs.
static dnnl_status_t prepare(
  od_convolution *c, const geometry *g, int with_bias, const_dnnl_primitive_desc_t description) {
  const pass_names *names = &names_of[c->plan.kind];
  layout_view plain = view(&g->plain_weights);
  layout_view preferred = dnnl_primitive_desc_query_md(description, names->preferred_weights, 0);

  TRY(pass_prepare(&c->pass, description));
  TRY(add_array(&c->pass, &c->input, names->input, view(&g->input)));
  TRY(add_array(&c->pass, &c->weights, names->weights, preferred));
  TRY(add_array(&c->pass, &c->output, names->output, view(&g->output)));
  if (with_bias) TRY(add_array(&c->pass, &c->bias, names->bias, view(&g->bias)));
  TRY(add_scratch(&c->pass, &c->scratch, description));

  if (dnnl_memory_desc_equal(preferred, plain)) return dnnl_success;
  c->packed_count = (dnnl_memory_desc_get_size(preferred) + sizeof(float) - 1) / sizeof(float);
  TRY(layout_number(&c->packed_layout, preferred));
  TRY(dnnl_memory_create(&c->plain_weights, plain, engine, DNNL_MEMORY_NONE));
  return c->plan.kind == OD_BACKWARD_WEIGHTS ? reorder_create(&c->reorder, preferred, plain)
                                             : reorder_create(&c->reorder, plain, preferred);
}

static void convolution_destroy(od_convolution *c);

static dnnl_status_t convolution_create(const convolution_plan *plan, od_convolution **out) {
  *out = NULL;
  const od_convolution_shape *shape = &plan->shape;
  const od_convolution_kind kind = plan->kind;
  if (!is_positive(shape)) return dnnl_invalid_arguments;
  pthread_once(&engine_once, create_engine);
  TRY(engine_status);
  od_convolution *c = calloc(1, sizeof *c);
  if (c == NULL) return dnnl_out_of_memory;
  c->plan = *plan;

  int has_bias = plan->with_bias && kind != OD_BACKWARD_DATA;
  dnnl_data_type_t type = plan->operands == OD_BFLOAT16 ? dnnl_bf16 : dnnl_f32;
  geometry g = {0}, forward = {0};
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = geometry_create(&g, shape, types_of(kind, type), has_bias);
  if (status == dnnl_success)
    status = geometry_create(&forward, shape, (element_types){type, type, type}, has_bias);
  if (status == dnnl_success) status = choose_pass(&description, kind, &g, &forward);
  if (status == dnnl_success) status = prepare(c, &g, has_bias, description);
  if (description != NULL) dnnl_primitive_desc_destroy(description);
  geometry_destroy(&g);
  geometry_destroy(&forward);

  if (status != dnnl_success) {
    convolution_destroy(c);
    return status;
  }
  *out = c;
  return dnnl_success;
}

static void convolution_destroy(od_convolution *c) {
  if (c->alone != NULL) convolution_destroy(c->alone);
  if (c->plain_weights != NULL) dnnl_memory_destroy(c->plain_weights);
  if (c->reorder != NULL) dnnl_primitive_destroy(c->reorder);
  pass_destroy(&c->pass);
  free(c);
}

od_status od_convolution_create(
  const od_convolution_shape *shape, od_convolution_kind kind, od_element_type operands,
  int with_bias, od_convolution **out) {
  vk_entry entry;
  vk_enter_idle(&entry);
  const convolution_plan plan = {*shape, kind, operands, with_bias};
  const dnnl_status_t status = convolution_create(&plan, out);
  vk_watch_end();
  vk_leave(&entry);
  return status;
}

void od_convolution_destroy(od_convolution *c) {
  if (c == NULL) return;
  vk_entry entry;
  vk_enter_idle(&entry);
  convolution_destroy(c);
  vk_leave(&entry);
}

const char *od_convolution_implementation(const od_convolution *c) {
  return implementation_of(c->pass.primitive);
}

size_t od_convolution_packed_count(const od_convolution *c) { return c->packed_count; }

uint64_t od_convolution_packed_layout(const od_convolution *c) { return c->packed_layout; }

size_t od_convolution_scratch_bytes(const od_convolution *c) { return c->pass.scratch_bytes; }

// MARK: Executing a convolution

static dnnl_status_t run_reorder(
  od_convolution *c, const float *plain, const void *packed, dnnl_memory_t from,
  dnnl_memory_t to) {
  TRY(lend(c->plain_weights, plain));
  TRY(lend(c->weights, packed));
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  return execute(c->reorder, c->pass.stream, 2, arguments);
}

od_status od_convolution_pack(od_convolution *c, const float *plain, void *packed) {
  if (c->reorder == NULL || c->plan.kind == OD_BACKWARD_WEIGHTS) return dnnl_invalid_arguments;
  return run_reorder(c, plain, packed, c->plain_weights, c->weights);
}

od_status od_convolution_unpack(od_convolution *c, const float *packed, float *plain) {
  if (c->reorder == NULL || c->plan.kind != OD_BACKWARD_WEIGHTS) return dnnl_invalid_arguments;
  return run_reorder(c, plain, packed, c->weights, c->plain_weights);
}

/// The same convolution for one thread, where it has the same bits; NULL where it has not.
static const pass *convolution_alone(od_convolution *c) {
  if (c->alone_state == UNTRIED) {
    vk_entry entry;
    vk_enter_idle(&entry);
    vk_use_one_thread();
    const dnnl_status_t status = convolution_create(&c->plan, &c->alone);
    vk_apply_threads();
    vk_watch_end();
    vk_leave(&entry);
    c->alone_state =
      status == dnnl_success && has_bits_of(&c->alone->pass, &c->pass) ? SERVES : FAILS;
  }
  return c->alone_state == SERVES ? &c->alone->pass : NULL;
}

static dnnl_status_t run(
  od_convolution *c, od_convolution_kind kind, const void *input, const void *weights,
  const float *bias, const void *output, void *scratch) {
  if (c->plan.kind != kind || (bias != NULL) != (c->bias != NULL)) return dnnl_invalid_arguments;
  const pass *alone = is_wanted_alone(c->alone_state) ? convolution_alone(c) : NULL;
  TRY(lend(c->input, input));
  TRY(lend(c->weights, weights));
  TRY(lend(c->output, output));
  if (c->bias != NULL) TRY(lend(c->bias, bias));
  if (c->scratch != NULL) TRY(lend(c->scratch, scratch));
  if (alone == NULL) return pass_run(&c->pass);
  TRY(lend_again(alone, &c->pass));
  return pass_run_alone(alone);
}

od_status od_convolution_forward(
  od_convolution *c, const void *input, const void *weights, const float *bias, float *output,
  void *scratch) {
  return run(c, OD_FORWARD, input, weights, bias, output, scratch);
}

od_status od_convolution_backward_data(
  od_convolution *c, const void *output_gradient, const void *weights, float *input_gradient,
  void *scratch) {
  return run(c, OD_BACKWARD_DATA, input_gradient, weights, NULL, output_gradient, scratch);
}

od_status od_convolution_backward_weights(
  od_convolution *c, const void *input, const void *output_gradient, float *weight_gradient,
  float *bias_gradient, void *scratch) {
  return run(
    c, OD_BACKWARD_WEIGHTS, input, weight_gradient, bias_gradient, output_gradient, scratch);
}

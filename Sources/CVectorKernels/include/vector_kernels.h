/// Vector loops that no library has: fused elementwise work, normalisation statistics, VAE terms,
/// random numbers and optimizer updates, on 32-bit floats.
///
/// Every function is compiled for AVX-512, AVX2 and the baseline of the architecture and dispatched
/// through one function table that is chosen once, when the first kernel runs. The environment
/// variable `VAE_MAX_CPU_ISA=baseline|avx2|avx512` caps the choice.
///
/// Threads: a function that has enough work divides it over the OpenMP pool that oneDNN uses
/// (`GOMP_parallel`). Work is cut into blocks whose size does not depend on the number of threads and
/// reductions combine the blocks in their order, so every result is identical for any thread count.
///
/// Conventions: all arrays are dense and row-major; sizes are element counts; inputs and outputs may
/// be the same array only where a comment says so; a size of zero is allowed everywhere and does nothing.
#ifndef VECTOR_KERNELS_H
#define VECTOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// MARK: Processor and threads

typedef enum { VK_ISA_BASELINE = 0, VK_ISA_AVX2 = 1, VK_ISA_AVX512 = 2 } vk_isa;

/// The best instruction set that the processor has, before any cap.
vk_isa vk_isa_supported(void);
/// The instruction set in use.
vk_isa vk_isa_current(void);
/// Chooses an instruction set (for tests); a choice that the processor lacks is lowered to what it has.
void vk_isa_select(vk_isa isa);

/// The number of threads that kernels and oneDNN may use, process-wide; at least 1. The default is
/// `OMP_NUM_THREADS` where it is set, else the processors this process may run on.
int vk_threads(void);
/// Limits the default to what a control group lets the process use. To be called before the first question.
void vk_limit_default_threads(int most);
/// Sets the number of threads for kernels and oneDNN in every calling thread (clamped to 1...256).
void vk_set_threads(int threads);
/// Makes the process-wide number of threads that of the calling thread's OpenMP settings. Called before
/// every oneDNN entry, because OpenMP keeps the setting per calling thread.
void vk_apply_threads(void);
/// Makes one thread the calling thread's setting, until vk_apply_threads.
void vk_use_one_thread(void);

/// Whether the team should be left alone, because other processes want the processors: loops then run on the
/// calling thread, with the same bits.
int vk_is_crowded(void);
/// Says what the machine is like, for tests: 1 crowded, -1 quiet, 0 for what is measured.
void vk_force_crowding(int crowding);

/// Calls `work` for consecutive parts of 0..<count, `block` units or a multiple each, and returns
/// when all are done: on the calling thread where there is one block or one thread, else over the
/// OpenMP pool.
void vk_divide(
  void (*work)(const void *context, size_t begin, size_t end), const void *context, size_t count,
  size_t block);

/// Whether operations of the calling thread record a tape: 1 by default. Thread-local, here because
/// Swift has no cheap thread-local.
int vk_recording(void);
void vk_set_recording(int recording);
/// Whether the calling thread is inside a backward pass: 0 by default. Thread-local for the same reason.
int vk_in_backward(void);
void vk_set_in_backward(int in_backward);
/// Whether products of the calling thread that record a tape take bfloat16 operands: 0 by default. Thread-local for
/// the same reason.
int vk_rounds_operands(void);
void vk_set_rounds_operands(int rounds_operands);
/// Whether memory that is kept serves for what the calling thread takes, and goes back to the system, as far as it would be
/// more than a limit otherwise: 0 by default. Thread-local for the same reason.
int vk_is_sparing(void);
void vk_set_sparing(int sparing);

// MARK: Short memory, and threads that there are not

/// What the calling thread knows of what the system has refused it. While there is something, kernels
/// that this thread calls return at once and leave their outputs as they are.
typedef struct {
  /// The bytes of the first refused request for memory, 0 where there was none.
  size_t bytes;
  /// The number of threads that could not be had, 0 where that is not the fault.
  int threads;
  /// How many callers wait for the fault, so that it becomes their error. Where nobody does, it ends
  /// the process.
  size_t watchers;
} vk_fault;

/// The state of the calling thread.
vk_fault *vk_thread_fault(void);
/// Whether the calling thread was refused something.
int vk_has_failed(void);
/// Takes note of a refused request of the calling thread; the first fault stays.
void vk_refuse_memory(size_t bytes);
/// Whether so many bytes may be taken by what takes them without asking.
int vk_may_take(size_t bytes);
/// Takes note of threads that could not be had; the first fault stays.
void vk_refuse_threads(int threads);

/// What the limit of the address space (`ulimit -v`) leaves to this process, in bytes; INT64_MAX where there is none.
int64_t vk_address_space(void);

/// The status of a kernel that gives one where memory is short: oneDNN's too.
enum { VK_OUT_OF_MEMORY = 1 };

/// Zeros, aligned to 64 and never written, in place of elements that could not be had; they take no memory.
enum { VK_NOTHING = 1 << 16 };
void *vk_nothing(void) __attribute__((returns_nonnull));

/// The size of a huge page, where large blocks begin.
enum { VK_HUGE_PAGE = 2 << 20 };
/// A block of pages from the system, zeros; NULL where there is none. One of at least two huge pages begins at a multiple of
/// their size and asks for them, which spares a step over many megabytes a good part of its time, the translation of
/// addresses.
void *vk_map_pages(size_t bytes);
/// Gives a block, or a part of one that begins and ends at such a multiple or ends with it, back to the system.
void vk_unmap_pages(void *block, size_t bytes);
/// Takes pages out of one block and puts them, with what is in them, where those of another one are, which go back. bytes is a
/// multiple of VK_HUGE_PAGE. Returns how many bytes came over: less than all where the system has nothing left, and then
/// there may be a hole of one huge page after these in the target, which is nobody's.
size_t vk_move_pages(void *from, void *to, size_t bytes);
/// Whether the system lets pages be moved, as far as has been tried.
int vk_can_move_pages(void);
/// Lets the calling thread move so many pages more, for tests; a negative number for as many as it likes.
void vk_limit_page_moves(long pages);

/// Takes the small blocks that are kept for what an error takes, as far as there is memory for them.
void vk_take_ballast(void);
/// Gives them back: memory is short.
void vk_drop_ballast(void);

/// Whether memory of some bytes may be taken.
typedef int (*vk_memory_gate)(size_t bytes);
/// Sets what every request of a kernel for working space is asked of first, on any thread.
void vk_set_memory_gate(vk_memory_gate grants);

// MARK: Elementwise

/// Axes that a strided array may have; more are beyond what the functions below hold on their stacks.
enum { VK_MAX_RANK = 8 };

/// Unary functions. `parameters` are two floats whose meaning stands beside each.
typedef enum {
  VK_IDENTITY = 0,
  VK_NEGATE,
  VK_EXP,
  VK_LOG,
  VK_SQRT,
  VK_SQUARE,
  VK_RECIPROCAL,
  VK_ABS,
  VK_RELU,
  VK_LEAKY_RELU,  // slope
  VK_ELU,         // alpha
  VK_GELU,        // exact, x * Phi(x)
  VK_SILU,
  VK_TANH,
  VK_SIGMOID,
  VK_SOFTPLUS,    // log(1 + e^x), without overflow
  VK_CLAMP,       // minimum, maximum; derivative 1 inside (bounds included), else 0
  VK_AFFINE,      // scale * x + shift: parameters scale, shift
} vk_unary_op;

/// What the backward pass needs of the forward one: nothing (0), the output (1) or the input (2).
int vk_unary_saves(vk_unary_op op);

/// y[i] = op(x[i]). x and y may be the same array.
void vk_unary(vk_unary_op op, const float *parameters, const float *x, float *y, size_t n);
/// dx[i] = dy[i] * op'(x[i]). `saved` is x or y as `vk_unary_saves` says (may be NULL for neither).
/// ReLU, leaky ReLU, ELU, tanh, sigmoid, softplus, exp, sqrt, reciprocal use the output; the others the input.
/// dx and dy may be the same array.
void vk_unary_backward(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx, size_t n);

typedef enum { VK_ADD = 0, VK_SUBTRACT, VK_MULTIPLY, VK_DIVIDE, VK_MAXIMUM, VK_MINIMUM } vk_binary_op;

/// out[i] = a[i] op b[i]; out may be a or b.
void vk_binary(vk_binary_op op, const float *a, const float *b, float *out, size_t n);
/// Broadcasting form: `shape` is the output's (rank at most VK_MAX_RANK); a and b have element strides per axis,
/// zero where they are broadcast. out must not alias a or b. Fast where the innermost axis is contiguous
/// or broadcast in each input.
void vk_binary_broadcast(
  vk_binary_op op, int rank, const int64_t *shape, const float *a, const int64_t *a_strides,
  const float *b, const int64_t *b_strides, float *out);

void vk_fill(float value, float *x, size_t n);
/// y[i] += alpha * x[i]
void vk_axpy(float alpha, const float *x, float *y, size_t n);
/// y[i] = alpha * x[i] + beta * y[i] (with beta 0, y is not read)
void vk_axpby(float alpha, const float *x, float beta, float *y, size_t n);
/// 1 where every element is finite.
int vk_all_finite(const float *x, size_t n);

// MARK: bfloat16: the upper half of a 32-bit float

/// The bits of a number with eight bits of exponent and eight of precision.
typedef uint16_t vk_bfloat16;

/// y[i] = the bfloat16 nearest to x[i], of two the one whose last bit is zero. What lies beyond the largest becomes
/// infinite, subnormal numbers are rounded as all others, and a NaN stays one, quiet, with its sign.
void vk_round_to_bfloat16(const float *x, vk_bfloat16 *y, size_t n);
/// y[i] = x[i], exactly.
void vk_widen_bfloat16(const vk_bfloat16 *x, float *y, size_t n);

// MARK: Dense layers

/// y[r, c] = op(x[r, c] + bias[c]); bias may be NULL; x and y may be the same array. If `pre` is not NULL it
/// receives x + bias (the input that `vk_unary_saves` may ask for) and must not alias y. If `rounded` is not NULL it
/// receives y rounded as by `vk_round_to_bfloat16`.
void vk_bias_activation(
  vk_unary_op op, const float *parameters, const float *x, const float *bias, float *pre, float *y,
  vk_bfloat16 *rounded, size_t rows, size_t columns);
/// dx[r, c] = dy[r, c] * op'(saved[r, c]); dbias[c] = sum over r of dx[r, c], written, not added. dbias may be
/// NULL; dx may be dy.
void vk_bias_activation_backward(
  vk_unary_op op, const float *parameters, const float *saved, const float *dy, float *dx, float *dbias,
  size_t rows, size_t columns);

/// The same with `saved` in bfloat16, and dx rounded to it after it was added up for dbias.
void vk_bias_activation_backward_bfloat16(
  vk_unary_op op, const float *parameters, const vk_bfloat16 *saved, const float *dy, vk_bfloat16 *dx,
  float *dbias, size_t rows, size_t columns);

// MARK: Reductions: x is [outer, reduced, inner], out is [outer, inner]

typedef enum { VK_REDUCE_SUM = 0, VK_REDUCE_MAX, VK_REDUCE_MIN } vk_reduce_op;
void vk_reduce(vk_reduce_op op, const float *x, float *out, size_t outer, size_t reduced, size_t inner);
/// The index of the largest element along the reduced axis, the first one of equals.
void vk_argmax(const float *x, int32_t *out, size_t outer, size_t reduced, size_t inner);
/// The sum of all elements in double precision.
double vk_sum_f64(const float *x, size_t n);
/// The sum of all squared elements in double precision.
double vk_sum_squares_f64(const float *x, size_t n);

/// Row-wise softmax, log-softmax and log-sum-exp over [rows, columns]; the maximum is taken out first. A row of
/// -infinity alone gives -infinity in log-sum-exp (and NaN in the other two).
void vk_softmax(const float *x, float *y, size_t rows, size_t columns);
void vk_log_softmax(const float *x, float *y, size_t rows, size_t columns);
void vk_log_sum_exp(const float *x, float *y, size_t rows, size_t columns);
/// Backward from the outputs: y for softmax and log-softmax; x and y [rows] for log-sum-exp (dy is [rows]).
void vk_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns);
void vk_log_softmax_backward(const float *y, const float *dy, float *dx, size_t rows, size_t columns);
void vk_log_sum_exp_backward(
  const float *x, const float *y, const float *dy, float *dx, size_t rows, size_t columns);

// MARK: Normalisation

/// Per-column mean and (biased) variance of x [rows, columns], accumulated so that a large common offset
/// loses no digits (shifted or block-wise Welford).
void vk_column_moments(const float *x, float *mean, float *variance, size_t rows, size_t columns);
/// y[r, c] = op((x[r, c] - mean[c]) * inverse_deviation[c] * scale[c] + shift[c])
void vk_normalize_columns(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, float *y, size_t rows,
  size_t columns);
/// Backward of `vk_normalize_columns` with the statistics taken from x itself (`batch_statistics` 1) or constant
/// (0). The pre-activation is computed again from x. Writes dx (may be dy; may be NULL), dscale and dshift.
void vk_normalize_columns_backward(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy, float *dx,
  float *dscale, float *dshift, size_t rows, size_t columns, int batch_statistics);
/// Its second half, the gradient of x, where scale_sum and shift_sum, [columns], are the sums that the moments depend on
/// instead of dscale and dshift of these rows; NULL both where the moments are constant.
void vk_normalize_columns_input_gradient(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy, float *dx,
  const float *scale_sum, const float *shift_sum, size_t rows, size_t columns);

/// Group normalisation of x [batch, spatial, channels] over spatial and channels / groups, then op. mean and
/// inverse_deviation, [batch, groups], are written. Layer normalisation over the last axis is batch = rows,
/// spatial = 1, groups = 1. The output is y, or where rounded is not NULL the nearest bfloat16 numbers, and y is not used.
void vk_group_normalize(
  vk_unary_op op, const float *parameters, const float *x, const float *scale, const float *shift,
  float epsilon, float *mean, float *inverse_deviation, float *y, vk_bfloat16 *rounded, size_t batch,
  size_t spatial, size_t channels, size_t groups);
/// Its two halves: mean and inverse_deviation, [batch, groups], of x as a whole, then the normalised values of some of its
/// rows, for which spatial counts those that are given. For large examples these are the numbers of the whole, bit for bit.
void vk_group_moments(
  const float *x, float epsilon, float *mean, float *inverse_deviation, size_t batch, size_t spatial,
  size_t channels, size_t groups);
void vk_group_apply(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, float *y,
  vk_bfloat16 *rounded, size_t batch, size_t spatial, size_t channels, size_t groups);
/// Backward; writes dx (may be NULL), dscale, dshift [channels].
void vk_group_normalize_backward(
  vk_unary_op op, const float *parameters, const float *x, const float *mean,
  const float *inverse_deviation, const float *scale, const float *shift, const float *dy, float *dx,
  float *dscale, float *dshift, size_t batch, size_t spatial, size_t channels, size_t groups);

// MARK: Variational terms. `samples` is the number of draws per example: row s * rows + r of a sampled array belongs
// to row r of an array without samples.

/// z[s, r, c] = mean[r, c] + exp(log_variance[r, c] / 2) * noise[s, r, c]
void vk_reparameterize(
  const float *mean, const float *log_variance, const float *noise, float *z, size_t samples, size_t n);
/// dmean[i] = sum over s of dz[s, i]; dlog_variance[i] = sum over s of dz[s, i] * noise[s, i] * exp(lv[i] / 2) / 2.
void vk_reparameterize_backward(
  const float *log_variance, const float *noise, const float *dz, float *dmean, float *dlog_variance,
  size_t samples, size_t n);

/// out[r] = sum over c of 1/2 (mean^2 + exp(lv) - 1 - lv): KL(N(mean, e^lv) || N(0, 1)), nats.
void vk_gaussian_kl_standard(
  const float *mean, const float *log_variance, float *out, size_t rows, size_t columns);
/// Gradients for both inputs given dout [rows].
void vk_gaussian_kl_standard_backward(
  const float *mean, const float *log_variance, const float *dout, float *dmean, float *dlog_variance,
  size_t rows, size_t columns);
/// out[r] = KL(N(mq, e^lq) || N(mp, e^lp)) summed over c
///        = sum 1/2 (lp - lq + (e^lq + (mq - mp)^2) / e^lp - 1), nats.
void vk_gaussian_kl(
  const float *mq, const float *lq, const float *mp, const float *lp, float *out, size_t rows,
  size_t columns);
void vk_gaussian_kl_backward(
  const float *mq, const float *lq, const float *mp, const float *lp, const float *dout, float *dmq,
  float *dlq, float *dmp, float *dlp, size_t rows, size_t columns);

/// out[s, r] = sum over c of log N(x; mean, e^lv), with -1/2 log(2 pi) an element, nats. Each of x, mean, lv has its
/// own number of leading samples, 1 or `samples`.
void vk_gaussian_log_density(
  const float *x, size_t x_samples, const float *mean, size_t mean_samples, const float *log_variance,
  size_t log_variance_samples, float *out, size_t samples, size_t rows, size_t columns);
/// Gradients given dout [samples, rows]; an input without samples receives the sum over samples; any may be NULL.
void vk_gaussian_log_density_backward(
  const float *x, size_t x_samples, const float *mean, size_t mean_samples, const float *log_variance,
  size_t log_variance_samples, const float *dout, float *dx, float *dmean, float *dlog_variance,
  size_t samples, size_t rows, size_t columns);

/// out[s, r] = sum over c of x[r, c] * logits[s, r, c] - softplus(logits[s, r, c]), nats.
void vk_bernoulli_log_density(
  const float *x, const float *logits, float *out, size_t samples, size_t rows, size_t columns);
/// dlogits[s, r, c] = dout[s, r] * (x[r, c] - sigmoid(logits[s, r, c]))
void vk_bernoulli_log_density_backward(
  const float *x, const float *logits, const float *dout, float *dlogits, size_t samples, size_t rows,
  size_t columns);

/// out[s, r] = sum over c of (x[r, c] - mean[s, r, c])^2
void vk_squared_error(
  const float *x, const float *mean, float *out, size_t samples, size_t rows, size_t columns);
/// dmean[s, r, c] = dout[s, r] * 2 (mean - x); dx[r, c] (may be NULL) = the negated sum over s.
void vk_squared_error_backward(
  const float *x, const float *mean, const float *dout, float *dx, float *dmean, size_t samples,
  size_t rows, size_t columns);

// MARK: Movement

/// Copies a strided array of any rank up to VK_MAX_RANK to a strided one; strides in elements, may be zero in the source. With
/// `accumulate` 1, adds instead.
void vk_copy_strided(
  int rank, const int64_t *shape, const float *source, const int64_t *source_strides, float *destination,
  const int64_t *destination_strides, int accumulate);
/// out[i, :] = table[indices[i], :]
void vk_gather_rows(
  const float *table, const int32_t *indices, float *out, size_t count, size_t columns);
/// table[indices[i], :] += rows[i, :], in the order of i.
void vk_scatter_add_rows(
  const float *rows, const int32_t *indices, float *table, size_t count, size_t columns);
/// Nearest upsampling of x [batch, height, width, channels] by whole factors.
void vk_upsample_nearest(
  const float *x, float *y, size_t batch, size_t height, size_t width, size_t channels, size_t factor_y,
  size_t factor_x);
/// dx is the sum of dy over each block; sizes are those of x.
void vk_upsample_nearest_backward(
  const float *dy, float *dx, size_t batch, size_t height, size_t width, size_t channels,
  size_t factor_y, size_t factor_x);
/// y[i] = x[i] / divisor
void vk_bytes_to_float(const uint8_t *x, float divisor, float *y, size_t n);
/// y[i] = x[i] > threshold ? 1 : 0; x and y may be the same array.
void vk_threshold(const float *x, float threshold, float *y, size_t n);

// MARK: Convolutions that oneDNN does badly. Images are [batch, height, width, channels].

/// Neighbouring taps in one row of a kernel: their row and first column from the position (times the stride), and
/// how many they are, at least one.
typedef struct {
  int32_t row, column, length;
} vk_tap_run;

/// A convolution whose kernel is any set of taps, in runs.
typedef struct {
  size_t batch, input_height, input_width, inputs;
  size_t output_height, output_width, outputs;
  size_t stride_y, stride_x;
  size_t run_count;
  const vk_tap_run *runs;
} vk_taps;

/// columns[n, y, x, :] = the inputs under each tap in the order of the runs, zero outside the image: with depth =
/// taps * inputs, an array [batch, output_height, output_width, depth].
void vk_gather_taps(const vk_taps *taps, const float *x, float *columns);

/// The transpose: x[n, y, x, :] = the sum of the columns of every tap that reaches it.
void vk_scatter_taps(const vk_taps *taps, const float *columns, float *x);

/// A row-major matrix product C = alpha op(A) op(B) + beta C; a status other than 0 is an error. It is called from
/// several threads at once.
typedef int32_t (*vk_matrix_product)(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
  int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/// y = op(columns * weights + bias), block by block, so that the columns stay in the cache. weights are [depth,
/// outputs], bias (or NULL) [outputs]; the activation is one that does not save its input. Gives the first status
/// of `multiply` that is not 0.
int32_t vk_tap_convolution(
  const vk_taps *taps, vk_unary_op op, const float *parameters, const float *x,
  const float *weights, const float *bias, float *y, vk_matrix_product multiply);
/// The gradients, given dy and, where the activation saves it, the output; dx may be NULL. All are written, not
/// added. Results do not depend on the number of threads where `multiply` does not.
int32_t vk_tap_convolution_backward(
  const vk_taps *taps, vk_unary_op op, const float *parameters, const float *x,
  const float *weights, const float *saved, const float *dy, float *dx, float *dweights,
  float *dbias, vk_matrix_product multiply);

/// A convolution of stride 1 to at most four outputs from a multiple of sixteen inputs, with weights [outputs,
/// inputs, kernel_height, kernel_width]. Output sizes follow from padding on all sides; what lies right and below
/// the image counts as zero.
typedef struct {
  size_t batch, height, width, inputs, output_height, output_width, outputs;
  size_t kernel_height, kernel_width, pad_top, pad_left;
} vk_narrow_shape;

/// Whether the number of outputs and inputs is one that the two functions below take.
int vk_narrow_is_supported(const vk_narrow_shape *shape);
/// y = weights * x + bias; bias may be NULL.
void vk_narrow_convolution(
  const vk_narrow_shape *shape, const float *x, const float *weights, const float *bias, float *y);
/// The gradient of the weights, written, not added.
void vk_narrow_weight_gradient(
  const vk_narrow_shape *shape, const float *x, const float *dy, float *dweights);

// MARK: Sparse matrices

/// A matrix by its elements that are not zero (compressed sparse rows): those of row r are
/// values[offsets[r]...offsets[r + 1] - 1], in the columns that `indices` says.
typedef struct {
  size_t rows;
  const int32_t *offsets;  // rows + 1
  const int32_t *indices;
  const float *values;
} vk_sparse;

/// How many elements of x [rows, columns] are not zero, fewer than 2^31; offsets [rows + 1] as above.
size_t vk_count_nonzeros(const float *x, size_t rows, size_t columns, int32_t *offsets);
/// The elements of x [rows, columns] that are not zero, with the offsets of vk_count_nonzeros.
void vk_collect_nonzeros(
  const float *x, size_t rows, size_t columns, const int32_t *offsets, int32_t *indices, float *values);
/// The transpose, of `columns` rows; arrays as long as those of `sparse`.
void vk_sparse_transpose(
  const vk_sparse *sparse, size_t columns, int32_t *offsets, int32_t *indices, float *values);
/// out [sparse->rows, columns] = sparse * matrix [..., columns], each element summed in the order of the indices.
void vk_sparse_product(const vk_sparse *sparse, const float *matrix, float *out, size_t columns);

// MARK: Random numbers: Philox 4x32-10 (Salmon et al., SC 2011)

/// One block: four 32-bit words from a 128-bit counter and a 64-bit key.
void vk_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// For row r and column c: word c % 4 of block counter {c / 4, draw, low(positions[r]), high(positions[r])}, as a
/// uniform number in (0, 1): (word >> 8) + 0.5 over 2^24, rounded to a float and kept below 1.
void vk_random_uniform(
  uint64_t key, uint32_t draw, const uint64_t *positions, float *out, size_t rows, size_t columns);
/// Standard normal by Box-Muller on the same blocks: with u0...u3 a block's four uniforms,
/// {sqrt(-2 log u0) cos(2 pi u1), sqrt(-2 log u0) sin(2 pi u1), the same of u2, u3}.
void vk_random_normal(
  uint64_t key, uint32_t draw, const uint64_t *positions, float *out, size_t rows, size_t columns);

// MARK: Optimizers, over many arrays in one parallel pass

typedef struct {
  float *parameter;
  const float *gradient;
  float *first;   // momentum (SGD), first moment (Adam)
  float *second;  // second moment (Adam)
  size_t count;
  float weight_decay;
} vk_update;

/// Adam (Kingma & Ba 2015): m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate * (m / bias1) /
/// (sqrt(v / bias2) + epsilon), with g = gradient_scale * gradient. With `decoupled` 0 weight decay adds
/// weight_decay * p to g (L2); with 1 (AdamW, Loshchilov & Hutter 2019) p -= rate * weight_decay * p.
void vk_adam(
  const vk_update *updates, size_t count, float rate, float beta1, float beta2, float epsilon,
  float bias1, float bias2, float gradient_scale, int decoupled);
/// m = momentum * m + g (m = g with momentum 0; `first` may then be NULL); p -= rate * (nesterov ? g + momentum m : m).
void vk_sgd(
  const vk_update *updates, size_t count, float rate, float momentum, int nesterov, float gradient_scale);
/// average[i] = decay * average[i] + (1 - decay) * value[i], for each pair (first = average, parameter = value).
void vk_average(const vk_update *updates, size_t count, float decay);

#ifdef __cplusplus
}
#endif

#endif

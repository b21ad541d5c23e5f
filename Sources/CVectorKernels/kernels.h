// What the public functions and the vector loops share: the arguments of each loop, the table of
// loops of one instruction set, and the runner that divides a loop over the threads.
#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "vector_kernels.h"

/// A vector loop over the units begin..<end of its work. What a unit is (an element, a row, a tile)
/// stands beside the arguments.
typedef void (*vk_kernel)(const void *arguments, size_t begin, size_t end);

/// Every loop by name.
#define VK_KERNELS(KERNEL)                                                                  \
  KERNEL(unary) KERNEL(unary_backward) KERNEL(binary) KERNEL(binary_broadcast)              \
  KERNEL(fill) KERNEL(axpy) KERNEL(axpby) KERNEL(all_finite)                                \
  KERNEL(bias_activation) KERNEL(bias_activation_backward) KERNEL(add_partials)             \
  KERNEL(bias_activation_backward_bfloat16)                                                 \
  KERNEL(round_to_bfloat16) KERNEL(widen_bfloat16)                                          \
  KERNEL(reduce_rows) KERNEL(reduce_columns) KERNEL(argmax_rows) KERNEL(argmax_columns)     \
  KERNEL(sum_f64) KERNEL(sum_squares_f64)                                                   \
  KERNEL(softmax) KERNEL(log_softmax) KERNEL(log_sum_exp)                                   \
  KERNEL(softmax_backward) KERNEL(log_softmax_backward) KERNEL(log_sum_exp_backward)        \
  KERNEL(column_moments) KERNEL(combine_moments) KERNEL(normalize_columns)                  \
  KERNEL(normalize_columns_sums) KERNEL(normalize_columns_backward)                         \
  KERNEL(group_normalize) KERNEL(group_normalize_backward)                                  \
  KERNEL(group_moments) KERNEL(group_combine) KERNEL(group_apply)                           \
  KERNEL(reparameterize) KERNEL(reparameterize_backward)                                    \
  KERNEL(gaussian_kl_standard) KERNEL(gaussian_kl_standard_backward)                        \
  KERNEL(gaussian_kl) KERNEL(gaussian_kl_backward)                                          \
  KERNEL(gaussian_log_density) KERNEL(gaussian_log_density_backward)                        \
  KERNEL(bernoulli_log_density) KERNEL(bernoulli_log_density_backward)                      \
  KERNEL(squared_error) KERNEL(squared_error_backward)                                      \
  KERNEL(copy_strided) KERNEL(gather_rows) KERNEL(scatter_add_rows)                         \
  KERNEL(upsample_nearest) KERNEL(upsample_nearest_backward)                                \
  KERNEL(bytes_to_float) KERNEL(threshold)                                                  \
  KERNEL(random_uniform) KERNEL(random_normal)                                              \
  KERNEL(gather_taps) KERNEL(scatter_taps)                                                  \
  KERNEL(narrow_convolution) KERNEL(narrow_weights)                                         \
  KERNEL(count_nonzeros) KERNEL(collect_nonzeros) KERNEL(sparse_product)                    \
  KERNEL(adam) KERNEL(sgd) KERNEL(average)

#define VK_FIELD(name) vk_kernel name;
/// The loops, compiled for one instruction set.
typedef struct { VK_KERNELS(VK_FIELD) } vk_table;
#undef VK_FIELD

extern const vk_table vk_table_baseline;
#if defined(__x86_64__)
extern const vk_table vk_table_avx2;
extern const vk_table vk_table_avx512;
#endif

/// The table of the instruction set in use.
const vk_table *vk_kernels(void);

// MARK: Cutting work

enum {
  /// Elements of cheap work a block holds; two blocks are worth waking a second thread.
  VK_BLOCK = 8192,
  /// Elements of the buffers on the stack that loops pass intermediate values through: they stay in
  /// the first-level cache.
  VK_TILE = 1024,
  /// Space between the tiles of one structure: without it, equal indices of all of them would share
  /// one set of the first-level cache and displace each other.
  VK_STAGGER = 80,
  /// The width to which short rows are folded (see vk_grid).
  VK_FOLD = 512,
  /// The most blocks that leave a partial sum each.
  VK_PARTIALS = 64,
  /// Columns that a product with a sparse matrix sums in registers, at most.
  VK_SPARSE_TILE = 64,
  /// Blocks are cut smaller by this factor where an element costs an exponential or more.
  VK_COSTLY = 2,
};

static inline size_t vk_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t vk_max(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t vk_ceil(size_t a, size_t b) { return (a + b - 1) / b; }

/// How many units of so many elements make a block.
static inline size_t vk_units(size_t elements, size_t cost) {
  return vk_max(1, VK_BLOCK / cost / vk_max(1, elements));
}

/// How many rows of `columns` elements are treated as one long row.
static inline size_t vk_fold(size_t rows, size_t columns) {
  return columns == 0 ? 1 : vk_max(1, vk_min(VK_FOLD / columns, rows));
}

/// Runs the kernel over 0..<count in blocks of `block` units: on the calling thread where there is
/// one block or one thread, else over the OpenMP pool, consecutive blocks to a thread.
void vk_run(vk_kernel kernel, const void *arguments, size_t count, size_t block);

/// Memory for one call, aligned to a cache line; free() returns it. Where there is none, NULL: the
/// calling thread has taken note of it then, so that vk_run does nothing until the fault is seen to.
void *vk_scratch(size_t bytes);
/// The same without taking note.
void *vk_try_scratch(size_t bytes);

/// What each of several threads takes of a limited address space beside its stack: kernels that oneDNN compiles, buffers.
enum { VK_THREAD_SPACE = 24 << 20 };

/// Whether so many threads can be made and live at a time, beside those there are.
int vk_can_make_threads(int threads);

/// Takes note that libgomp has given up the calling thread's team.
void vk_forget_team(void);

/// A matrix cut into tiles for work with something to keep for each column: blocks of rows and,
/// where rows are long, pieces of at most VK_TILE columns. Tile t is piece t % pieces of block t /
/// pieces. Short rows are folded: `fold` rows are treated as one long one, so that narrow matrices
/// fill the vectors as well.
typedef struct {
  size_t rows, columns;
  size_t block_rows, blocks, pieces, fold;
} vk_grid;

vk_grid vk_grid_make(size_t rows, size_t columns);

// MARK: Elementwise; a unit is an element

typedef struct {
  vk_unary_op op;
  float parameters[2];
  const float *x;  // the saved array in the backward loop
  const float *dy;
  float *y;  // dx in the backward loop
} vk_unary_arguments;

typedef struct {
  vk_binary_op op;
  const float *a, *b;
  float *out;
} vk_binary_arguments;

typedef struct {
  vk_binary_op op;
  int rank;
  size_t shape[VK_MAX_RANK];
  int64_t a_strides[VK_MAX_RANK], b_strides[VK_MAX_RANK];
  const float *a, *b;
  float *out;
} vk_broadcast_arguments;

typedef struct {
  float alpha, beta;
  const float *x;
  float *y;
} vk_axpby_arguments;

typedef struct {
  const float *x;
  int *finite;  // cleared where an element is not
} vk_finite_arguments;

typedef struct {
  const float *x;
  vk_bfloat16 *y;
} vk_round_arguments;

typedef struct {
  const vk_bfloat16 *x;
  float *y;
} vk_widen_arguments;

// MARK: Dense layers; a unit is a tile

typedef struct {
  vk_grid grid;
  vk_unary_op op;
  float parameters[2];
  const float *x, *bias;
  float *pre, *y;
  vk_bfloat16 *rounded;
} vk_bias_activation_arguments;

typedef struct {
  vk_grid grid;
  vk_unary_op op;
  float parameters[2];
  const float *saved, *dy;
  float *dx;
  float *partials;  // [blocks, columns], NULL where no sum is wanted
} vk_bias_backward_arguments;

/// The same with what is read from the forward pass and what goes to matrix products in bfloat16.
typedef struct {
  vk_grid grid;
  vk_unary_op op;
  float parameters[2];
  const vk_bfloat16 *saved;
  const float *dy;
  vk_bfloat16 *dx;
  float *partials;
} vk_bias_backward_bfloat16_arguments;

/// out[c] = sum over b of partials[b * stride + c], in double precision. A unit is a column.
typedef struct {
  const float *partials;
  size_t blocks, stride;
  float *out;
} vk_partials_arguments;

// MARK: Reductions

/// A unit is a segment of a row.
typedef struct {
  vk_reduce_op op;
  const float *x;
  float *out;  // [rows, segments]
  size_t columns, segment, segments;
} vk_reduce_rows_arguments;

/// A unit is a tile; the grid is repeated `outer` times.
typedef struct {
  vk_grid grid;
  vk_reduce_op op;
  const float *x;
  float *out;  // [outer, blocks, columns]
} vk_reduce_columns_arguments;

/// A unit is a row (inner = 1) or a piece of VK_TILE columns of one outer index.
typedef struct {
  const float *x;
  int32_t *out;
  size_t reduced, inner, pieces;
} vk_argmax_arguments;

/// A unit is a block of VK_BLOCK elements.
typedef struct {
  const float *x;
  double *partials;
  size_t n;
} vk_sum_arguments;

/// A unit is a row.
typedef struct {
  const float *x, *y, *dy;
  float *out;
  size_t columns;
} vk_softmax_arguments;

// MARK: Normalisation

/// A unit is a tile; where the blocks are combined, after Chan et al. in their order into the
/// first, a column.
typedef struct {
  vk_grid grid;
  const float *x;
  double *partials;  // [blocks, 2, columns]: mean, sum of squared deviations
  float *mean, *variance;
} vk_moments_arguments;

/// A unit is a tile, in the group loops a block of examples.
typedef struct {
  vk_grid grid;
  vk_unary_op op;
  float parameters[2];
  const float *x, *mean, *inverse_deviation, *scale, *shift, *dy;
  float *y;         // dx in the backward loops
  float *partials;  // [blocks, 2, columns]: sums of dpre and dpre * normalised x
  // Backward: dx = scale * inverse_deviation * dpre - shift_term - (x - mean) * scale_term.
  const float *shift_term, *scale_term;  // [columns]
} vk_normalize_arguments;

typedef struct {
  vk_unary_op op;
  float parameters[2];
  const float *x, *scale, *shift, *dy, *mean, *inverse_deviation;
  float *mean_out, *inverse_deviation_out;  // forward: where mean and inverse_deviation are written
  float *y;                                 // dx in the backward loop
  vk_bfloat16 *rounded;                     // forward: takes the output in place of y, where there is one
  float epsilon;
  size_t batch, spatial, channels, groups;
  size_t block_examples;
  size_t block_rows, blocks;  // of a large example whose rows are divided
  double *moments;            // forward: [blocks, 2, channels]; of divided ones [batch, blocks, 2, channels]
  // Backward: [blocks, 4, channels]: totals and one example's sums of dpre and dpre * normalised x.
  float *sums;
} vk_group_arguments;

// MARK: Variational terms

/// A unit is an element of one draw.
typedef struct {
  const float *mean, *log_variance, *noise, *dz;
  float *out, *dlog_variance;  // z forward, dmean backward
  size_t samples, n;
} vk_reparameterize_arguments;

/// The term of a density or divergence that is summed over each row. A unit is a row of a draw
/// forward; backward an element of the matrix without samples or, for Bernoulli, of all draws.
typedef struct {
  const float *inputs[4];
  size_t input_samples[4];
  const float *dout;
  float *out;
  float *gradients[4];
  size_t samples, rows, columns;
} vk_density_arguments;

// MARK: Movement

/// A unit is a strip: `strip` indices of the second to last axis by a piece of the last one.
typedef struct {
  size_t shape[VK_MAX_RANK];
  int64_t source_strides[VK_MAX_RANK], destination_strides[VK_MAX_RANK];
  int rank;  // at least 2
  size_t strip, strips, piece, pieces;
  const float *source;
  float *destination;
  int accumulate;
} vk_copy_arguments;

/// A unit is a row in the gather, a piece of 64 columns in the scatter.
typedef struct {
  const float *source;
  const int32_t *indices;
  float *destination;
  size_t count, columns;
} vk_rows_arguments;

/// A unit is a row of the small image.
typedef struct {
  const float *source;
  float *destination;
  size_t width, channels, factor_y, factor_x;
} vk_upsample_arguments;

/// A unit is an element.
typedef struct {
  const void *x;
  float value;
  float *y;
} vk_scale_arguments;

// MARK: Convolutions

/// A unit is a line of output pixels, counted through the batch.
typedef struct {
  vk_taps taps;
  size_t depth;       // inputs that all taps reach together
  size_t first_line;  // the line that `columns` begin with
  const float *source;
  float *columns;  // [lines, output_width, depth]
  float *target;   // of the scatter
} vk_tap_arguments;

/// The part of a run that lies inside the image.
typedef struct {
  size_t skipped;  // taps before it
  size_t length;   // taps in it
  size_t first;    // the image's pixel that it begins at
} vk_clipped_run;

/// The run number r of a kernel that lies at row y and column x.
static inline vk_clipped_run vk_clip_run(const vk_taps *t, size_t r, int64_t y, int64_t x) {
  const vk_tap_run run = t->runs[r];
  const int64_t row = y + run.row, first = x + run.column;
  const int64_t width = (int64_t)t->input_width, length = run.length;
  const int64_t low = first < 0 ? -first : 0;
  const int64_t high = first + length > width ? width - first : length;
  if (row < 0 || row >= (int64_t)t->input_height || high <= low) return (vk_clipped_run){0, 0, 0};
  return (vk_clipped_run){
    (size_t)low, (size_t)(high - low), (size_t)(row * width + first + low)};
}

/// A unit is a line of output pixels forward, a chunk of images for the weights.
typedef struct {
  size_t batch, height, width, inputs, output_height, output_width, outputs;
  size_t kernel_height, kernel_width, pad_top, pad_left;
  size_t images_per_chunk;
  const float *x, *weights, *bias, *dy;
  float *y, *partials;
} vk_narrow_arguments;

// MARK: Sparse matrices

/// A unit is a row of x.
typedef struct {
  const float *x;
  size_t columns;
  int32_t *counts;         // written by count_nonzeros
  const int32_t *offsets;  // what collect_nonzeros writes by
  int32_t *indices;
  float *values;
} vk_nonzeros_arguments;

/// A unit is a row of a tile of columns, tile after tile.
typedef struct {
  vk_sparse sparse;
  const float *matrix;
  float *out;
  size_t columns, tiles;
} vk_sparse_product_arguments;

// MARK: Random numbers; a unit is a Philox block

typedef struct {
  uint32_t key[2];
  uint32_t draw;
  const uint64_t *positions;
  float *out;
  size_t columns, row_blocks;
} vk_random_arguments;

// MARK: Optimizers; a unit is a piece of VK_BLOCK elements of one array

typedef struct {
  const vk_update *updates;
  float rate, beta1, beta2, epsilon, bias1, bias2, gradient_scale;
  int decoupled, nesterov;
} vk_update_arguments;

#endif

/// The one place that knows oneDNN: matrix products and convolutions over plain row-major arrays, the same
/// functions for oneDNN 2.x (operation descriptors) and 3.x (primitive descriptors).
///
/// Arrays hold 32-bit floats. The operands of a product may instead be bfloat16, the upper halves of such floats: then
/// they stand as `void`, products are added up in 32 bits, and results are 32-bit floats as always.
///
/// Activations are channels-last and dense: [batch, height, width, channels]. Convolution weights are
/// [output channels, input channels, kernel height, kernel width] in their plain form and in whatever layout oneDNN
/// prefers in their packed form. Nothing here allocates tensor storage: scratch and packed arrays are the caller's.
///
/// Threads: OpenMP, with the number of threads that the caller has set (`omp_set_num_threads`) when a handle is created.
/// A handle may be executed by one thread at a time.
#ifndef ONEDNN_BRIDGE_H
#define ONEDNN_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// 0 is success; otherwise oneDNN's status. `od_status_text` names it.
typedef int32_t od_status;
const char *od_status_text(od_status status);

/// "2.6.3" and the like: the library found at run time.
const char *od_version(void);
/// Caps the instruction set ("baseline" | "avx2" | "avx512"; anything else leaves it): to be called before any other
/// oneDNN call.
void od_cap_isa(const char *isa);
/// 1 where products of bfloat16 numbers run on instructions of their own, within every cap.
int od_has_bfloat16(void);

/// C = alpha * op(A) op(B) + beta * C, row-major; op(A) is m x k, op(B) k x n, k at least 1. lda, ldb, ldc are row
/// lengths as stored. Where beta is 0, C is not read.
od_status od_matrix_product(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
  int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

typedef enum { OD_FLOAT32 = 0, OD_BFLOAT16 = 1 } od_element_type;

/// C = op(A) op(B) of dense matrices of one type, sizes as above; made once for its sizes.
typedef struct od_product od_product;

/// Gives NULL and a status where a size is not positive or the processor cannot.
od_status od_product_create(
  int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, od_element_type operands,
  od_product **out);
void od_product_destroy(od_product *product);
/// oneDNN's name of the implementation chosen, as for convolutions.
const char *od_product_implementation(const od_product *product);
/// Bytes of scratch that execution needs (64-byte aligned); may be 0.
size_t od_product_scratch_bytes(const od_product *product);
od_status od_product_run(
  od_product *product, const void *a, const void *b, float *c, void *scratch);

typedef struct {
  int64_t batch;
  int64_t input_height, input_width, input_channels;
  int64_t output_height, output_width, output_channels;
  int64_t kernel_height, kernel_width;
  int64_t stride_y, stride_x;
  int64_t pad_top, pad_left, pad_bottom, pad_right;
} od_convolution_shape;

typedef enum {
  OD_FORWARD = 0,          // output from input and weights
  OD_BACKWARD_DATA = 1,    // input gradient from output gradient and weights
  OD_BACKWARD_WEIGHTS = 2  // weight gradient (and bias gradient) from input and output gradient
} od_convolution_kind;

typedef struct od_convolution od_convolution;

/// `od_convolution_create` gives NULL and a status where the sizes do not fit together or one is not positive.
/// `with_bias` 1: forward adds bias[output channels]; backward weights also writes its gradient. Ignored for data.
/// `operands` are the arrays that are multiplied: input and weights forward, output gradient and weights for data,
/// input and output gradient for weights. Plain weights, bias and results are 32-bit floats.
od_status od_convolution_create(
  const od_convolution_shape *shape, od_convolution_kind kind, od_element_type operands, int with_bias,
  od_convolution **out);
void od_convolution_destroy(od_convolution *convolution);
/// oneDNN's name of the implementation chosen, such as "jit:avx512_core" or "ref:any"; lives as long as the handle.
/// Version 2.6 shortens the name of a kernel as large as the image (a matrix product within) to "ip:".
const char *od_convolution_implementation(const od_convolution *convolution);
/// Floats whose space packed weights take; 0 when plain weights serve as they are and packing is not needed.
size_t od_convolution_packed_count(const od_convolution *convolution);
/// Which layout packed weights are in: the same number for all convolutions, of whatever thread, for which the same
/// packed weights serve. 0 where packed_count is 0.
uint64_t od_convolution_packed_layout(const od_convolution *convolution);
/// Bytes of scratch that execution needs (64-byte aligned); may be 0.
size_t od_convolution_scratch_bytes(const od_convolution *convolution);
/// Plain weights to the preferred layout (forward, data), and back (weight gradient); refused where packing is not
/// needed.
od_status od_convolution_pack(od_convolution *convolution, const float *plain, void *packed);
od_status od_convolution_unpack(od_convolution *convolution, const float *packed, float *plain);

/// Runs the handle's kind. `weights` are packed, or plain where packed_count is 0.
///   forward:          source = input,  weights, bias (or NULL) -> destination = output
///   backward data:    source = output gradient, weights        -> destination = input gradient
///   backward weights: source = input, second = output gradient -> destination = weight gradient (packed or plain),
///                     bias_gradient (or NULL)
od_status od_convolution_forward(
  od_convolution *convolution, const void *input, const void *weights, const float *bias,
  float *output, void *scratch);
od_status od_convolution_backward_data(
  od_convolution *convolution, const void *output_gradient, const void *weights,
  float *input_gradient, void *scratch);
od_status od_convolution_backward_weights(
  od_convolution *convolution, const void *input, const void *output_gradient, float *weight_gradient,
  float *bias_gradient, void *scratch);

#ifdef __cplusplus
}
#endif

#endif

import Tensors

/// A batch that a caller brings, to train on in place of the next one of the data.
package struct GivenBatch {
  /// `[N, height, width, channels]`, in the range of the data.
  let values: Tensor
  /// What is known of the examples beside them, `[N, width]`; nil for a model of p(x).
  let condition: Tensor?
}

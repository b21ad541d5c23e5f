import NeuralNetworks
import Tensors

/// What an update looks at: a whole batch, or one shard of it.
package struct UpdatePart {
  /// Values `[N, height, width, channels]`, or codes where the stage looks at those.
  package let batch: Tensor
  /// An independent batch with its context, where the objective needs one.
  package let second: (batch: Tensor, context: Context)?
  /// Of the batch.
  package let context: Context

  package init(
    _ batch: Tensor, second: (batch: Tensor, context: Context)? = nil, _ context: Context
  ) {
    (self.batch, self.second, self.context) = (batch, second, context)
  }
}

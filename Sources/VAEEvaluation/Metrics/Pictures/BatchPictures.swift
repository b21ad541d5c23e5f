import NeuralNetworks
import Tensors
import VAECore

/// The images of a batch, its reconstructions and as many samples, for all metrics that look at pictures. Each
/// set is made when a metric asks for it first.
public final class BatchPictures {
  /// A set of images.
  public enum Kind: Hashable, Sendable {
    /// The examples, as the model sees them.
    case data
    /// The means of p(x|z) at the draws of the evaluation; an autoregressive decoder draws images
    /// instead. None where the model has no latents.
    case reconstructions
    /// The means of p(x|z) at draws from the prior, one for each example, told what is known of it; an
    /// autoregressive decoder draws images instead.
    case samples
  }

  private let model: Model
  private let evaluation: Evaluation
  private let context: Context
  private var made: [Kind: Tensor] = [:]

  /// Nothing made yet.
  ///
  /// - Parameters:
  ///   - model: what makes the images.
  ///   - evaluation: of the data, with one draw per example.
  ///   - context: of that evaluation.
  init(_ model: Model, _ evaluation: Evaluation, _ context: Context) {
    (self.model, self.evaluation, self.context) = (model, evaluation, context)
  }

  /// Some of the images, `[N, height, width, channels]`; nil where there are none of the kind.
  public subscript(kind: Kind) -> Tensor? {
    if let known = made[kind] { return known }
    let found: Tensor?
    switch kind {
    case .data: found = evaluation.batch
    case .reconstructions where evaluation.draw.layers.isEmpty: found = nil
    case .reconstructions where model.decoder is any AutoregressiveDecoder:
      found = model.output(evaluation.draw, drawing: false, context)
    case .reconstructions: found = model.likelihood.mean(evaluation.parameters)
    case .samples:
      var own = context
      own.random = context.random.child("samples")
      // What is missing of an example is known of it, and not of what is drawn.
      own.mask = nil
      found = model.sample(own)
    }
    made[kind] = found
    return found
  }
}

import NeuralNetworks
import VAECore

/// A batch of examples with everything that is known of it, for metrics to take in.
public struct MetricSample {
  /// What the model says, with one draw per example and the rates of units.
  public let evaluation: Evaluation
  /// The context of that evaluation.
  public let context: Context
  /// The places of the examples in their split; empty in training.
  public let indices: [Int]
  /// The images of the batch, of reconstructions and of draws from the prior; nil in training.
  public let pictures: BatchPictures?
  /// The same as a frozen network sees them; nil where there is none.
  public let features: PictureFeatures?
  /// log p(x) of each example by importance weighting, where it was asked for.
  public let logLikelihoods: [Double]?

  /// A batch.
  public init(
    _ evaluation: Evaluation, _ context: Context, indices: [Int] = [],
    logLikelihoods: [Double]? = nil, pictures: BatchPictures? = nil,
    features: PictureFeatures? = nil
  ) {
    self.evaluation = evaluation
    self.context = context
    self.indices = indices
    self.logLikelihoods = logLikelihoods
    self.pictures = pictures
    self.features = features
  }
}

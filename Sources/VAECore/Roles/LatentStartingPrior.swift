import Tensors

/// A prior that a stage on latents trains from where these are: before the first update it is shown draws of
/// the posteriors of some training examples.
///
/// A whole training begins with an encoder that knows nothing, and never calls this.
public protocol LatentStartingPrior: Prior {
  /// Takes up what a start needs of draws, `[M, …]` with M of at least one.
  func begin(at draws: Tensor)
}

import Tensors

/// Images along one way through latent space.
public struct LatentWalk {
  /// What changes on the way, a line each, such as "unit 3" and "1.24 nats".
  public let label: [String]
  /// The images or the rows of a table, one for each step.
  public let made: MadeExamples

  /// The images, `[steps, height, width, channels]`.
  public var images: Tensor { made.tensor }
}

import Tensors

/// m · tanh(x / m): values near zero as they are, none beyond ±m, as the decoder of TAESD takes its
/// latents.
public final class SoftClamp: Layer {
  /// m
  public let magnitude: Float

  /// A clamp to ± a positive magnitude.
  public init(magnitude: Float) {
    ensure(magnitude > 0, "a clamp to ±\(magnitude) leaves nothing")
    self.magnitude = magnitude
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// That of the input.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) -> Shape? { input }

  /// The clamped input, of its shape.
  public func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    (input * (1 / magnitude)).tanh() * magnitude
  }
}

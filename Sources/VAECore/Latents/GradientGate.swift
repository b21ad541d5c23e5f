import Tensors

/// A point on the way from a loss back to the parameters of a draw, where each row's gradient is
/// multiplied by a weight that is known only once the loss is.
///
/// The doubly reparameterised gradient needs this: its weights come from densities that are
/// computed after the draw (Tucker et al. 2019).
public final class GradientGate {
  /// The factor of each row's gradient, `[K · N]`; nil lets gradients pass as they are.
  public var weights: Tensor?

  /// A gate without weights.
  public init() {}

  /// The same values; the gradient of row r is multiplied by weight r.
  public func applied(to draw: Tensor) -> Tensor {
    .recorded(draw.detached(), from: [draw]) { [self] gradient in
      guard let weights else { return [gradient] }
      let columns = Shape(
        [gradient.shape[0]] + gradient.shape.dimensions.dropFirst().map { _ in 1 })
      return [gradient * weights.detached().reshaped(to: columns)]
    }
  }
}

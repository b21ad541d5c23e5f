import Tensors
import VAECore

/// eᶜ ⊙ z + b, with a scale and a shift for each unit that are the same for all examples.
struct ElementwiseAffine: Bijector {
  /// b, `[units]`.
  let shift: Tensor
  /// c, `[units]`.
  let logScale: Tensor

  func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    (z * logScale.exp() + shift, determinant(z.shape))
  }

  static var hasInverse: Bool { true }

  func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? {
    ((value - shift) * (-logScale).exp(), determinant(value.shape))
  }

  func stoppingGradient() -> any Bijector {
    ElementwiseAffine(shift: shift.detached(), logScale: logScale.detached())
  }

  /// log|det| = Σ c.
  private func determinant(_ shape: Shape) -> Tensor { (.zeros(shape) + logScale).sum(axis: 1) }
}

import NeuralNetworks
import Tensors

/// A smooth map of the latents of an example onto themselves, with the logarithm of how much it
/// stretches volume: a step of a flow.
///
/// ```swift
/// /// z + shift, which keeps volumes.
/// struct Shift: Bijector {
///   let shift: Tensor
///
///   func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
///     (z + shift, .zeros([z.shape[0]]))
///   }
///
///   var hasInverse: Bool { true }
///
///   func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? {
///     (value - shift, .zeros([value.shape[0]]))
///   }
///
///   func stoppingGradient() -> any Bijector { Shift(shift: shift.detached()) }
/// }
/// ```
public protocol Bijector {
  /// The map of `[K · N, units]`, and log|det ∂f/∂z| in nats, `[K · N]`.
  func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor)

  /// Whether `inverse` is there and no more expensive than `forward`.
  static var hasInverse: Bool { get }

  /// z of f(z), and log|det ∂f/∂z| at that z; nil where there is no cheap inverse.
  func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)?

  /// The same map with constant parameters.
  func stoppingGradient() -> any Bijector
}

extension Bijector {
  /// There is none.
  public static var hasInverse: Bool { false }
  /// There is none.
  public func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? { nil }
}

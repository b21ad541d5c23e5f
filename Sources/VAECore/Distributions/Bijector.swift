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
///   static var hasInverse: Bool { true }
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

  /// Whether `inverse` gives something, so that points that were not drawn have a price. It may be more expensive than
  /// `forward`, or less: of an autoregressive step one of the two takes a pass through a network for each unit.
  static var hasInverse: Bool { get }

  /// z of f(z), and log|det ∂f/∂z| at that z; nil where `hasInverse` is false.
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

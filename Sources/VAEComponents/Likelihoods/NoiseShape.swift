import Tensors

/// The shape of a symmetric noise of deviation one around zero, for a ``LocationLikelihood``.
///
/// ```swift
/// /// Evenly between −√3 and √3.
/// struct UniformNoise: NoiseShape {
///   func logDensity(_ distances: Tensor) -> Tensor {
///     (distances.isAbove(1.7320508) * -1e9) - log(2 * Float(3).squareRoot())
///   }
///   func quantile(_ probability: Double) -> Double { (2 * probability - 1) * 3.0.squareRoot() }
/// }
/// ```
public protocol NoiseShape: Sendable {
  /// The logarithm of the density at each distance from zero, with its constant.
  func logDensity(_ distances: Tensor) -> Tensor
  /// The number below which noise lies with a probability between 0 and 1.
  func quantile(_ probability: Double) -> Double
}

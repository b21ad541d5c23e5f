import NeuralNetworks
import Tensors

/// The weight λ that makes two losses pull at one parameter equally hard,
/// λ = ‖∇_W a‖ / (‖∇_W b‖ + δ), limited and without a gradient of its own (Esser et al. 2021, equation 7;
/// constants of their code).
///
/// ```swift
/// let weight = AdaptiveWeight().value(of: reconstruction, against: adversarial, at: lastWeights, context)
/// let loss = Loss(reconstruction + adversarial * (weight * 0.8))
/// ```
///
/// W is usually the kernel of a decoder's last convolution. The tape behind both losses is kept.
public struct AdaptiveWeight: Sendable {
  /// The largest weight.
  public let limit: Float
  /// δ, which keeps a vanishing gradient of b from making the weight infinite.
  public let offset: Float

  /// A weight with the constants of the paper's code.
  public init(limit: Float = 1e4, offset: Float = 1e-4) {
    self.limit = limit
    self.offset = offset
  }

  /// λ for two losses; zero where `a` does not depend on the parameter, or where the parameter is frozen.
  ///
  /// - Parameters:
  ///   - a: the loss whose pull is the measure, a scalar.
  ///   - b: the loss that is weighed, a scalar.
  ///   - parameter: W, where the gradients of both are compared.
  ///   - context: of the pass that made them; where that is one of a part of a batch, the gradients are those of
  ///     the batch.
  public func value(
    of a: Tensor, against b: Tensor, at parameter: Parameter, _ context: Context
  ) -> Float {
    func norm(_ loss: Tensor) -> Double {
      guard let own = loss.gradient(at: parameter) else { return 0 }
      return context.batchAverage(ofConstant: own).doubleSumOfSquares.squareRoot()
    }
    let ratio = Float(norm(a) / (norm(b) + Double(offset)))
    // Written so that what is not a number stays so, and is noticed in the loss.
    return ratio > limit ? limit : ratio
  }
}

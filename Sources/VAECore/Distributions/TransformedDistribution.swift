import NeuralNetworks
import Tensors

/// Draws of a base distribution, transformed by a chain of bijectors: z_K = f_K(… f_1(z_0)) with
/// log q(z_K) = log q_0(z_0) − Σ log|det ∂f_k/∂z_{k−1}| (Rezende & Mohamed 2015, equation 6).
///
/// A prior prices z_K, never z_0. Densities of given points are there where the base and all bijectors
/// have an inverse.
///
/// ```swift
/// let flow = TransformedDistribution(posterior, steps)  // steps: [any Bijector]
/// let draw = flow.draw(1, from: "posterior", context)
/// let rate = draw.logDensity - prior.logDensity(of: draw.value, context)  // log q − log p, [N]
/// ```
public struct TransformedDistribution: Distribution {
  /// Of z_0.
  public let base: any Distribution
  /// What z_0 goes through, in this order.
  public let bijectors: [any Bijector]

  /// A base distribution and what its draws go through.
  public init(_ base: any Distribution, _ bijectors: [any Bijector]) {
    self.base = base
    self.bijectors = bijectors
  }

  /// The number of examples.
  public var exampleCount: Int { base.exampleCount }

  /// Draws of the base, transformed; the temperature is that of the base.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let drawn = base.draw(samples, from: stream, temperature: temperature, context)
    var value = drawn.value
    var determinants: [Tensor] = []
    for bijector in bijectors {
      let step = bijector.forward(value)
      value = step.value
      determinants.append(step.logDeterminant)
    }
    return DistributionDraw(value) { determinants.reduce(drawn.logDensity) { $0 - $1 } }
  }

  /// Whether the base and every bijector can.
  public var pricesAnyPoint: Bool {
    base.pricesAnyPoint && bijectors.allSatisfy { type(of: $0).hasInverse }
  }

  /// log q_0 of the point that leads to z, less the log-determinants on the way.
  public func logDensity(of z: Tensor) -> Tensor? {
    var (point, sum) = (z, Tensor.zeros([z.shape[0]]))
    for bijector in bijectors.reversed() {
      guard let step = bijector.inverse(point) else { return nil }
      point = step.z
      sum = sum + step.logDeterminant
    }
    return base.logDensity(of: point).map { $0 - sum }
  }

  /// The same with constant parameters.
  public func stoppingGradient() -> any Distribution {
    TransformedDistribution(base.stoppingGradient(), bijectors.map { $0.stoppingGradient() })
  }
}

import Glibc
import NeuralNetworks
import Tensors

/// N(0, I) over one layer of units, for each of N examples: the prior of most models, and what flows
/// begin from.
public struct StandardNormal: Distribution {
  /// The number of examples.
  public let exampleCount: Int
  /// The units of an example.
  public let units: Int

  /// A standard normal distribution of a number of units, for a number of examples.
  public init(exampleCount: Int, units: Int) {
    self.exampleCount = exampleCount
    self.units = units
  }

  /// temperature · noise, `[samples · N, units]`.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let noise = context.normalNoise(stream, samples: samples, shape: [units])
    let value = temperature == 1 ? noise : noise * temperature
    return DistributionDraw(value) { density(of: value) }
  }

  /// log N(z; 0, I) in nats, `[K · N]`.
  public func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  private func density(of z: Tensor) -> Tensor {
    let zeros = Tensor.zeros(z.shape)
    return .gaussianLogDensity(z, mean: zeros, logVariance: zeros)
  }

  /// Zeros.
  public var mean: Tensor? { .zeros([exampleCount, units]) }
  /// Ones.
  public var variance: Tensor? { .zeros([exampleCount, units]) + 1 }
  /// Zeros.
  public var mode: Tensor? { mean }
  /// ½ units · log 2πe for each example.
  public var entropy: Tensor? {
    .zeros([exampleCount]) + 0.5 * Float(units) * (1 + log(2 * Float.pi))
  }

  /// Itself: there are no parameters.
  public func stoppingGradient() -> any Distribution { self }
}

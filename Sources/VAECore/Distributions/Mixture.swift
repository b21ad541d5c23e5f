import NeuralNetworks
import Tensors

/// A mixture of distributions of any one family that prices any point, p(z) = Σ_c π_c p_c(z), the same
/// for each of N examples.
///
/// `GaussianMixture` does the same for diagonal Gaussians with less work.
public struct Mixture: Distribution {
  /// The number of examples.
  public let exampleCount: Int
  /// log π, `[C]`.
  public let logWeights: Tensor
  /// What is mixed: C distributions, one a row.
  public let components: any Distribution

  /// A mixture of C distributions.
  ///
  /// - Parameters:
  ///   - exampleCount: N.
  ///   - logits: `[C]`; the weights are their softmax.
  ///   - components: a distribution a row, over one layer of units.
  public init(exampleCount: Int, logits: Tensor, components: any Distribution) {
    ensure(
      logits.shape == [components.exampleCount] && logits.count > 0,
      "logits of shape \(logits.shape) do not weigh \(components.exampleCount) components")
    self.exampleCount = exampleCount
    logWeights = logits.logSoftmax()
    self.components = components
  }

  private init(exampleCount: Int, logWeights: Tensor, stopped components: any Distribution) {
    self.exampleCount = exampleCount
    self.logWeights = logWeights
    self.components = components
  }

  /// Whether the components do.
  public var pricesAnyPoint: Bool { components.pricesAnyPoint }

  /// A component for each draw, by its weight, then a draw of it.
  ///
  /// For each example every component is drawn from and one draw is kept, with random numbers of the
  /// example's own, so that a draw does not depend on what others are drawn.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let choices = logWeights.weightedChoices(samples, from: stream, context)
    let (examples, count) = (context.examples.count, logWeights.count)
    // Without examples there is one row of them all, of which none is kept.
    let rows = (examples > 0 ? context.examples : [0]).enumerated().map { position, example in
      var own = context
      own.random = context.random.child("\(stream) of \(example)")
      own.examples = (0..<count).map(UInt64.init)
      let chosen = (0..<(examples > 0 ? samples : 0)).map {
        Int32($0 * count) + choices[$0 * examples + position]
      }
      return components.draw(samples, from: stream, temperature: temperature, own).value
        .gathering(Tensor(indices: chosen))
    }
    // Row n · K + k of all together is row k · N + n of the draw.
    let order = (0..<samples).flatMap { sample in
      (0..<examples).map { Int32($0 * samples + sample) }
    }
    let value = Tensor.concatenated(rows, axis: 0).gathering(Tensor(indices: order))
    return DistributionDraw(value) {
      guard let density = logDensity(of: value) else {
        fatalError("a mixture is made of distributions that price any point")
      }
      return density
    }
  }

  /// log Σ_c π_c p_c(z) in nats, `[K · N]`, by logsumexp; nil where the components price no points but
  /// their own draws.
  public func logDensity(of z: Tensor) -> Tensor? {
    let (points, count) = (z.shape[0], logWeights.count)
    // Each point once for every component: to these, it is a draw of each.
    let repeated = z.reshaped(to: [points, 1, z.shape[1]])
      .broadcast(to: [points, count, z.shape[1]]).reshaped(to: [points * count, z.shape[1]])
    return components.logDensity(of: repeated).map {
      ($0.reshaped(to: [points, count]) + logWeights).logSumExp()
    }
  }

  /// The same mixture with constant parameters.
  public func stoppingGradient() -> any Distribution {
    Mixture(
      exampleCount: exampleCount, logWeights: logWeights.detached(),
      stopped: components.stoppingGradient())
  }
}

import Communication
import Glibc
import NeuralNetworks
import Tensors
import VAECore

/// How the posterior of each example is optimised for its likelihood regret.
public struct RegretOptions: Sendable, Equatable {
  /// The updates of each posterior.
  public var steps = 100
  /// Adam's learning rate at the first of them, which falls to zero along half a cosine.
  public var rate: Float = 0.1
  /// Draws that the bound is measured with, before and after.
  public var samples = 16

  /// The defaults.
  public init() {}
}

extension Evaluator {
  /// The likelihood regret of each example in nats: by how much the bound on log p(x) rises where the
  /// posterior is optimised for this example alone, from what the encoder proposes on (Xiao, Yan & Amit
  /// 2020, section 3).
  ///
  ///     regret(x) = max_q ELBO(x; q) − ELBO(x; q(z|x)) ≥ 0
  ///
  /// Both bounds are measured with the same draws. Other than in the paper, which trains a copy of the
  /// whole encoder for each example, the mean and the log-variance of each unit are optimised themselves:
  /// this searches the same family of posteriors, at the cost of the decoder alone, for many
  /// examples at a time.
  ///
  /// - Parameters:
  ///   - options: how long, and with which steps.
  ///   - communicator: what connects ranks that divide the examples, ask for the same, and get all numbers.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: a number for each example in order; nil when it was stopped.
  /// - Throws: `MetricError` of kind `unsuitable` where posteriors are no Gaussians over one layer,
  ///   `MemoryError`, and `CommunicationError`.
  public func likelihoodRegrets(
    _ options: RegretOptions = RegretOptions(),
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) -> Bool = { _ in true }
  ) throws -> [Double]? {
    try Self.numbers(
      of: batches(importanceSamples: options.samples), among: communicator, progress: progress
    ) { indices in
      guard progress(fraction(indices, 0)) else { return nil }
      let (x, context) = examples.batchByContent(indices, context(for: indices))
      guard
        let posterior = withoutTape({ model.encoder.encode(x, context) }) as? DiagonalGaussian,
        model.prior.latents.hasOwnMoments
      else {
        throw MetricError(
          .unsuitable,
          text:
            "likelihood regret optimises the mean and variance of each unit, and this model's posterior is no Gaussian "
            + "over one layer of units; choose another method")
      }
      return try regrets(of: x, posterior, options, context) { progress(fraction(indices, $0)) }
    }
  }

  private func regrets(
    of x: Tensor, _ posterior: DiagonalGaussian, _ options: RegretOptions, _ context: Context,
    _ progress: (Double) -> Bool
  ) throws -> [Double]? {
    let before = bounds(x, posterior, options, context)
    let means = Parameter(posterior.means)
    let logVariance = Parameter(posterior.logVariance)
    let optimizer = Optimizer(
      .adam(), parameters: [("means", means), ("log_variance", logVariance)])
    for step in 0..<options.steps {
      guard progress(Double(step) / Double(options.steps)) else { return nil }
      // Draws of its own for each step: with the same ones again the posterior would learn these.
      var own = context
      own.firstDraw = options.samples + step
      let q = DiagonalGaussian(mean: means.tensor, logVariance: logVariance.tensor)
      let loss = withConstantParameters {
        let evaluation = model.evaluate(x, posterior: q, DrawRequest(), own)
        return (evaluation.distortion + evaluation.rate).sum()
      }
      let share = Float(step) / Float(options.steps)
      try optimizer.update(loss.backward(), rate: options.rate * (1 + cos(.pi * share)) / 2)
    }
    let optimised = DiagonalGaussian(mean: means.value, logVariance: logVariance.value)
    let after = bounds(x, optimised, options, context)
    // Where no better posterior was found, the best one known is the encoder's.
    return zip(before, after).map { $1 > $0 ? $1 - $0 : $1.isNaN || $0.isNaN ? .nan : 0 }
  }

  /// The bound of each example under a posterior, averaged over draws.
  private func bounds(
    _ x: Tensor, _ posterior: DiagonalGaussian, _ options: RegretOptions, _ context: Context
  ) -> [Double] {
    withoutTape {
      var request = DrawRequest()
      request.samples = options.samples
      let weights = model.evaluate(x, posterior: posterior, request, context).logWeights.floats
      let count = x.shape[0]
      return (0..<count).map { example in
        (0..<options.samples).reduce(0) { $0 + Double(weights[$1 * count + example]) }
          / Double(options.samples)
      }
    }
  }
}

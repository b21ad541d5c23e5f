import Messages
import Tensors

/// A prior that is fitted by an algorithm of its own, such as expectation maximisation, to draws of the
/// posteriors of an encoder that is trained already. A stage on latents makes one update of the whole
/// fit.
///
/// The encoder stays stochastic and each draw is priced under the prior that was fitted, so that
/// distortion + rate is −ELBO of the new model, as of any other.
public protocol FittedPrior: Prior {
  /// How often the posterior of each example is drawn from for the fit.
  var drawsPerExample: Int { get }

  /// Refuses a number of training examples that are too few for the fit, before anything is computed.
  func check(examples: Int) throws

  /// Fits the prior.
  ///
  /// - Parameters:
  ///   - latents: draws of the posteriors of all training examples.
  ///   - continuing: whether it goes on from the parameters that it has, as a second epoch does, in
  ///     place of beginning anew.
  ///   - random: where random numbers come from.
  ///   - proceed: called again and again meanwhile; what it throws ends the fit, and leaves the prior as
  ///     it was.
  /// - Throws: what `proceed` throws, and an error where the latents are too few.
  func fit(
    to latents: LatentSample, continuing: Bool, random: RandomSource, proceed: () throws -> Void
  ) throws -> PriorFit
}

/// Draws of the posteriors of many examples.
public struct LatentSample {
  /// The draws, `[K · N, …]`: row `k · N + n` is of example n.
  public let draws: Tensor
  /// N.
  public let exampleCount: Int
  /// log q(z|x) at the draws in nats, averaged.
  public let meanLogPosterior: Double
  /// What is known of the examples, `[N, width]`; nil for a model of p(x).
  public let conditions: Tensor?

  /// Draws with what they cost under the posteriors that they are of.
  public init(
    draws: Tensor, exampleCount: Int, meanLogPosterior: Double, conditions: Tensor? = nil
  ) {
    ensure(
      exampleCount > 0 && draws.shape[0] % exampleCount == 0
        && conditions.map { $0.shape[0] == exampleCount } != false,
      "draws of shape \(draws.shape) are not equally many for each of \(exampleCount) examples")
    self.conditions = conditions
    self.draws = draws
    self.exampleCount = exampleCount
    self.meanLogPosterior = meanLogPosterior
  }

  /// K.
  public var samples: Int { draws.shape[0] / exampleCount }
}

/// What came of a fit.
public struct PriorFit {
  /// log p(z) at the draws in nats, averaged.
  public let meanLogDensity: Double
  /// Numbers that are worth a record, by name.
  public let terms: [(name: String, value: Double)]
  /// What the user should know.
  public let notice: Message?

  /// A result.
  public init(
    meanLogDensity: Double, terms: [(name: String, value: Double)] = [], notice: Message? = nil
  ) {
    self.meanLogDensity = meanLogDensity
    self.terms = terms
    self.notice = notice
  }
}

import Messages
import NeuralNetworks
import Tensors

/// What an encoder proposes for a batch.
///
/// Most often it is a `Distribution` over one layer of latents, q(z|x). Where the latents of an
/// example follow from each other, as in a ladder, it is what the prior needs to draw them.
public protocol Posterior {
  /// The number of examples.
  var exampleCount: Int { get }
  /// The mean, `[N, …]`, nil where there is none.
  var mean: Tensor? { get }
  /// The variance, `[N, …]`, nil where there is none.
  var variance: Tensor? { get }
}

extension Posterior {
  /// No mean.
  public var mean: Tensor? { nil }
  /// No variance.
  public var variance: Tensor? { nil }
}

/// What the posteriors of an encoder can say about themselves, known before there is one.
public struct PosteriorTraits: Hashable, Sendable {
  /// Whether they price any point, not their own draws alone (`Distribution.pricesAnyPoint`).
  public var pricesAnyPoint: Bool
  /// Whether they have means and variances.
  public var hasMoments: Bool
  /// Whether a temperature changes their draws.
  public var hasTemperature: Bool
  /// What to choose to have posteriors that price any point; nil where they do, or nothing helps.
  public var pricingRemedy: Message?

  /// All of it, unless said otherwise.
  public init(
    pricesAnyPoint: Bool = true, hasMoments: Bool = true, hasTemperature: Bool = true,
    pricingRemedy: Message? = nil
  ) {
    self.pricingRemedy = pricesAnyPoint ? nil : pricingRemedy
    self.pricesAnyPoint = pricesAnyPoint
    self.hasMoments = hasMoments
    self.hasTemperature = hasTemperature
  }
}

/// The posterior of a model without latents, such as a PixelCNN: there is nothing to draw, and the rate is
/// zero.
public struct EmptyPosterior: Posterior {
  /// The number of examples.
  public let exampleCount: Int

  /// An empty posterior for a batch.
  public init(exampleCount: Int) {
    self.exampleCount = exampleCount
  }
}

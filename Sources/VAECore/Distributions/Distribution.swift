import NeuralNetworks
import Tensors

/// A family of distributions over latents, with parameters for each of N examples: one vocabulary
/// for posteriors, priors and flows.
///
/// Draws come sample by sample: K draws for N examples are `K · N` rows, of which row `k · N + n` is
/// example `n`'s.
///
/// A conforming type draws, and says what each draw costs. Whether it can price any other point is a
/// capability: a planar flow, for instance, has no inverse, and knows the density of its own draws
/// alone.
///
/// ```swift
/// // KL(q ‖ p) in nats, `[N]`: in closed form where the table has one, else estimated from one draw.
/// func divergence(from q: any Distribution, to p: any Distribution, _ context: Context) -> Tensor? {
///   if let closed = DivergenceTable.standard.divergence(from: q, to: p) { return closed.perExample }
///   let draw = q.draw(1, from: "posterior", context)
///   return p.logDensity(of: draw.value).map { draw.logDensity - $0 }
/// }
/// ```
public protocol Distribution: Posterior, SendableMetatype {
  /// `samples` draws per example with the log-density of these very draws, differentiable where the
  /// distribution can be reparameterised.
  ///
  /// - Parameters:
  ///   - samples: K.
  ///   - stream: the name of the random numbers, such as "posterior".
  ///   - temperature: multiplies standard deviations; the log-density is that at temperature one.
  ///   - context: where random numbers come from.
  func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw

  /// Whether `logDensity(of:)` prices any point.
  var pricesAnyPoint: Bool { get }

  /// log p(z) in nats, `[K · N]`, of given points `[K · N, …]`; nil where there is no cheap inverse.
  func logDensity(of z: Tensor) -> Tensor?

  /// The differential entropy in nats per example, `[N]`, nil where there is no closed form.
  var entropy: Tensor? { get }

  /// The point of highest density, `[N, …]`, nil where it is not known.
  var mode: Tensor? { get }

  /// The same distribution as a constant: no gradient flows through its parameters.
  func stoppingGradient() -> any Distribution
}

extension Distribution {
  /// It does.
  public var pricesAnyPoint: Bool { true }
  /// No closed form.
  public var entropy: Tensor? { nil }
  /// Not known.
  public var mode: Tensor? { nil }

  /// `samples` draws per example at temperature one.
  public func draw(_ samples: Int, from stream: String, _ context: Context) -> DistributionDraw {
    draw(samples, from: stream, temperature: 1, context)
  }
}

/// Draws from a distribution with the log-density of these very draws, which a flow knows although it may
/// not know that of any other point.
public struct DistributionDraw {
  /// The draws, `[K · N, …]`.
  public let value: Tensor
  private let price: () -> Tensor

  /// Draws whose log-density is computed when it is asked for, which it is only where a rate has no
  /// closed form.
  ///
  /// - Parameters:
  ///   - value: `[K · N, …]`.
  ///   - logDensity: log p of these draws in nats, `[K · N]`.
  public init(_ value: Tensor, logDensity: @escaping () -> Tensor) {
    self.value = value
    price = logDensity
  }

  /// log p of these draws in nats, `[K · N]`.
  public var logDensity: Tensor { price() }
}

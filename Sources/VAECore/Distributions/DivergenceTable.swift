import Tensors

/// KL(q ‖ p) in nats between two distributions of which the divergence has a closed form.
public struct Divergence {
  private let example: () -> Tensor
  private let unit: (() -> Tensor)?

  /// A divergence whose terms are computed when they are asked for.
  ///
  /// - Parameters:
  ///   - perExample: KL(q ‖ p) in nats, `[N]`.
  ///   - perUnit: the terms of the sum, `[N, units]`, where it is one over units.
  public init(perExample: @escaping () -> Tensor, perUnit: (() -> Tensor)? = nil) {
    example = perExample
    unit = perUnit
  }

  /// KL(q ‖ p) in nats, `[N]`.
  public var perExample: Tensor { example() }
  /// The same for each latent unit, `[N, units]`, where it is a sum over units; else nil.
  public var perUnit: Tensor? { unit?() }
}

/// The closed forms of KL(q ‖ p), by the pair of families.
///
/// Whoever brings a family brings its closed forms: a prior hands out a table to which they are
/// added (``DensityPrior/divergences``). What is not in the table is measured by Monte Carlo, as
/// log q − log p at the draw.
///
/// ```swift
/// // KL(N(μ, σ²) ‖ N(0, 1)) of all units but the first, whose use is free.
/// var table = DivergenceTable.standard
/// table.add(DiagonalGaussian.self, StandardNormal.self) { q, _ in
///   let units = 1..<q.means.shape[-1]
///   return .gaussianDivergence(
///     mean: q.means.slice(axis: 1, units), logVariance: q.logVariance.slice(axis: 1, units))
/// }
/// ```
public struct DivergenceTable: Sendable {
  private struct Pair: Hashable {
    let first: ObjectIdentifier
    let second: ObjectIdentifier
  }

  private typealias Rule = @Sendable (any Distribution, any Distribution) -> Divergence?

  private var rules: [Pair: Rule] = [:]

  /// A table without closed forms.
  public init() {}

  /// Adds the closed form of a pair of families; one that is there is replaced.
  ///
  /// - Parameters:
  ///   - first: of q.
  ///   - second: of p.
  ///   - perExample: KL(q ‖ p) in nats, `[N]`.
  ///   - perUnit: the terms of the sum, `[N, units]`, where it is one over units.
  public mutating func add<First: Distribution, Second: Distribution>(
    _ first: First.Type, _ second: Second.Type,
    perExample: @escaping @Sendable (First, Second) -> Tensor,
    perUnit: (@Sendable (First, Second) -> Tensor)? = nil
  ) {
    rules[Pair(first: ObjectIdentifier(first), second: ObjectIdentifier(second))] = { q, p in
      guard let q = q as? First, let p = p as? Second else { return nil }
      return Divergence(
        perExample: { perExample(q, p) }, perUnit: perUnit.map { rule in { rule(q, p) } })
    }
  }

  /// KL(q ‖ p) where the pair has a closed form; else nil.
  public func divergence(from q: any Distribution, to p: any Distribution) -> Divergence? {
    let pair = Pair(first: ObjectIdentifier(type(of: q)), second: ObjectIdentifier(type(of: p)))
    return rules[pair]?(q, p)
  }

  /// The closed forms of the families in this module.
  public static let standard: DivergenceTable = {
    var table = DivergenceTable()
    // Kingma & Welling 2014, appendix B: ½ Σ (mean² + e^logVariance − 1 − logVariance).
    table.add(
      DiagonalGaussian.self, StandardNormal.self,
      perExample: { q, _ in .gaussianDivergence(mean: q.means, logVariance: q.logVariance) },
      perUnit: { q, _ in (q.means.squared() + q.logVariance.exp() - q.logVariance - 1) * 0.5 })
    // ½ Σ (log σₚ² − log σ² + (σ² + (μ − μₚ)²) / σₚ² − 1).
    table.add(
      DiagonalGaussian.self, DiagonalGaussian.self,
      perExample: { q, p in
        .gaussianDivergence(
          mean: q.means, logVariance: q.logVariance, priorMean: p.means,
          priorLogVariance: p.logVariance)
      },
      perUnit: { q, p in
        let distance = (q.means - p.means).squared() + q.logVariance.exp()
        let terms = p.logVariance - q.logVariance + distance * (-p.logVariance).exp() - 1
        return (terms * 0.5).flattened()
      })
    return table
  }()
}

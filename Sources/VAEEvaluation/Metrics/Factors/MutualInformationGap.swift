import Glibc
import Tensors

/// The mutual information gap (Chen et al. 2018, section 4.1): by how much the unit that says most
/// of a factor exceeds the second.
///
///     MIG = 1/K Σ_k (I(z_a; v_k) − I(z_b; v_k)) / H(v_k),   a, b the two best units for factor k
///
/// H(v_k) is that of the relative frequencies of the factor's values. The mutual information is the
/// one between a factor and a draw from the posterior, not its mean; `AggregatePosterior` says how
/// it is estimated.
public struct MutualInformationGap: Equatable, Sendable {
  /// I(z_j; v_k) in nats by factor, then unit; none below zero.
  public let information: [[Double]]
  /// The gap for each factor that varies, each in 0...1.
  public let gaps: [Double]

  /// Measures a representation. A second unit that does not exist says nothing.
  ///
  /// - Parameters:
  ///   - representation: latents of examples whose factors are known.
  ///   - random: where draws come from; the same source gives the same numbers.
  /// - Returns: nil where the posterior has no standard deviations.
  public init?(_ representation: FactoredRepresentation, random: RandomSource) {
    guard let deviations = representation.deviations else { return nil }
    let draws = PosteriorDraws(representation, random: random)
    let byUnit = zip(representation.units, deviations).enumerated().map { unit, column in
      AggregatePosterior(means: column.0, deviations: column.1)
        .information(draws, noise: random.stream("noise", step: unit))
    }
    let information = representation.factors.indices.map { factor in byUnit.map { $0[factor] } }
    self.information = information
    gaps = representation.factors.indices.map { factor in
      let ordered = information[factor].sorted(by: >)
      return (ordered[0] - (ordered.dropFirst().first ?? 0))
        / Self.entropy(representation.counts(ofFactor: factor))
    }
  }

  /// The mean over factors, in 0...1.
  public var score: Double { gaps.reduce(0, +) / Double(gaps.count) }

  /// H = −Σ p log p in nats by relative frequencies.
  private static func entropy(_ counts: [Int]) -> Double {
    let total = Double(counts.reduce(0, +))
    return counts.reduce(0) { sum, count in
      guard count > 0 else { return sum }
      let share = Double(count) / total
      return sum - share * log(share)
    }
  }
}

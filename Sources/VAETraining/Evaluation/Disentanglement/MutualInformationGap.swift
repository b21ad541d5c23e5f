import Glibc

/// The mutual information gap (Chen et al. 2018, section 4.1): by how much the unit that says most
/// of a factor exceeds the second.
///
///     MIG = 1/K Σ_k (I(z_a; v_k) − I(z_b; v_k)) / H(v_k),   a, b the two best units for factor k
///
/// The paper integrates over q(z|x). Here, as in disentanglement_lib (Locatello et al. 2019), z_j
/// is the posterior's mean, in 20 bins of equal width from the least to the largest, and
/// probabilities are relative frequencies.
public struct MutualInformationGap: Equatable, Sendable {
  /// The gap for each factor that varies, each in 0...1.
  public let gaps: [Double]

  /// Bins of a unit.
  static let binCount = 20

  /// Measures a representation. A second unit that does not exist says nothing.
  public init(_ representation: FactoredRepresentation) {
    let bins = representation.units.map(Self.bins)
    gaps = representation.factors.indices.map { factor in
      let information = bins.map {
        Self.mutualInformation(
          $0, representation.factors[factor], sizes: (Self.binCount, representation.sizes[factor]))
      }
      .sorted(by: >)
      let entropy = Self.entropy(representation.counts(ofFactor: factor))
      return (information[0] - (information.dropFirst().first ?? 0)) / entropy
    }
  }

  /// The mean over factors, in 0...1.
  public var score: Double { gaps.reduce(0, +) / Double(gaps.count) }

  /// The bin of each value; the largest value belongs to the last bin, and all to the first where
  /// none differs.
  private static func bins(_ values: [Float]) -> [Int32] {
    let lowest = Double(values.min() ?? 0)
    let range = Double(values.max() ?? 0) - lowest
    guard range > 0 else { return Array(repeating: 0, count: values.count) }
    return values.map {
      min(Int32((Double($0) - lowest) / range * Double(binCount)), Int32(binCount - 1))
    }
  }

  /// I(a; b) in nats by relative frequencies.
  private static func mutualInformation(
    _ a: [Int32], _ b: [Int32], sizes: (a: Int, b: Int)
  ) -> Double {
    var together = Array(repeating: 0, count: sizes.a * sizes.b)
    var ofA = Array(repeating: 0, count: sizes.a)
    var ofB = Array(repeating: 0, count: sizes.b)
    for (a, b) in zip(a, b) {
      together[Int(a) * sizes.b + Int(b)] += 1
      ofA[Int(a)] += 1
      ofB[Int(b)] += 1
    }
    return max(0, entropy(ofA) + entropy(ofB) - entropy(together))
  }

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

import Glibc
import Tensors

/// Disentanglement, completeness and informativeness (Eastwood & Williams 2018): what a random
/// forest that predicts each factor from all units finds important.
///
/// R_ij is the importance of unit i for factor j, each column adding to one.
///
///     D = Σ_i ρ_i (1 − H_K(R_i· / Σ_k R_ik)),   ρ_i = Σ_j R_ij / Σ_kj R_kj
///     C = 1/K Σ_j (1 − H_L(R_·j / Σ_k R_kj))
///
/// with entropies to the base of the number of factors, K, and of units, L.
///
/// The authors regress; here factors are classes, as in disentanglement_lib, because shapes and
/// colours have no order and angles no end. The forest has 20 trees (theirs had 10) over all units
/// at each split, as deep as its out-of-bag error allows; see `RandomForest`. It learns from two
/// thirds of the examples, 10,000 at most, and is measured on the rest.
public struct DCI: Equatable, Sendable {
  /// 1 where no unit matters for two factors, 0 where every unit matters equally for all.
  public let disentanglement: Double
  /// 1 where each factor is predicted from one unit, 0 where from all alike.
  public let completeness: Double
  /// One less the error of prediction, relative to the error of always guessing the most frequent
  /// value, mean over factors: 1 for no error, about 0 for a guess. The paper reports the relative
  /// error itself.
  public let informativeness: Double

  /// Trees of each factor's forest.
  static let treeCount = 20
  /// Examples that are looked at, at most.
  static let exampleLimit = 15_000

  /// Measures a representation.
  public init(_ representation: FactoredRepresentation, random: RandomSource) {
    var generator = random.stream("examples").generator()
    let chosen = (0..<representation.count).shuffled(using: &generator).prefix(Self.exampleLimit)
    let learnt = chosen.prefix(2 * chosen.count / 3)
    let held = chosen.dropFirst(learnt.count)
    let features = SortedFeatures(representation.units.map { unit in learnt.map { unit[$0] } })

    var importances: [[Double]] = []
    var informativeness = 0.0
    for factor in representation.factors.indices {
      let values = representation.factors[factor]
      var generator = random.stream("forest", step: factor).generator()
      let forest = RandomForest(
        features: features, classes: learnt.map { values[$0] },
        classCount: representation.sizes[factor], treeCount: Self.treeCount, &generator)
      importances.append(forest.importances)
      let wrong = held.count { example in
        forest.prediction(representation.units.map { $0[example] }) != values[example]
      }
      let commonest = representation.counts(ofFactor: factor).max() ?? 0
      let guessError = 1 - Double(commonest) / Double(representation.count)
      informativeness += 1 - Double(wrong) / Double(held.count) / guessError
    }
    self.init(
      importances: importances,
      informativeness: informativeness / Double(representation.factors.count))
  }

  /// The measures of an importance matrix.
  ///
  /// - Parameters:
  ///   - importances: for each factor, the importance of each unit, not negative.
  ///   - informativeness: how well the factors were predicted.
  public init(importances: [[Double]], informativeness: Double) {
    let units = (importances.first ?? []).indices.map { unit in importances.map { $0[unit] } }
    let total = importances.reduce(0) { $0 + $1.reduce(0, +) }
    disentanglement =
      total > 0
      ? units.reduce(0) { $0 + $1.reduce(0, +) / total * Self.concentration($1) } : 0
    completeness =
      importances.reduce(0) { $0 + Self.concentration($1) } / Double(max(1, importances.count))
    self.informativeness = informativeness
  }

  /// 1 − H(p) / log n of the n values divided by their sum; 0 where all are zero, 1 where there is
  /// only one.
  private static func concentration(_ values: [Double]) -> Double {
    let sum = values.reduce(0, +)
    guard sum > 0 else { return 0 }
    guard values.count > 1 else { return 1 }
    let entropy = values.reduce(0) { entropy, value in
      guard value > 0 else { return entropy }
      return entropy - value / sum * log(value / sum)
    }
    return 1 - entropy / log(Double(values.count))
  }
}

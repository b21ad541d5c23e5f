import Tensors

/// The score of Kim & Mnih (2018, section 4): of examples that share the value of one factor, the
/// unit that varies least tells which factor it is.
///
/// One vote: a factor drawn uniformly, a value of it by its frequency, 64 examples that have this
/// value, and of those units that have not collapsed the one whose variance, divided by its
/// variance over all examples, is least. A table from units to factors, the most frequent factor of
/// 10,000 votes for each unit, is right for so large a part of 5,000 further votes as the score
/// says. A unit has collapsed if its mean has a standard deviation below 0.05 over all examples.
/// The numbers are those of disentanglement_lib (Locatello et al. 2019).
///
/// The examples of a vote are drawn, with replacement, from those that are measured.
public struct FactorVAEScore: Equatable, Sendable {
  /// The accuracy of the table: 1 at best, about 1/K for K factors where units and factors have
  /// nothing to do with each other, 0 where all units have collapsed.
  public let score: Double

  /// Votes that make the table.
  static let trainingVotes = 10_000
  /// Votes that measure it.
  static let measuringVotes = 5_000
  /// Examples of a vote.
  static let examplesPerVote = 64
  /// The standard deviation below which a unit has collapsed.
  static let collapsedDeviation = 0.05

  /// Measures a representation.
  public init(_ representation: FactoredRepresentation, random: RandomSource) {
    let ballot = Ballot(representation)
    guard ballot.unitCount > 0, !ballot.factors.isEmpty else {
      score = 0
      return
    }
    var generator = random.stream("votes").generator()
    let training = ballot.votes(Self.trainingVotes, &generator)
    let measuring = ballot.votes(Self.measuringVotes, &generator)
    let right = zip(training, measuring).reduce(0) { sum, unit in
      let chosen = unit.0.indices.max { unit.0[$0] < unit.0[$1] } ?? 0
      return sum + unit.1[chosen]
    }
    score = Double(right) / Double(Self.measuringVotes)
  }

  /// What votes are drawn from.
  private struct Ballot {
    /// The number of units that have not collapsed.
    let unitCount: Int
    /// The factors that can be fixed while something varies.
    let factors: [Factor]
    /// The means of those units in their standard deviations, example after example.
    private let codes: [Double]

    /// Examples by the value of one factor, of values that at least two have.
    struct Factor {
      var groups: [[Int]]
      /// The group of each example in one, so that drawing an example draws a value by its
      /// frequency.
      var groupOfExample: [Int]
    }

    init(_ representation: FactoredRepresentation) {
      let columns = representation.units.compactMap(Self.standardized)
      unitCount = columns.count
      codes = (0..<representation.count).flatMap { example in columns.map { $0[example] } }
      factors = representation.factors.indices.compactMap { factor in
        var groups = Array(repeating: [Int](), count: representation.sizes[factor])
        for (example, value) in representation.factors[factor].enumerated() {
          groups[Int(value)].append(example)
        }
        groups.removeAll { $0.count < 2 }
        guard !groups.isEmpty else { return nil }
        return Factor(
          groups: groups,
          groupOfExample: groups.indices.flatMap { group in groups[group].map { _ in group } })
      }
    }

    /// Values in their standard deviations; nil where they hardly vary.
    private static func standardized(_ column: [Float]) -> [Double]? {
      let values = column.map(Double.init)
      let mean = values.reduce(0, +) / Double(values.count)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let deviation = (squares / Double(values.count - 1)).squareRoot()
      guard deviation >= collapsedDeviation else { return nil }
      return values.map { $0 / deviation }
    }

    /// How often each unit, the outer index, voted while each factor was fixed.
    func votes(_ count: Int, _ generator: inout CounterGenerator) -> [[Int]] {
      var votes = Array(
        repeating: Array(repeating: 0, count: factors.count), count: unitCount)
      for _ in 0..<count {
        let fixed = Int.random(in: factors.indices, using: &generator)
        let factor = factors[fixed]
        let group = factor.groupOfExample.randomElement(using: &generator) ?? 0
        votes[leastVarying(factor.groups[group], &generator)][fixed] += 1
      }
      return votes
    }

    /// The unit that varies least over examples drawn from a group, the first of equals.
    private func leastVarying(_ group: [Int], _ generator: inout CounterGenerator) -> Int {
      var sums = Array(repeating: 0.0, count: unitCount)
      var squares = sums
      // Differences to the first example's keep the variance of equal values at exactly zero.
      let origin = group[Int.random(in: group.indices, using: &generator)] * unitCount
      for _ in 1..<examplesPerVote {
        let example = group[Int.random(in: group.indices, using: &generator)] * unitCount
        for unit in 0..<unitCount {
          let difference = codes[example + unit] - codes[origin + unit]
          sums[unit] += difference
          squares[unit] += difference * difference
        }
      }
      let count = Double(examplesPerVote)
      let variances = zip(sums, squares).map { $1 - $0 * $0 / count }
      return variances.indices.min { variances[$0] < variances[$1] } ?? 0
    }
  }
}

import Glibc

/// Which latent units carry information: those whose posterior mean varies over the data,
/// Var_x(E[z|x]) > 0.01 (Burda et al. 2016, section 5).
package struct ActiveUnits {
  static let threshold = 0.01

  private var means: [[Float]] = []

  package init() {}

  /// Takes in posterior means, one row per example.
  package mutating func add(_ values: [Float], units: Int) {
    guard units > 0 else { return }
    if means.isEmpty { means = Array(repeating: [], count: units) }
    for (position, value) in values.enumerated() { means[position % units].append(value) }
  }

  /// The number of active units with its standard error.
  ///
  /// A unit near the threshold counts with the probability p that its true variance is above, by
  /// the normal approximation of the sample variance; the count's variance is Σ p (1 − p).
  package var count: Estimate? {
    guard let examples = means.first?.count, examples > 1 else { return nil }
    var active = 0
    var uncertainty = 0.0
    for column in means {
      let mean = column.reduce(0) { $0 + Double($1) } / Double(examples)
      var second = 0.0
      var fourth = 0.0
      for value in column {
        let square = (Double(value) - mean) * (Double(value) - mean)
        second += square
        fourth += square * square
      }
      let variance = second / Double(examples - 1)
      let deviation = (max(0, fourth / Double(examples) - variance * variance) / Double(examples))
        .squareRoot()
      if variance > Self.threshold { active += 1 }
      guard deviation > 0 else { continue }
      let above = 0.5 * erfc(-(variance - Self.threshold) / deviation / 2.0.squareRoot())
      uncertainty += above * (1 - above)
    }
    return Estimate(mean: Double(active), standardError: uncertainty.squareRoot())
  }
}

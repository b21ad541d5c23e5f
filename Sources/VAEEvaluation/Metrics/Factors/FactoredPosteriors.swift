import Tensors
import VAEData
import VAERecipes

/// Gathers posteriors beside the factors of their examples.
struct FactoredPosteriors {
  /// Where scores get their random numbers from.
  let random: RandomSource

  private let factors: FactorTable?
  private var indices: [Int] = []
  private var means: [Float] = []
  /// As many as means, or fewer where the posterior has none.
  private var variances: [Float] = []
  private var units = 0

  /// What a posterior and the examples must have for it.
  static let needs: [MetricNeed] = [.factors, .posteriorVector]

  init(_ setting: MetricSetting) {
    random = setting.random.child("disentanglement")
    factors = setting.examples?.split.factors
  }

  /// What is taken from a batch.
  static func findings(in sample: MetricSample) -> BatchFindings {
    let posterior = sample.evaluation.posterior
    guard let mean = posterior.mean, mean.rank == 2 else { return BatchFindings() }
    return BatchFindings(
      [sample.indices.map(Double.init)], tensors: [mean] + (posterior.variance.map { [$0] } ?? []))
  }

  /// Takes that in.
  mutating func take(_ findings: BatchFindings) {
    let examples = findings.numbers(0).compactMap { Int(exactly: $0) }
    guard let mean = findings.tensor(0), mean.rank == 2, mean.shape[0] == examples.count,
      examples.allSatisfy((0..<(factors?.count ?? 0)).contains)
    else { return }
    indices += examples
    units = mean.shape[1]
    means += mean.floats
    variances += findings.tensor(1)?.floats ?? []
  }

  /// All of them together.
  ///
  /// - Throws: `UndefinedMetric` where there is nothing to measure.
  func representation() throws(UndefinedMetric) -> FactoredRepresentation {
    let found = factors.flatMap {
      FactoredRepresentation(
        means: means, variances: variances.count == means.count ? variances : nil, units: units,
        factors: $0.rows(indices))
    }
    guard let found else {
      throw UndefinedMetric("a posterior mean is not finite, or no factor has two values")
    }
    return found
  }
}

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

  mutating func add(_ sample: MetricSample) {
    let posterior = sample.evaluation.posterior
    guard let mean = posterior.mean, mean.rank == 2 else { return }
    indices += sample.indices
    units = mean.shape[1]
    means += mean.floats
    variances += posterior.variance?.floats ?? []
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

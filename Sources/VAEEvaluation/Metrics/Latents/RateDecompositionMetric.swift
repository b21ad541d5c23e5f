import Tensors
import VAECore
import VAEFiles

/// What the rate pays for; see `RateDecomposition`.
public struct RateDecompositionMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "rate_decomposition", title: "rate decomposition", unit: "nats per example",
    needs: [
      .pricingPrior, .posteriorVector, .posteriorVariances, .severalExamples, .heldPosteriors,
    ],
    numbers: [
      .init("rate_decomposition.mutual_information", "mutual information I(x;z)"),
      .init("rate_decomposition.marginal_kl", "KL(q(z) ‖ p(z))"),
      .init("rate_decomposition.total_correlation", "total correlation"),
      .init("rate_decomposition.dimension_wise_kl", "dimension-wise KL"),
    ],
    help:
      "the rate as I(x;z) + KL(q(z) || p(z)), with q(z) the posteriors of all examples together, and the latter under "
      + "independent units as total correlation + dimension-wise KL (Hoffman & Johnson 2016; Chen et al. 2018); I is at "
      + "most the logarithm of the number of examples")

  /// Units of all examples together, at most: their means and variances are held until the last one is there, and
  /// each is priced at `drawLimits.lowerBound` draws at least, which takes seconds.
  static let numberLimit = 1 << 22
  /// Draws that are averaged, at most and at least.
  private static let drawLimits = 100...1000
  /// Densities of a unit that are computed, about.
  private static let densityLimit = 200_000_000

  private let model: Model
  private let stride: Int
  private let units: Int
  private var draws = RateDecomposition.Draws()
  private var means: [Float] = []
  private var logVariances: [Float] = []
  private var areGaussian = true

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {
    model = setting.model
    units = max(1, model.prior.latents.units ?? 1)
    let affordable = Self.densityLimit / max(1, setting.exampleCount * units)
    let wanted = min(max(affordable, Self.drawLimits.lowerBound), Self.drawLimits.upperBound)
    stride = max(1, setting.exampleCount / wanted)
  }

  /// What it takes from a batch; nothing where a posterior is no Gaussian over one layer of units.
  public func findings(in sample: MetricSample) -> BatchFindings {
    let evaluation = sample.evaluation
    guard let posterior = evaluation.posterior as? DiagonalGaussian,
      let prior = model.prior as? any PricingPrior, let layer = evaluation.draw.layers.first,
      layer.sample.shape == posterior.means.shape
    else { return BatchFindings() }
    let rows = (0..<layer.sample.shape[0]).filter { row in
      (sample.indices.isEmpty ? row : sample.indices[row]).isMultiple(of: stride)
    }
    let moments = [posterior.means, posterior.logVariance]
    guard !rows.isEmpty else { return BatchFindings([[], []], tensors: moments) }
    var request = DrawRequest()
    request.usesSampledRate = true
    let (own, priors, values) = (
      posterior.logDensity(of: layer.sample)?.floats ?? [],
      prior.logDensity(of: layer.sample, request, sample.context).floats, layer.sample.floats
    )
    guard own.count == layer.sample.shape[0] else { return BatchFindings() }
    let drawn = rows.flatMap { values[$0 * units..<($0 + 1) * units] }
    return BatchFindings(
      [rows.map { Double(own[$0]) }, rows.map { Double(priors[$0]) }],
      tensors: moments + [Tensor(drawn, shape: [rows.count, units])])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    guard let means = findings.tensor(0), let logVariances = findings.tensor(1) else {
      return areGaussian = false
    }
    self.means += means.floats
    self.logVariances += logVariances.floats
    draws.logPosteriors += findings.numbers(0)
    draws.logPriors += findings.numbers(1)
    draws.values += findings.tensor(2)?.floats ?? []
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> RateDecomposition {
    guard areGaussian, !draws.logPriors.isEmpty else {
      throw UndefinedMetric("the posterior is no Gaussian over one layer of units")
    }
    let found = RateDecomposition(
      draws, means: means, logVariances: logVariances, units: units,
      isFactorized: model.prior is StandardNormalPrior)
    guard found.mutualInformation.mean.isFinite, found.marginal.mean.isFinite else {
      throw UndefinedMetric("a density is not finite")
    }
    return found
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: RateDecomposition) -> MetricReport {
    let terms: [(name: String, title: String, value: Estimate?)] = [
      ("mutual_information", "  I(x;z)", value.mutualInformation),
      ("marginal_kl", "  KL(q(z) ‖ p(z))", value.marginal),
      ("total_correlation", "    total correlation", value.totalCorrelation),
      ("dimension_wise_kl", "    dimension-wise KL", value.dimensionWise),
    ]
    var object: JSON.Object = [:]
    var rows: [MetricReport.Row] = []
    for term in terms {
      guard let estimate = term.value else { continue }
      object[term.name] = .finite(estimate.mean)
      object["\(term.name)_stderr"] = estimate.standardError.map(JSON.finite) ?? .null
      rows.append(
        .init(
          rows.isEmpty ? "rate, of which" + term.title.dropFirst() : term.title, estimate,
          note: term.name == "mutual_information"
            ? "nats per example, at most log \(value.examples)" : "nats per example"))
    }
    return MetricReport([.plain(descriptor.name, .object(object))], rows: rows)
  }
}

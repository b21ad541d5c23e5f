import NeuralNetworks
import Tensors
import VAECore

/// −log p(x_hidden|z) of values that the data have and the model is not shown, at the draw of the latents from
/// what it is shown: what the model knows of missing values.
public struct HiddenDistortionMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "hidden_distortion", title: "distortion of hidden values", unit: "nats per example",
    direction: .lower, needs: [.hiddenValues, .masks], hasStandardError: true, decimals: 2,
    help: "−log p(x|z) of the values that are hidden from the model, which the bound leaves out")

  private let model: Model
  private let examples: Examples?
  private var distortions: [Double] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { (model, examples) = (setting.model, setting.examples) }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard let found = examples?.hidden(sample.indices, sample.context) else {
      return BatchFindings()
    }
    let logs = model.densityInOwnUnits(
      model.likelihood.logDensity(
        found.values, parameters: sample.evaluation.parameters, ofElements: found.chosen,
        sample.context), of: found.chosen)
    return BatchFindings([logs.floats.map { -Double($0) }])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { distortions += findings.numbers(0) }

  /// What was measured.
  public func value() -> Estimate { Estimate(of: distortions) }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init("distortion of hidden values", value, note: descriptor.unit)])
  }
}

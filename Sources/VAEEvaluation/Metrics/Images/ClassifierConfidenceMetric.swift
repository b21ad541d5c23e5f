import VAEFiles

/// Of how many samples a classifier is sure: how many look like one thing rather than like several.
public struct ClassifierConfidenceMetric: Metric {
  /// Shares and means of the largest probability of a class.
  public struct Value: Sendable {
    /// The share of samples whose largest probability is at least 0.9.
    public var sure: Estimate
    /// The same share of the examples.
    public var sureOfData: Estimate
    /// The mean of the samples' largest probability.
    public var mean: Estimate
  }

  /// From where on a classifier is called sure.
  private static let threshold: Float = 0.9

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "classifier_confidence", title: "classifier's confidence", direction: .higher,
    needs: [.classifier],
    numbers: [
      .init("classifier_confidence.sure", "samples that the classifier is sure of"),
      .init("classifier_confidence.sure_of_data", "examples that the classifier is sure of"),
      .init("classifier_confidence.mean", "mean confidence in samples"),
    ],
    help:
      "the share of samples of which a classifier is sure, giving a class at least 0.9, with that of the examples, and "
      + "the mean of its largest probability")

  private var samples: [Float] = []
  private var data: [Float] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    BatchFindings(
      [BatchPictures.Kind.samples, .data].map { kind in
        sample.features?.probabilities(of: kind)?.maximum(axis: 1).floats.map(Double.init) ?? []
      })
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    samples += findings.numbers(0).map { Float($0) }
    data += findings.numbers(1).map { Float($0) }
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    guard (samples + data).allSatisfy(\.isFinite) else {
      throw UndefinedMetric("a probability of a class is not finite")
    }
    func share(_ values: [Float]) -> Estimate {
      Estimate(of: values.map { $0 >= Self.threshold ? 1 : 0 })
    }
    return Value(
      sure: share(samples), sureOfData: share(data), mean: Estimate(of: samples.map(Double.init)))
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    MetricReport(
      [
        .plain(
          descriptor.name,
          .object([
            "sure": .finite(value.sure.mean), "sure_of_data": .finite(value.sureOfData.mean),
            "mean": .finite(value.mean.mean),
          ]))
      ],
      rows: [
        .init("sure of samples", value.sure, note: "share with a class of at least 0.9"),
        .init("sure of examples", value.sureOfData, note: "the same of the data"),
        .init("mean confidence", value.mean, note: "in samples"),
      ])
  }
}

import Tensors
import VAECore

/// The index of structural similarity on several scales of reconstructions; see `StructuralSimilarity`.
public struct MSSSIMMetric: Metric {
  /// The index, and on how many scales.
  public struct Value: Sendable {
    /// The mean over images.
    public var similarity: Estimate
    /// The number of scales: five, or fewer of images that are too small.
    public var scales: Int
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "ms_ssim", title: "MS-SSIM", direction: .higher, needs: [.reconstructions, .windows],
    occasions: [], hasStandardError: true, decimals: 4,
    help:
      "structural similarity of each reconstruction, the mean of p(x|z), to its image, on up to five scales, as many "
      + "as have a window of 11×11 pixels (Wang et al. 2003); 1 is equality")

  private var scores: PictureScores
  private var scales = 1

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { scores = PictureScores() }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    let shape = sample.evaluation.batch.shape
    let scales = max(1, StructuralSimilarity.scales(height: shape[1], width: shape[2]))
    let similarity = StructuralSimilarity(scales: scales)
    var found = PictureScores.findings(in: sample) { images, reconstructions in
      similarity(images, reconstructions).floats.map(Double.init)
    }
    found.numbers.append([Double(scales)])
    return found
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    scores.take(findings)
    scales = findings.numbers(2).first.flatMap { Int(exactly: $0) } ?? scales
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    try Value(similarity: scores.estimate(), scales: scales)
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    MetricReport(
      [
        .estimate(descriptor.name, value.similarity),
        .plain("ms_ssim_scales", .integer(value.scales)),
      ],
      rows: [
        .init(
          descriptor.title, value.similarity, decimals: 4,
          note: "on \(value.scales) scale\(value.scales == 1 ? "" : "s")")
      ])
  }
}

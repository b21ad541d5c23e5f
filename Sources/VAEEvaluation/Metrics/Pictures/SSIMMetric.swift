import Tensors
import VAECore

/// The index of structural similarity of reconstructions; see `StructuralSimilarity`.
public struct SSIMMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "ssim", title: "SSIM", direction: .higher, needs: [.reconstructions, .windows],
    occasions: [], hasStandardError: true, decimals: 4,
    help:
      "structural similarity of each reconstruction, the mean of p(x|z), to its image, over Gaussian windows of 11×11 "
      + "pixels (Wang et al. 2004); 1 is equality")

  private var scores: PictureScores

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { scores = PictureScores() }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    PictureScores.findings(in: sample) { images, reconstructions in
      StructuralSimilarity(scales: 1)(images, reconstructions).floats.map(Double.init)
    }
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { scores.take(findings) }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Estimate { try scores.estimate() }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)], rows: [.init(descriptor.title, value, decimals: 4)])
  }
}

import Tensors
import VAECore

/// The peak signal-to-noise ratio of reconstructions.
public struct PSNRMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "psnr", title: "PSNR", unit: "dB", direction: .higher, needs: [.reconstructions],
    occasions: [], hasStandardError: true, decimals: 2,
    help:
      "−10 log₁₀ of the mean squared error of each reconstruction, the mean of p(x|z), of values between 0 and 1; "
      + "100 at most")

  /// The mean squared error of 100 dB, in place of none: an image that comes back exactly has no ratio.
  private static let smallestError = 1e-10

  private var scores: PictureScores

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { scores = PictureScores() }

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    PictureScores.findings(in: sample) { images, reconstructions in
      let elements = Double(images.shape.removingFirst.count)
      return Tensor.squaredError(images, mean: reconstructions).floats.map {
        PictureComparison.decibels(
          ofMeanSquare: max(Self.smallestError, Double($0) / max(1, elements)))
      }
    }
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) { scores.take(findings) }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Estimate { try scores.estimate() }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init(descriptor.title, value, decimals: 2, note: descriptor.unit)])
  }
}

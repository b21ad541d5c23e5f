import Tensors
import VAECore
import VAEFiles

/// How much fine detail decoded images have beside the data; see `DetailEnergy`.
public struct SharpnessMetric: Metric {
  /// The energy of fine detail as a multiple of that of the data.
  public struct Value: Sendable {
    /// Of reconstructions, the means of p(x|z) at draws from q(z|x).
    public var reconstructions: Double
    /// Of samples, the means of p(x|z) at draws from the prior.
    public var samples: Double
    /// The number of images of each kind.
    public var images: Int
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "sharpness", title: "sharpness", needs: [.reconstructions], occasions: [],
    numbers: [
      .init("sharpness.reconstructions", "sharpness of reconstructions"),
      .init("sharpness.samples", "sharpness of samples"),
    ],
    help:
      "the energy of grey images beyond a quarter of a cycle per pixel, of reconstructions and of as many samples, each "
      + "the mean of p(x|z), over that of the data; 1 is as sharp, less is blurred, more is noisy")

  private var energies = (data: 0.0, reconstructions: 0.0, samples: 0.0)
  private var images = 0

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard let batch = sample.pictures?[.data],
      let reconstructions = sample.pictures?[.reconstructions],
      let samples = sample.pictures?[.samples]
    else { return BatchFindings() }
    let energy = DetailEnergy(height: batch.shape[1], width: batch.shape[2])
    return BatchFindings([
      [
        energy(batch), energy(reconstructions), energy(samples), Double(batch.shape[0]),
      ]
    ])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    let found = findings.numbers(0)
    guard found.count == 4 else { return }
    energies.data += found[0]
    energies.reconstructions += found[1]
    energies.samples += found[2]
    images += Int(exactly: found[3]) ?? 0
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    guard energies.data > 0 else {
      throw UndefinedMetric(
        "there is nothing finer than a quarter of a cycle per pixel in them to compare with")
    }
    return Value(
      reconstructions: energies.reconstructions / energies.data,
      samples: energies.samples / energies.data, images: images)
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    func row(_ title: String, _ number: Double) -> MetricReport.Row {
      .init(title, Estimate(mean: number, standardError: nil), note: "of the data's")
    }
    return MetricReport(
      [
        .plain(
          descriptor.name,
          .object([
            "reconstructions": .finite(value.reconstructions), "samples": .finite(value.samples),
            "images": .integer(value.images),
          ]))
      ],
      rows: [
        row("sharpness of reconstructions", value.reconstructions),
        row("  of samples", value.samples),
      ])
  }
}

import VAEFiles

/// How far samples and reconstructions lie from the data as a frozen network sees them; see
/// `FeatureMoments.frechetDistance`.
public struct FrechetDistanceMetric: Metric {
  /// The distances, and what they were measured on.
  public struct Value: Sendable {
    /// From the data to as many samples; nil where it has no value.
    public var samples: Double?
    /// From the data to their reconstructions; nil where there are none.
    public var reconstructions: Double?
    /// How many images each set has.
    public var images: Int
    /// How many features an image has.
    public var features: Int
  }

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "frechet_distance", title: "Fréchet distance", direction: .lower,
    needs: [.network, .severalExamples],
    numbers: [
      .init("frechet_distance.samples", "Fréchet distance, samples"),
      .init("frechet_distance.reconstructions", "Fréchet distance, reconstructions"),
    ],
    help:
      "how far as many samples, and the reconstructions, lie from the examples: the Fréchet distance of Gaussians "
      + "with the mean and covariance of a network's features (Heusel et al. 2017); only numbers of one network and of "
      + "equally many images can be compared")

  private var data = FeatureMoments()
  private var samples = FeatureMoments()
  private var reconstructions = FeatureMoments()

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    var found = BatchFindings([[]])
    for (place, kind) in [BatchPictures.Kind.data, .samples, .reconstructions].enumerated() {
      guard let vectors = sample.features?.vectors(of: kind) else { continue }
      found.numbers[0].append(Double(place))
      found.tensors.append(vectors)
    }
    return found
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    for (place, vectors) in zip(findings.numbers(0), findings.tensors) {
      switch place {
      case 0: data.add(vectors)
      case 1: samples.add(vectors)
      default: reconstructions.add(vectors)
      }
    }
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    guard !data.isTooWide else {
      throw UndefinedMetric(
        "the layer has more than \(FeatureMoments.widthLimit) features; choose one that has fewer")
    }
    let found = Value(
      samples: FeatureMoments.frechetDistance(data, samples),
      reconstructions: FeatureMoments.frechetDistance(data, reconstructions),
      images: data.count, features: data.width)
    guard found.samples != nil || found.reconstructions != nil else {
      throw UndefinedMetric("a feature of the images is not finite")
    }
    return found
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    var object: JSON.Object = [
      "images": .integer(value.images), "features": .integer(value.features),
    ]
    var rows: [MetricReport.Row] = []
    for (name, distance) in [
      ("samples", value.samples), ("reconstructions", value.reconstructions),
    ] {
      guard let distance else { continue }
      object[name] = .finite(distance)
      rows.append(
        .init(
          "Fréchet distance, \(name)", Estimate(mean: distance, standardError: nil),
          note: "\(value.images) against \(value.images) images, \(value.features) features"))
    }
    return MetricReport([.plain(descriptor.name, .object(object))], rows: rows)
  }
}

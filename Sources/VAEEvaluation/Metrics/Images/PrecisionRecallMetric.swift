import Tensors
import VAEFiles

/// Precision, recall, density and coverage of samples as a frozen network sees them; see `Neighborhoods`.
public struct PrecisionRecallMetric: Metric {
  /// The numbers, and what they were measured on.
  public struct Value: Sendable {
    /// The four numbers.
    public var neighborhoods: Neighborhoods
    /// How many examples there were, and as many samples.
    public var images: Int
    /// The neighbours that a ball reaches to.
    public var neighbors: Int
  }

  /// As in the papers.
  private static let neighbors = 5

  /// What it is.
  public static let descriptor = MetricDescriptor(
    "precision_recall", title: "precision and recall", direction: .higher,
    needs: [.network, .severalExamples],
    numbers: ["precision", "recall", "density", "coverage"].map {
      .init("precision_recall.\($0)", $0)
    },
    help:
      "whether samples lie where examples do (precision, density) and everywhere there (recall, coverage), by balls in "
      + "a network's features that reach to the fifth neighbour (Naeem et al. 2020); 1 at best, coverage 0.97"
  )

  private var data: [Tensor] = []
  private var samples: [Tensor] = []

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) {}

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard let features = sample.features, let data = features.vectors(of: .data),
      let samples = features.vectors(of: .samples)
    else { return BatchFindings() }
    return BatchFindings(tensors: [data, samples])
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    guard let data = findings.tensor(0), let samples = findings.tensor(1) else { return }
    self.data.append(data)
    self.samples.append(samples)
  }

  /// What was measured.
  public func value() throws(UndefinedMetric) -> Value {
    let count = data.reduce(0) { $0 + $1.shape[0] }
    guard count > Self.neighbors else {
      throw UndefinedMetric("there are no more than \(Self.neighbors) of them")
    }
    let found = withoutTape {
      Neighborhoods(
        data: .concatenated(data, axis: 0), samples: .concatenated(samples, axis: 0),
        neighbors: Self.neighbors)
    }
    guard let found else { throw UndefinedMetric("a feature of the images is not finite") }
    return Value(neighborhoods: found, images: count, neighbors: Self.neighbors)
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Value) -> MetricReport {
    let found = value.neighborhoods
    let numbers = [
      ("precision", found.precision), ("recall", found.recall), ("density", found.density),
      ("coverage", found.coverage),
    ]
    var object: JSON.Object = [:]
    for (name, number) in numbers { object[name] = .finite(number) }
    object["images"] = .integer(value.images)
    object["neighbors"] = .integer(value.neighbors)
    return MetricReport(
      [.plain(descriptor.name, .object(object))],
      rows: numbers.map { name, number in
        .init(
          name, Estimate(mean: number, standardError: nil),
          note: "\(value.images) samples, \(value.neighbors) neighbours")
      })
  }
}

import Tensors
import VAECore

/// The perceptual distance of reconstructions by the heads of a frozen network (Zhang et al. 2018).
public struct LPIPSMetric: Metric {
  /// What it is.
  public static let descriptor = MetricDescriptor(
    "lpips", title: "LPIPS", direction: .lower, needs: [.heads, .reconstructions],
    hasStandardError: true, decimals: 4,
    help:
      "the distance of an example's and its reconstruction's features of length one, by the heads of a frozen network, which "
      + "weigh channels by what people say (Zhang et al. 2018); 0 is equality")

  private let network: FrozenNetworkFile?
  private var scores = PictureScores()
  private var problem: String?

  /// Nothing measured yet.
  public init(_ setting: MetricSetting) { network = setting.network }

  /// Takes in a batch.
  public mutating func add(_ sample: MetricSample) {
    guard problem == nil, let network else { return }
    var found: NetworkProblem?
    scores.add(sample) { images, reconstructions in
      do throws(NetworkProblem) {
        return try network.perceptualDistance(of: images, from: reconstructions).floats
          .map(Double.init)
      } catch {
        found = error
        return []
      }
    }
    problem = found?.reason
  }

  /// What was measured.
  ///
  /// - Throws: `UndefinedMetric` where the layers of the heads do not take images of this size.
  public func value() throws(UndefinedMetric) -> Estimate {
    if let problem { throw UndefinedMetric("as far as the layers of its heads \(problem)") }
    return try scores.estimate()
  }

  /// The value as records, tables and charts have it.
  public static func report(_ value: Estimate) -> MetricReport {
    MetricReport(
      [.estimate(descriptor.name, value)],
      rows: [.init(descriptor.title, value, decimals: 4, note: "by the network's heads")])
  }
}

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

  /// What it takes from a batch.
  public func findings(in sample: MetricSample) -> BatchFindings {
    guard problem == nil, let network else { return BatchFindings() }
    var problem: NetworkProblem?
    var found = PictureScores.findings(in: sample) { images, reconstructions in
      do throws(NetworkProblem) {
        return try network.perceptualDistance(of: images, from: reconstructions).floats
          .map(Double.init)
      } catch {
        problem = error
        return []
      }
    }
    found.text = problem.map { "\($0.reason)" }
    return found
  }

  /// Takes that in.
  public mutating func take(_ findings: BatchFindings) {
    scores.take(findings)
    problem = problem ?? findings.text
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

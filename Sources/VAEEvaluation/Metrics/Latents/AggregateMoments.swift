import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore

/// Mean and variance of each latent unit over the posteriors of all examples: how far what the decoder
/// was trained on lies from what the prior draws.
///
/// Latents are measured in the numbers from which the prior makes them, `ReparameterizedPrior.noise`,
/// in which every prior is N(0, I), one of a hierarchy's layer given those above it included. The
/// moments are those of one draw per example.
public struct AggregateMoments {
  private var count = 0.0
  /// Sums and sums of squares, unit by unit, for each layer.
  private var sums: [(values: [Double], squares: [Double])] = []

  /// How far the aggregate posterior lies from the prior.
  public struct Distance: Sendable {
    /// A layer's part.
    public struct Layer: Sendable {
      /// The Euclidean norm of the mean over all examples, in standard deviations of the prior.
      public var meanNorm: Double
      /// KL(∏ N(m_i, v_i) ‖ N(0, I)) = ½ Σ (m_i² + v_i − 1 − log v_i) in nats, with mean m_i and
      /// variance v_i of unit i over all examples.
      public var divergence: Double
      /// The number of units.
      public var units: Int

      /// The nats that draws of the prior would have in so many examples: about half a nat for each unit and mean, and as
      /// much for its variance, over their number.
      func chance(examples: Int) -> Double { Double(units) / Double(examples) }
    }

    /// Each stochastic layer, the one nearest to the data first.
    public var layers: [Layer]
    /// The examples that it was measured on.
    public var examples: Int

    /// The norm of the mean of all layers.
    public var meanNorm: Double { sqrt(layers.reduce(0) { $0 + $1.meanNorm * $1.meanNorm }) }
    /// The divergence of all layers in nats.
    public var divergence: Double { layers.reduce(0) { $0 + $1.divergence } }
    /// The nats that draws of the prior would have in as many examples.
    public var chance: Double { layers.reduce(0) { $0 + $1.chance(examples: examples) } }
  }

  /// Nothing yet.
  public init() {}

  /// Adds the draws of a batch; does nothing where the prior is no transformation of N(0, I).
  ///
  /// - Parameters:
  ///   - draw: one draw per example.
  ///   - prior: what made it.
  ///   - context: of the batch.
  public mutating func add(_ draw: LatentDraw, of prior: any Prior, _ context: Context) {
    add(noise: Self.noise(of: draw, prior, context))
  }

  /// The numbers that the prior makes these draws from, a tensor for each layer; none where it is no transformation of
  /// N(0, I).
  static func noise(of draw: LatentDraw, _ prior: any Prior, _ context: Context) -> [Tensor] {
    guard let prior = prior as? any ReparameterizedPrior, !draw.layers.isEmpty else { return [] }
    return prior.noise(of: draw.layers.map(\.sample), context)
  }

  /// Adds the draws of a batch by those numbers.
  mutating func add(noise: [Tensor]) {
    guard !noise.isEmpty else { return }
    count += Double(noise[0].shape[0])
    for (level, values) in noise.enumerated() {
      let units = values.shape.removingFirst.count
      if level >= sums.count {
        let none = [Double](repeating: 0, count: units)
        sums.append((none, none))
      }
      values.withFloats { numbers in
        for (index, number) in numbers.enumerated() {
          sums[level].values[index % units] += Double(number)
          sums[level].squares[index % units] += Double(number) * Double(number)
        }
      }
    }
  }

  /// The distance from the prior; nil where there are no such latents, or fewer than two examples,
  /// which have no variance.
  public var distance: Distance? {
    guard count >= 2, !sums.isEmpty else { return nil }
    let layers = sums.map { sums in
      var (norm, divergence) = (0.0, 0.0)
      for (value, square) in zip(sums.values, sums.squares) {
        let mean = value / count
        let variance = (square - value * mean) / (count - 1)
        norm += mean * mean
        divergence += (mean * mean + variance - 1 - log(variance)) / 2
      }
      return Distance.Layer(
        meanNorm: norm.squareRoot(), divergence: divergence, units: sums.values.count)
    }
    return Distance(layers: layers, examples: Int(count))
  }
}

extension AggregateMoments.Distance {
  /// The divergence in nats above which samples are said not to look like the data.
  private static let notedDivergence = 3.0

  /// What to know, and what to do, where draws from the prior lie elsewhere than the decoder was
  /// trained; nil where they do not.
  ///
  /// - Parameters:
  ///   - latents: of the model, which say whether a prior can be fitted to them.
  ///   - rateWeight: the setting that weighs the rate in the loss, such as `objective.beta`; nil where there is none.
  public func notice(of latents: LatentSpace, rateWeight: String?) -> Message? {
    guard divergence - chance > Self.notedDivergence else { return nil }
    return
      "the aggregate posterior lies \(Self.rounded(divergence)) nats from the prior, its mean "
      + "\(Self.rounded(meanNorm)) from zero, so that samples look less like the data than reconstructions do; "
      + "train longer\(Self.larger(rateWeight))\(Self.remedy(latents))"
  }

  private static func larger(_ rateWeight: String?) -> Message {
    rateWeight.map { ", or choose a larger \(.setting($0))" } ?? ""
  }

  /// What fits a prior to latents, in words that follow others; empty where nothing does.
  package static func remedy(_ latents: LatentSpace) -> Message {
    latents.vectorUnits == nil
      ? "" : ", or fit a prior to it by \(.stage("mixture")) or \(.stage("flow"))"
  }

  static func rounded(_ value: Double) -> String {
    let tenths = Int((min(value, 1e9) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

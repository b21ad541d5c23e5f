import Glibc
import NeuralNetworks
import Tensors

/// What makes points of a unit cube of bytes, so that a density p of points bounds the probability P of the bytes (Theis et
/// al. 2016, section 3.1; with a learnt q Ho et al. 2019, Flow++, section 3.1): with levels k = 255 x and u in the unit cube,
///
///     log P(x) ≥ E_{u ~ q(u|x)} [log p((k + u) / 256) − log q(u|x)] − D log 256
///
/// q is uniform, with log q = 0, or a flow whose parameters convolutions make of the image. The uniform density of points gives
/// exactly 8 bits a dimension with the uniform q, and more with every other.
package final class Dequantizer: Module {
  /// The levels of a byte.
  static let levels: Float = 256

  private let flow: Flow?

  /// With uniform noise.
  package init() { flow = nil }

  /// With learnt noise, which begins as uniform noise.
  ///
  /// - Parameters:
  ///   - channels: of an image.
  ///   - steps: couplings of the flow.
  ///   - hidden: channels of its networks.
  ///   - blocks: residual blocks of each.
  ///   - random: where first weights come from.
  package init(
    learntFor channels: Int, steps: Int, hidden: Int, blocks: Int, random: RandomSource
  ) {
    flow = Flow(
      channels, steps: steps, ScaleAndShift.Sizes(hidden: hidden, blocks: blocks), random: random)
  }

  /// Those of the flow.
  package var members: Members { flow?.members ?? [:] }

  /// Points of bytes, `[draws · N, height, width, channels]`, and log q of their places between two levels, `[draws · N]`;
  /// nil for uniform ones.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`, multiples of 1/255.
  ///   - uniform: numbers in (0, 1), `[draws · N, height, width, channels]`.
  ///   - context: of the pass.
  package func points(_ x: Tensor, uniform: Tensor, _ context: Context)
    -> (values: Tensor, logDensity: Tensor?)
  {
    let draws = x.shape[0] == 0 ? 1 : uniform.shape[0] / x.shape[0]
    let lower = (x * (Self.levels - 1)).tiled(draws)
    guard let flow else { return ((lower + uniform) / Self.levels, nil) }
    let (u, logDensity) = flow.places(of: uniform, x, context)
    return ((lower + u) / Self.levels, logDensity)
  }

  /// The bound on log P in nats for each row, `[draws · N]`.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`, multiples of 1/255.
  ///   - draws: of each example.
  ///   - context: where random numbers come from.
  ///   - logDensity: log p of points, `[draws · N, height, width, channels]`, for each row.
  package func logProbability(
    _ x: Tensor, draws: Int, _ context: Context, logDensity: (Tensor) -> Tensor
  ) -> Tensor {
    let (values, logNoise) = points(x, uniform: uniform(x, draws: draws, context), context)
    let constant = Float(x.shape.removingFirst.count) * log(Self.levels)
    let priced = logDensity(values) - constant
    return logNoise.map { priced - $0 } ?? priced
  }

  /// The random numbers of a pass, `[draws · N, height, width, channels]`.
  package func uniform(_ x: Tensor, draws: Int, _ context: Context) -> Tensor {
    let stream = context.stream("dequantization")
    return .concatenated(
      (0..<draws).map { draw in
        stream.uniform(
          context.examples, shape: x.shape.removingFirst, draw: context.firstDraw + draw)
      }, axis: 0)
  }

  /// The points in the range of the data: the level in whose bin a point lies, over 255.
  package static func level(of points: Tensor) -> Tensor {
    Tensor(points.shape) { buffer in
      points.withFloats { values in
        for (place, value) in values.enumerated() {
          let level = (value * levels).rounded(.down)
          buffer[place] = level.isNaN ? level : max(0, min(level, levels - 1)) / (levels - 1)
        }
      }
    }
  }

  /// The middle of the bin of a value in the range of the data: (k + ½) / 256.
  package static func middle(of values: Tensor) -> Tensor {
    values.scaled(by: (levels - 1) / levels, shift: 0.5 / levels)
  }

  /// The value whose bin has this middle.
  static func value(ofMiddle points: Tensor) -> Tensor {
    points.scaled(by: levels / (levels - 1), shift: -0.5 / (levels - 1))
  }
}

extension Dequantizer {
  /// q(u|x): standard logistic numbers that are scaled and shifted element by element, go through couplings, and are brought
  /// between 0 and 1 by the logistic function. Where nothing is scaled and shifted they are uniform.
  private final class Flow: Module {
    private let network: ScaleAndShift
    private let couplings: [ImageCoupling]

    init(_ channels: Int, steps: Int, _ sizes: ScaleAndShift.Sizes, random: RandomSource) {
      network = ScaleAndShift(inputs: channels, channels: channels, sizes, random: random)
      couplings = (0..<steps).map { step in
        ImageCoupling(
          channels: channels, step: step, conditions: sizes.hidden, sizes,
          random: random.child("coupling\(step)"))
      }
    }

    var members: Members {
      var members = network.members
      members.entries += Members(numbered: couplings).entries.map {
        (name: "coupling\($0.name)", member: $0.member)
      }
      return members
    }

    /// u of uniform numbers `[draws · N, …]`, and log q(u|x) of each row.
    func places(of uniform: Tensor, _ x: Tensor, _ context: Context)
      -> (u: Tensor, logDensity: Tensor)
    {
      let draws = x.shape[0] == 0 ? 1 : uniform.shape[0] / x.shape[0]
      let map = network.map(of: x - 0.5, context)
      let (scale, shift) = network.parameters(of: map, context)
      let logScale = scale.tiled(draws)
      let noise = uniform.log() - (1 - uniform).log()
      var a = noise * logScale.exp() + shift.tiled(draws)
      var logDensity = Self.logLogistic(noise) - logScale.flattened().sum(axis: 1)
      let h = couplings.isEmpty ? map : map.tiled(draws)
      for coupling in couplings {
        let (value, logDeterminant) = coupling.forward(a, h, context)
        a = value
        logDensity = logDensity - logDeterminant
      }
      // The derivative of the logistic function is the density of the logistic distribution.
      return (a.sigmoid(), logDensity - Self.logLogistic(a))
    }

    /// Σ log f of each row, f the density of the standard logistic distribution.
    private static func logLogistic(_ values: Tensor) -> Tensor {
      -(values.softplus() + (-values).softplus()).flattened().sum(axis: 1)
    }
  }
}

import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A Gaussian around the decoder's output that prices errors on several scales at once:
///
///     log p = −½ (Q / σ² + D log 2πσ² − Σₛ mₛ log λₛ),   Q = Σₛ wₛ Σ (means of (x − mean) over 2ˢ×2ˢ pixels)²
///
/// with w₀ = 1. Q is the quadratic form of a precision matrix that is constant, so that this is a normalised density: on the
/// mₛ independent details that the step from scale s to the next one takes away, and on all that is left at the last scale, the
/// precision is λₛ / σ² with λₛ = Σ_{j≤s} wⱼ / 4ʲ (the Haar wavelets are its eigenvectors).
///
/// Noise of one deviation for all pixels prices a wrong edge and a wrong brightness of a whole region by their pixels. Here
/// coarse errors, which a decoder can avoid, are priced by a smaller deviation than fine ones, which it cannot.
///
/// Sides need not be powers of two: a block at the edge is cut off there, its mean is that of its pixels, and its part in Q
/// counts by their share of a whole block.
public final class MultiscaleGaussian: Likelihood {
  /// Where the weights of the scales come from.
  public enum Weights: Hashable, Sendable {
    /// w₁, w₂, …
    case fixed([Float])
    /// Trained numbers log (wₛ / 4ˢ), which begin at zero, for so many scales beyond the finest.
    case learnt(Int)

    /// Scales beyond the finest.
    var count: Int {
      switch self {
      case .fixed(let weights): weights.count
      case .learnt(let count): count
      }
    }
  }

  /// Where σ comes from: the deviation of the finest details.
  public var deviation: NoiseDeviation { state.source }
  /// Where the weights come from.
  public let weights: Weights
  /// How the decoder's output becomes the mean.
  public let link: MeanLink
  private let state: NoiseDeviationState
  private let logWeights: Parameter?
  private let blocks: [ScaleBlocks]

  /// A likelihood for images of a size.
  ///
  /// - Parameters:
  ///   - deviation: where σ comes from.
  ///   - weights: of the scales beyond the finest, no more than `scales(height:width:)`.
  ///   - size: of an image.
  ///   - link: how the decoder's output becomes the mean.
  public init(
    _ deviation: NoiseDeviation, weights: Weights, size: (height: Int, width: Int),
    link: MeanLink = .identity
  ) {
    ensure(
      weights.count <= Self.scales(height: size.height, width: size.width),
      "images of \(size.height)×\(size.width) have no \(weights.count) scales beyond the finest")
    self.weights = weights
    self.link = link
    state = NoiseDeviationState(deviation)
    if case .learnt(let count) = weights, count > 0 {
      logWeights = Parameter([count], isDecayed: false) { .zeros([count]) }
    } else {
      logWeights = nil
    }
    blocks = (0...weights.count).map { ScaleBlocks(scale: $0, size: size) }
  }

  /// How often images of a size can be halved until a single pixel is left.
  public static func scales(height: Int, width: Int) -> Int {
    var (side, scales) = (max(height, width), 0)
    while side > 1 {
      side = (side + 1) / 2
      scales += 1
    }
    return scales
  }

  /// log σ where it is trained, σ² where it is calibrated or that of the data, and the weights that are trained.
  public var members: Members {
    var members = state.members
    if let logWeights {
      members.entries.append((name: "log_weights", member: .parameter(logWeights)))
    }
    return members
  }

  /// A mean for each channel.
  public func parametersPerPixel(channels: Int) -> Int { channels }
  /// It does.
  public var couplesPixels: Bool { true }
  /// A density over real numbers.
  public var isDiscrete: Bool { false }

  /// log p in nats.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let mean = mean(parameters)
    let draws = x.shape[0] == 0 ? 1 : mean.shape[0] / x.shape[0]
    let elements = Float(x.shape.removingFirst.count)
    let shares = shares
    var form = Tensor.squaredError(x, mean: mean)
    var sums = x.tiled(draws) - mean
    for (block, share) in zip(blocks.dropFirst(), shares) {
      sums = ScaleBlocks.halved(sums)
      // The squared mean of a block, once for each of its pixels.
      form = form + (sums.squared() * block.inverseSizes).flattened().sum(axis: 1) * share
    }
    let logVariance = state.logVariance(
      error: form, elements: elements, of: self, context)
    let logDeterminant = logDeterminant(shares: shares, channels: x.shape[3])
    let scaled = form * (-logVariance).exp() + logVariance * elements - logDeterminant
    return (scaled + elements * log(2 * Float.pi)) * -0.5
  }

  /// Σ mₛ log λₛ, the log-determinant of the precision for σ = 1, a scalar.
  public func logDeterminant(channels: Int) -> Tensor {
    logDeterminant(shares: shares, channels: channels)
  }

  private func logDeterminant(shares: [Tensor], channels: Int) -> Tensor {
    let precisions = precisions(shares)
    return blocks.indices.reduce(Tensor(0)) { sum, scale in
      let left = scale + 1 < blocks.count ? blocks[scale + 1].count : 0
      return sum + precisions[scale].log() * Float((blocks[scale].count - left) * channels)
    }
  }

  /// wₛ / 4ˢ of the scales beyond the finest, scalars.
  private var shares: [Tensor] {
    switch weights {
    case .fixed(let weights):
      return weights.enumerated().map {
        Tensor($1 / Float(sign: .plus, exponent: 2 * ($0 + 1), significand: 1))
      }
    case .learnt(let count):
      guard let logWeights else { return [] }
      return logWeights.tensor.exp().split(sizes: Array(repeating: 1, count: count), axis: 0)
        .map { $0.reshaped(to: []) }
    }
  }

  /// λ of each scale, scalars.
  private func precisions(_ shares: [Tensor]) -> [Tensor] {
    shares.reduce(into: [Tensor(1)]) { sums, share in sums.append((sums.last ?? Tensor(1)) + share)
    }
  }

  /// λ of each scale as evaluation uses it: the precision of its details as a multiple of 1/σ².
  public var currentPrecisions: [Float] { withoutTape { precisions(shares).map(\.item) } }

  /// σ as evaluation uses it.
  public var currentDeviation: Float { state.current }

  /// Takes the deviation of the data where it is that of the likelihood, or where a learnt one begins.
  public func prepare(firstBatches: [Tensor], context: Context) {
    state.prepare(firstBatches: firstBatches, context: context)
  }

  /// The optimal σ for evaluation comes from calibration.
  public var usesCalibration: Bool { state.usesCalibration }

  /// Takes σ² of a calibration pass.
  public func recalibrate(_ calibration: Calibration) {
    state.recalibrate(calibration, of: self)
  }

  /// The mean through the inverse of the link.
  public func parameters(withMean mean: Tensor) -> Tensor? { link.parameters(withMean: mean) }

  /// The decoder's output through the link.
  public func mean(_ parameters: Tensor) -> Tensor { link.mean(parameters) }

  /// mean + σ · P^(−½) noise, P the precision for σ = 1: noise whose means over blocks shrink as the precision of their
  /// scale grows.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    let factors = currentPrecisions.map { 1 / $0.squareRoot() }
    var result = noise * factors[0]
    var sums = noise
    for scale in blocks.indices.dropFirst() {
      sums = ScaleBlocks.halved(sums)
      result =
        result + blocks[scale].spread(sums * blocks[scale].inverseSizes)
        * (factors[scale] - factors[scale - 1])
    }
    return mean(parameters) + result * currentDeviation
  }

  /// A standard normal number for each element.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.normalNoise("likelihood", samples: 1, shape: imageShape)
  }
}

/// The blocks of 2ˢ×2ˢ pixels that an image of a size is cut into, the last ones in each direction cut off where it ends.
private struct ScaleBlocks {
  private let side: Int
  private let size: (height: Int, width: Int)
  private let rows: Int
  private let columns: Int
  /// One over the pixels of each block, `[rows, columns, 1]`.
  let inverseSizes: Tensor

  init(scale: Int, size: (height: Int, width: Int)) {
    let side = 1 << scale
    self.side = side
    self.size = size
    let (rows, columns) = ((size.height + side - 1) / side, (size.width + side - 1) / side)
    (self.rows, self.columns) = (rows, columns)
    inverseSizes = Tensor([rows, columns, 1]) { buffer in
      for row in 0..<rows {
        for column in 0..<columns {
          let height = min(side, size.height - row * side)
          let width = min(side, size.width - column * side)
          buffer[row * columns + column] = 1 / Float(height * width)
        }
      }
    }
  }

  /// The number of blocks.
  var count: Int { rows * columns }

  /// Sums over 2×2 blocks, `[N, height, width, channels]` to half of the sizes.
  static func halved(_ sums: Tensor) -> Tensor {
    func along(_ axis: Int, _ sums: Tensor) -> Tensor {
      let even = sums.padded(axis: axis, before: 0, after: sums.shape[axis] % 2)
      var pairs = even.shape.dimensions
      pairs[axis] /= 2
      pairs.insert(2, at: axis + 1)
      return even.reshaped(to: Shape(pairs)).sum(axis: axis + 1)
    }
    return along(2, along(1, sums))
  }

  /// The number of each block at all of its pixels.
  func spread(_ numbers: Tensor) -> Tensor {
    numbers.upsampledNearest(by: side, side).slice(axis: 1, 0..<size.height)
      .slice(axis: 2, 0..<size.width)
  }
}

extension MultiscaleGaussian {
  /// The hyper-parameters of `multiscale-gaussian`.
  struct Options: HyperparameterSet {
    enum Weight: String, SettingChoice {
      case learnt
    }

    var noise = GaussianNoiseOptions()
    @Setting(
      1...16,
      help: "scales beyond the finest, each of half the size; as many as the images have at most")
    var scales = 4
    @Setting(
      0...100,
      help:
        "weight of a scale's squared errors as a multiple of that of the next finer one, or learnt (trained numbers)"
    )
    var coarseWeight = NumberOrChoice<Weight>.choice(.learnt)
  }

  /// The likelihood of a recipe.
  convenience init(_ options: Options, _ data: DataDescription) throws(RecipeError) {
    let most = Self.scales(height: data.height, width: data.width)
    guard most > 0 else {
      throw RecipeError(
        .unsuitableData,
        "the multiscale-gaussian likelihood compares images on several scales, but these data are single pixels; choose "
          + "\(.setting("likelihood", "gaussian"))")
    }
    let count = min(options.scales, most)
    let weights: Weights =
      switch options.coarseWeight {
      case .choice(.learnt): .learnt(count)
      case .number(let factor): .fixed((1...count).map { pow(Float(factor), Float($0)) })
      }
    self.init(
      NoiseDeviation(options.noise.sigma), weights: weights, size: (data.height, data.width),
      link: MeanLink(options.noise.link, range: data.range))
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `multiscale-gaussian`.
  public static var multiscaleGaussian: Component {
    Component(
      role: .likelihood, name: "multiscale-gaussian",
      summary: "real elements whose errors are priced on several scales, as a normalised Gaussian",
      options: MultiscaleGaussian.Options()
    ) { options, build in try MultiscaleGaussian(options, build.data) }
  }
}

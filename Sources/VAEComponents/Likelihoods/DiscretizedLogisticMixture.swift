import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A mixture of logistic distributions cut into the 256 values of a byte (PixelCNN++, Salimans et
/// al. 2017, sections 2.1 and 2.2).
///
/// With a channel's value x on the grid from −1 to 1 and bins that reach half a step to either
/// side, the outermost to infinity,
///
///     p(x | component) = σ((upper − centre) / s) − σ((lower − centre) / s)
///     centreᵢ = meanᵢ + Σⱼ tanh(coefficientᵢⱼ) · xⱼ over the pixel's channels j before i
///     p(pixel) = Σ over components of π · Π over channels of p(xᵢ | component)
///
/// One component is chosen for a whole pixel, and the first channels are known to later ones, so
/// channels are coupled. Probabilities are computed in a form that is exact at every centre and
/// scale; no case falls back to the density:
///
///     log (σ(b) − σ(a)) = log(1 − e^(a − b)) − softplus(−b) − softplus(a)
///
/// A pixel's parameters are the components' logits, then for each channel its means, then for each
/// channel its log scales, then for each pair of channels i > j its coefficients (i = 1; i = 2, j =
/// 0, 1; …), always one number for each component.
public final class DiscretizedLogisticMixture: Likelihood {
  /// The number of logistic distributions.
  public let components: Int
  /// The number of channels of a pixel.
  public let channels: Int

  /// A mixture for pixels of a number of channels.
  public init(components: Int = 10, channels: Int) {
    ensure(
      components > 0 && channels > 0,
      "a mixture needs components and channels, not \(components) and \(channels)")
    self.components = components
    self.channels = channels
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// The 256 values of a byte.
  public var isDiscrete: Bool { true }
  /// It is, of images with one channel.
  public var factorizes: Bool { channels == 1 }
  /// Later channels see earlier ones.
  public var couplesChannels: Bool { channels > 1 }

  /// Logits, means, log scales and coefficients for each component.
  public func parametersPerPixel(channels: Int) -> Int {
    components * (1 + 2 * channels + channels * (channels - 1) / 2)
  }

  /// log Σ π Π p(x | component) in nats, summed over pixels.
  public func logDensity(_ x: Tensor, parameters: Tensor, _ context: Context) -> Tensor {
    let (rows, pixels) = (parameters.shape[0], parameters.shape[1] * parameters.shape[2])
    let draws = x.shape[0] == 0 ? 1 : rows / x.shape[0]
    let mixture = split(parameters.reshaped(to: [draws, x.shape[0] * pixels, parameters.shape[3]]))
    let bins = Bins(x)
    let centres = centres(of: mixture, knowing: bins.middle) * Bins.halvesPerUnit
    let sharpness = (-mixture.logScales - log(Bins.halvesPerUnit)).exp()
    let outside =
      ((centres - bins.upper) * sharpness).softplus()
      + ((bins.lower - centres) * sharpness).softplus()
    // log(1 − e^(−2w)) = log tanh w + log(1 + e^(−2w)), without cancellation for small w.
    let halfWidth = sharpness * bins.halfWidth
    let inside = halfWidth.tanh().log() + (halfWidth * -2).softplus()
    let joint = mixture.logits + (inside - outside).sum(axis: 2)
    let logProbability = joint.logSumExp() - mixture.logits.logSumExp()
    return logProbability.reshaped(to: [rows, pixels]).sum(axis: 1)
  }

  /// A component by the first number, then channel by channel the nearest value to a draw from its
  /// logistic distribution, centre + s · log(u / (1 − u)).
  ///
  /// A value is on the grid before it moves the centres of later channels, as data are, so that
  /// draws have the very probabilities of `logDensity`.
  public func sample(_ parameters: Tensor, noise: Tensor) -> Tensor {
    withoutTape {
      let pixels = noise.shape.dimensions.dropLast()
      let count = Shape(Array(pixels)).count
      let mixture = split(parameters.reshaped(to: [1, count, parameters.shape[-1]]))
      let numbers = noise.reshaped(to: [count, channels + 1])
      let chosen = mixture.logits.softmax().inverseCumulative(at: numbers.slice(axis: 1, 0..<1))
      let uniform = numbers.slice(axis: 1, 1..<channels + 1)
      let standard = uniform.log() - (1 - uniform).log()
      let scales = mixture.logScales.exp()
      return Tensor(Shape(pixels + [channels])) { values in
        chosen.withIndices { chosen in
          standard.withFloats { standard in
            mixture.means.withFloats { means in
              scales.withFloats { scales in
                (mixture.coefficients ?? .zeros([0])).withFloats { coefficients in
                  write(
                    values, chosen: chosen, standard: standard, means: means, scales: scales,
                    coefficients: coefficients)
                }
              }
            }
          }
        }
      }
    }
  }

  /// The values of all pixels: of the chosen components, at standard logistic numbers.
  private func write(
    _ values: UnsafeMutableBufferPointer<Float>, chosen: UnsafeBufferPointer<Int32>,
    standard: UnsafeBufferPointer<Float>, means: UnsafeBufferPointer<Float>,
    scales: UnsafeBufferPointer<Float>, coefficients: UnsafeBufferPointer<Float>
  ) {
    for (pixel, component) in chosen.enumerated() {
      let component = Int(component)
      for channel in 0..<channels {
        let index = pixel * channels + channel
        var x =
          means[index * components + component]
          + scales[index * components + component] * standard[index]
        for earlier in 0..<channel {
          let pair = pixel * pairs + channel * (channel - 1) / 2 + earlier
          x +=
            coefficients[pair * components + component]
            * (2 * values[pixel * channels + earlier] - 1)
        }
        values[index] = Float(((x + 1) / 2).level(of: Bins.count)) / Float(Bins.count - 1)
      }
    }
  }

  /// A uniform number for the component, then one for each channel.
  public func noise(_ imageShape: Shape, _ context: Context) -> Tensor {
    context.stream("likelihood").uniform(
      context.examples, shape: [imageShape[0], imageShape[1], imageShape[2] + 1])
  }
}

// MARK: - Parameters

extension DiscretizedLogisticMixture {
  /// Log scales are held at or above this one (Salimans et al. 2017): a bin is then nine scales
  /// wide.
  static let smallestLogScale: Float = -7
  /// And at or below this one, where the two ends have long had one half each.
  static let largestLogScale: Float = 20

  /// The parameters of pixels `[K, P, …]` by what they mean.
  struct Mixture {
    /// `[K, P, components]`
    let logits: Tensor
    /// `[K, P, channels, components]`
    let means: Tensor
    /// `[K, P, channels, components]`
    let logScales: Tensor
    /// tanh of the coefficients, `[K, P, pairs, components]`; nil for one channel.
    let coefficients: Tensor?
  }

  /// Pairs of channels.
  var pairs: Int { channels * (channels - 1) / 2 }

  /// Parameters `[K, P, parametersPerPixel]` cut into parts.
  func split(_ parameters: Tensor) -> Mixture {
    let sizes = [1, channels, channels, pairs].filter { $0 > 0 }.map { $0 * components }
    let parts = parameters.split(sizes: sizes)
    return Mixture(
      logits: parts[0], means: parts[1].appendingAxis(of: components),
      logScales: parts[2].appendingAxis(of: components)
        .clamped(to: Self.smallestLogScale...Self.largestLogScale),
      coefficients: pairs == 0 ? nil : parts[3].appendingAxis(of: components).tanh())
  }

  /// The centres of all channels `[K, P, channels, components]` where the channels `[P, channels,
  /// 1]` are known.
  private func centres(of mixture: Mixture, knowing x: Tensor) -> Tensor {
    guard let coefficients = mixture.coefficients else { return mixture.means }
    let known = x.split(sizes: Array(repeating: 1, count: channels), axis: 1)
    let earlier = (1..<channels).flatMap { known[0..<$0] }
    let moves = (coefficients * Tensor.concatenated(earlier, axis: 1))
      .split(sizes: Array(1..<channels), axis: 2)
      .map { $0.sum(axis: 2, keepingAxis: true) }
    let none = Tensor.zeros([coefficients.shape[0], coefficients.shape[1], 1, components])
    return mixture.means + Tensor.concatenated([none] + moves, axis: 2)
  }
}

/// The bins in which the values of a batch lie, `[pixels, channels, 1]` each.
///
/// Bounds are in half steps of the grid from its middle: level k is the bin from 2k − 256 to 2k −
/// 254. These are exact in single precision and shared by neighbours, so that probabilities add up
/// to one.
private struct Bins {
  /// The number of values.
  static let count = 256
  /// Half steps from the middle of the grid to either end, which stand for one unit of the
  /// parameters.
  static let halvesPerUnit: Float = 255
  /// In place of infinity, which times zero is no number.
  private static let beyond: Float = 1e30

  /// The values, from −1 to 1.
  let middle: Tensor
  let lower: Tensor
  let upper: Tensor
  /// Half the distance between the two.
  let halfWidth: Tensor

  /// The bins of values in 0…1.
  init(_ x: Tensor) {
    let channels = x.shape[-1]
    func tensor(_ value: (Float, _ isFirst: Bool, _ isLast: Bool) -> Float) -> Tensor {
      Tensor([channels == 0 ? 0 : x.count / channels, channels, 1]) { buffer in
        x.withFloats { values in
          for (position, number) in values.enumerated() {
            let level = number.level(of: Self.count)
            buffer[position] = value(
              Float(2 * level - 255), level == 0, level == Self.count - 1)
          }
        }
      }
    }
    middle = tensor { middle, _, _ in middle / Self.halvesPerUnit }
    lower = tensor { middle, isFirst, _ in isFirst ? -Self.beyond : middle - 1 }
    upper = tensor { middle, _, isLast in isLast ? Self.beyond : middle + 1 }
    halfWidth = tensor { _, isFirst, isLast in isFirst || isLast ? Self.beyond : 1 }
  }
}

extension DiscretizedLogisticMixture {
  /// The hyper-parameters of `logistic-mixture`.
  struct Options: HyperparameterSet {
    @Setting(1...100, help: "logistic distributions in the mixture") var components = 10
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `logistic-mixture`.
  public static var logisticMixture: Component {
    Component(
      role: .likelihood, name: "logistic-mixture",
      summary: "a mixture of logistic distributions over the 256 values of a byte",
      options: DiscretizedLogisticMixture.Options()
    ) { options, build in
      try build.data.checkLevels(for: "logistic-mixture", takesBinary: false)
      guard build.data.channels <= 8 else {
        throw RecipeError(
          .unsuitableData,
          "the logistic-mixture likelihood couples all channels of a pixel, 8 at most, but these "
            + "data have \(build.data.channels); choose \(.setting("likelihood", "categorical"))")
      }
      return DiscretizedLogisticMixture(
        components: options.components, channels: build.data.channels)
    }
  }
}

import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The encoder of latent diffusion's autoencoder (Rombach et al. 2022): a 3×3 convolution, residual blocks
/// with group normalisation at each size, a middle with attention, and a mean and a log-variance at each
/// place of the map. Log-variances are limited to −30…20. For codes it gives the points that become some.
///
/// Images between 0 and 1 are taken as 2x − 1.
final class KLEncoder: MapEncoder {
  private let layers: Sequential
  private let latentConvolution: Conv2D?
  private let isCentred: Bool
  private let isOfCodes: Bool
  let pixelsPerPlace: Int

  /// An encoder for the sizes of a network.
  init(_ sizes: KLSizes, dataChannels: Int, isCentred: Bool, random: RandomSource) {
    let numbers = sizes.isOfCodes ? sizes.map.channels : 2 * sizes.map.channels
    layers = Sequential([
      Conv2D(
        inputs: dataChannels, outputs: sizes.channels[0], kernel: 3, padding: Padding(1),
        random: random.child("entry")),
      Sequential(
        sizes.channels.indices.map { level in
          KLLevel(down: sizes, level: level, random: random.child("level\(level)"))
        }),
      KLMiddle(sizes, random: random.child("middle")),
      GroupNorm(
        channels: sizes.deepest, groups: sizes.groups, activation: .silu,
        epsilon: KLSizes.epsilon),
      Conv2D(
        inputs: sizes.deepest, outputs: numbers, kernel: 3, padding: Padding(1),
        random: random.child("head")),
    ])
    latentConvolution =
      sizes.hasLatentConvolution
      ? Conv2D(
        inputs: numbers, outputs: numbers, kernel: 1, padding: .none,
        random: random.child("latent"))
      : nil
    self.isCentred = isCentred
    isOfCodes = sizes.isOfCodes
    pixelsPerPlace = sizes.pixelsPerPlace
  }

  /// The layers in order, and the 1×1 convolution after them.
  var members: Members {
    var members: Members = ["layers": .module(layers)]
    if let latentConvolution {
      members.entries.append((name: "latent_convolution", member: .module(latentConvolution)))
    }
    return members
  }

  /// Means and log-variances of an image that was extended to whole places.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let shape = try trace.pass(extendedToPlaces(input), through: layers, "layers")
    guard let latentConvolution else { return shape }
    return try trace.pass(shape, through: latentConvolution, "latent_convolution")
  }

  func moments(of x: Tensor, _ context: Context) -> (mean: Tensor, logVariance: Tensor?) {
    var parameters = extendedToPlaces(x)
    if isCentred { parameters.scale(by: 2, shift: -1) }
    layers.apply(to: &parameters, context)
    latentConvolution?.apply(to: &parameters, context)
    guard !isOfCodes else { return (parameters, nil) }
    let channels = parameters.shape[3] / 2
    let halves = parameters.split(sizes: [channels, channels])
    return (halves[0], halves[1].clamped(to: -30...20))
  }
}

extension Component where Part == any Encoder {
  /// The recipe component `kl`.
  static var kl: Component {
    Component(
      role: .encoder, name: "kl",
      summary:
        "latent diffusion's residual blocks with group normalisation and attention, to a map",
      options: KLOptions()
    ) { options, build in
      let sizes = try KLSizes(options, build, isReversed: false)
      return KLEncoder(
        sizes, dataChannels: build.data.channels, isCentred: build.data.range != .real,
        random: build.random)
    }
  }
}

import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The mirror of `KLEncoder`: a middle with attention, residual blocks at each size with one block more,
/// and pixels repeated before a 3×3 convolution to double the image.
///
/// For data between 0 and 1 the parameters are y / 2 + ½ of the network's output y.
final class KLDecoder: MapDecoder {
  private let latentConvolution: Conv2D?
  private let layers: Sequential
  private let head: Conv2D
  let map: LatentMap
  let imageSize: (height: Int, width: Int)
  private let isCentred: Bool
  let pixelsPerPlace: Int

  /// A decoder for the sizes of a network, to a number of parameters a pixel.
  init(
    _ sizes: KLSizes, height: Int, width: Int, parametersPerPixel: Int, isCentred: Bool,
    random: RandomSource
  ) {
    let latents = sizes.map.channels
    latentConvolution =
      sizes.hasLatentConvolution
      ? Conv2D(
        inputs: latents, outputs: latents, kernel: 1, padding: .none,
        random: random.child("latent"))
      : nil
    layers = Sequential([
      Conv2D(
        inputs: latents, outputs: sizes.deepest, kernel: 3, padding: Padding(1),
        random: random.child("entry")),
      KLMiddle(sizes, random: random.child("middle")),
      Sequential(
        sizes.channels.indices.reversed().map { level in
          KLLevel(up: sizes, level: level, random: random.child("level\(level)"))
        }),
      GroupNorm(
        channels: sizes.channels[0], groups: sizes.groups, activation: .silu,
        epsilon: KLSizes.epsilon),
    ])
    head = Conv2D(
      inputs: sizes.channels[0], outputs: parametersPerPixel, kernel: 3, padding: Padding(1),
      random: random.child("head"))
    map = sizes.map
    imageSize = (height, width)
    self.isCentred = isCentred
    pixelsPerPlace = sizes.pixelsPerPlace
  }

  /// The 1×1 convolution before the layers, these, and the last convolution.
  var members: Members {
    var members: Members = ["layers": .module(layers), "head": .module(head)]
    if let latentConvolution {
      members.entries.append((name: "latent_convolution", member: .module(latentConvolution)))
    }
    return members
  }

  /// The biases of the last layer lead to the given parameters, averaged over the image.
  func begin(at parameters: Tensor) {
    let mean = parameters.mean(axis: 0).mean(axis: 0)
    head.bias?.value = isCentred ? mean.scaled(by: 2, shift: -1) : mean
  }

  /// Those of the head.
  var lastWeights: Parameter? { head.weights }

  func parametersShape(of map: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var shape: Shape? = map
    if let latentConvolution {
      shape = try trace.pass(shape, through: latentConvolution, "latent_convolution")
    }
    shape = try trace.pass(shape, through: layers, "layers")
    return try trace.pass(shape, through: head, "head")
  }

  func parameters(of map: Tensor, _ context: Context) -> Tensor {
    var map = latentConvolution?(map, context) ?? map
    layers.apply(to: &map, context)
    head.apply(to: &map, context)
    if isCentred { map.scale(by: 0.5, shift: 0.5) }
    return map
  }
}

extension Component where Part == any Decoder {
  /// The recipe component `kl`.
  static var kl: Component {
    Component(
      role: .decoder, name: "kl",
      summary: "latent diffusion's residual blocks with nearest upsampling, from a map",
      options: KLOptions(levelChannels: [512, 512, 256, 128], blocks: 3)
    ) { options, build in
      let sizes = try KLSizes(options, build, isReversed: true)
      return KLDecoder(
        sizes, height: build.data.height, width: build.data.width,
        parametersPerPixel: build.parametersPerPixel, isCentred: build.data.range != .real,
        random: build.random)
    }
  }
}

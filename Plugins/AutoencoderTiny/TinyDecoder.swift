import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The decoder of TAESD: latents clamped softly to ±3, a 3×3 convolution with ReLU, and for each
/// doubling blocks, nearest upsampling and a 3×3 convolution without a bias; blocks, and a 3×3
/// convolution to the likelihood's parameters.
final class TinyDecoder: MapDecoder {
  private let layers: Sequential
  private let head: Conv2D
  let map: LatentMap
  let imageSize: (height: Int, width: Int)
  let pixelsPerPlace: Int
  private let magnitude: Float

  /// A decoder for the sizes of a network, to a number of parameters a pixel.
  init(
    _ sizes: TinySizes, magnitude: Float, height: Int, width: Int, parametersPerPixel: Int,
    random: RandomSource
  ) {
    var layers: [any Layer] = [
      SoftClamp(magnitude: magnitude),
      Conv2D(
        inputs: sizes.map.channels, outputs: sizes.channels, kernel: 3, padding: Padding(1),
        activation: .relu, random: random.child("entry")),
    ]
    for level in (0...sizes.levels).reversed() {
      layers += sizes.blocks(at: level, random)
      guard level > 0 else { break }
      layers += [
        Upsampling(.nearest, by: 2),
        Conv2D(
          inputs: sizes.channels, outputs: sizes.channels, kernel: 3, padding: Padding(1),
          hasBias: false, random: random.child("level\(level)")),
      ]
    }
    self.layers = Sequential(layers)
    head = Conv2D(
      inputs: sizes.channels, outputs: parametersPerPixel, kernel: 3, padding: Padding(1),
      random: random.child("head"))
    map = sizes.map
    imageSize = (height, width)
    pixelsPerPlace = sizes.pixelsPerPlace
    self.magnitude = magnitude
  }

  /// The layers in order, and the last convolution.
  var members: Members { ["layers": .module(layers), "head": .module(head)] }

  var latentMagnitude: Float? { magnitude }

  /// The biases of the last layer become the given parameters, averaged over the image.
  func begin(at parameters: Tensor) {
    head.bias?.value = parameters.mean(axis: 0).mean(axis: 0)
  }

  /// Those of the head.
  var lastWeights: Parameter? { head.weights }

  func parametersShape(of map: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(trace.pass(map, through: layers, "layers"), through: head, "head")
  }

  func parameters(of map: Tensor, _ context: Context) -> Tensor {
    var map = map
    layers.apply(to: &map, context)
    head.apply(to: &map, context)
    return map
  }
}

/// The hyper-parameters of the decoder.
struct TinyDecoderOptions: HyperparameterSet {
  var network = TinyOptions(blocks: [3, 3, 3, 1])
  @Setting(1e-3...1e6, help: "m of the clamp m tanh(z / m) that latents pass first")
  var latentMagnitude = 3.0
}

extension Component where Part == any Decoder {
  /// The recipe component `tiny`.
  static var tiny: Component {
    Component(
      role: .decoder, name: "tiny",
      summary: "TAESD's blocks of 3×3 convolutions with nearest upsampling, from a map of latents",
      options: TinyDecoderOptions()
    ) { options, build in
      let sizes = try TinySizes(options.network, build, isReversed: true)
      return TinyDecoder(
        sizes, magnitude: Float(options.latentMagnitude), height: build.data.height,
        width: build.data.width, parametersPerPixel: build.parametersPerPixel, random: build.random)
    }
  }
}

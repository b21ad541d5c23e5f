import Glibc
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The encoder of TAESD (Boer Bohan 2023): a 3×3 convolution, blocks, and for each halving a 3×3
/// convolution of stride 2 without a bias and blocks; a 3×3 convolution to the map of latents.
///
/// The network gives one number for a latent unit and no spread, so that by itself it has no density
/// q(z|x), and there is no bound. The posterior is N(map, σ²) with one trained σ for each channel of the
/// map. This noise is really drawn, and the bound is that of the encoder with its noise.
final class TinyEncoder: MapEncoder {
  private let layers: Sequential
  /// log σ² of each channel.
  private let logVariance: Parameter
  let pixelsPerPlace: Int
  let tileOverlap = TileOverlap.eighth

  /// An encoder for the sizes of a network.
  init(_ sizes: TinySizes, dataChannels: Int, deviation: Float, random: RandomSource) {
    var layers: [any Layer] = []
    for level in 0...sizes.levels {
      layers.append(
        Conv2D(
          inputs: level == 0 ? dataChannels : sizes.channels, outputs: sizes.channels, kernel: 3,
          stride: level == 0 ? 1 : 2, padding: Padding(1), hasBias: level == 0,
          random: random.child("level\(level)")))
      layers += sizes.blocks(at: level, random)
    }
    layers.append(
      Conv2D(
        inputs: sizes.channels, outputs: sizes.map.channels, kernel: 3, padding: Padding(1),
        random: random.child("head")))
    self.layers = Sequential(layers)
    let channels = sizes.map.channels
    logVariance = Parameter([channels], isDecayed: false) {
      Tensor(repeating: 2 * log(deviation), shape: [channels])
    }
    pixelsPerPlace = sizes.pixelsPerPlace
  }

  /// The layers in order, and the spread.
  var members: Members {
    ["layers": .module(layers), "log_variance": .parameter(logVariance)]
  }

  /// The map of an image that was extended to whole places.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(extendedToPlaces(input), through: layers, "layers")
  }

  func moments(of x: Tensor, _ context: Context) -> (mean: Tensor, logVariance: Tensor?) {
    let map = layers(extendedToPlaces(x), context)
    return (map, logVariance.tensor.clamped(to: -20...20).broadcast(to: map.shape))
  }
}

/// The hyper-parameters of the encoder.
struct TinyEncoderOptions: HyperparameterSet {
  var network = TinyOptions()
  @Setting(
    1e-4...1e2, help: "standard deviation of the latents' noise, which training begins with")
  var deviation = 0.1
}

extension Component where Part == any Encoder {
  /// The recipe component `tiny`.
  static var tiny: Component {
    Component(
      role: .encoder, name: "tiny",
      summary: "TAESD's blocks of 3×3 convolutions, to a map of latents with one noise a channel",
      options: TinyEncoderOptions()
    ) { options, build in
      let sizes = try TinySizes(options.network, build, isReversed: false)
      return TinyEncoder(
        sizes, dataChannels: build.data.channels, deviation: Float(options.deviation),
        random: build.random)
    }
  }
}

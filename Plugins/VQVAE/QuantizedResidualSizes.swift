import NeuralNetworks
import Tensors
import VAEComponents
import VAERecipes

/// The sizes that the encoder and the decoder of a quantised residual network share.
struct QuantizedResidualSizes {
  /// The sizes of the images between the data and the codes.
  let pyramid: Pyramid
  /// Channels of the data.
  let dataChannels: Int
  /// Channels at the codes' size.
  let channels: Int
  /// Residual blocks there.
  let blocks: Int
  /// Channels inside a block.
  let residualChannels: Int
  /// Numbers in the vector of a code.
  let vectorSize: Int

  /// How often the image is halved.
  var levels: Int { pyramid.sizes.count - 1 }

  /// The channels after the convolution at a level, from the data on: half of them between the
  /// first two of several.
  func channels(after level: Int) -> Int {
    level == 0 && levels > 1 ? max(1, channels / 2) : channels
  }

  /// The padding with which a 4×4 kernel of stride 2 takes a size at a level to half of it, rounded
  /// up, or back: one row and column more at the end where the size is odd.
  func padding(at level: Int) -> Padding {
    let size = pyramid.sizes[level]
    return Padding(top: 1, left: 1, bottom: 1 + size.height % 2, right: 1 + size.width % 2)
  }

  /// The residual blocks with a ReLU after the last.
  func residualLayers(_ random: RandomSource) -> [any Layer] {
    (0..<blocks).map { number in
      ResidualBlock(
        channels: channels, hidden: residualChannels, secondKernel: 1,
        random: random.child("block\(number)"))
    } + [Rectifier()]
  }
}

/// max(x, 0) as a layer.
final class Rectifier: Layer {
  var members: Members { [:] }

  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? { input }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor { input.relu() }
}

extension QuantizedResidualSizes {
  /// The hyper-parameters that both parts share.
  struct Options: HyperparameterSet {
    @Setting(1...4096, help: "channels at the codes' size; half as many nearest to the image")
    var channels = 128
    @Setting(0...64, help: "residual blocks at the codes' size") var blocks = 2
    @Setting(1...4096, help: "channels inside a residual block") var residualChannels = 32
  }

  /// The sizes that a recipe states, for codes that the prior has.
  init(_ options: Options, _ build: BuildContext, part: String) throws(RecipeError) {
    let (grid, pyramid) = try build.codeGrid(for: part)
    self.init(
      pyramid: pyramid, dataChannels: build.data.channels, channels: options.channels,
      blocks: options.blocks, residualChannels: options.residualChannels,
      vectorSize: grid.vectorSize)
  }
}

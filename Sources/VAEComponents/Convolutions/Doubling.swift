import NeuralNetworks
import Tensors
import VAERecipes

/// A 3×3 convolution that doubles an image, up to one row and column that are left out at the end, to reach exactly the
/// size that an encoder's convolution of stride 2 halved.
///
/// What it makes of a constant image is constant but for the border, unless it is a transposed convolution: a kernel of
/// three and a stride of two add up one, two or four terms by turns, a checkerboard that training has to take
/// out (Odena et al. 2016).
final class Doubling: Layer {
  /// How new pixels come about.
  enum Method: String, SettingChoice {
    /// By a transposed convolution of stride 2.
    case transposed
    /// By a convolution of repeated pixels.
    case nearest
    /// By a convolution of pixels between pixels.
    case bilinear
    /// By a convolution to four times the channels, which become blocks of pixels.
    case shuffle
  }

  private let layers: Sequential
  private let size: (height: Int, width: Int)

  /// A doubling to a size of an image, which is twice that of the input or one less along either axis.
  init(
    _ method: Method, inputs: Int, outputs: Int, to size: (height: Int, width: Int),
    hasBias: Bool, activation: Activation, random: RandomSource
  ) {
    func convolution() -> Conv2D {
      Conv2D(
        inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1), hasBias: hasBias,
        activation: activation, random: random)
    }
    switch method {
    case .transposed:
      layers = Sequential([
        TransposedConv2D(
          inputs: inputs, outputs: outputs, kernel: 3, stride: 2, padding: Padding(1),
          outputPadding: (y: 1 - size.height % 2, x: 1 - size.width % 2), hasBias: hasBias,
          activation: activation, random: random)
      ])
    case .nearest: layers = Sequential([Upsampling(.nearest), convolution()])
    case .bilinear: layers = Sequential([Upsampling(.bilinear), convolution()])
    case .shuffle:
      layers = Sequential([
        SubpixelConv2D(
          inputs: inputs, outputs: outputs, kernel: 3, padding: Padding(1), hasBias: hasBias,
          activation: activation, random: random)
      ])
    }
    self.size = size
  }

  /// The parameters of the one layer that has any, under its own names: a file does not tell the ways apart that
  /// differ in what they do alone.
  var members: Members { layers.layers.last?.members ?? [:] }

  /// The size with the convolution's channels.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    var own = ShapeTrace()
    return try layers.outputShape(for: input, &own).map { [size.height, size.width, $0[2]] }
  }

  /// `[batch, height, width, outputs]`
  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    layers(input, context).cropped(to: size)
  }
}

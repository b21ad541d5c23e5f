import NeuralNetworks
import Tensors

/// An affine coupling of images (RealNVP, Dinh et al. 2017, equations 7 and 8): half of the elements stay, the others become
/// x ⊙ eˢ + t, where convolutions compute s and t from those that stay and a map h.
///
/// The halves are the two colours of a chessboard of three dimensions: an element stays in a step where row + column + channel
/// + step is even. So a pixel's own other channels are seen as well as its neighbours. A fresh coupling is the identity.
final class ImageCoupling: Module {
  private let network: ScaleAndShift
  private let step: Int

  /// A fresh coupling.
  ///
  /// - Parameters:
  ///   - channels: of an image.
  ///   - step: its place among several, in which the halves change roles.
  ///   - conditions: channels of the map h.
  ///   - sizes: of its network.
  ///   - random: where first weights come from.
  init(
    channels: Int, step: Int, conditions: Int, _ sizes: ScaleAndShift.Sizes, random: RandomSource
  ) {
    self.step = step
    network = ScaleAndShift(
      inputs: channels + conditions, channels: channels, sizes, random: random)
  }

  /// Those of the network.
  var members: Members { network.members }

  /// Ones for the elements of an image that stay, else zeros: `[height, width, channels]`.
  private func kept(of image: Shape) -> Tensor {
    Tensor(image) { buffer in
      var place = 0
      for row in 0..<image[0] {
        for column in 0..<image[1] {
          for channel in 0..<image[2] {
            buffer[place] = (row + column + channel + step) % 2 == 0 ? 1 : 0
            place += 1
          }
        }
      }
    }
  }

  /// The image with half of its elements scaled and shifted, and log|det| = Σ s of each row.
  ///
  /// - Parameters:
  ///   - x: `[rows, height, width, channels]`.
  ///   - h: `[rows, height, width, conditions]`.
  ///   - context: of the pass.
  func forward(_ x: Tensor, _ h: Tensor, _ context: Context)
    -> (value: Tensor, logDeterminant: Tensor)
  {
    let (s, t) = parameters(x, h, context)
    return (x * s.exp() + t, s.flattened().sum(axis: 1))
  }

  /// The image that `forward` makes a value of.
  func inverse(_ value: Tensor, _ h: Tensor, _ context: Context) -> Tensor {
    let (s, t) = parameters(value, h, context)
    return (value - t) * (-s).exp()
  }

  /// s and t, zero where elements stay.
  private func parameters(_ x: Tensor, _ h: Tensor, _ context: Context) -> (s: Tensor, t: Tensor) {
    let kept = kept(of: x.shape.removingFirst)
    let map = network.map(of: .concatenated([x * kept, h], axis: 3), context)
    let (s, t) = network.parameters(of: map, context)
    let changed = 1 - kept
    return (s * changed, t * changed)
  }
}

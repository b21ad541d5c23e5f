import NeuralNetworks
import Tensors

/// An affine coupling of images (RealNVP, Dinh et al. 2017, equations 7 and 8): half of the elements stay, the others become
/// x ⊙ eˢ + t, where convolutions compute s and t from those that stay and a map h.
///
/// The halves are the two colours of a chessboard of three dimensions: an element stays in a step where row + column + channel
/// + step is even. So a pixel's own other channels are seen as well as its neighbours. s is bounded by a learnt
/// multiple of tanh for each channel, and the last convolution begins at zero, so that a fresh coupling is the identity.
final class ImageCoupling: Module {
  private let entry: Conv2D
  private let blocks: [ResidualBlock]
  private let exit: Conv2D
  private let bound: Parameter
  private let step: Int

  /// That of the networks, smooth as in the flows of latents.
  static let activation = Activation.elu(alpha: 1)

  /// The sizes of a coupling's network.
  struct Sizes {
    /// Channels inside.
    let hidden: Int
    /// Residual blocks.
    let blocks: Int
  }

  /// A fresh coupling.
  ///
  /// - Parameters:
  ///   - channels: of an image.
  ///   - step: its place among several, in which the halves change roles.
  ///   - conditions: channels of the map h.
  ///   - sizes: of its network.
  ///   - random: where first weights come from.
  init(
    channels: Int, step: Int, conditions: Int, _ sizes: Sizes, random: RandomSource
  ) {
    self.step = step
    entry = Conv2D(
      inputs: channels + conditions, outputs: sizes.hidden, kernel: 3, padding: Padding(1),
      random: random.child("entry"))
    blocks = (0..<sizes.blocks).map { number in
      ResidualBlock(
        channels: sizes.hidden, hidden: sizes.hidden, activation: Self.activation,
        random: random.child("block\(number)"))
    }
    exit = Conv2D(
      inputs: sizes.hidden, outputs: 2 * channels, kernel: 3, padding: Padding(1),
      initializer: .zeros, random: random.child("exit"))
    bound = Parameter([channels], isDecayed: false) { .ones([channels]) }
  }

  /// Ones for the elements of an image that stay, or for those that change, else zeros: `[height, width, channels]`.
  private func half(_ image: Shape, stays: Bool) -> Tensor {
    Tensor(image) { buffer in
      var place = 0
      for row in 0..<image[0] {
        for column in 0..<image[1] {
          for channel in 0..<image[2] {
            buffer[place] = ((row + column + channel + step) % 2 == 0) == stays ? 1 : 0
            place += 1
          }
        }
      }
    }
  }

  /// The network, and the bound of s.
  var members: Members {
    var members: Members = ["entry": .module(entry)]
    members.entries += Members(numbered: blocks).entries.map {
      (name: "block\($0.name)", member: $0.member)
    }
    members.entries.append((name: "exit", member: .module(exit)))
    members.entries.append((name: "scale", member: .parameter(bound)))
    return members
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
    let image = x.shape.removingFirst
    let seen = x * half(image, stays: true)
    let entered = entry(.concatenated([seen, h], axis: 3), context)
    let hidden = blocks.reduce(entered) { $1($0, context) }.activated(Self.activation)
    let channels = bound.shape[0]
    let changed = half(image, stays: false)
    let parts = exit(hidden, context).split(sizes: [channels, channels])
    return (parts[0].tanh() * bound.tensor * changed, parts[1] * changed)
  }
}

import Glibc
import NeuralNetworks
import Tensors
import VAEComponents
import VAERecipes

/// How far a network has grown: the sizes that it works at, and how much the newest of them counts.
///
/// It grows by a function of the epochs trained and is kept as a buffer beside the weights: what a file holds is a
/// network as large as it was then, and a training that is resumed within a fade goes on with the same share.
final class Growth: Module {
  /// When a network grows.
  struct Options: HyperparameterSet {
    @Setting(
      1...4096, help: "the network begins at the first size whose sides are no longer than this")
    var firstSize = 4
    @Setting(0...1e6, help: "epochs at each size before the next one is added")
    var stageEpochs = 2.0
    @Setting(0...1e6, help: "epochs over which a new size fades in")
    var fadeEpochs = 2.0
    @Setting(
      count: 1...12, each: 1...4096,
      help: "channels at each size, the smallest first; the last number serves all larger ones")
    var channels = [64, 64, 32, 16]
  }

  /// The sizes, the smallest first and the image's own last.
  let sizes: [(height: Int, width: Int)]
  /// Channels at each of them.
  let channels: [Int]
  private let options: Options
  /// n + a, where the network has grown to size n whole and the next one counts a; a scalar.
  private let extent = Buffer([]) { .zeros([]) }

  /// A network for images of a size, not grown yet.
  init(height: Int, width: Int, _ options: Options) {
    var pyramid = Pyramid(height: height, width: width, levels: 0)
    while max(pyramid.top.height, pyramid.top.width) > options.firstSize {
      pyramid = Pyramid(height: height, width: width, levels: pyramid.sizes.count)
    }
    sizes = pyramid.sizes.reversed()
    channels = sizes.indices.map { options.channels[min($0, options.channels.count - 1)] }
    self.options = options
  }

  /// The extent.
  var members: Members { ["extent": .buffer(extent)] }

  /// How far a network has grown after some epochs: a stage at the first size, and for each further one a fade and a
  /// stage.
  func extent(epochs: Double) -> Double {
    let last = Double(sizes.count - 1)
    let period = options.fadeEpochs + options.stageEpochs
    let beyond = epochs - options.stageEpochs
    guard beyond >= 0 else { return 0 }
    guard period > 0 else { return last }
    let stages = (beyond / period).rounded(.down)
    let into = beyond - stages * period
    let fade = options.fadeEpochs > 0 ? min(1, into / options.fadeEpochs) : 1
    return min(last, stages + fade)
  }

  /// What an update that has been made leaves to the next one: a network never shrinks, so that one that is trained on
  /// from the weights of a finished run, whose epochs are counted anew, stays as large as it is.
  func afterUpdate(_ context: Context) {
    extent.value = Tensor(max(extent.value.item, Float(extent(epochs: context.epochs))))
  }

  /// The largest size that counts, and its share, above zero; one for the first size.
  var present: (top: Int, share: Float) {
    let value = min(max(0, extent.value.item), Float(sizes.count - 1))
    let top = Int(value.rounded(.up))
    return (top, top == 0 ? 1 : value - Float(top - 1))
  }
}

/// Both of two networks' outputs by a share: exactly one of them where the other counts nothing.
func blended(_ old: @autoclosure () -> Tensor, _ new: Tensor, share: Float) -> Tensor {
  share >= 1 ? new : old() * (1 - share) + new * share
}

import NeuralNetworks
import Tensors

/// Takes the mean of all pixels and channels off the images that convolutions without normalisation begin with, where it
/// outweighs what the images differ in.
///
/// The weights on inputs of one sign all move the same way, as ``InputNormalization`` says of perceptrons, and the zeros
/// around an image are then far from anything in it. On CIFAR-10 the error of a VQ-VAE after 1,250 updates is 0.086 of the
/// variance with it and 0.099 without. Images that are mostly zero, such as digits, stay as they are.
public final class InputCentring: Module {
  /// What is taken off, a scalar; zero where nothing is.
  private let mean = Buffer([], isInEveryFile: false) { .zeros([]) }

  /// Nothing is taken off until `prepare` has seen data, or values are loaded. Files of versions without this tensor
  /// mean that.
  public init() {}

  /// The mean.
  public var members: Members { ["mean": .buffer(mean)] }

  /// Looks at the first batches: whether the square of their mean is above their variance.
  public func prepare(firstBatches: [Tensor], context: Context) {
    let count = Double(firstBatches.reduce(0) { $0 + $1.count })
    guard count > 0 else { return }
    let centre = firstBatches.reduce(0) { $0 + $1.doubleSum } / count
    let variance = firstBatches.reduce(0) { $0 + ($1 - Float(centre)).doubleSumOfSquares } / count
    guard variance.isFinite, centre * centre > variance else { return }
    mean.value = Tensor(Float(centre))
  }

  /// The centred images, of the same shape.
  public func callAsFunction(_ images: Tensor) -> Tensor {
    let centre = mean.value.item
    return centre == 0 ? images : images - centre
  }
}

import NeuralNetworks
import Tensors

/// Brings the input of a perceptron to where Adam's first steps are small: (x − mean) · scale, with
/// one mean for each number of an image.
///
/// An update moves each weight by about the learning rate, and all weights on inputs of one sign the same
/// way, so that a unit moves by the learning rate times Σ |x|. For images of digits that is a hundred
/// times the rate; for photographs of 64×64 pixels, which are mostly their common mean, six thousand
/// times: the first updates throw the latents far from the prior, and their mean stays there. What all
/// images share says nothing about any of them, so it is taken off where it outweighs what they differ
/// in, and differences whose squares add up to more than those of digits do are made as small as these.
/// Elsewhere x stays as it is.
public final class InputNormalization: Module {
  /// What is taken off, `[inputs]`; zero where nothing is.
  public let mean: Buffer
  /// What the rest is multiplied by, a scalar; one where it stays.
  public let scale: Buffer

  /// Squares of the differences from the mean add up to this much in an image at most; in binary
  /// images of digits they add up to 67.
  private static let energyLimit = 100.0

  /// Nothing is changed until `prepare` has seen data, or values are loaded. Files of versions without
  /// these tensors mean that.
  public init(inputs: Int) {
    mean = Buffer([inputs], isInEveryFile: false) { .zeros([inputs]) }
    scale = Buffer([], isInEveryFile: false) { .ones([]) }
  }

  /// Mean and scale.
  public var members: Members { ["mean": .buffer(mean), "scale": .buffer(scale)] }

  /// Looks at the first batches: whether their mean outweighs what they differ in, and how much that is.
  public func prepare(firstBatches: [Tensor], context: Context) {
    let count = firstBatches.reduce(0) { $0 + $1.shape[0] }
    guard count > 1 else { return }
    let sum = firstBatches.dropFirst().reduce(firstBatches[0].flattened().sum(axis: 0)) {
      $0 + $1.flattened().sum(axis: 0)
    }
    let common = sum * (1 / Float(count))
    let differences = firstBatches.reduce(0) {
      $0 + ($1.flattened() - common).doubleSumOfSquares
    }
    let (energy, ofMean) = (differences / Double(count), common.doubleSumOfSquares)
    guard energy.isFinite, ofMean.isFinite else { return }
    if ofMean > energy { mean.value = common }
    if energy > Self.energyLimit {
      scale.value = Tensor(Float((Self.energyLimit / energy).squareRoot()))
    }
  }

  /// The normalised input, `[N, inputs]`.
  public func callAsFunction(_ input: Tensor) -> Tensor {
    // Images of digits stay the constants, mostly zeros, that a dense layer is quick with.
    let isCentred = mean.value.withFloats { $0.contains { $0 != 0 } }
    let factor = scale.value.item
    let centred = isCentred ? input - mean.value : input
    return factor == 1 ? centred : centred * factor
  }
}

import NeuralNetworks
import Tensors

/// (x − mean) / deviation, one number of each for all pixels and channels, as the first batches have them: a residual
/// path that begins with numbers of one size keeps them so.
final class InputStandardization: Module {
  /// The mean, a scalar.
  private let mean = Buffer([]) { .zeros([]) }
  /// One over the standard deviation, a scalar.
  private let scale = Buffer([]) { .ones([]) }

  /// Both.
  var members: Members { ["mean": .buffer(mean), "scale": .buffer(scale)] }

  /// Looks at the first batches. Where all of their values are equal nothing is divided.
  func prepare(firstBatches: [Tensor], context: Context) {
    let count = Double(firstBatches.reduce(0) { $0 + $1.count })
    guard count > 0 else { return }
    let centre = firstBatches.reduce(0) { $0 + $1.doubleSum } / count
    let energy = firstBatches.reduce(0) { $0 + ($1 - Float(centre)).doubleSumOfSquares } / count
    guard centre.isFinite, energy.isFinite else { return }
    mean.value = Tensor(Float(centre))
    let deviation = energy.squareRoot()
    if deviation > 1e-6 { scale.value = Tensor(Float(1 / deviation)) }
  }

  /// The standardised images.
  func callAsFunction(_ x: Tensor) -> Tensor {
    let scale = scale.value.item
    return x.scaled(by: scale, shift: -mean.value.item * scale)
  }
}

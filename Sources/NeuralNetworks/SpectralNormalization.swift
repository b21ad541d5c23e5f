import Tensors

/// Divides the weights of a layer by their largest singular value, so that the layer enlarges no difference
/// between two inputs (Miyato et al. 2018, algorithm 1).
///
/// ```swift
/// let layer = Conv2D(
///   inputs: 64, outputs: 128, kernel: 4, stride: 2, padding: Padding(1), isSpectral: true,
///   random: random.child("second"))
/// ```
///
/// The weights are read as a matrix W whose rows are their first axis: `[outputs, inputs · area]` of a
/// convolution, as in the paper, `[inputs, outputs]` of a dense layer. With a vector u of length one, what
/// they are divided by is σ = ‖Wᵀu‖, which is never above the largest singular value and equal to it where u is the
/// left singular vector; its gradient is u vᵀ with v = Wᵀu / σ, that of the paper. After every update u
/// takes one step of power iteration, u ← W v / ‖W v‖; it begins where many such steps lead. For convolutions
/// σ is that of the matrix, as in the paper, and not of the map from images to images.
///
/// A pass changes nothing. u is stored beside the weights, so that a resumed training goes on with it.
public final class SpectralNormalization: Module {
  /// u, of length one: `[rows]`.
  public let direction: Buffer
  private let weights: Parameter

  /// A normalisation of weights that stay the layer's.
  ///
  /// - Parameters:
  ///   - weights: of at least one axis.
  ///   - random: where power iteration begins.
  public init(_ weights: Parameter, random: RandomStream) {
    ensure(weights.shape.rank > 0, "a number has no singular vectors")
    self.weights = weights
    let rows = weights.shape[0]
    direction = Buffer([rows]) {
      withoutTape {
        Self.iterated(random.normal([rows]), weights.value, times: Self.firstIterations)
      }
    }
  }

  /// u
  public var members: Members { ["direction": .buffer(direction)] }

  /// The weights divided by σ, of their shape; the gradient passes through σ too.
  public var normalized: Tensor {
    let tensor = weights.tensor
    let size = Self.transposedProduct(direction.value, tensor).squared().sum() + Self.tiny
    return tensor / size.squareRoot()
  }

  /// One step of power iteration with the weights as they are now.
  public func afterUpdate(_ context: Context) {
    withoutTape {
      direction.value = Self.iterated(direction.value, weights.value, times: 1)
    }
  }

  /// Wᵀu as a row, `[1, columns]`.
  private static func transposedProduct(_ u: Tensor, _ weights: Tensor) -> Tensor {
    let rows = weights.shape[0]
    return u.reshaped(to: [1, rows]).matrixProduct(
      weights.reshaped(to: [rows, weights.count / max(1, rows)]))
  }

  private static func iterated(_ start: Tensor, _ weights: Tensor, times: Int) -> Tensor {
    let rows = weights.shape[0]
    let matrix = weights.reshaped(to: [rows, weights.count / max(1, rows)])
    var u = unit(start)
    for _ in 0..<times {
      u = unit(
        unit(transposedProduct(u, weights)).matrixProduct(matrix, rightTransposed: true)
          .reshaped(to: [rows]))
    }
    return u
  }

  private static func unit(_ vector: Tensor) -> Tensor {
    vector / Tensor(Float((vector.doubleSumOfSquares + Double(tiny)).squareRoot()))
  }

  /// Steps before the first update, after which σ is the largest singular value to a few percent.
  private static let firstIterations = 30
  /// Keeps weights that are all zero from a division by zero.
  private static let tiny: Float = 1e-24
}

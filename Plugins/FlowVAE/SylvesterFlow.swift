import NeuralNetworks
import Tensors
import VAEComponents
import VAECore

/// Sylvester flow: f(z) = z + Q R₁ tanh(R₂ Qᵀ z + b) with an orthogonal Q and upper triangular R₁, R₂ (van
/// den Berg et al. 2018, equation 8).
///
/// Q is a product of Householder reflections (section 3.2.2), so that it is orthogonal exactly. The
/// diagonals of R₁ and R₂ are tanh of free numbers, so that r₁ᵢ r₂ᵢ > −1 and f is invertible
/// (theorem 2); a planar flow is the case of one dimension. There is no closed inverse.
final class SylvesterFlow: Flow {
  private let units: Int
  private let steps: Int
  private let reflections: Int
  /// One above the diagonal, `[units, units]`.
  private let aboveDiagonal: Tensor
  /// One on the diagonal, `[units, units]`.
  private let diagonal: Tensor

  init(units: Int, steps: Int, reflections: Int) {
    (self.units, self.steps, self.reflections) = (units, steps, reflections)
    let places = (0..<units * units).map { (row: $0 / units, column: $0 % units) }
    aboveDiagonal = Tensor(
      places.map { $0.column > $0.row ? 1 : 0 }, shape: [units, units])
    diagonal = Tensor(places.map { $0.column == $0.row ? 1 : 0 }, shape: [units, units])
  }

  var members: Members { [:] }
  /// R₁, R₂, b and the vectors of the reflections, of each step.
  var numbers: Int { steps * sizes.reduce(0, +) }

  private var sizes: [Int] { [units * units, units * units, units, reflections * units] }

  func bijectors(_ numbers: Tensor, _ context: Context) -> [SylvesterStep] {
    let count = numbers.shape[0]
    return numbers.split(sizes: Array(repeating: sizes.reduce(0, +), count: steps)).map { step in
      let parts = step.split(sizes: sizes)
      let (first, second) = (triangular(parts[0]), triangular(parts[1]))
      return SylvesterStep(
        r1: first.matrix, r2: second.matrix, diagonals: first.diagonal * second.diagonal,
        b: parts[2], reflections: parts[3].reshaped(to: [count, reflections, units]))
    }
  }

  /// An upper triangular matrix with its diagonal, whose elements lie between −1 and 1.
  private func triangular(_ numbers: Tensor) -> (matrix: Tensor, diagonal: Tensor) {
    let square = numbers.reshaped(to: [numbers.shape[0], units, units])
    let onDiagonal = square.tanh() * diagonal
    return (square * aboveDiagonal + onDiagonal, onDiagonal.sum(axis: 2))
  }
}

/// A step of a Sylvester flow for the examples of a batch.
struct SylvesterStep: Bijector {
  /// `[N, units, units]`
  let r1: Tensor
  /// `[N, units, units]`
  let r2: Tensor
  /// r₁ᵢ r₂ᵢ, `[N, units]`
  let diagonals: Tensor
  /// `[N, units]`
  let b: Tensor
  /// The vectors v of the reflections 1 − 2 v vᵀ / ‖v‖², `[N, reflections, units]`; the first one acts first in Q.
  let reflections: Tensor

  /// log|det| = Σ log(1 + (1 − tanh²) r₁ᵢ r₂ᵢ).
  func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let draws = z.shape[0] / b.shape[0]
    let vectors = reflectionVectors(draws)
    let turned = vectors.reversed().reduce(z) { Self.reflected($0, along: $1) }
    let bend = (Self.product(r2.tiled(draws), turned) + b.tiled(draws)).tanh()
    let moved = vectors.reduce(Self.product(r1.tiled(draws), bend)) {
      Self.reflected($0, along: $1)
    }
    let stretch = (1 - bend.squared()) * diagonals.tiled(draws) + 1
    return (z + moved, stretch.logarithmOfVolume.sum(axis: 1))
  }

  func stoppingGradient() -> any Bijector {
    SylvesterStep(
      r1: r1.detached(), r2: r2.detached(), diagonals: diagonals.detached(), b: b.detached(),
      reflections: reflections.detached())
  }

  private func reflectionVectors(_ draws: Int) -> [Tensor] {
    (0..<reflections.shape[1]).map { number in
      reflections.slice(axis: 1, number..<number + 1)
        .reshaped(to: [reflections.shape[0], reflections.shape[2]]).tiled(draws)
    }
  }

  /// x − 2 v (vᵀx) / ‖v‖², row by row; a vector of zeros reflects nothing.
  private static func reflected(_ x: Tensor, along v: Tensor) -> Tensor {
    let norm = v.squared().sum(axis: 1, keepingAxis: true) + 1e-12
    return x - v * ((v * x).sum(axis: 1, keepingAxis: true) / norm * 2)
  }

  /// R x, row by row.
  private static func product(_ matrix: Tensor, _ x: Tensor) -> Tensor {
    (matrix * x.reshaped(to: [x.shape[0], 1, x.shape[1]])).sum(axis: 2)
  }
}

import Glibc
import Tensors
import VAECore

/// What many weighted draws of the latents of a batch say in all, taken in part by part: of each example the mean
/// that the likelihood expects under the normalised weights, or one draw, chosen with its weight as probability.
///
/// Weights are kept relative to the largest one, so that none overflows; memory does not grow with the draws.
struct ImportanceMean {
  private let count: Int
  /// Of each example the logarithm of the largest weight so far.
  private var largest: [Double]
  /// Sums of weights, of their squares, and of weighted means, all divided by the largest.
  private var sums: [Double]
  private var squares: [Double]
  private var means: [Double] = []

  /// The columns of numbers whose logarithms the model sees, by the elements that these are: they are averaged
  /// in their own units.
  private var logarithmic: [Int: TableColumn] = [:]

  /// - Parameters:
  ///   - count: of the examples.
  ///   - columns: of the table that they are rows of; nil for images.
  init(examples count: Int, columns: TableColumns? = nil) {
    self.count = count
    if let columns {
      for (start, column) in zip(columns.starts, columns.columns)
      where column.kind == .positive || column.kind == .count {
        logarithmic[start] = column
      }
    }
    largest = Array(repeating: -.infinity, count: count)
    sums = Array(repeating: 0, count: count)
    squares = sums
  }

  /// Takes in draws.
  ///
  /// - Parameters:
  ///   - logWeights: `[K, N]`.
  ///   - values: what is averaged, `[K · N, …]`; nil where weights alone are looked at.
  mutating func add(_ logWeights: Tensor, _ values: Tensor?) {
    let width = values?.shape.removingFirst.count ?? 0
    if means.isEmpty { means = Array(repeating: 0, count: count * width) }
    let weights = logWeights.floats
    let values = values?.floats ?? []
    for (row, logWeight) in weights.enumerated() {
      let (example, weight) = (row % count, Double(logWeight))
      guard weight != -.infinity else { continue }
      // What the former sums are multiplied by, and the new term.
      var (old, new) = (1.0, exp(weight - largest[example]))
      if !(weight <= largest[example]) {
        (old, new) = (exp(largest[example] - weight), 1)
        largest[example] = weight
      }
      sums[example] = sums[example] * old + new
      squares[example] = squares[example] * old * old + new * new
      for element in 0..<width {
        let place = example * width + element
        let value = values[row * width + element]
        let own = logarithmic[element]?.restored(value) ?? Double(value)
        means[place] = means[place] * old + new * own
      }
    }
  }

  /// The weighted means, `[N, …]`.
  func mean(_ shape: Shape) -> Tensor {
    let width = shape.removingFirst.count
    return Tensor(
      means.enumerated().map { place, sum in
        let mean = sum / sums[place / width]
        return logarithmic[place % width]?.standardized(mean) ?? Float(mean)
      }, shape: shape)
  }

  /// By how many draws of equal weight each example is served as well: (Σ w)² / Σ w² (Kong 1992).
  var effectiveDraws: [Double] { zip(sums, squares).map { $0 * $0 / $1 } }
}

/// One draw of each example out of many, with its weight as probability: that of the largest log w + g, g being
/// numbers of a Gumbel distribution (Yellott 1977).
struct ImportanceChoice {
  private var best: [Double]
  /// The likelihood's parameters at the chosen draws.
  private var rows: [Float] = []

  init(examples count: Int) {
    best = Array(repeating: -.infinity, count: count)
  }

  /// Takes in draws.
  ///
  /// - Parameters:
  ///   - logWeights: `[K, N]`.
  ///   - parameters: `[K · N, …]`.
  ///   - uniform: a number in (0, 1) for each, `[K · N]`.
  mutating func add(_ logWeights: Tensor, _ parameters: Tensor, uniform: [Float]) {
    let (count, width) = (best.count, parameters.shape.removingFirst.count)
    if rows.isEmpty { rows = Array(repeating: .nan, count: count * width) }
    let weights = logWeights.floats
    parameters.withFloats { parameters in
      for (row, weight) in weights.enumerated() {
        let example = row % count
        let score = Double(weight) - log(-log(Double(uniform[row])))
        guard score > best[example] else { continue }
        best[example] = score
        for place in 0..<width { rows[example * width + place] = parameters[row * width + place] }
      }
    }
  }

  /// The chosen parameters, of a shape.
  func parameters(_ shape: Shape) -> Tensor { Tensor(rows, shape: shape) }
}

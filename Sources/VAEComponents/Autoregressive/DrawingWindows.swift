import Tensors

/// The rows of features that a kernel reaches while images are drawn row by row, and what it makes
/// of them.
struct RowWindow {
  private let weights: Tensor
  private let bias: Tensor
  /// The rows, the topmost first, `[N, 1, width, inputs]` each.
  private var rows: [Tensor]

  /// A window above the image, where all is zero, for a kernel `[outputs, inputs, rows, columns]`.
  init(weights: Tensor, bias: Tensor, rowCount: Int, width: Int) {
    self.weights = weights
    self.bias = bias
    rows = Array(
      repeating: .zeros([rowCount, 1, width, weights.shape[1]]), count: weights.shape[2])
  }

  /// Moves the window down to a new lowest row.
  mutating func push(_ row: Tensor) {
    rows.removeFirst()
    rows.append(row)
  }

  /// The convolution of the rows in the window, `[N, 1, width, outputs]`.
  var sums: Tensor {
    let reach = weights.shape[3] / 2
    return Tensor.concatenated(rows, axis: 1).convolution(
      weights: weights, bias: bias,
      padding: Padding(top: 0, left: reach, bottom: 0, right: reach))
  }
}

/// The features of the positions to the left that a kernel of one row reaches while a row is drawn,
/// and what it makes of them.
struct PositionWindow {
  /// The weights as one matrix for the features of all taps side by side.
  private let matrix: Tensor
  private let seesOwnPosition: Bool
  private let start: [Tensor]
  private var left: [Tensor]

  /// A window for a kernel `[outputs, inputs, 1, taps]`, whose last tap is the position itself or
  /// its neighbour to the left.
  init(weights: Tensor, seesOwnPosition: Bool, rowCount: Int) {
    let (outputs, inputs, taps) = (weights.shape[0], weights.shape[1], weights.shape[3])
    matrix = weights.permuted([3, 1, 2, 0]).reshaped(to: [taps * inputs, outputs])
    self.seesOwnPosition = seesOwnPosition
    start = Array(
      repeating: .zeros([rowCount, inputs]), count: seesOwnPosition ? taps - 1 : taps)
    left = start
  }

  /// Goes to the beginning of a row, left of which all is zero.
  mutating func reset() {
    left = start
  }

  /// Moves the window to the right, past a position.
  mutating func append(_ position: Tensor) {
    guard !left.isEmpty else { return }
    left.removeFirst()
    left.append(position)
  }

  /// The sums over the window, `[N, outputs]`, plus `base`; features of the position itself,
  /// `[N, inputs]`, count where the kernel sees them.
  func sums(_ position: Tensor, plus base: Tensor) -> Tensor {
    let seen = seesOwnPosition ? left + [position] : left
    guard !seen.isEmpty else { return base }
    return Tensor.concatenated(seen, axis: 1).matrixProduct(matrix) + base
  }
}

extension Tensor {
  /// One row of an image, `[N, 1, width, features]`, as a list of positions,
  /// `[width, N, features]`.
  func rowByPosition() -> Tensor {
    permuted([2, 0, 1, 3]).reshaped(to: [shape[2], shape[0], shape[3]])
  }

  /// The features of one position of such a list, `[N, features]`.
  func position(_ column: Int) -> Tensor {
    rows(column..<column + 1).reshaped(to: [shape[1], shape[2]])
  }

  /// Positions `[N, features]` side by side as a row of an image, `[N, 1, width, features]`.
  static func row(of positions: [Tensor]) -> Tensor {
    concatenated(
      positions.map { $0.reshaped(to: [$0.shape[0], 1, 1, $0.shape[1]]) }, axis: 2)
  }
}

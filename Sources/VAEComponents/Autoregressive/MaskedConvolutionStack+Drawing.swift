import NeuralNetworks
import Tensors

extension MaskedConvolutionStack {
  /// The stack with what later positions need: at the beginning of a row, every layer sums over the
  /// rows above; then, position by position, over the features to the left and its own.
  public func drawing(rowCount: Int, width: Int, condition: Tensor?) -> any PixelDrawing {
    ensure(condition == nil, "a plain stack of masked convolutions takes no condition")
    return Drawing(self, rowCount: rowCount, width: width)
  }

  private final class Drawing: PixelDrawing {
    private let layers: [LayerDrawing]
    private let head: (Tensor) -> Tensor

    init(_ stack: MaskedConvolutionStack, rowCount: Int, width: Int) {
      layers = stack.layers.map { LayerDrawing($0, rowCount: rowCount, width: width) }
      head = stack.head.frozen()
    }

    func beginRow(_ row: Int) {
      for layer in layers { layer.beginRow() }
    }

    func outputs(for position: Tensor, column: Int, isLast: Bool) -> Tensor {
      var features = position
      for (index, layer) in layers.enumerated() {
        // The image itself becomes final by `append`.
        features = layer.advance(features, column: column, isFinal: isLast && index > 0)
      }
      return head(features)
    }

    func append(_ position: Tensor) {
      layers.first?.append(position)
    }

    func endRow() {
      for layer in layers { layer.endRow() }
    }
  }
}

/// One masked convolution while images are drawn.
private final class LayerDrawing {
  private var above: RowWindow?
  private var left: PositionWindow
  private let bias: Tensor
  private let width: Int
  /// The sums over the rows above, with the bias.
  private var base = Tensor.zeros([0, 0, 0])
  /// The inputs of the row so far.
  private var row: [Tensor] = []

  init(_ layer: MaskedConvolution, rowCount: Int, width: Int) {
    let (weights, reach) = (layer.visibleWeights, layer.kernel / 2)
    bias = layer.bias.value
    self.width = width
    if reach > 0 {
      above = RowWindow(
        weights: weights.slice(axis: 2, 0..<reach), bias: bias, rowCount: rowCount, width: width)
    }
    left = PositionWindow(
      weights: weights.slice(axis: 2, reach..<reach + 1).slice(axis: 3, 0..<reach + 1),
      seesOwnPosition: true, rowCount: rowCount)
    self.rowCount = rowCount
  }

  private let rowCount: Int

  func beginRow() {
    base =
      above?.sums.rowByPosition()
      ?? bias.broadcast(to: [width, rowCount, bias.count])
    left.reset()
  }

  func advance(_ input: Tensor, column: Int, isFinal: Bool) -> Tensor {
    let result = left.sums(input, plus: base.position(column)).relu()
    if isFinal { append(input) }
    return result
  }

  func append(_ input: Tensor) {
    left.append(input)
    row.append(input)
  }

  func endRow() {
    above?.push(.row(of: row))
    row.removeAll(keepingCapacity: true)
  }
}

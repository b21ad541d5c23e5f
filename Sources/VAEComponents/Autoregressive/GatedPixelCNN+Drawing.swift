import NeuralNetworks
import Tensors

extension GatedPixelCNN {
  /// The network with what later positions need: at the beginning of a row, the vertical stack sees
  /// the rows above; then, position by position, the horizontal stack sees the vertical sums of its
  /// row and the features to its left.
  public func drawing(rowCount: Int, width: Int, condition: Tensor?) -> any PixelDrawing {
    Drawing(self, rowCount: rowCount, width: width, condition: condition.map(asMap))
  }

  private final class Drawing: PixelDrawing {
    private let layers: [LayerDrawing]
    private let condition: ConditionRows?
    private let head: (Tensor) -> Tensor
    private let one: Tensor
    private var row: [Tensor] = []

    init(_ network: GatedPixelCNN, rowCount: Int, width: Int, condition: Tensor?) {
      layers = network.layers.map { LayerDrawing($0, rowCount: rowCount, width: width) }
      self.condition = condition.map(ConditionRows.init)
      one = .ones([rowCount, 1])
      let (first, last) = (network.head.frozen(), network.last.frozen())
      head = { last(first($0.relu())) }
    }

    func beginRow(_ row: Int) {
      var above: Tensor?
      for layer in layers { above = layer.beginRow(above, condition: condition?[row]) }
    }

    func outputs(for position: Tensor, column: Int, isLast: Bool) -> Tensor {
      let input = Tensor.concatenated([position, one], axis: 1)
      return head(
        layers.reduce(input) { $1.advance($0, column: column, isFinal: isLast) })
    }

    func append(_ position: Tensor) {
      let input = Tensor.concatenated([position, one], axis: 1)
      layers.first?.append(input)
      row.append(input)
    }

    func endRow() {
      layers.first?.push(.row(of: row))
      row.removeAll(keepingCapacity: true)
    }
  }
}

/// A condition cut into rows: `[N, 1, 1 or width, numbers]` each.
private struct ConditionRows {
  private let whole: Tensor
  private let rows: Tensor?

  init(_ condition: Tensor) {
    whole = condition
    rows = condition.shape[1] == 1 ? nil : condition.permuted([1, 0, 2, 3])
  }

  subscript(row: Int) -> Tensor {
    guard let rows else { return whole }
    return rows.rows(row..<row + 1).reshaped(
      to: [whole.shape[0], 1, whole.shape[2], whole.shape[3]])
  }
}

/// One layer while images are drawn.
private final class LayerDrawing {
  private let layer: GatedPixelLayer
  private let output: (Tensor) -> Tensor
  private var above: RowWindow
  private var left: PositionWindow
  /// What reaches the horizontal gates of the row apart from its own positions.
  private var base = Tensor.zeros([0, 0, 0])

  init(_ layer: GatedPixelLayer, rowCount: Int, width: Int) {
    self.layer = layer
    output = layer.output.frozen()
    above = RowWindow(
      weights: layer.vertical.value, bias: layer.verticalBias.value, rowCount: rowCount,
      width: width)
    left = PositionWindow(
      weights: layer.visibleHorizontal, seesOwnPosition: layer.seesOwnPosition, rowCount: rowCount)
  }

  /// Takes in a row of the image, for the vertical kernel of the first layer.
  func push(_ row: Tensor) {
    above.push(row)
  }

  /// Computes the vertical stack of a row.
  ///
  /// - Parameter input: the vertical features of the row; nil in the first layer, which sees only
  ///   the rows above.
  /// - Returns: the vertical features after the layer; nil after the last.
  func beginRow(_ input: Tensor?, condition: Tensor?) -> Tensor? {
    if let input { above.push(input) }
    let sums = above.sums
    let along = sums.dense(weights: layer.link.value, bias: layer.horizontalBias.value)
    base = along.adding(layer.offsets(condition, layer.horizontalCondition)).rowByPosition()
    left.reset()
    guard !layer.place.isLast else { return nil }
    return sums.adding(layer.offsets(condition, layer.verticalCondition)).gated()
  }

  /// The horizontal features after the layer at a position.
  ///
  /// - Parameters:
  ///   - input: those before it, `[N, inputs]`.
  ///   - isFinal: whether they are final, so that later positions can see them; the image itself,
  ///     in the first layer, becomes so by `append`.
  func advance(_ input: Tensor, column: Int, isFinal: Bool) -> Tensor {
    let result = output(left.sums(input, plus: base.position(column)).gated())
    guard !layer.place.isFirst else { return result }
    if isFinal { left.append(input) }
    return result + input
  }

  /// Takes in a position of the image, for those to its right.
  func append(_ position: Tensor) {
    left.append(position)
  }
}

import Tensors

extension Tensor {
  /// Numbers with the condition of each row beside them: `[N, …, C]` and `[N, W]` give
  /// `[N, …, C + W]`. Of images each number of the condition becomes a plane of one value.
  func joined(_ condition: Tensor) -> Tensor {
    guard count > 0 else { return condition }
    let between = shape.dimensions[1..<rank - 1]
    let (rows, width) = (condition.shape[0], condition.shape[1])
    let planes =
      between.isEmpty
      ? condition
      : condition.reshaped(to: Shape([rows] + between.map { _ in 1 } + [width]))
        .broadcast(to: Shape([rows] + between + [width]))
    return .concatenated([self, planes], axis: rank - 1)
  }
}

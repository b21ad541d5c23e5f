extension Tensor {
  /// log Categorical(index; softmax(logits)) in nats, summed over an example's elements: Σ
  /// logits[index] − log Σ e^logits.
  ///
  /// Only the normaliser passes over the logits, once forwards and once backwards; no table of
  /// probabilities or of ones is ever made.
  ///
  /// - Parameters:
  ///   - indices: an index tensor `[N, …]`, each element in `0..<classes`.
  ///   - logits: `[K · N, …, classes]`.
  /// - Returns: `[K · N]`.
  public static func categoricalLogDensity(_ indices: Tensor, logits: Tensor) -> Tensor {
    let classes = logits.shape[-1]
    let elements = indices.shape.removingFirst.count
    let rows = logits.shape[0]
    ensure(
      indices.rank >= 1 && logits.shape.removingFirst.count == elements * classes
        && (indices.shape[0] == 0 ? rows == 0 : rows % indices.shape[0] == 0),
      "logits of shape \(logits.shape) do not fit indices of shape \(indices.shape)")
    ensure(
      indices.withIndices { $0.allSatisfy { $0 >= 0 && $0 < classes } },
      "an index is outside \(classes) classes")
    let normalizers = Kernels.logSumExp(
      logits, rows: rows * elements, columns: classes, shape: [rows, elements])
    let chosen = Kernels.chosenColumns(logits, indices, columns: classes, shape: [rows, elements])
    let output = withoutTape { (chosen - normalizers).sum(axis: 1) }
    let saved = logits.detached()
    return .recorded(output, from: [logits]) { gradient in
      // (1 where chosen − softmax) · gradient
      let spread = gradient.reshaped(to: [rows, 1]).broadcast(to: [rows, elements])
      let result = Kernels.logSumExpBackward(
        saved, normalizers, -spread, rows: rows * elements, columns: classes)
      Kernels.add(spread, toChosenColumnsOf: result, indices, columns: classes)
      return [result]
    }
  }
}

/// The way of small matrices into double precision and back.
extension Kernels {
  /// Computes on every matrix of a batch in double precision.
  ///
  /// A matrix is in the last two axes of a tensor; the other axes, equal for all tensors, are those of the
  /// batch, over which the threads divide.
  ///
  /// - Parameters:
  ///   - inputs: at least one.
  ///   - outputs: the shapes of what is computed.
  ///   - compute: from one matrix of each input to one for each output, or nil for NaN everywhere.
  static func matrices(
    _ name: StaticString, _ inputs: [Tensor], outputs: [Shape],
    _ compute: @Sendable ([DoubleMatrix]) -> [DoubleMatrix]?
  ) -> [Tensor] {
    let results = outputs.map { Tensor(uninitialized: $0) }
    let batch = inputs[0].shape.count(0..<inputs[0].rank - 2)
    let largest = (inputs + results).map { $0.shape[-2] * $0.shape[-1] }.max() ?? 0
    // No computation holds more than some eight matrices at a time beside inputs and results.
    let held = largest * (inputs.count + outputs.count + 8) * MemoryLayout<Double>.stride
    guard Memory.mayTake(held * min(batch, Engine.threads)) else { return results }
    nonisolated(unsafe) let sources = inputs.map { (shape: $0.shape, start: $0.pointer) }
    nonisolated(unsafe) let targets = results.map {
      (count: $0.shape[-2] * $0.shape[-1], start: $0.writePointer)
    }
    Profiler.measure(name, inputs + results) {
      Engine.divide(batch, block: max(1, matrixBlock / max(1, largest))) { members in
        for member in members {
          let computed = compute(
            sources.map { source in
              let (rows, columns) = (source.shape[-2], source.shape[-1])
              let start = source.start + member * rows * columns
              return DoubleMatrix(
                rows: rows, columns: columns,
                elements: (0..<rows * columns).map { Double(start[$0]) })
            })
          for (number, target) in targets.enumerated() {
            let start = target.start + member * target.count
            for index in 0..<target.count {
              start[index] = Float(computed?[number].elements[index] ?? .nan)
            }
          }
        }
      }
    }
    return results
  }

  /// Elements of matrices that are worth waking a second thread for.
  private static let matrixBlock = 1 << 9
}

import Glibc
import Tensors

extension MixedLayout {
  /// Σ log p of the columns of each row, `[K · N]`.
  ///
  /// - Parameters:
  ///   - x: `[N, 1, width, 1]`.
  ///   - parameters: `[K · N, 1, width, numbers]`.
  ///   - spread: `[columns, components]`.
  ///   - chosen: of the shape of `x`; a column whose first element is zero there is left out. Nil for all.
  func logDensity(_ x: Tensor, parameters: Tensor, spread: Tensor, chosen: Tensor?) -> Tensor {
    let (count, rows) = (x.shape[0], parameters.shape[0])
    return Tensor([rows]) { result in
      nonisolated(unsafe) let result = result
      withPointers(x, parameters, spread, chosen) { x, given, spread, chosen in
        nonisolated(unsafe) let (x, given, spread, chosen) = (x, given, spread, chosen)
        forEachRow(rows) { row in
          let seen = x + (row % count) * width
          var sum = 0.0
          for (column, part) in parts.enumerated() {
            if let chosen, chosen[(row % count) * width + part.start] == 0 { continue }
            sum += term(
              part, seen, given + row * width * numbers, spread + column * components,
              add: { _, _ in }, addSpread: { _, _ in })
          }
          result[row] = Float(sum)
        }
      }
    }
  }

  /// The gradients of Σ arrived · log p.
  func logDensityGradient(
    _ x: Tensor, parameters: Tensor, spread: Tensor, chosen: Tensor?, arrived: Tensor
  ) -> (parameters: Tensor, spread: Tensor) {
    let (count, rows) = (x.shape[0], parameters.shape[0])
    let weights = arrived.floats
    return gradients(parameters, spread, rows) { own, ownSpread in
      nonisolated(unsafe) let (own, ownSpread) = (own, ownSpread)
      withPointers(x, parameters, spread, chosen) { x, given, spread, chosen in
        nonisolated(unsafe) let (x, given, spread, chosen) = (x, given, spread, chosen)
        forEachRow(rows) { row in
          let weight = Double(weights[row])
          let target = own + row * width * numbers
          for (column, part) in parts.enumerated() {
            if let chosen, chosen[(row % count) * width + part.start] == 0 { continue }
            let spreads = ownSpread + (row * parts.count + column) * components
            _ = term(
              part, x + (row % count) * width, given + row * width * numbers,
              spread + column * components,
              add: { target[$0] += Float(weight * $1) },
              addSpread: { spreads[$0] += Float(weight * $1) })
          }
        }
      }
    }
  }

  /// Gradients of the parameters, and those of the spread summed over rows, of what a body adds to zeros.
  func gradients(
    _ parameters: Tensor, _ spread: Tensor, _ rows: Int,
    _ body: (UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) -> (parameters: Tensor, spread: Tensor) {
    var spreads = Tensor.zeros([rows, spread.count])
    let own = Tensor(parameters.shape) { own in
      own.initialize(repeating: 0)
      spreads = Tensor([rows, spread.count]) { spreads in
        spreads.initialize(repeating: 0)
        guard let first = own.baseAddress, let second = spreads.baseAddress else { return }
        body(first, second)
      }
    }
    return (own, spreads.sum(axis: 0).reshaped(to: spread.shape))
  }

  /// Calls a body with the elements of some tensors.
  func withPointers<Result>(
    _ x: Tensor, _ parameters: Tensor, _ spread: Tensor, _ chosen: Tensor?,
    _ body: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>, UnsafePointer<Float>?
    ) -> Result?
  ) -> Result? {
    x.withFloats { x in
      parameters.withFloats { parameters in
        spread.withFloats { spread in
          guard let x = x.baseAddress, let given = parameters.baseAddress,
            let spread = spread.baseAddress
          else { return nil }
          guard let chosen else { return body(x, given, spread, nil) }
          return chosen.withFloats { body(x, given, spread, $0.baseAddress) }
        }
      }
    }
  }
}

/// Kernels that order the elements along an axis, and move them by index. A tensor counts as `[outer,
/// size, inner]`, of which the middle axis is a line for each outer and inner position.
extension Kernels {
  /// The positions along the middle axis in the order of the elements there, the smallest or the
  /// largest first, equal ones in the order in which they stand, NaN last; an index tensor of the shape of
  /// `input`.
  static func sortedPositions(
    _ input: Tensor, outer: Int, size: Int, inner: Int, descending: Bool
  ) -> Tensor {
    let output = Tensor(uninitialized: input.shape, elementType: .int32)
    let lines = outer * inner
    // Each thread sorts in an array of its own, for which Swift's sort takes half as much again.
    let space = size * MemoryLayout<UInt64>.stride * 3 / 2 * min(lines, Engine.threads)
    guard Memory.mayTake(space) else { return output }
    nonisolated(unsafe) let (x, order) = (input.pointer, output.indexWritePointer)
    Profiler.measure("sorted positions", [input, output]) {
      Engine.divide(lines, block: max(1, sortBlock / max(1, size))) { lines in
        var keys = [UInt64](repeating: 0, count: size)
        for line in lines {
          let first = line / inner * size * inner + line % inner
          for position in 0..<size {
            keys[position] = sortKey(
              x[first + position * inner], position, descending: descending)
          }
          keys.sort()
          for position in 0..<size {
            order[first + position * inner] = Int32(truncatingIfNeeded: keys[position])
          }
        }
      }
    }
    return output
  }

  /// Elements that are worth waking a second thread for.
  private static let sortBlock = 1 << 12

  /// A whole number in the order of the values and, among equal ones, of their positions.
  private static func sortKey(_ value: Float, _ position: Int, descending: Bool) -> UInt64 {
    var key = UInt32.max
    if !value.isNaN {
      // Zeros of both signs are equal. Bits of negative numbers rise as the numbers fall.
      let bits = value == 0 ? 0 : value.bitPattern
      let rising = bits >> 31 == 0 ? bits | 1 << 31 : ~bits
      key = descending ? ~rising : rising
    }
    return UInt64(key) << 32 | UInt64(UInt32(truncatingIfNeeded: position))
  }

  /// `x` read by index along its middle axis: `indices`, all of them in `0..<size`, give the position of
  /// each element of the result, which has their shape `[outer, taken, inner]`.
  static func take(
    _ x: Tensor, _ indices: Tensor, outer: Int, size: Int, taken: Int, inner: Int
  ) -> Tensor {
    let output = Tensor(uninitialized: indices.shape)
    nonisolated(unsafe) let (source, chosen) = (x.pointer, indices.indexPointer)
    nonisolated(unsafe) let target = output.writePointer
    Profiler.measure("take", [indices, output], sizes: "\(x.shape)") {
      Engine.divide(outer, block: max(1, sortBlock / max(1, taken * inner))) { parts in
        for part in parts {
          for element in 0..<taken * inner {
            let place = part * taken * inner + element
            target[place] = source[(part * size + Int(chosen[place])) * inner + element % inner]
          }
        }
      }
    }
    return output
  }

  /// The reverse: `elements` added up by index along the middle axis of a tensor of zeros of `shape`,
  /// which is `[outer, size, inner]`.
  static func scatterAdd(
    _ elements: Tensor, _ indices: Tensor, outer: Int, size: Int, taken: Int, inner: Int,
    shape: Shape
  ) -> Tensor {
    let output = Tensor.zeros(shape)
    nonisolated(unsafe) let (source, chosen) = (elements.pointer, indices.indexPointer)
    nonisolated(unsafe) let target = output.writePointer
    Profiler.measure("scatter add", [elements, indices, output]) {
      Engine.divide(outer, block: max(1, sortBlock / max(1, taken * inner))) { parts in
        for part in parts {
          for element in 0..<taken * inner {
            let place = part * taken * inner + element
            target[(part * size + Int(chosen[place])) * inner + element % inner] += source[place]
          }
        }
      }
    }
    return output
  }
}

import CVectorKernels
import Glibc

/// Kernels that move elements, or make them from others one by one.
extension Kernels {
  /// Copies (or adds) a strided box of one tensor to a strided box of another. `shape` and both
  /// strides have an entry for each axis of the box; offsets and strides count elements.
  static func copyStrided(
    shape: [Int], from source: Tensor, sourceOffset: Int = 0, sourceStrides: [Int],
    to destination: Tensor, destinationOffset: Int = 0, destinationStrides: [Int],
    accumulating: Bool = false
  ) {
    ensure(
      shape.count <= Shape.maximalRank && sourceStrides.count == shape.count
        && destinationStrides.count == shape.count,
      "strides \(sourceStrides) and \(destinationStrides) do not fit a box of \(shape)")
    Profiler.measure("copy strided", [source, destination]) {
      vk_copy_strided(
        Int32(shape.count), shape.map(Int64.init), source.pointer + sourceOffset,
        sourceStrides.map(Int64.init), destination.writePointer + destinationOffset,
        destinationStrides.map(Int64.init), accumulating ? 1 : 0)
    }
  }

  /// Moves rows of a tensor, which has its memory for itself, to its beginning.
  static func moveRows(of tensor: Tensor, from first: Int, count: Int) {
    guard first > 0, count > 0, !tensor.storage.isHollow, !Memory.hasFailed else { return }
    let bytes = tensor.shape.count(1..<tensor.rank) * tensor.elementType.byteCount
    memmove(tensor.storage.base, tensor.storage.base + first * bytes, count * bytes)
  }

  /// `table` `[entries, columns]` and indices of any shape, all of them in `0..<entries`, give
  /// `[indices.count, columns]`, as `shape`.
  static func gatherRows(_ table: Tensor, _ indices: Tensor, columns: Int, shape: Shape) -> Tensor {
    let output = Tensor(uninitialized: shape)
    Profiler.measure("gather rows", [table, indices, output]) {
      vk_gather_rows(
        table.pointer, indices.indexPointer, output.writePointer, indices.count, columns)
    }
    return output
  }

  /// The reverse: `rows` `[indices.count, columns]` added up by index in a table of zeros of
  /// `shape`, which is `[entries, columns]`.
  static func scatterAddRows(_ rows: Tensor, _ indices: Tensor, columns: Int, shape: Shape)
    -> Tensor
  {
    let table = Tensor.zeros(shape)
    Profiler.measure("scatter add rows", [rows, indices, table]) {
      vk_scatter_add_rows(
        rows.pointer, indices.indexPointer, table.writePointer, indices.count, columns)
    }
    return table
  }

  /// `[batch, height, width, channels]` to `[batch, height · factorY, width · factorX,
  /// channels]`.
  static func upsampleNearest(_ x: Tensor, factorY: Int, factorX: Int) -> Tensor {
    let y = Tensor(uninitialized: [
      x.shape[0], x.shape[1] * factorY, x.shape[2] * factorX, x.shape[3],
    ])
    Profiler.measure("upsample nearest", [x, y]) {
      vk_upsample_nearest(
        x.pointer, y.writePointer, x.shape[0], x.shape[1], x.shape[2], x.shape[3], factorY, factorX)
    }
    return y
  }

  /// The reverse: `dy` added up in blocks, to `shape`, the one before upsampling.
  static func upsampleNearestBackward(
    _ dy: Tensor, shape: Shape, factorY: Int, factorX: Int
  ) -> Tensor {
    let dx = Tensor(uninitialized: shape)
    Profiler.measure("upsample nearest backward", [dy, dx]) {
      vk_upsample_nearest_backward(
        dy.pointer, dx.writePointer, shape[0], shape[1], shape[2], shape[3], factorY, factorX)
    }
    return dx
  }

  /// 1 where x is above the threshold, else 0, of the shape of `x`.
  static func threshold(_ x: Tensor, above threshold: Float) -> Tensor {
    let y = Tensor(uninitialized: x.shape)
    Profiler.measure("threshold", [x, y]) {
      vk_threshold(x.pointer, threshold, y.writePointer, x.count)
    }
    return y
  }
}

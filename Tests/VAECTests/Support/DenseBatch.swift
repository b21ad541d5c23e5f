import Tensors
import VAEData

/// What the layers under the interface make of a dense batch in memory.
struct DenseBatch {
  /// The address of the batch that a model is given.
  let first: UnsafeRawPointer?
  /// The address of a part of it, from the fourth image on.
  let part: UnsafeRawPointer?

  /// A batch of float images.
  init(at address: UnsafeMutableRawPointer, count: Int, shape: ImageShape) {
    let images = MemoryImages(
      at: address, count: count, shape: shape,
      strides: [shape.count, shape.width * shape.channels, shape.channels, 1], element: .float32)
    let split = DataSplit(name: "batch", store: images)
    first = split.batch(Array(0..<count)).withFloats { UnsafeRawPointer($0.baseAddress) }
    part = split.batch(Array(3..<count)).withFloats { UnsafeRawPointer($0.baseAddress) }
  }
}

/// Bytes that a piece of work takes from the pool of tensors, and those that it gives back too.
func bytesTaken(_ work: () throws -> Void) rethrows -> Int {
  MemoryPool.shared.trim()
  let before = MemoryPool.shared.statistics.bytesInUse
  try work()
  let after = MemoryPool.shared.statistics
  return after.bytesInUse + after.bytesCached - before
}

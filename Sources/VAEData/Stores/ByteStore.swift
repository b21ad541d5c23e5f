import Tensors

/// Images that stay bytes in memory.
struct ByteStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  /// `[count, height, width, channels]`, one byte each.
  let memory: ArrayMemory
  /// 255, or 1 for bytes that are 0 and 1.
  let divisor: Float

  func keepingBytes() -> any ExampleStore {
    ByteStore(count: count, shape: shape, memory: memory, divisor: 1)
  }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let size = shape.count
    forEachExample(indices, in: destination) { index, image in
      let bytes = memory.elements(as: UInt8.self)
      let source = UnsafeBufferPointer(rebasing: bytes[index * size..<(index + 1) * size])
      Engine.widen(source, dividingBy: divisor, into: image)
    }
  }
}

import Tensors

/// Images of floating-point numbers, in memory as models see them.
struct FloatStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  /// `[count, height, width, channels]`, one `Float` each.
  let memory: ArrayMemory

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let size = shape.count
    forEachExample(indices, in: destination) { index, image in
      let floats = memory.elements(as: Float.self)
      _ = image.update(fromContentsOf: floats[index * size..<(index + 1) * size])
    }
  }

  func view(_ range: Range<Int>) -> Tensor? {
    guard let start = memory.elements(as: Float.self).baseAddress else { return nil }
    return Tensor(
      borrowing: start + range.lowerBound * shape.count,
      shape: [range.count, shape.height, shape.width, shape.channels], owner: memory)
  }
}

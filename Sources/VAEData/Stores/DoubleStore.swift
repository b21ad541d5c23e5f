import Tensors

/// Rows of 64-bit floats in memory.
struct DoubleStore: ExampleStore {
  let count: Int
  let shape: ImageShape
  /// `[count, height, width, channels]`, one `Double` each.
  let memory: ArrayMemory

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let size = shape.count
    forEachExample(indices, in: destination) { index, row in
      let numbers = memory.elements(as: Double.self)
      for place in 0..<size { row[place] = Float(numbers[index * size + place]) }
    }
  }

  func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>) {
    let size = shape.count
    forEachExample(indices, in: destination) { index, row in
      let numbers = memory.elements(as: Double.self)
      _ = row.update(fromContentsOf: numbers[index * size..<(index + 1) * size])
    }
  }
}

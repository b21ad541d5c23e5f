import Tensors
import VAEData

/// Images of a tensor, `[N, height · width · channels]`.
struct TensorStore: ExampleStore, @unchecked Sendable {
  let shape: ImageShape
  /// A constant, which nobody changes.
  let images: Tensor

  var count: Int { images.shape[0] }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let size = shape.count
    images.withFloats { floats in
      for (place, index) in indices.enumerated() {
        for element in 0..<size {
          destination[place * size + element] = floats[index * size + element]
        }
      }
    }
  }
}

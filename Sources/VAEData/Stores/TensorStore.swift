import Tensors
import VAECore

/// Images of a tensor, `[N, height · width · channels]`.
package struct TensorStore: ExampleStore, @unchecked Sendable {
  package let shape: ImageShape
  /// A constant, which nobody changes.
  package let images: Tensor

  package init(shape: ImageShape, images: Tensor) {
    (self.shape, self.images) = (shape, images)
  }

  package var count: Int { images.shape[0] }

  package func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
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

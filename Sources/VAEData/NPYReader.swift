import Messages
import Tensors

/// Reads tensors in NumPy's format.
public enum NPYReader {
  /// The array of an `.npy` file: a tensor of floats, or an index tensor where it holds integers.
  ///
  /// - Throws: `DataError` where there is no such file, it is no such array, it has more axes than a
  ///   shape can have, or its numbers do not fit in 32 bits; not for numbers that are infinite or not a number.
  public static func tensor(_ path: String) throws(DataError) -> Tensor {
    let file = try InputFile(path: path)
    let array = try OpenedArray(npy: FileSection(file), size: file.size, name: path)
    guard array.sizes.values.count <= Shape.maximalRank else {
      throw DataError(
        .unusable,
        "\(path) has \(array.sizes.values.count) axes, more than the \(Shape.maximalRank) that a "
          + "tensor can have; reshape it")
    }
    let shape = Shape(array.sizes.values)
    guard array.type.kind != .float else {
      let memory = try array.readFloats()
      return Tensor(shape) { _ = $0.update(fromContentsOf: memory.elements(as: Float.self)) }
    }
    return Tensor(indices: try array.readIntegers(), shape: shape)
  }
}

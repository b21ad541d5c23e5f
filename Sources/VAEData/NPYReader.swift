import Messages
import Tensors

/// Reads tensors in NumPy's format.
public enum NPYReader {
  /// An array, with what a tensor of it does not say.
  public struct StoredArray {
    /// Its elements: floats, or indices where they are integers.
    public let tensor: Tensor
    /// What its elements are in the file, such as "64-bit integers".
    public let elements: String
    /// Whether they are unsigned integers of eight bits, which truth values are not.
    public let isOfBytes: Bool
  }

  /// The array of an `.npy` file: a tensor of floats, or an index tensor where it holds integers.
  ///
  /// - Throws: `DataError` where there is no such file, it is no such array, it has more axes than a
  ///   shape can have, or its numbers do not fit in 32 bits; not for numbers that are infinite or not a number.
  public static func tensor(_ path: String) throws(DataError) -> Tensor {
    try stored(path).tensor
  }

  /// The array of an `.npy` file, with what its elements are there.
  ///
  /// - Throws: as `tensor(_:)`.
  public static func stored(_ path: String) throws(DataError) -> StoredArray {
    let file = try InputFile(path: path)
    let array = try OpenedArray(npy: FileSection(file), size: file.size, name: path)
    guard array.sizes.values.count <= Shape.maximalRank else {
      throw DataError(
        .unusable,
        "\(path) has \(array.sizes.values.count) axes, more than the \(Shape.maximalRank) that a "
          + "tensor can have; reshape it")
    }
    let shape = Shape(array.sizes.values)
    let tensor: Tensor
    if array.type.kind == .float {
      let memory = try array.readFloats()
      tensor = Tensor(shape) { _ = $0.update(fromContentsOf: memory.elements(as: Float.self)) }
    } else {
      tensor = Tensor(indices: try array.readIntegers(), shape: shape)
    }
    return StoredArray(
      tensor: tensor, elements: array.type.description, isOfBytes: array.type == .byte)
  }
}

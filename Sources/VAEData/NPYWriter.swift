import Tensors

/// Writes tensors in NumPy's format.
public enum NPYWriter {
  /// A file with the tensor's shape, of 32-bit floats or, for an index tensor, 32-bit integers.
  public static func bytes(_ tensor: Tensor) -> [UInt8] {
    let isOfIndices = tensor.elementType == .int32
    var bytes = header(type: isOfIndices ? "<i4" : "<f4", sizes: tensor.shape.dimensions)
    if isOfIndices {
      tensor.indices.withUnsafeBytes { bytes += $0 }
    } else {
      tensor.withFloats { bytes += UnsafeRawBufferPointer($0) }
    }
    return bytes
  }

  /// A file of 64-bit floats, of a shape that has as many elements.
  public static func bytes(_ values: [Double], shape: [Int]) -> [UInt8] {
    ensure(
      shape.reduce(1, *) == values.count, "\(values.count) numbers are no array of \(shape)")
    return values.withUnsafeBytes { header(type: "<f8", sizes: shape) + $0 }
  }

  /// A file of bytes, of a shape that has as many elements.
  public static func bytes(_ values: [UInt8], shape: [Int]) -> [UInt8] {
    ensure(
      shape.reduce(1, *) == values.count, "\(values.count) bytes are no array of \(shape)")
    return header(type: "|u1", sizes: shape) + values
  }

  /// What comes before an array's elements.
  ///
  /// - Parameters:
  ///   - type: of the elements as NumPy writes it, such as `<f4`.
  ///   - sizes: of the dimensions, the slowest first.
  static func header(type: String, sizes: [Int]) -> [UInt8] {
    let list = sizes.map(String.init).joined(separator: ", ")
    let tuple = sizes.count == 1 ? "(\(list),)" : "(\(list))"
    var text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(tuple), }"
    // Magic, version and length take ten bytes; data begin at a multiple of 64.
    text += String(repeating: " ", count: 63 - (text.utf8.count + 10) % 64) + "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)]
      + Array(text.utf8)
  }
}

import Tensors

/// Writes tensors in NumPy's format.
public enum NPYWriter {
  /// A file with the tensor's shape, of 32-bit floats or, for an index tensor, 32-bit integers.
  public static func bytes(_ tensor: Tensor) -> [UInt8] {
    let sizes = tensor.shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = tensor.rank == 1 ? "(\(sizes),)" : "(\(sizes))"
    let isOfIndices = tensor.elementType == .int32
    var header =
      "{'descr': '\(isOfIndices ? "<i4" : "<f4")', 'fortran_order': False, 'shape': \(tuple), }"
    // Magic, version and length take ten bytes; data begin at a multiple of 64.
    header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes += [UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)]
    bytes += Array(header.utf8)
    if isOfIndices {
      tensor.indices.withUnsafeBytes { bytes += $0 }
    } else {
      tensor.withFloats { bytes += UnsafeRawBufferPointer($0) }
    }
    return bytes
  }
}

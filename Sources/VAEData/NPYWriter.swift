import Tensors

/// Writes tensors in NumPy's format.
public enum NPYWriter {
  /// A file of 32-bit floats with the tensor's shape.
  public static func bytes(_ tensor: Tensor) -> [UInt8] {
    let sizes = tensor.shape.dimensions.map(String.init).joined(separator: ", ")
    let tuple = tensor.rank == 1 ? "(\(sizes),)" : "(\(sizes))"
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(tuple), }"
    // Magic, version and length take ten bytes; data begin at a multiple of 64.
    header += String(repeating: " ", count: 63 - (header.utf8.count + 10) % 64) + "\n"
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0]
    bytes += [UInt8(header.utf8.count & 0xff), UInt8(header.utf8.count >> 8)]
    bytes += Array(header.utf8)
    tensor.withFloats { bytes += UnsafeRawBufferPointer($0) }
    return bytes
  }
}

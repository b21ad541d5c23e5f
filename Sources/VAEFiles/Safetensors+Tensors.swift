import Tensors

/// Between tensors in memory and in files.
extension Safetensors {
  /// A file of the given tensors. Where there is no memory for it, it is empty, and the fault is taken
  /// note of; see `withMemoryErrors`.
  public init(tensors: [(name: String, values: Tensor)]) {
    self.init()
    let size = tensors.reduce(0) { $0 + $1.values.count * $1.values.elementType.byteCount }
    guard reserve(byteCount: size) else { return }
    for (name, values) in tensors {
      values.withFloats { add(name, shape: values.shape.dimensions, floats: $0) }
    }
  }

  /// The tensor of a name, which must have the given shape.
  ///
  /// - Throws: `SafetensorsError` where there is none, or one of another type or shape.
  public func tensor(_ name: String, shape: Shape) throws -> Tensor {
    let bytes = try bytes(name, shape: shape.dimensions, type: .float32)
    return Tensor(shape) { UnsafeMutableRawBufferPointer($0).copyBytes(from: bytes) }
  }

  /// The tensor of a name, nil where there is none.
  ///
  /// - Throws: `SafetensorsError` where it has another type or shape.
  public func tensor(ifPresent name: String, shape: Shape) throws -> Tensor? {
    entry(name) == nil ? nil : try tensor(name, shape: shape)
  }
}

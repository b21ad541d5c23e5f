extension Safetensors {
  /// The values of a tensor of any floating-point type as 32-bit floats, row-major. Those of 16 bits are
  /// kept exactly, those of 64 rounded.
  ///
  /// - Parameter entry: one of this file's.
  /// - Throws: `SafetensorsError` where its elements are no floating-point numbers.
  public func convertedFloats(_ entry: Entry) throws(SafetensorsError) -> [Float] {
    func converted<Element: BitwiseCopyable>(
      _ type: Element.Type, _ value: (Element) -> Float
    ) -> [Float] {
      let count = entry.range.count / MemoryLayout<Element>.size
      return bytes[entry.range].withUnsafeBytes { bytes in
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
          for index in 0..<count {
            let element = bytes.loadUnaligned(
              fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
            buffer.initializeElement(at: index, to: value(element))
          }
          initialized = count
        }
      }
    }
    switch entry.type {
    case .float16: return converted(UInt16.self) { Float(Float16(bitPattern: $0)) }
    case .bfloat16: return converted(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .float32: return converted(Float.self) { $0 }
    case .float64: return converted(Double.self) { Float($0) }
    default:
      throw SafetensorsError(
        path,
        "tensor \(SafetensorsError.quoting(entry.name)) has type \(entry.type.rawValue), but floating-point numbers "
          + "are needed")
    }
  }
}

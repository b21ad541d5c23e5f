import Messages

#if _endian(big)
  #error("safetensors files are little-endian, and values are copied as they are in memory")
#endif

/// A Swift type whose values in memory are those of a safetensors file.
public protocol SafetensorsElement: BitwiseCopyable, Sendable {
  /// The type's name in a file.
  static var elementType: Safetensors.ElementType { get }
}

extension Float: SafetensorsElement {
  /// F32
  public static var elementType: Safetensors.ElementType { .float32 }
}

extension Float16: SafetensorsElement {
  /// F16
  public static var elementType: Safetensors.ElementType { .float16 }
}

extension Double: SafetensorsElement {
  /// F64
  public static var elementType: Safetensors.ElementType { .float64 }
}

extension Int32: SafetensorsElement {
  /// I32
  public static var elementType: Safetensors.ElementType { .int32 }
}

extension Int64: SafetensorsElement {
  /// I64
  public static var elementType: Safetensors.ElementType { .int64 }
}

extension UInt64: SafetensorsElement {
  /// U64
  public static var elementType: Safetensors.ElementType { .uint64 }
}

extension UInt8: SafetensorsElement {
  /// U8
  public static var elementType: Safetensors.ElementType { .uint8 }
}

extension Safetensors {
  /// Adds a tensor.
  ///
  /// - Parameters:
  ///   - name: a name that is not in use.
  ///   - shape: the axis sizes, whose product is the number of values.
  ///   - values: row-major.
  public mutating func add<Element: SafetensorsElement>(
    _ name: String, shape: [Int], _ values: [Element]
  ) {
    values.withUnsafeBytes { add(name, Element.elementType, shape: shape, bytes: $0) }
  }

  /// Adds a tensor of 32-bit floats from memory that the caller holds.
  public mutating func add(_ name: String, shape: [Int], floats: UnsafeBufferPointer<Float>) {
    add(name, .float32, shape: shape, bytes: UnsafeRawBufferPointer(floats))
  }

  /// The values of a tensor that must have the given shape and type, row-major.
  ///
  /// - Throws: `SafetensorsError` where there is none of that name, or one of another type or shape.
  public func values<Element: SafetensorsElement>(
    _ name: String, shape: [Int], as type: Element.Type = Element.self
  ) throws(SafetensorsError) -> [Element] {
    let bytes = try bytes(name, shape: shape, type: type.elementType)
    let count = bytes.count / type.elementType.byteCount
    return [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
      UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes)
      initialized = count
    }
  }

  /// The bytes of a tensor that must have the given shape and type, where they lie in the file.
  ///
  /// - Throws: as `values`.
  package func bytes(
    _ name: String, shape: [Int], type: ElementType
  ) throws(SafetensorsError) -> ArraySlice<UInt8> {
    let quoted = PlainText.quoted(name)
    guard let entry = entry(name) else {
      throw SafetensorsError(path, "there is no tensor \(quoted)")
    }
    guard entry.type == type else {
      throw SafetensorsError(
        path,
        "tensor \(quoted) has type \(entry.type.rawValue), but \(type.rawValue) is "
          + "needed")
    }
    guard entry.shape == shape else {
      throw SafetensorsError(
        path,
        "tensor \(quoted) has shape \(SafetensorsError.listing(entry.shape)), but "
          + "\(SafetensorsError.listing(shape)) is needed")
    }
    return bytes[entry.range]
  }

  /// The 32-bit floats of a tensor that must have the given shape, row-major.
  ///
  /// - Throws: `SafetensorsError` where there is none of that name, or one of another type or shape.
  public func floats(_ name: String, shape: [Int]) throws(SafetensorsError) -> [Float] {
    try values(name, shape: shape)
  }
}

import Tensors

/// What the elements of a stored array are.
struct ElementType: Equatable, CustomStringConvertible {
  enum Kind {
    case boolean, unsigned, signed, float
  }

  let kind: Kind
  /// In bytes.
  let size: Int
  var isBigEndian = false

  static let byte = ElementType(kind: .unsigned, size: 1)

  var description: String {
    switch kind {
    case .boolean: "booleans"
    case .unsigned: size == 1 ? "bytes" : "unsigned \(8 * size)-bit integers"
    case .signed: "\(8 * size)-bit integers"
    case .float: "\(8 * size)-bit floating-point numbers"
    }
  }

  /// Whether elements are bytes or booleans, which stay bytes in memory.
  var isByte: Bool { size == 1 && (kind == .unsigned || kind == .boolean) }

  /// Whether elements are what 32-bit floats of this machine are.
  var isFloat: Bool { kind == .float && size == 4 && !isBigEndian }

  /// The elements as 32-bit floats: those of floats to the nearest, of bytes the quotients.
  ///
  /// - Parameters:
  ///   - bytes: as stored, which need not be aligned.
  ///   - floats: as many as there are elements.
  ///   - divisor: of bytes.
  /// - Returns: the place of the first number that 32-bit floats do not have: a finite one beyond
  ///   their range, or an integer between two of them; nil for none.
  func convert(
    _ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>,
    dividingBytesBy divisor: Float = 1
  ) -> Int? {
    switch (kind, size) {
    case (.boolean, _), (.unsigned, 1):
      Engine.widen(bytes.bindMemory(to: UInt8.self), dividingBy: divisor, into: floats)
      return nil
    case (.float, 2): return map(bytes, UInt16.self, floats) { Self.float(half: $0) }
    case (.float, 4): return map(bytes, UInt32.self, floats) { Float(bitPattern: $0) }
    case (.float, _):
      return map(bytes, UInt64.self, floats) {
        let value = Double(bitPattern: $0)
        let rounded = Float(value)
        return rounded.isFinite || !value.isFinite ? rounded : nil
      }
    case (.signed, 1): return map(bytes, UInt8.self, floats) { Float(Int8(bitPattern: $0)) }
    case (.signed, 2): return map(bytes, UInt16.self, floats) { Float(Int16(bitPattern: $0)) }
    case (.signed, 4):
      return map(bytes, UInt32.self, floats) { Float(exactly: Int32(bitPattern: $0)) }
    case (.signed, _):
      return map(bytes, UInt64.self, floats) { Float(exactly: Int64(bitPattern: $0)) }
    case (.unsigned, 2): return map(bytes, UInt16.self, floats) { Float($0) }
    case (.unsigned, 4): return map(bytes, UInt32.self, floats) { Float(exactly: $0) }
    case (.unsigned, _): return map(bytes, UInt64.self, floats) { Float(exactly: $0) }
    }
  }

  /// The number that an element of such an array is, for a message.
  func text(_ bytes: UnsafeRawBufferPointer, at place: Int) -> String {
    var bits: UInt64 = 0
    for offset in 0..<size {
      bits = bits << 8 | UInt64(bytes[place * size + (isBigEndian ? offset : size - 1 - offset)])
    }
    let unused = UInt64(64 - 8 * size)
    return switch kind {
    case .float: "\(Double(bitPattern: bits))"
    case .signed: "\(Int64(bitPattern: bits << unused) >> unused)"
    case .boolean, .unsigned: "\(bits)"
    }
  }

  /// The elements as 64-bit floats; see `convert(_:into:dividingBytesBy:)` of 32-bit ones.
  ///
  /// - Returns: the place of the first integer that 64-bit floats do not have; nil for none.
  func convert(
    _ bytes: UnsafeRawBufferPointer, into doubles: UnsafeMutableBufferPointer<Double>,
    dividingBytesBy divisor: Float = 1
  ) -> Int? {
    switch (kind, size) {
    case (.boolean, _), (.unsigned, 1):
      return map(bytes, UInt8.self, doubles) { Double(Float($0) / divisor) }
    case (.float, 2): return map(bytes, UInt16.self, doubles) { Double(Self.float(half: $0)) }
    case (.float, 4):
      return map(bytes, UInt32.self, doubles) { Double(Float(bitPattern: $0)) }
    case (.float, _): return map(bytes, UInt64.self, doubles) { Double(bitPattern: $0) }
    case (.signed, 1): return map(bytes, UInt8.self, doubles) { Double(Int8(bitPattern: $0)) }
    case (.signed, 2): return map(bytes, UInt16.self, doubles) { Double(Int16(bitPattern: $0)) }
    case (.signed, 4): return map(bytes, UInt32.self, doubles) { Double(Int32(bitPattern: $0)) }
    case (.signed, _):
      return map(bytes, UInt64.self, doubles) { Double(exactly: Int64(bitPattern: $0)) }
    case (.unsigned, 2): return map(bytes, UInt16.self, doubles) { Double($0) }
    case (.unsigned, 4): return map(bytes, UInt32.self, doubles) { Double($0) }
    case (.unsigned, _): return map(bytes, UInt64.self, doubles) { Double(exactly: $0) }
    }
  }

  @inline(__always)
  private func map<Bits: FixedWidthInteger & BitwiseCopyable, Number: BinaryFloatingPoint>(
    _ bytes: UnsafeRawBufferPointer, _ type: Bits.Type,
    _ floats: UnsafeMutableBufferPointer<Number>, _ value: (Bits) -> Number?
  ) -> Int? {
    var miss: Int?
    for place in 0..<min(floats.count, bytes.count / MemoryLayout<Bits>.size) {
      let stored = bytes.loadUnaligned(
        fromByteOffset: place * MemoryLayout<Bits>.size, as: Bits.self)
      let found = value(isBigEndian ? stored.byteSwapped : stored)
      if found == nil && miss == nil { miss = place }
      floats[place] = found ?? 0
    }
    return miss
  }

  /// The value of 16 bits: a sign, 5 bits of exponent, 10 of fraction (IEEE 754-2019, binary16).
  static func float(half bits: UInt16) -> Float {
    let magnitude = UInt32(bits & 0x7fff)
    let sign = UInt32(bits & 0x8000) << 16
    // Shifted into the fields of 32 bits a number lacks the difference of the biases, 127 − 15,
    // which the product restores, of subnormal numbers too.
    guard magnitude < 0x7c00 else { return Float(bitPattern: sign | 0x7f80_0000 | magnitude << 13) }
    let scaled =
      Float(bitPattern: magnitude << 13) * Float(sign: .plus, exponent: 112, significand: 1)
    return Float(bitPattern: sign | scaled.bitPattern)
  }
}

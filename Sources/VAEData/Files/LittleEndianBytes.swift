/// Bytes out of which little-endian integers are taken, as in ZIP archives.
struct LittleEndianBytes {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var count: Int { bytes.count }

  /// The integer at a place, nil where the bytes end before it does.
  private func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    at offset: Int, as type: Value.Type
  ) -> Value? {
    let size = MemoryLayout<Value>.size
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    return bytes.withUnsafeBytes {
      Value(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type))
    }
  }

  /// The two-byte integer at a place.
  func short(at offset: Int) -> Int? { integer(at: offset, as: UInt16.self).map(Int.init) }

  /// The four-byte integer at a place.
  func word(at offset: Int) -> Int? { integer(at: offset, as: UInt32.self).map(Int.init) }

  /// The eight-byte integer at a place, nil also where it is beyond any file's size.
  func long(at offset: Int) -> Int? {
    integer(at: offset, as: UInt64.self).flatMap(Int.init(exactly:))
  }
}

/// Numbers of a file that are no numbers.
extension Safetensors {
  /// How many elements of a tensor are not finite.
  public struct NonFinite: Equatable, Sendable {
    /// Those that are NaN.
    public var nan = 0
    /// Those that are infinite.
    public var infinite = 0
  }

  /// Counts the elements of a tensor that are NaN or infinite; those of whole numbers are neither.
  public func nonFinite(in entry: Entry) -> NonFinite {
    switch entry.type {
    case .float16: count(entry, exponent: 0x7c00 as UInt16, fraction: 0x03ff)
    case .bfloat16: count(entry, exponent: 0x7f80 as UInt16, fraction: 0x007f)
    case .float32: count(entry, exponent: 0x7f80_0000 as UInt32, fraction: 0x007f_ffff)
    case .float64:
      count(entry, exponent: 0x7ff0_0000_0000_0000 as UInt64, fraction: 0x000f_ffff_ffff_ffff)
    case .boolean, .uint8, .int8, .int16, .uint16, .int32, .uint32, .int64, .uint64: NonFinite()
    }
  }

  /// Counts by the bits of IEEE 754: an exponent of ones alone is that of no finite number.
  private func count<Bits: FixedWidthInteger & BitwiseCopyable>(
    _ entry: Entry, exponent: Bits, fraction: Bits
  ) -> NonFinite {
    var found = NonFinite()
    bytes.withUnsafeBytes { file in
      for place in stride(
        from: entry.range.lowerBound, to: entry.range.upperBound, by: MemoryLayout<Bits>.size)
      {
        let bits = file.loadUnaligned(fromByteOffset: place, as: Bits.self)
        guard bits & exponent == exponent else { continue }
        if bits & fraction == 0 { found.infinite += 1 } else { found.nan += 1 }
      }
    }
    return found
  }
}

import VAECore

/// Where floats lie, found in one pass over any number of pieces.
package struct ValueScan {
  private var isBinary = true
  private var isUnit = true
  private var isFinite = true

  /// Nothing seen yet.
  package init() {}

  /// Takes values in.
  package mutating func add(_ values: UnsafeBufferPointer<Float>) {
    // Blocks that stay in the cache, so that a question whose answer is known is asked no more.
    let size = 4096
    for start in stride(from: 0, to: values.count, by: size) {
      let block = UnsafeBufferPointer(rebasing: values[start..<min(start + size, values.count)])
      if isBinary { isBinary = Self.all(block) { ($0 .== 0) .| ($0 .== 1) } }
      if isUnit && !isBinary { isUnit = Self.all(block) { ($0 .>= 0) .& ($0 .<= 1) } }
      if !isUnit && isFinite {
        // Comparisons with a NaN are false.
        let bound = Float.greatestFiniteMagnitude
        isFinite = Self.all(block) { ($0 .>= -bound) .& ($0 .<= bound) }
      }
    }
  }

  /// The narrowest range of all values so far; nil where some are infinite or not a number.
  package var range: ValueRange? {
    isBinary ? .binary : isUnit ? .unit : isFinite ? .real : nil
  }

  @inline(__always)
  private static func all(
    _ values: UnsafeBufferPointer<Float>, _ holds: (SIMD8<Float>) -> SIMDMask<SIMD8<Int32>>
  ) -> Bool {
    var found = SIMDMask<SIMD8<Int32>>(repeating: true)
    let bytes = UnsafeRawBufferPointer(values)
    let whole = values.count / 8
    for index in 0..<whole {
      found .&= holds(bytes.loadUnaligned(fromByteOffset: index * 32, as: SIMD8<Float>.self))
    }
    for index in whole * 8..<values.count { found .&= holds(SIMD8(repeating: values[index])) }
    return Swift.all(found)
  }
}

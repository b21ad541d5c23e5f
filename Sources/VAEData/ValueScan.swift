import VAECore

/// A value with its position among all that were seen.
struct FoundValue<Value: Sendable>: Sendable {
  let position: Int
  let value: Value
}

/// What is known of floats after one pass over them, in any number of pieces.
struct ValueScan: Sendable {
  private var isBinary = true
  private var isUnit = true
  private var count = 0
  /// The first that is infinite.
  private(set) var firstEndless: FoundValue<Float>?
  /// The first that is NaN, which stands for a value that is missing; nothing else is asked of it.
  private(set) var firstMissing: FoundValue<Float>?
  /// Whether some value is not NaN.
  private var hasKnown = false
  /// The first that is none of the 256 levels k/255, as far as all are between zero and one.
  private var firstMiss: FoundValue<Float>?
  /// Of vectors, which may be rows of a table, the grids on which all values lie, as far as all are between zero and
  /// one; nil of others.
  private var grid: LevelGrid?

  /// A scan of nothing yet.
  ///
  /// - Parameter areVectors: whether the examples are vectors.
  init(areVectors: Bool = false) {
    grid = areVectors ? LevelGrid() : nil
  }

  /// Takes values in.
  mutating func add(_ values: UnsafeBufferPointer<Float>) {
    // Blocks that stay in the cache, so that a question whose answer is known is asked no more.
    let size = 4096
    for start in stride(from: 0, to: values.count, by: size) {
      let block = UnsafeBufferPointer(rebasing: values[start..<min(start + size, values.count)])
      guard Self.all(block, { $0 .== $0 }) else {
        if firstMissing == nil { firstMissing = found(block.firstIndex(where: \.isNaN), block) }
        if !hasKnown { hasKnown = block.contains { !$0.isNaN } }
        // Zero lies in every range and is one of the levels.
        let known = block.map { $0.isNaN ? 0 : $0 }
        known.withUnsafeBufferPointer { look($0) }
        count += block.count
        continue
      }
      hasKnown = true
      look(block)
      count += block.count
    }
  }

  /// Takes in a block without missing values.
  private mutating func look(_ block: UnsafeBufferPointer<Float>) {
    if isBinary { isBinary = Self.all(block) { ($0 .== 0) .| ($0 .== 1) } }
    if isUnit && !isBinary { isUnit = Self.all(block) { ($0 .>= 0) .& ($0 .<= 1) } }
    if isUnit {
      if !isBinary && firstMiss == nil {
        firstMiss = found(ByteLevels.firstMiss(in: block), block)
      }
      // Zeros and ones lie on every grid.
      if !isBinary { grid?.add(block) }
    } else if firstEndless == nil {
      // Comparisons with a NaN are false.
      let bound = Float.greatestFiniteMagnitude
      if !Self.all(block, { ($0 .>= -bound) .& ($0 .<= bound) }) {
        firstEndless = found(block.firstIndex { !$0.isFinite }, block)
      }
    }
  }

  private func found(_ place: Int?, _ block: UnsafeBufferPointer<Float>) -> FoundValue<Float>? {
    place.map { FoundValue(position: count + $0, value: block[$0]) }
  }

  /// Whether there are values, of which every one is NaN.
  var isAllMissing: Bool { count > 0 && !hasKnown }

  /// The narrowest range of all finite values so far.
  var range: ValueRange { isBinary ? .binary : isUnit ? .unit : .real }

  /// Whether vectors of these values are rows of a table, and no pixels: some value lies outside of zero to one, or they
  /// lie on no grid of pixel levels.
  var areMeasurements: Bool { !isUnit || grid.map { !$0.isThere } ?? false }

  /// The first value that is none of the 256 levels k/255, where all are between zero and one.
  var firstUnquantized: FoundValue<Float>? { isUnit ? firstMiss : nil }

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

/// What is known of bytes after one pass over them, in any number of pieces.
struct ByteScan: Sendable {
  private var count = 0
  /// The first that is neither 0 nor 1.
  private(set) var firstAboveOne: FoundValue<UInt8>?
  /// The first that is neither 0 nor 255.
  private(set) var firstBetween: FoundValue<UInt8>?

  /// Takes bytes in.
  mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
    let size = 4096
    for start in stride(from: 0, to: bytes.count, by: size) {
      if firstAboveOne != nil && firstBetween != nil { break }
      let block = UnsafeBufferPointer(rebasing: bytes[start..<min(start + size, bytes.count)])
      // Of 0 and 255 the next one is 1 and 0.
      var (largest, largestNext) = (0 as UInt8, 0 as UInt8)
      for byte in block {
        largest = max(largest, byte)
        largestNext = max(largestNext, byte &+ 1)
      }
      if firstAboveOne == nil && largest > 1 {
        firstAboveOne = found(block.firstIndex { $0 > 1 }, start, block)
      }
      if firstBetween == nil && largestNext > 1 {
        firstBetween = found(block.firstIndex { $0 &+ 1 > 1 }, start, block)
      }
    }
    count += bytes.count
  }

  private func found(
    _ place: Int?, _ start: Int, _ block: UnsafeBufferPointer<UInt8>
  ) -> FoundValue<UInt8>? {
    place.map { FoundValue(position: count + start + $0, value: block[$0]) }
  }
}

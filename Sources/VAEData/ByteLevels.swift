/// The 256 values k/255 that a byte can have as models see it.
enum ByteLevels {
  /// How far 255 times a value may be from a whole number: what rounding to 32 bits leaves of k/255,
  /// however it was computed, some four times over. In values it is 4·10⁻⁷.
  private static let tolerance: Float = 1e-4
  /// Numbers near 2²³ are whole, so that adding and taking it away rounds, eight at a time.
  private static let rounding: Float = 8_388_608

  /// The place of the first value that is no level; nil where all are.
  ///
  /// - Parameter values: between zero and one.
  static func firstMiss(in values: UnsafeBufferPointer<Float>) -> Int? {
    let size = 4096
    for start in stride(from: 0, to: values.count, by: size) {
      let block = values[start..<min(start + size, values.count)]
      var farthest: Float = 0
      for value in block { farthest = max(farthest, distance(value)) }
      if farthest > tolerance { return block.firstIndex { distance($0) > tolerance } }
    }
    return nil
  }

  /// |255 v − k| to the nearest whole k.
  private static func distance(_ value: Float) -> Float {
    let level = 255 * value
    return abs(level - ((level + rounding) - rounding))
  }
}

/// Which grids of at most 256 levels between zero and one, 0/n, 1/n, …, n/n, hold all values so far: pixels lie on
/// one, with n = 255 for bytes, and measurements on none.
struct LevelGrid: Sendable {
  /// The n of the grids that are left, in rising order.
  private var left = Array(1...255)
  /// Values that have been looked at, each in a place of its own, so that those of pictures are looked at once.
  private var known = [Float](repeating: 0, count: 1024)
  /// How far a value may be from a level: what rounding to 32 bits leaves of k/n, however it was computed.
  private static let tolerance = 4e-7

  /// Whether some grid holds all values.
  var isThere: Bool { !left.isEmpty }

  /// Takes values between zero and one in.
  mutating func add(_ values: UnsafeBufferPointer<Float>) {
    for value in values {
      guard !left.isEmpty else { return }
      // The product spreads the digits over the upper bits.
      let place = Int((value.bitPattern &* 2_654_435_761) >> 22)
      // Zero lies on every grid.
      if known[place] == value { continue }
      known[place] = value
      left.removeAll { levels in
        let level = Double(value) * Double(levels)
        return abs(level - level.rounded()) > Self.tolerance * Double(levels)
      }
    }
  }
}

/// Which grids of levels between zero and one, 0/n, 1/n, …, n/n, as pixels have them, hold all values so far: with n = 255
/// for bytes, 16 for scikit-learn's digits, 1 for black and white. Measurements lie on none, and shares that were rounded
/// to decimals lie on none of these.
struct LevelGrid: Sendable {
  /// The n of the grids that are left: of images with so many bits a pixel, and with counts of so many black pixels.
  private var left = [1, 3, 7, 15, 16, 31, 63, 64, 127, 255]
  /// Values that have been looked at, each in a place of its own, so that those of pictures are looked at once.
  private var known = [Float](repeating: 0, count: 1024)
  /// How far a value may be from a level, as in `ByteLevels`; but what is next to zero is no level.
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
      if value == 0 || known[place] == value { continue }
      known[place] = value
      left.removeAll { levels in
        let level = Double(value) * Double(levels)
        let nearest = level.rounded()
        return nearest == 0 || abs(level - nearest) > Self.tolerance * Double(levels)
      }
    }
  }
}

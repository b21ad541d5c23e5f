extension DataSplit {
  /// The share of values within a tenth of zero or one from which on they are nearly binary: midway between the 0.91 of
  /// MNIST's training images and the 0.60 of Fashion-MNIST's.
  private static let leastShare = 0.76

  /// Whether nearly all values lie near zero or one, as those of written digits do and those of photographs do not; found
  /// out of some two hundred examples, spread evenly over all.
  package var areNearlyBinary: Bool {
    let looked = min(count, 200)
    let values = batch((0..<looked).map { $0 * count / looked }).floats
    let extremes = values.count { abs($0 - 0.5) >= 0.4 }
    return Double(extremes) >= Self.leastShare * Double(values.count)
  }
}

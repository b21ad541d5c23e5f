import VAECore

/// The built-in sets of generated images with known factors.
///
/// Nothing is stored: an image is drawn when it is asked for, the same on every machine.
enum ShapeSet: String, CaseIterable {
  /// Binary, 64x64.
  case shapes
  /// The same at 32x32.
  case small = "shapes:32"
  /// In eight colours, 32x32x3, with soft edges.
  case color = "shapes-color"

  /// Name and number of values of each factor, the slowest first.
  var factors: [(name: String, size: Int)] {
    self == .color
      ? [(name: "color", size: ColoredShapeStore.colors.count)] + ShapeFigure.factors
      : ShapeFigure.factors
  }

  /// The set with its two splits.
  ///
  /// - Parameter rule: that of a model's training data, which a set of other values refuses.
  func source(rule wanted: ValueRule?) throws(DataError) -> DataSource {
    let isBinary = self != .color
    guard isBinary || wanted != .binary && wanted != .binaryBytes else {
      throw DataError(
        .unusable, "\(rawValue) is not binary, but the model was trained on 0 and 1; use shapes:32")
    }
    return DataSource(
      name: rawValue, valueRange: isBinary ? .binary : .unit,
      rule: (isBinary ? ValueRule.binary : .bytes).rawValue, isDiscrete: true,
      train: split("train", isHeldOut: false), test: split("test", isHeldOut: true))
  }

  private func split(_ name: String, isHeldOut: Bool) -> DataSplit {
    let count = factors.reduce(1) { $0 * $1.size }
    let combinations = (0..<Int32(count)).filter { Self.isHeldOut(Int($0)) == isHeldOut }
    let store: any ExampleStore =
      switch self {
      case .shapes: BinaryShapeStore(combinations: combinations, resolution: 64)
      case .small: BinaryShapeStore(combinations: combinations, resolution: 32)
      case .color: ColoredShapeStore(combinations: combinations)
      }
    return DataSplit(
      name: name, store: store, factors: FactorTable(factors, combinations: combinations))
  }

  /// Whether a combination of factors belongs to the test split, as one in ten does: those whose
  /// hash is divisible by ten. The hash is the output of SplitMix64 from that state (Steele, Lea,
  /// Flood 2014). It decides what published numbers were measured on, so it must stay as it is.
  private static func isHeldOut(_ combination: Int) -> Bool {
    var bits = UInt64(combination) &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
    return (bits ^ bits >> 31) % 10 == 0
  }
}

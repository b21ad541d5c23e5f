import VAECore

/// How the values of a source are read, and what they are then.
struct ValueReading {
  /// The rule in force.
  let rule: ValueRule
  /// Where values lie.
  let range: ValueRange
  /// Whether floats are stored.
  let areFloats: Bool
  /// The first float between zero and one that is none of the 256 levels k/255, with its place.
  let unquantizedValue: String?

  /// A reading of bytes or booleans.
  ///
  /// - Parameter range: where they lie, nil for what the rule makes of any.
  init(_ rule: ValueRule, range: ValueRange? = nil) {
    self.rule = rule
    self.range = range ?? (rule == .binary ? .binary : .unit)
    areFloats = false
    unquantizedValue = nil
  }

  /// A reading of floats, which are taken as they are.
  ///
  /// - Parameters:
  ///   - range: where they lie.
  ///   - unquantizedValue: the first of those between zero and one that is no level.
  ///   - wanted: the rule of a model's training data; nil for that of the values.
  init(floatsIn range: ValueRange, unquantizedValue: String?, wanted: ValueRule?) {
    self.range = range
    self.unquantizedValue = unquantizedValue
    areFloats = true
    rule =
      switch range {
      case .binary: .binary
      case .unit: unquantizedValue == nil && wanted != .floats ? .bytes : .floats
      case .real: .floats
      }
  }

  /// Whether every value is one of the 256 levels k/255.
  var isDiscrete: Bool { !areFloats || (range != .real && unquantizedValue == nil) }

  /// What a user reads.
  var sentence: String {
    areFloats && rule == .bytes
      ? "floating-point numbers, all multiples of 1/255, taken as they are" : rule.sentence
  }
}

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

  /// The reading of the values of some splits, in files and in memory alike.
  ///
  /// - Parameters:
  ///   - splits: of one kind; the first trains.
  ///   - wanted: the rule of a model's training data; nil for what the values say.
  /// - Throws: `DataError` where values are not finite, or none that the rule allows.
  init(of splits: [ScannedValues], wanted: ValueRule?) throws(DataError) {
    for split in splits { try split.checkFinite() }
    let bytes = splits.compactMap { split in
      if case .bytes(let scan) = split.kind { (values: split, scan: scan) } else { nil }
    }
    let floats = splits.compactMap { split in
      if case .floats(let scan) = split.kind { scan } else { nil }
    }
    areFloats = !floats.isEmpty
    if areFloats {
      range = floats.reduce(.binary) { $0.joined(with: $1.range) }
      unquantizedValue = range == .unit ? splits.lazy.compactMap(\.unquantizedValue).first : nil
      rule =
        switch range {
        case .binary: .binary
        case .unit: unquantizedValue == nil && wanted != .floats ? .bytes : .floats
        case .real: .floats
        }
    } else {
      rule = bytes.isEmpty ? .binary : try ValueRule.forBytes(bytes, wanted: wanted)
      range = rule == .bytes ? .unit : .binary
      unquantizedValue = nil
    }
  }

  /// The same values where they must lie in a wider range.
  init(_ reading: ValueReading, in range: ValueRange) {
    rule = reading.rule
    self.range = range
    areFloats = reading.areFloats
    unquantizedValue = reading.unquantizedValue
  }

  /// Whether every value is one of the 256 levels k/255.
  var isDiscrete: Bool { !areFloats || (range != .real && unquantizedValue == nil) }

  /// What a user reads.
  var sentence: String {
    areFloats && rule == .bytes
      ? "floating-point numbers, all multiples of 1/255, taken as they are" : rule.sentence
  }
}

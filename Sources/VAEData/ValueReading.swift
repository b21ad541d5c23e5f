import Messages
import VAECore

/// How the values of a source are read, and what they are then.
struct ValueReading {
  /// The rule in force.
  let rule: ValueRule
  /// Where values lie.
  let range: ValueRange
  /// Whether floats are stored.
  let areFloats: Bool
  /// Whether bytes are.
  let areBytes: Bool
  /// The first float between zero and one that is none of the 256 levels k/255, with its place.
  let unquantizedValue: String?
  /// The first value that is missing, with its place.
  let missingValue: String?
  /// What the user should know of it: that bytes are nearly black by the rule of a model.
  private(set) var notice: Message?

  /// The reading of the values of some splits, in files and in memory alike.
  ///
  /// - Parameters:
  ///   - splits: of one kind; the first trains.
  ///   - wanted: the rule of a model's training data; nil for what the values say.
  ///   - arePictures: whether bytes are of pictures, for which 1 is not white.
  ///   - announced: a range that holds for them too where it is wider than theirs.
  /// - Throws: `DataError` where values are infinite, or none that the rule allows.
  init(
    of splits: [ScannedValues], wanted: ValueRule?, arePictures: Bool = false,
    announced: ValueRange? = nil
  ) throws(DataError) {
    for split in splits { try split.checkFinite() }
    missingValue = splits.lazy.compactMap(\.missingValue).first
    let bytes = splits.compactMap { split in
      if case .bytes(let scan) = split.kind { (values: split, scan: scan) } else { nil }
    }
    let floats = splits.compactMap { split in
      if case .floats(let scan) = split.kind { scan } else { nil }
    }
    areFloats = !floats.isEmpty
    areBytes = !bytes.isEmpty
    if areFloats {
      let found = floats.reduce(ValueRange.binary) { $0.joined(with: $1.range) }
      range = announced.map { $0.joined(with: found) } ?? found
      unquantizedValue = range == .unit ? splits.lazy.compactMap(\.unquantizedValue).first : nil
      rule =
        switch range {
        case .binary: .binary
        case .unit: unquantizedValue == nil && wanted != .floats ? .bytes : .floats
        case .real: .floats
        }
    } else {
      rule =
        bytes.isEmpty
        ? .binary : try ValueRule.forBytes(bytes, wanted: wanted, arePictures: arePictures)
      let found: ValueRange = rule == .bytes ? .unit : .binary
      range = announced.map { $0.joined(with: found) } ?? found
      unquantizedValue = nil
      // Of these some byte is 1: all zero is a black image like any other.
      if wanted == .bytes, !arePictures, bytes.allSatisfy({ $0.scan.firstAboveOne == nil }),
        let first = bytes.first(where: { $0.scan.firstBetween != nil })
      {
        notice =
          "every byte of \(first.values.name) is 0 or 1, and is divided by 255 as the bytes of the training data were, so "
          + "that all is nearly black; give bytes from 0 to 255"
      }
    }
  }

  /// The same values as those of a table, whose columns say what becomes of them.
  var ofTable: ValueReading {
    .table(missing: missingValue)
  }

  private init(
    rule: ValueRule, range: ValueRange, areFloats: Bool, areBytes: Bool, unquantizedValue: String?,
    missingValue: String?
  ) {
    (self.rule, self.range, self.areFloats) = (rule, range, areFloats)
    (self.areBytes, self.unquantizedValue, self.missingValue) =
      (areBytes, unquantizedValue, missingValue)
  }

  /// The values of a table.
  ///
  /// - Parameter missing: the first that is missing, with its place.
  static func table(missing: String?) -> ValueReading {
    ValueReading(
      rule: .table, range: .real, areFloats: true, areBytes: false, unquantizedValue: nil,
      missingValue: missing)
  }

  /// Whether every value is one of the 256 levels k/255.
  var isDiscrete: Bool { !areFloats || (range != .real && unquantizedValue == nil) }

  /// What a user reads.
  var sentence: String {
    areFloats && rule == .bytes
      ? "floating-point numbers, all multiples of 1/255, taken as they are" : rule.sentence
  }
}

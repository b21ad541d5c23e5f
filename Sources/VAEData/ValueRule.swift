import VAECore

/// How stored values become those that models see. The raw value is what a recipe stores.
enum ValueRule: String, CaseIterable {
  /// Zeros and ones, taken as they are.
  case binary
  /// Bytes that are all 0 or 255, divided by 255, so that they are zeros and ones.
  case binaryBytes = "binary/255"
  /// Bytes, divided by 255; floats that are such quotients, taken as they are.
  case bytes = "bytes/255"
  /// Floating-point numbers, taken as they are.
  case floats
  /// Numbers in columns, each standardized by the mean and the deviation of its training rows.
  case table

  /// What a user reads.
  var sentence: String {
    switch self {
    case .binary: "0 and 1 taken as binary"
    case .binaryBytes: "bytes 0 and 255 divided by 255, which makes them binary"
    case .bytes: "bytes divided by 255"
    case .floats: "floating-point numbers taken as they are"
    case .table: "columns, numbers among them standardized by the training rows"
    }
  }

  /// What bytes are divided by.
  var divisor: Float { self == .binary ? 1 : 255 }

  /// The rule for bytes, wherever they are stored: where all that train are 0 or 1, and they are not
  /// known to be of pictures, they are taken as they are, and other bytes are divided by 255; what comes out is binary where all bytes of all
  /// splits are 0 or 255.
  ///
  /// - Parameters:
  ///   - splits: with the bytes of each; the first trains.
  ///   - wanted: the rule of a model's training data, which holds for these.
  ///   - arePictures: whether 255 is known to be the scale.
  /// - Throws: `DataError` where a byte is none that the rule allows.
  static func forBytes(
    _ splits: [(values: ScannedValues, scan: ByteScan)], wanted: ValueRule?, arePictures: Bool
  ) throws(DataError) -> ValueRule {
    let rule: ValueRule
    switch wanted {
    case .bytes, .binary, .binaryBytes: rule = wanted ?? .bytes
    case .floats, .table, nil:
      rule =
        !arePictures && splits.first?.scan.firstAboveOne == nil
        ? .binary : splits.allSatisfy { $0.scan.firstBetween == nil } ? .binaryBytes : .bytes
    }
    for (values, scan) in splits {
      guard let miss = rule == .binary ? scan.firstAboveOne : scan.firstBetween, rule != .bytes
      else { continue }
      let reason =
        wanted == nil || wanted == .floats || wanted == .table
        ? "all of \(splits[0].values.name) is 0 or 1 and thus binary; store both alike"
        : "the model was trained on binary data, bytes 0 and \(rule == .binary ? 1 : 255)"
      throw DataError(.unusable, "\(values.text(miss)), but \(reason)")
    }
    return rule
  }
}

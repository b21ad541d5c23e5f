/// Where the values of a source lie, as models see them.
public enum ValueRange: String, Sendable, Codable, CaseIterable {
  /// Zeros and ones only.
  case binary
  /// Numbers between zero and one.
  case unit
  /// Finite numbers, some of them below zero or above one.
  case real
}

/// How stored values become those that models see. The raw value is what a recipe stores.
enum ValueRule: String, CaseIterable {
  /// Zeros and ones, taken as they are.
  case binary
  /// Bytes, divided by 255.
  case bytes = "bytes/255"
  /// Floating-point numbers, taken as they are.
  case floats

  /// What a user reads.
  var sentence: String {
    switch self {
    case .binary: "0 and 1 taken as binary"
    case .bytes: "bytes divided by 255"
    case .floats: "floating-point numbers taken as they are"
    }
  }
}

/// How stored values become those that models see. The raw value is what a recipe stores.
enum ValueRule: String, CaseIterable {
  /// Zeros and ones, taken as they are.
  case binary
  /// Bytes, divided by 255; floats that are such quotients, taken as they are.
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

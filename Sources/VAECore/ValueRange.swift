/// Where values lie, as models see them: what decides which likelihoods may explain the data, and which link
/// a mean goes through.
public enum ValueRange: String, Sendable, Codable, CaseIterable {
  /// Zeros and ones only.
  case binary
  /// Numbers between zero and one.
  case unit
  /// Finite numbers, some of them below zero or above one.
  case real

  /// Such values in words.
  public var phrase: String {
    switch self {
    case .binary: "zeros and ones"
    case .unit: "values between 0 and 1"
    case .real: "values outside 0 to 1"
    }
  }

  /// What to do with such values where a model takes those of another range, in words that follow others.
  package func remedy(for wanted: ValueRange) -> String {
    self == .real
      ? "; bring them to that range, or store bytes of 0 to 255 as 8-bit integers (uint8)" : ""
  }

  /// Whether every value of another range lies in this one.
  package func holds(_ other: ValueRange) -> Bool {
    joined(with: other) == self
  }

  /// The narrowest range that holds both.
  package func joined(with other: ValueRange) -> ValueRange {
    let order: [ValueRange] = [.binary, .unit, .real]
    return order.last { $0 == self || $0 == other } ?? self
  }
}

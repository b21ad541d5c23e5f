import Messages
import VAEFiles

/// What diffusers' `config.json` says of a network, held to what its tensors are.
///
/// A key that the file lacks has the default of its class. Where there is no such file the tensors alone are
/// believed. Keys that nobody has asked for are `unread` in the end.
public struct ForeignConfig {
  private let members: JSON.Object?
  private let source: String
  private var asked: Set<String> = []

  /// The config beside some weights.
  public init(_ weights: ForeignWeights) {
    members = weights.config
    source = weights.source
  }

  /// Whether there is one.
  public var isPresent: Bool { members != nil }

  /// Holds a key to what the tensors and the variant have.
  ///
  /// - Parameters:
  ///   - key: of the config.
  ///   - found: what they have.
  ///   - standard: what a config without the key means.
  /// - Throws: `RecipeError` where the config says something else.
  public mutating func check(
    _ key: String, _ found: JSON, else standard: JSON
  ) throws(RecipeError) {
    asked.insert(key)
    guard let members else { return }
    let stated = members[key] ?? standard
    guard !Self.isSame(stated, found) else { return }
    throw RecipeError(
      .malformed,
      "\(source): config.json \(members[key] == nil ? "leaves \(key) at" : "says \(key) is") \(stated.line), but "
        + "the tensors and this program have \(found.line)")
  }

  /// Whole numbers that Python has written as others are still the same.
  private static func isSame(_ a: JSON, _ b: JSON) -> Bool {
    if let first = a.array, let second = b.array {
      return first.count == second.count && zip(first, second).allSatisfy(isSame)
    }
    if let first = a.double, let second = b.double { return first == second }
    return a == b
  }

  /// A number.
  ///
  /// - Parameters:
  ///   - key: of the config.
  ///   - standard: what a config without the key means.
  ///   - none: what `null` means; nil where it means nothing.
  /// - Throws: `RecipeError` where the config has something else.
  public mutating func number(
    _ key: String, else standard: Double, null none: Double? = nil
  ) throws(RecipeError) -> Double {
    asked.insert(key)
    guard let value = members?[key] else { return standard }
    if value == .null, let none { return none }
    guard let number = value.double, number.isFinite else {
      throw RecipeError(
        .malformed, "\(source): config.json says \(key) is \(value.line), which is no number")
    }
    return number
  }

  /// A whole number of a range; nil where the config lacks it or has `null`.
  ///
  /// - Throws: `RecipeError` where it has something else.
  public mutating func count(
    _ key: String, in range: ClosedRange<Int>
  ) throws(RecipeError) -> Int? {
    asked.insert(key)
    guard let value = members?[key], value != .null else { return nil }
    guard let count = value.double.flatMap({ Int(exactly: $0) }), range.contains(count) else {
      throw RecipeError(
        .malformed,
        "\(source): config.json says \(key) is \(value.line), which is no whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return count
  }

  /// Says of keys that what they say does not matter here.
  public mutating func passOver(_ keys: String...) { asked.formUnion(keys) }

  /// A sentence about keys that nobody has asked for, which may mean what the variant does not have; nil
  /// where there are none. Names that begin with an underscore say where a config comes from.
  public var unread: Message? {
    let names = (members?.members ?? []).map(\.name).filter {
      !$0.hasPrefix("_") && !asked.contains($0)
    }
    guard !names.isEmpty else { return nil }
    let shown = names.prefix(6).map { PlainText.quoted($0) }.joined(separator: ", ")
    return
      "\(source): config.json has \(Count.of(names.count, "key")) that this program does not know and passes over: \(shown)"
  }
}

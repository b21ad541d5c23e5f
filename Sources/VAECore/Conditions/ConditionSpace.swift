import Tensors

/// What is known of an example beside the example itself: its kind and size, as encoder, prior and
/// decoder of a conditional model receive it.
///
/// A condition is a row of `width` numbers. A label k of n classes is its one-hot row, attributes
/// are zeros and ones, a vector is its numbers. `Context.condition` holds the rows of a batch.
///
/// ```swift
/// let digits = ConditionSpace(classes: 10)
/// print(digits.rows(labels: [3, 0]).shape)  // [2, 10]
/// ```
public struct ConditionSpace: Hashable, Sendable {
  /// What a condition can be.
  public enum Kind: String, Sendable, CaseIterable {
    /// One of several classes.
    case label
    /// Several properties that an example has or lacks.
    case attributes
    /// Real numbers.
    case vector
  }

  /// What the condition is.
  public let kind: Kind
  /// The numbers of a row: classes, attributes or the vector's own.
  public let width: Int
  /// The names of the classes or attributes, as many as `width`; empty where number k is called "k",
  /// which is what a class without a name is called everywhere.
  public let names: [String]

  /// The numbers that a condition may have at most.
  public static let widthLimit = 1 << 16

  /// A condition of some kind.
  ///
  /// - Parameters:
  ///   - kind: what it is.
  ///   - width: in 1…`widthLimit`.
  ///   - names: of the classes or attributes, none or `width` different ones; see `misfit(names:)`.
  public init(_ kind: Kind, width: Int, names: [String] = []) {
    ensure(
      (1...Self.widthLimit).contains(width) && (names.isEmpty || names.count == width),
      "a condition of \(width) numbers cannot have \(names.count) names")
    (self.kind, self.width) = (kind, width)
    // What they are called without names says nothing that the width does not say.
    self.names = names.indices.allSatisfy { names[$0] == "\($0)" } ? [] : names
  }

  /// A label, one of a number of classes.
  public init(classes: Int, names: [String] = []) {
    self.init(.label, width: classes, names: names)
  }

  /// Why some names cannot be those of classes or attributes, in words that follow what they are; nil
  /// where they can.
  public static func misfit(names: [String]) -> String? {
    var seen: Set<String> = []
    for name in names {
      if name.isEmpty { return "have an empty name" }
      if !seen.insert(name).inserted { return "have the name \(name) twice" }
    }
    return nil
  }

  /// What class or attribute `number`, in 0..<width, is called.
  public func name(_ number: Int) -> String { names.isEmpty ? "\(number)" : names[number] }

  /// The number of each class or attribute by its name.
  public var numbers: [String: Int] {
    Dictionary((0..<width).map { (name($0), $0) }) { first, _ in first }
  }

  /// What it is in a sentence's middle, such as "a label of 10 classes".
  public var phrase: String {
    switch kind {
    case .label: "a label of \(width) class\(width == 1 ? "" : "es")"
    case .attributes: "\(width) attribute\(width == 1 ? "" : "s")"
    case .vector: "a vector of \(width) number\(width == 1 ? "" : "s")"
    }
  }

  /// The same with the first ten names, where there are some: "a label of 2 classes (cat, dog)".
  public var namedPhrase: String {
    guard !names.isEmpty else { return phrase }
    let list = names.prefix(10).joined(separator: ", ")
    return "\(phrase) (\(list)\(width > 10 ? ", …" : ""))"
  }

  /// One-hot rows `[labels.count, width]`; a label outside of 0..<width, which
  /// `misfit(label:)` tells of, becomes a row of zeros.
  public func rows(labels: [Int32]) -> Tensor {
    var values = [Float](repeating: 0, count: labels.count * width)
    for (row, label) in labels.enumerated() where label >= 0 && Int(label) < width {
      values[row * width + Int(label)] = 1
    }
    return Tensor(values, shape: [labels.count, width])
  }

  /// Why a label is none of the classes, in words that follow its name; nil where it is one.
  public func misfit(label: Int) -> String? {
    label >= 0 && label < width ? nil : "\(label) is not in 0…\(width - 1)"
  }

  /// Why numbers are no condition of this kind, in words that follow their name; nil where they are
  /// one. A label is given as its one-hot row or as another distribution over the classes: shares
  /// that are at least 0 and sum to 1, up to a thousandth for rounding.
  ///
  /// - Parameter row: `width` numbers.
  public func misfit(row: some Collection<Float>) -> String? {
    guard row.count == width else {
      return "\(row.count) number\(row.count == 1 ? " is" : "s are") not \(phrase)"
    }
    guard row.allSatisfy(\.isFinite) else { return "a number is not finite" }
    switch kind {
    case .label:
      let sum = row.reduce(0) { $0 + Double($1) }
      guard row.allSatisfy({ $0 >= 0 }), abs(sum - 1) <= 1e-3 else {
        return "the shares of the classes must be at least 0 and sum to 1"
      }
    case .attributes:
      guard row.allSatisfy({ $0 == 0 || $0 == 1 }) else { return "attributes are 0 or 1" }
    case .vector: break
    }
    return nil
  }

  /// Rows for `count` examples that take the classes in turn, 0, 1, …, `[count, width]`; nil where
  /// the condition is no label, so that nothing comes in turn.
  ///
  /// - Parameters:
  ///   - count: the number of examples.
  ///   - first: the number of the first of them.
  public func inTurn(_ count: Int, from first: Int = 0) -> Tensor? {
    guard kind == .label else { return nil }
    return rows(labels: (first..<first + count).map { Int32($0 % width) })
  }
}

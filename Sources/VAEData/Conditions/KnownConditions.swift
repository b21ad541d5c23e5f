import Messages
import Tensors
import VAECore

/// What a model is told of the examples of a split, in the model's own numbers: what is known of each of
/// them was looked at once, when this was made.
public struct KnownConditions: Sendable {
  private enum Source {
    /// The model's number of each example's class.
    case classes([Int32])
    case rows(ConditionTable)
  }

  /// What the model is told.
  public let space: ConditionSpace
  private let source: Source

  /// The conditions of a split for a model that is told something.
  ///
  /// - Throws: `DataError` of kind `unusable` where they are not known of all examples.
  public init(of split: DataSplit, _ space: ConditionSpace) throws(DataError) {
    self.space = space
    // Rows of numbers may be shares of a label's classes.
    if let table = split.conditions, table.width == space.width,
      table.kind == space.kind || space.kind == .label && table.kind == .vector
    {
      try Self.check(table, space)
      source = .rows(table)
      return
    }
    guard space.kind == .label, let labels = split.labels else {
      throw Self.absence(of: space, in: split)
    }
    let numbers = ClassNumbers(of: split, for: space)
    var unknown: [Int32: Int] = [:]
    var known: [Int32] = []
    known.reserveCapacity(labels.count)
    for (index, label) in labels.enumerated() {
      if let number = numbers[label] {
        known.append(number)
      } else if unknown[label] == nil {
        unknown[label] = index
      }
    }
    guard unknown.isEmpty else {
      let first = unknown.sorted { $0.value < $1.value }.map { (label: $0.key, example: $0.value) }
      throw Self.surplus(first, numbers, of: space, in: split)
    }
    source = .classes(known)
  }

  /// The conditions of some examples, `[indices.count, width]`.
  public func rows(_ indices: [Int]) -> Tensor {
    switch source {
    case .classes(let numbers): return space.rows(labels: indices.map { numbers[$0] })
    case .rows(let table):
      let width = table.width
      return Tensor(
        indices.flatMap { table.values[$0 * width..<($0 + 1) * width] },
        shape: [indices.count, width])
    }
  }

  // MARK: Refusals

  /// What to say where nothing fitting is known of the examples.
  private static func absence(of space: ConditionSpace, in split: DataSplit) -> DataError {
    let found: Message =
      if let conditions = split.conditions {
        "\(ConditionSpace(conditions.kind, width: conditions.width).phrase)"
      } else {
        split.labels == nil ? "none" : "labels"
      }
    let remedy: Message =
      switch space.kind {
      case .label where split.columns?.haveNames == true:
        "a column of labels, named such as \(.columnType("y", "label"))"
      case .label: "labels"
      case .attributes: "attributes, such as the array \(split.name)_attributes of an .npz file"
      case .vector: "conditions, such as the array \(split.name)_conditions of an .npz file"
      }
    return DataError(
      .unusable,
      "\(split.name): the model needs a condition, \(space.phrase), for each example, and the examples have \(found); give data "
        + "with \(remedy)")
  }

  /// What to say of labels that are no classes of the model, by their first examples.
  private static func surplus(
    _ unknown: [(label: Int32, example: Int)], _ numbers: ClassNumbers, of space: ConditionSpace,
    in split: DataSplit
  ) -> DataError {
    if split.classes.isEmpty, space.names.isEmpty, let first = unknown.first,
      let misfit = space.misfit(label: Int(first.label))
    {
      return DataError(
        .unusable,
        "\(split.name): label \(misfit): the model's condition is \(space.phrase), but example \(first.example) has "
          + "another; leave it out")
    }
    let names = unknown.map { numbers.name($0.label) }
    let listed = names.prefix(10).joined(separator: " and ") + (names.count > 10 ? ", …" : "")
    return DataError(
      .unusable,
      "\(split.name) has examples of the class \(listed), but the model's condition is \(space.namedPhrase), without "
        + "it; leave them out, or give classes the names that these have")
  }

  /// Refuses rows of which one is no share of each class. The table has looked at all else itself.
  private static func check(
    _ table: ConditionTable, _ space: ConditionSpace
  ) throws(DataError) {
    guard space.kind == .label else { return }
    for row in 0..<table.count {
      let values = table.values[row * table.width..<(row + 1) * table.width]
      if let misfit = space.misfit(row: values) {
        throw DataError(
          .unusable,
          "\(table.name) says of example \(row) what is not \(space.phrase): \(misfit)")
      }
    }
  }
}

/// Which of a model's classes the labels of a split are: the ones of the same name. A class that has
/// none, here or in the model, is called by its number.
private struct ClassNumbers {
  private let width: Int
  /// The names of the split's classes.
  private let classes: [String]
  /// The model's numbers by name; nil where both number their classes alike.
  private let numbers: [String: Int]?

  init(of split: DataSplit, for wanted: ConditionSpace) {
    width = wanted.width
    classes = split.classes
    numbers = classes == wanted.names ? nil : wanted.numbers
  }

  /// The model's number; nil for a class that it does not know.
  subscript(label: Int32) -> Int32? {
    guard let numbers else { return label >= 0 && Int(label) < width ? label : nil }
    return numbers[name(label)].map(Int32.init)
  }

  func name(_ label: Int32) -> String {
    label >= 0 && Int(label) < classes.count ? classes[Int(label)] : "\(label)"
  }
}

import Messages
import Tensors
import VAECore

extension DataSplit {
  /// A split with what a caller knows of its examples.
  package init(name: String, store: any ExampleStore, given: GivenConditions?) {
    switch given {
    case .labels(let labels, let classes):
      self.init(name: name, store: store, labels: labels, classes: classes)
    case .rows(let table): self.init(name: name, store: store, conditions: table)
    case nil: self.init(name: name, store: store)
    }
  }

  /// What a model can be told of these examples: their attributes or vectors where there are some,
  /// else their labels, of as many classes as have names, or as the largest label needs. Nil where
  /// nothing is known.
  ///
  /// - Throws: `DataError` where labels cannot be numbers of classes.
  func conditionSpace() throws(DataError) -> ConditionSpace? {
    if let conditions { return ConditionSpace(conditions.kind, width: conditions.width) }
    return try labelSpace()
  }

  /// The classes of the labels: as many as have names, or as the largest label needs; nil where there are
  /// no labels.
  ///
  /// - Throws: `DataError` where labels cannot be numbers of classes.
  func labelSpace() throws(DataError) -> ConditionSpace? {
    guard let labels, let largest = labels.max(), let smallest = labels.min() else { return nil }
    let width = max(classes.count, Int(largest) + 1)
    guard smallest >= 0, width <= ConditionSpace.widthLimit else {
      throw DataError(
        .unusable,
        "\(name) has the label \(smallest < 0 ? smallest : largest), but the labels of a condition are "
          + "classes 0, 1, …, at most \(ConditionSpace.widthLimit - 1); number the classes from 0 on"
      )
    }
    guard classes.count == width else { return ConditionSpace(classes: width) }
    if let misfit = ConditionSpace.misfit(names: classes) {
      throw DataError(.unusable, "the classes of \(name) \(misfit); give each a name of its own")
    }
    return ConditionSpace(classes: width, names: classes)
  }

  /// Refuses examples of which a model's condition is not known.
  ///
  /// - Throws: `DataError` of kind `unusable`.
  public func checkCondition(_ wanted: ConditionSpace) throws(DataError) {
    // Rows of numbers may be shares of a label's classes.
    if let conditions, conditions.width == wanted.width,
      conditions.kind == wanted.kind || wanted.kind == .label && conditions.kind == .vector
    {
      return try check(conditions, wanted)
    }
    guard wanted.kind == .label, let labels else {
      let found: Message =
        if let conditions {
          "\(ConditionSpace(conditions.kind, width: conditions.width).phrase)"
        } else {
          labels == nil ? "none" : "labels"
        }
      let remedy: Message =
        switch wanted.kind {
        case .label: "labels"
        case .attributes: "attributes, such as the array \(name)_attributes of an .npz file"
        case .vector: "conditions, such as the array \(name)_conditions of an .npz file"
        }
      throw DataError(
        .unusable,
        "\(name): the model needs a condition, \(wanted.phrase), for each example, but there is \(found); give data with "
          + remedy)
    }
    let numbers = ClassNumbers(of: self, for: wanted)
    var unknown: [Int32: Int] = [:]
    for (index, label) in labels.enumerated() where numbers[label] == nil && unknown[label] == nil {
      unknown[label] = index
    }
    guard !unknown.isEmpty else { return }
    let first = unknown.sorted { $0.value < $1.value }
    if classes.isEmpty, wanted.names.isEmpty,
      let misfit = wanted.misfit(label: Int(first[0].key))
    {
      throw DataError(
        .unusable,
        "\(name): label \(misfit): the model's condition is \(wanted.phrase), but example \(first[0].value) has another; "
          + "leave it out")
    }
    let names = first.map { numbers.name($0.key) }
    throw DataError(
      .unusable,
      "\(name) has examples of the class \(Self.list(names, " and ")), but the model's condition is \(wanted.namedPhrase), "
        + "without it; leave them out, or give classes the names that these have")
  }

  /// Refuses rows of which one is no condition of a kind.
  private func check(
    _ table: ConditionTable, _ wanted: ConditionSpace
  ) throws(DataError) {
    guard wanted.kind == .label else { return }  // The table has looked at all else itself.
    for row in 0..<table.count {
      let values = table.values[row * table.width..<(row + 1) * table.width]
      if let misfit = wanted.misfit(row: values) {
        throw DataError(
          .unusable,
          "\(table.name) says of example \(row) what is not \(wanted.phrase): \(misfit)")
      }
    }
  }

  /// The first ten of some names.
  private static func list(_ names: [String], _ separator: String) -> String {
    names.prefix(10).joined(separator: separator)
      + (names.count > 10 ? ", …" : "")
  }

  /// The conditions of some examples, `[indices.count, width]`, which `checkCondition` has found to
  /// be known.
  public func conditions(_ indices: [Int], _ wanted: ConditionSpace) -> Tensor {
    if let conditions, conditions.width == wanted.width {
      let width = wanted.width
      return Tensor(
        indices.flatMap { conditions.values[$0 * width..<($0 + 1) * width] },
        shape: [indices.count, width])
    }
    guard let labels else { return .zeros([indices.count, wanted.width]) }
    let numbers = ClassNumbers(of: self, for: wanted)
    return wanted.rows(labels: indices.map { numbers[labels[$0]] ?? -1 })
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

extension DataSource {
  /// The classes of the training examples, as a classifier tells them apart.
  ///
  /// - Throws: `DataError` of kind `unusable` where there are no labels, labels that cannot be numbers of
  ///   classes, or examples of one class alone.
  package func classes() throws(DataError) -> ConditionSpace {
    let found: ConditionSpace?
    do {
      found = try train.labelSpace()
    } catch {
      throw DataError(error.kind, "\(name): \(error.message)")
    }
    guard let found, let labels = train.labels else {
      throw DataError(
        .unusable,
        "\(name) has no labels, of which a classifier learns; give data with labels, as IDX, CIFAR, a folder for each "
          + "class or train_labels in an .npz file have")
    }
    guard let first = labels.first, labels.contains(where: { $0 != first }) else {
      throw DataError(
        .unusable,
        "all labels of \(name) are of the class \(labels.first.map { found.name(Int($0)) } ?? "0"), but a classifier "
          + "tells two or more apart; give data with examples of other classes")
    }
    return found
  }

  /// What a model can be told of the training examples; nil where nothing is known of them.
  ///
  /// - Throws: `DataError` of kind `unusable` where labels cannot be numbers of classes.
  public func conditionSpace() throws(DataError) -> ConditionSpace? {
    do {
      return try train.conditionSpace()
    } catch {
      throw DataError(error.kind, "\(name): \(error.message)")
    }
  }

  /// Refuses a source of some examples of which a model's condition is not known.
  ///
  /// - Throws: `DataError` of kind `unusable`.
  public func checkCondition(_ wanted: ConditionSpace) throws(DataError) {
    for split in splits {
      do {
        try split.checkCondition(wanted)
      } catch {
        throw DataError(error.kind, "\(name): \(error.message)")
      }
    }
  }
}

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
        _ = try KnownConditions(of: split, wanted)
      } catch {
        throw DataError(error.kind, "\(name): \(error.message)")
      }
    }
  }
}

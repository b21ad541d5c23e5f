import Messages
import Tensors
import VAECore

extension DataSplit {
  /// A split with what a caller knows of its examples.
  package init(name: String, store: any ExampleStore, given: GivenConditions?) {
    switch given {
    case .labels(let labels): self.init(name: name, store: store, labels: labels)
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
    guard let labels, let largest = labels.max(), let smallest = labels.min() else { return nil }
    let width = max(classes.count, Int(largest) + 1)
    guard smallest >= 0, width <= ConditionSpace.widthLimit else {
      throw DataError(
        .unusable,
        "\(name) has the label \(smallest < 0 ? smallest : largest), but the labels of a condition are "
          + "classes 0, 1, …, at most \(ConditionSpace.widthLimit - 1); number the classes from 0 on"
      )
    }
    return ConditionSpace(classes: width, names: classes.count == width ? classes : [])
  }

  /// Refuses examples of which a model's condition is not known.
  ///
  /// - Throws: `DataError` of kind `unusable`.
  public func checkCondition(_ wanted: ConditionSpace) throws(DataError) {
    if let conditions, conditions.width == wanted.width,
      wanted.kind != .attributes || conditions.kind == .attributes
    {
      return
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
    let numbers = classNumbers(wanted)
    for (index, label) in labels.enumerated() {
      if let numbers, label >= 0, Int(label) < numbers.count {
        guard numbers[Int(label)] < 0 else { continue }
        throw DataError(
          .unusable,
          "\(name) has examples of the class \(classes[Int(label)]), but the model's condition is \(wanted.phrase), without it; "
            + "leave them out")
      }
      if let misfit = wanted.misfit(label: Int(label)) {
        throw DataError(
          .unusable,
          "\(name): label \(misfit): the model's condition is \(wanted.phrase), but example \(index) has another; "
            + "leave it out")
      }
    }
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
    let numbers = classNumbers(wanted)
    return wanted.rows(
      labels: indices.map { index in
        let label = labels[index]
        guard let numbers, label >= 0, Int(label) < numbers.count else { return label }
        return numbers[Int(label)]
      })
  }

  /// The model's number of each class of this split, −1 for one that it does not know: classes that
  /// have names are told by these, whatever their numbers are. Nil where the numbers are the same.
  private func classNumbers(_ wanted: ConditionSpace) -> [Int32]? {
    guard !classes.isEmpty, !wanted.names.isEmpty, classes != wanted.names else { return nil }
    return classes.map { name in wanted.names.firstIndex(of: name).map(Int32.init) ?? -1 }
  }
}

extension DataSource {
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

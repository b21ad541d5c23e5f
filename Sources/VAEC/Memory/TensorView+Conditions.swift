import CVAE
import Messages
import VAEZoo

/// What is known of each example beside it, as callers give it.
extension TensorView {
  /// The conditions of examples: labels where they are whole numbers, else rows of numbers.
  ///
  /// - Parameter wanted: what a model is told; nil for data that are for any.
  /// - Throws: `CallError` where they are neither, `DataError` where a number is none that a condition
  ///   can have.
  func conditions(for wanted: ConditionSpace? = nil) throws -> GivenConditions {
    guard count > 0 else {
      throw CallError(VAE_ERR_INVALID_ARGUMENT, "\(name) is empty: its shape is \(shape)")
    }
    if dtype == VAE_INT32 {
      guard shape.count == 1 else {
        throw CallError(
          VAE_ERR_INVALID_ARGUMENT, "\(name) has the shape \(shape), but labels are [N]")
      }
      // Of a model's own classes by their numbers.
      return .labels(try copied().indices, classes: wanted?.names ?? [])
    }
    guard shape.count == 2, shape[1] <= ConditionSpace.widthLimit else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(name) has the shape \(shape), but attributes and vectors are [N, n], of at most "
          + "\(ConditionSpace.widthLimit) numbers")
    }
    let areAttributes =
      wanted.map { $0.kind == .attributes } ?? (dtype == VAE_UINT8)
    return .rows(
      try ConditionTable(
        name: name, kind: areAttributes ? .attributes : .vector, width: shape[1],
        values: try numbers().floats))
  }

  /// The condition of rows that are drawn or decoded, `[rows, width]`.
  ///
  /// - Throws: `CallError` where it is not what the model is told.
  func condition(for space: ConditionSpace) throws -> Tensor {
    switch try conditions(for: space) {
    case .labels(let labels, _):
      guard space.kind == .label else {
        throw CallError(
          VAE_ERR_DATA, "\(name) holds labels, but the model is told \(space.phrase)")
      }
      for label in labels {
        if let misfit = space.misfit(label: Int(label)) {
          throw CallError(VAE_ERR_DATA, "\(name): label \(misfit)")
        }
      }
      return space.rows(labels: labels)
    case .rows(let table):
      return Tensor(table.values, shape: [table.count, table.width])
    }
  }
}

extension TrainedModel {
  /// What a caller says about the rows of a call; nil where nothing is said.
  ///
  /// - Throws: `CallError` where the model is told nothing, or something else.
  func condition(of watch: CallWatch) throws -> Tensor? {
    guard let view = watch.condition else { return nil }
    return try view.condition(for: try toldCondition(view))
  }

  /// What a caller knows of images, as many as these.
  ///
  /// - Throws: `CallError` where the model is told nothing and something is said, or the other way
  ///   round; `DataError` where it is not what the model is told.
  func conditions(_ view: TensorView?, count: Int) throws -> GivenConditions? {
    guard let view else {
      guard let space = model.condition else { return nil }
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "the model is told \(space.phrase) for each image, but the call says none; give it as options->condition"
      )
    }
    let given = try view.conditions(for: try toldCondition(view))
    guard given.count == count else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(view.name) is of \(Count.of(given.count, "example")), but there are \(Count.of(count, "image"))"
      )
    }
    return given
  }

  private func toldCondition(_ view: TensorView) throws(CallError) -> ConditionSpace {
    guard let space = model.condition else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "\(view.name) is given to a model of p(x), which is told none; set it to NULL")
    }
    return space
  }
}

extension ConditionSpace {
  /// The kind in the words of C; `VAE_CONDITION_NONE` for nil.
  static func code(_ space: ConditionSpace?) -> Int32 {
    switch space?.kind {
    case nil: VAE_CONDITION_NONE
    case .label: VAE_CONDITION_LABEL
    case .attributes: VAE_CONDITION_ATTRIBUTES
    case .vector: VAE_CONDITION_VECTOR
    }
  }

  /// - Returns: nil for `VAE_CONDITION_NONE`.
  /// - Throws: `CallError` where there is no such kind or width.
  static func of(code: Int32, width: Int64) throws(CallError) -> ConditionSpace? {
    let kinds: [Int32: Kind] = [
      VAE_CONDITION_LABEL: .label, VAE_CONDITION_ATTRIBUTES: .attributes,
      VAE_CONDITION_VECTOR: .vector,
    ]
    if code == VAE_CONDITION_NONE && width == 0 { return nil }
    guard let kind = kinds[code], (1...Int64(widthLimit)).contains(width) else {
      throw CallError(
        VAE_ERR_INVALID_ARGUMENT,
        "options->condition is \(code) of width \(width), but must be one of VAE_CONDITION_… of 1...\(widthLimit)"
      )
    }
    return ConditionSpace(kind, width: Int(width))
  }
}

import Messages
import Tensors
import VAECore
import VAEData
import VAERecipes

/// What a conditional model is told where nothing in data says it: for draws, given latents and
/// traversals.
extension TrainedModel {
  /// A condition as a user writes it, `[1, width]`.
  ///
  /// - Parameter text: `label=seven` or `label=3` for a label, by name or, where names are no numbers, by
  ///   number; `0.2,1` or `condition=0.2,1` for numbers, `attributes=1,0` for attributes, of these also
  ///   the names of those that hold: `attributes=hat,glasses`.
  /// - Throws: `RecipeError` where the model is told nothing, or that is no condition of its kind.
  public func condition(parsing text: String) throws(RecipeError) -> Tensor {
    let space = try toldCondition()
    func refusal(_ reason: String) -> RecipeError {
      let form =
        switch space.kind {
        case .label: "label=\(space.name(0))"
        case .attributes: "attributes=1,0,…"
        case .vector: "condition=0.5,1,…"
        }
      return RecipeError(
        .invalid,
        "\(source) is told \(space.phrase), but the condition is \(PlainText.quoted(text)): \(reason); give it as "
          + "\(form)")
    }
    let pieces = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let keys: [ConditionSpace.Kind: String] = [
      .label: "label", .attributes: "attributes", .vector: "condition",
    ]
    guard pieces.count == 1 || pieces[0] == keys[space.kind] ?? "" || pieces[0] == "condition"
    else {
      throw refusal("there is no \(PlainText.quoted(String(pieces[0])))")
    }
    let value = String(pieces.last ?? "")
    let numbers = space.numbers
    if space.kind == .label, let place = numbers[value] {
      return space.rows(labels: [Int32(place)])
    }
    let words = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if space.kind == .label, words.count == 1 {
      guard let number = Int(value) else { throw refusal("that is no class") }
      // Where names are numbers themselves, a number is a name.
      guard !space.names.contains(where: { Int($0) != nil }) else {
        throw refusal("there is no class \(number)")
      }
      if let misfit = space.misfit(label: number) { throw refusal("label \(misfit)") }
      return space.rows(labels: [Int32(number)])
    }
    if space.kind == .attributes, !space.names.isEmpty,
      case let places = words.compactMap({ numbers[$0] }), places.count == words.count
    {
      return Tensor(
        space.names.indices.map { places.contains($0) ? 1 : 0 }, shape: [1, space.width])
    }
    let row = words.compactMap(Float.init)
    guard row.count == words.count else { throw refusal("these are not numbers") }
    if let misfit = space.misfit(row: row) { throw refusal(misfit) }
    return Tensor(row, shape: [1, space.width])
  }

  /// The condition that the model is told.
  ///
  /// - Throws: `RecipeError` where it is told none.
  public func toldCondition() throws(RecipeError) -> ConditionSpace {
    guard let space = model.condition else {
      throw RecipeError(
        .invalid, "\(source) is a model of p(x), which is told no condition; leave it out")
    }
    return space
  }

  /// The conditions of a number of rows, `[count, width]`; nil for a model of p(x).
  ///
  /// - Parameters:
  ///   - given: `[count, width]`, or `[1, width]` for all rows; nil for none.
  ///   - count: the number of rows.
  ///   - inTurn: whether rows of which nothing is given take the classes in turn, 0, 1, ….
  /// - Throws: `RecipeError` naming what does not fit, or what is missing.
  public func conditions(
    _ given: Tensor?, count: Int, inTurn: Bool = false
  ) throws(RecipeError) -> Tensor? {
    guard let given else {
      guard let space = model.condition else { return nil }
      if inTurn, let rows = space.inTurn(count) { return rows }
      throw RecipeError(
        .unsuitableData,
        "\(source) is told \(space.phrase), of which nothing is given; give it by \(.condition)")
    }
    let space = try toldCondition()
    let wanted: Shape = [count, space.width]
    guard given.shape == wanted || given.shape == [1, space.width] else {
      throw RecipeError(
        .unsuitableData,
        "the condition has the shape \(given.shape), but \(source) is told \(space.phrase) for each row: \(wanted)"
      )
    }
    let values = given.floats
    for row in 0..<given.shape[0] {
      if let misfit = space.misfit(row: values[row * space.width..<(row + 1) * space.width]) {
        throw RecipeError(.unsuitableData, "the condition of row \(row) does not fit: \(misfit)")
      }
    }
    return given.shape == wanted ? given : given.tiled(count)
  }

  /// The condition of one example of a split, `[1, width]`; nil for a model of p(x).
  ///
  /// - Throws: `DataError` where it is not known of all examples.
  func condition(of index: Int, in split: DataSplit) throws(DataError) -> Tensor? {
    try examples(split).conditions([index])
  }
}

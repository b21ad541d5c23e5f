import Messages
import VAEData
import VAERecipes

extension DataSource {
  /// What a model must know of this source, once values have become binary or real where that is
  /// asked for.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData` where values cannot be made so, of kind
  ///   `invalid` where both are asked for.
  public func description(
    binarization: TrainingOptions.Binarization,
    dequantization: TrainingOptions.Dequantization = .none
  ) throws(RecipeError) -> DataDescription {
    try check(binarization)
    try check(dequantization, binarization)
    var found = DataDescription(
      height: shape.height, width: shape.width, channels: shape.channels,
      range: binarization == .none ? valueRange : .binary, rule: rule, preparation: preparation,
      unquantizedValue: unquantizedValue, columns: columns, labelColumn: labelColumn)
    if rule == "bytes/255", (shape.height, shape.width, shape.channels) == (28, 28, 1) {
      found.areWrittenDigits = train.areNearlyBinary
    }
    return found
  }

  /// The same as options say.
  ///
  /// - Throws: the same.
  public func description(_ options: TrainingOptions) throws(RecipeError) -> DataDescription {
    try description(binarization: options.binarize, dequantization: options.dequantize)
  }

  private func check(_ binarization: TrainingOptions.Binarization) throws(RecipeError) {
    guard binarization == .none || valueRange != .real else {
      throw RecipeError(
        .unsuitableData,
        "\(.setting("training.binarize", binarization.rawValue)) needs values between 0 and 1, but "
          + "\(name) has values outside"
      )
    }
  }

  private func check(
    _ dequantization: TrainingOptions.Dequantization,
    _ binarization: TrainingOptions.Binarization
  ) throws(RecipeError) {
    guard dequantization != .none else { return }
    let wanted: Message = "\(.setting("training.dequantize", dequantization.rawValue))"
    guard binarization == .none else {
      throw RecipeError(
        .invalid,
        wanted + " spreads bytes, and \(.setting("training.binarize", binarization.rawValue)) "
          + "leaves none; choose one of the two")
    }
    guard isDiscrete, valueRange != .binary else {
      let found = unquantizedValue ?? "\(name) has \(valueRange.phrase)"
      throw RecipeError(
        .unsuitableData,
        wanted + " needs bytes, or floats that are all multiples of 1/255, but \(found); leave it "
          + "out")
    }
  }

  /// The split that watches over training: `valid` where there is one, else `test`.
  public var heldOut: DataSplit? { validation ?? test }
}

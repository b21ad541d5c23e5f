import Messages
import VAECore

/// Which recipes are of models of tables.
extension Registry {
  /// Refuses a likelihood that knows nothing of kinds for a table whose columns are not all real.
  func checkColumns(
    of recipe: Recipe, _ data: DataDescription, _ likelihood: any Likelihood
  ) throws(RecipeError) {
    guard let columns = data.columns, !likelihood.pricesColumns else { return }
    if likelihood.isDiscrete { try data.checkIsNoTable(for: recipe.part(.likelihood).name) }
    guard let other = columns.columns.first(where: { $0.kind != .real || !$0.points.isEmpty })
    else { return }
    let reason =
      !other.isContinuous
      ? "has \(Count.of(other.points.count, "different value")) and no others, such as codes"
      : other.kind == .real
        ? "has points at which mass gathers, such as \(other.points.first.map(TableColumn.text) ?? "")"
        : "is \(other.kind.rawValue)"
    throw RecipeError(
      .unsuitableData,
      "likelihood \(recipe.part(.likelihood).name) is one density of all numbers of a column, but the column "
        + "\(PlainText.quoted(other.name)) \(reason); choose \(.setting("likelihood", "mixed")), "
        + (other.kind == .real ? "" : "take it for real by \(.columnType(other.name, "real")), ")
        + "or leave it out by \(.columnType(other.name, "ignore"))"
    )
  }

  /// Refuses a decoder that draws element by element, each by the law of any other.
  func checkColumns(
    of recipe: Recipe, _ likelihood: any Likelihood, _ decoder: any Decoder
  ) throws(RecipeError) {
    guard likelihood.pricesColumns, decoder is any AutoregressiveDecoder else { return }
    throw RecipeError(
      .invalid,
      "decoder \(recipe.part(.decoder).name) draws pixel by pixel, each by one law, but the columns of likelihood "
        + "\(recipe.part(.likelihood).name) have laws of their own; choose another, such as "
        + "\(.setting("decoder.name", "mlp"))")
  }
}

extension DataDescription {
  /// Refuses a table for a likelihood of levels.
  ///
  /// - Parameter likelihood: its name.
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func checkIsNoTable(for likelihood: String) throws(RecipeError) {
    guard let columns else { return }
    throw RecipeError(
      .unsuitableData,
      "likelihood \(likelihood) is a probability of levels, but the data are a table; choose "
        + "\(.setting("likelihood", columns.areReal ? "gaussian" : "mixed"))")
  }
}

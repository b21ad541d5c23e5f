import Messages
import VAECore

/// Which recipes are of models of tables.
extension Registry {
  /// Refuses a likelihood that knows nothing of kinds for a table whose columns are not all real.
  func checkColumns(
    of recipe: Recipe, _ data: DataDescription, _ likelihood: any Likelihood
  ) throws(RecipeError) {
    guard let columns = data.columns, !likelihood.pricesColumns else { return }
    guard !likelihood.isDiscrete else {
      throw RecipeError(
        .unsuitableData,
        "likelihood \(recipe.part(.likelihood).name) is a probability of levels, but the data are a table; choose "
          + "\(.setting("likelihood", "mixed"))")
    }
    guard let other = columns.columns.first(where: { $0.kind != .real || !$0.points.isEmpty })
    else { return }
    let kind = other.kind == .real ? "real, with points at which mass gathers" : other.kind.rawValue
    throw RecipeError(
      .unsuitableData,
      "likelihood \(recipe.part(.likelihood).name) is for tables of real columns, but the column "
        + "\(PlainText.quoted(other.name)) is \(kind); choose \(.setting("likelihood", "mixed"))")
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

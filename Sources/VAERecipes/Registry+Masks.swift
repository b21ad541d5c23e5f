import Messages
import VAECore

/// Which recipes are of models that take masks, and what their parts must be.
extension Registry {
  /// Whether one of a recipe's parts is told which values are missing.
  public func usesMask(_ recipe: Recipe) -> Bool {
    Role.allCases.contains { (try? component($0, recipe.part($0).name))?.usesMask == true }
  }

  /// Refuses a recipe whose data may lack values where no part is told which.
  func checkMask(of recipe: Recipe, _ data: DataDescription) throws(RecipeError) {
    guard data.missing, !usesMask(recipe) else { return }
    let known = Role.allCases.flatMap { role in
      components(role).filter(\.usesMask).map { "\(role).name=\($0.name)" }
    }
    throw RecipeError(
      .invalid,
      "data.missing is true, but encoder \(recipe.part(.encoder).name) is not told which values are missing; leave "
        + "it out, or choose a part that is: \(known.joined(separator: ", "))")
  }

  /// Refuses a likelihood that cannot price the known elements alone.
  func checkMask(
    of recipe: Recipe, _ data: DataDescription, _ likelihood: any Likelihood
  ) throws(RecipeError) {
    guard data.missing, !likelihood.factorizes else { return }
    throw RecipeError(
      .invalid,
      "likelihood \(recipe.part(.likelihood).name) is no product over values, so that it cannot price those that are "
        + "known without the missing ones; choose another, such as \(.setting("likelihood", "gaussian")), or an "
        + "encoder that takes no masks")
  }

  /// Refuses a decoder that looks at the data themselves.
  func checkMask(
    of recipe: Recipe, _ data: DataDescription, _ decoder: any Decoder
  ) throws(RecipeError) {
    guard data.missing, decoder is any AutoregressiveDecoder else { return }
    throw RecipeError(
      .invalid,
      "decoder \(recipe.part(.decoder).name) predicts each pixel from those before it, which may be missing; choose "
        + "another, such as \(.setting("decoder.name", "mlp")), or an encoder that takes no masks")
  }
}

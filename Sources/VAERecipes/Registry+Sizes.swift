/// Recipes of models that begin with the weights of another one.
extension Registry {
  /// Gives a recipe the parts of the model whose weights it begins with, where settings choose no others:
  /// encoder, prior and decoder, as far as the recipe's variant has them, and of the likelihood its
  /// values. What trains them, objective and training, stays the recipe's own.
  ///
  /// - Parameters:
  ///   - recipe: with the defaults of its variant.
  ///   - other: of the weights.
  ///   - settings: as after `--set`, which are applied again afterwards.
  /// - Throws: what `apply` throws.
  package func withSizes(
    of other: Recipe, _ recipe: Recipe, settings: [(key: String, value: String)]
  ) throws(RecipeError) -> Recipe {
    let variant = try variant(recipe.variant)
    let isSame = recipe.variant == other.variant
    // Any variant takes an architecture that no variant has made its own.
    let architectures = variant.architectures.isEmpty ? self.architectures(of: variant) : []
    var sized = recipe
    for role in [Role.encoder, .prior, .decoder, .likelihood] {
      let theirs = other.part(role)
      let isCommon =
        (role == .encoder || role == .decoder) && architectures.contains(theirs.name)
        && architectures.contains(recipe.part(role).name)
      if theirs.name == recipe.part(role).name || (isSame && role != .likelihood) || isCommon {
        sized.parts[role] = theirs
      }
    }
    try apply(settings, to: &sized)
    return sized
  }
}

import VAEZoo

extension TrainedModel {
  /// A small model of binary images of 8×8 pixels that nothing was trained for.
  static func small(
    _ variant: String, _ settings: [(key: String, value: String)]
  ) throws -> TrainedModel {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: variant)
    recipe.data = DataDescription(
      height: 8, width: 8, channels: 1, range: .binary, rule: "binary")
    try registry.apply(settings, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: 4), recipe: recipe, source: "memory")
  }
}

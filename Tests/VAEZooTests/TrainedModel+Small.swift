import VAEZoo

extension TrainedModel {
  /// A small model that nothing was trained for, of binary images of 8×8 pixels or other data.
  static func small(
    _ variant: String, _ settings: [(key: String, value: String)],
    data: DataDescription = DataDescription(
      height: 8, width: 8, channels: 1, range: .binary, rule: "binary"), seed: Int = 4
  ) throws -> TrainedModel {
    let registry = Registry.builtIn
    var recipe = try registry.recipe(for: variant)
    recipe.data = data
    try registry.apply(settings, to: &recipe)
    return TrainedModel(
      model: try registry.model(recipe, seed: seed), recipe: recipe, source: "memory")
  }
}

import VAEFiles
import VAEZoo

extension FuzzTarget {
  /// Recipe → model → file → model: what a recipe allows is made, and is the same after it was stored.
  ///
  /// The bytes are a recipe where they begin as JSON does; else they choose a variant, the shape of its
  /// images, and settings, so that more of them lead to a model.
  static let model = FuzzTarget("model", longest: 2048) { bytes in
    let registry = Registry.builtIn
    let recipe =
      bytes.first == UInt8(ascii: "{")
      ? try registry.recipe(parsing: bytes, source: "x.json")
      : try chosenRecipe(bytes, registry)
    guard isSmall(recipe) else { throw TooLarge() }
    let made = TrainedModel(model: try registry.model(recipe, seed: 1), recipe: recipe, source: "x")
    let file = made.encoded()
    let opened: TrainedModel
    do {
      opened = try TrainedModel.open(bytes: file, source: "x.safetensors", registry: registry)
    } catch {
      fatalError("what was stored is refused: \(error)")
    }
    check(opened.encoded() == file, "a stored model is another one")
    check(opened.recipe == recipe, "a stored recipe is another one")
  }

  private struct TooLarge: Error, CustomStringConvertible {
    let description = "larger than is worth trying"
  }

  /// Whether a model is made in milliseconds.
  private static func isSmall(_ recipe: Recipe) -> Bool {
    guard let data = recipe.data, data.elements <= 1024 else { return false }
    return Role.allCases.allSatisfy { role in
      recipe.part(role).values.values.values.allSatisfy { value in
        switch value {
        case .integer(let number): number <= 64
        case .integers(let numbers): numbers.count <= 4 && numbers.allSatisfy { $0 <= 32 }
        default: true
        }
      }
    }
  }

  /// What settings may be set to, beside the names of components.
  private static let values = [
    "0", "1", "2", "3", "4", "5", "7", "8", "16", "-1", "0.5", "1e-9", "1e9", "nan", "inf", "true",
    "false",
    "auto", "learnt", "optimal", "relu", "tanh", "2,3", "4,4", "4,4,4", "1,2,3,4", "", "dreg",
  ]

  private static func chosenRecipe(_ bytes: [UInt8], _ registry: Registry) throws -> Recipe {
    var rest = bytes[...]
    func next() -> Int { Int(rest.popFirst() ?? 0) }
    func one<Item>(of items: [Item]) -> Item { items[next() % items.count] }
    var recipe = try registry.recipe(for: one(of: registry.entries.map(\.variant.name)))
    let sizes = [1, 2, 3, 4, 5, 7, 8, 12, 16]
    let range = one(of: ValueRange.allCases)
    recipe.data = DataDescription(
      height: one(of: sizes), width: one(of: sizes), channels: one(of: [1, 3, 2]), range: range,
      rule: one(of: ["bytes/255", "binary", "floats"]))
    let names = Role.allCases.flatMap { registry.components($0).map(\.name) }
    for small in ["hidden=4", "latent=2", "channels=2", "codes=3", "code_size=2"] {
      let pieces = small.split(separator: "=").map(String.init)
      try? registry.apply([(key: pieces[0], value: pieces[1])], to: &recipe)
    }
    while !rest.isEmpty {
      let keys = registry.validKeys(in: recipe)
      let key = one(of: keys)
      let isName = key.hasSuffix(".name") || key == "architecture" || key == "likelihood"
      let value = isName ? one(of: names) : one(of: values + names)
      // A setting that is refused changes nothing that matters here.
      try? registry.apply([(key: key, value: value)], to: &recipe)
    }
    return recipe
  }
}

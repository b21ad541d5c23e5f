import VAEFiles
import VAEZoo

extension FuzzTarget {
  /// JSON texts: what is read is written so that it is read as the same.
  static let json = FuzzTarget("json") { bytes in
    let value = try JSON(parsing: bytes, source: "x.json")
    for text in [value.line, value.document] {
      let again = try? JSON(parsing: Array(text.utf8), source: "y.json")
      check(again == value, "\(text) is read as something else")
    }
  }

  /// Safetensors files: tensors are as large as they should be, and what is written again is read as the same.
  static let safetensors = FuzzTarget("safetensors") { bytes in
    let file = try Safetensors(parsing: bytes, path: "x.safetensors")
    for entry in file.entries {
      let size = entry.shape.reduce(entry.type.byteCount, *)
      check(size >= 0 && size < bytes.count, "a tensor larger than the file")
      if entry.type == .float32 {
        let floats = try file.floats(entry.name, shape: entry.shape)
        check(4 * floats.count == size, "a tensor of another size")
      }
    }
    let again = try? Safetensors(parsing: file.encoded(), path: "y.safetensors")
    check(
      again?.entries.map(\.name) == file.entries.map(\.name) && again?.metadata == file.metadata,
      "written again it is another file")
    // As a model it is refused, or becomes one.
    _ = try? TrainedModel.open(bytes: bytes, source: "x.safetensors", registry: .builtIn)
  }

  /// Recipes: what is read is written so that it is read as the same.
  static let recipe = FuzzTarget("recipe") { bytes in
    let recipe = try Registry.builtIn.recipe(parsing: bytes, source: "x.json")
    let text = Array(recipe.json.document.utf8)
    let again = try? Registry.builtIn.recipe(parsing: text, source: "y.json")
    check(again == recipe, "a recipe is read as another one")
  }
}

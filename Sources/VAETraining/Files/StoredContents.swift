import Messages
import Tensors
import VAECore
import VAEFiles
import VAERecipes

/// What a recipe says its files hold: the model is made of it, and not trained.
public struct StoredContents {
  /// The member of an exported file's metadata that is the recipe of its model.
  package static let recipeKey = Recipe.metadataName

  private let wanted: [(path: String, shape: [Int], isNeeded: Bool)]

  /// Makes the model of a recipe; of a recipe that does not say what its data are there is none, and
  /// only its parts and values are checked.
  ///
  /// - Parameters:
  ///   - bytes: of the recipe, as JSON.
  ///   - source: what the bytes are, for errors.
  ///   - registry: the variants and components that the recipe may name.
  /// - Throws: `ContentFault`; `MemoryError` where there is no memory for the model.
  public init?(recipe bytes: [UInt8], source: String, registry: Registry) throws {
    let model: Model
    do {
      let recipe = try registry.recipe(parsing: bytes, source: source)
      guard recipe.data != nil else { return nil }
      model = try registry.plan(recipe, source: source)
    } catch let error as RecipeError {
      throw ContentFault(error)
    }
    wanted = model.storedTensors.map { path, tensor in
      // A buffer that came later than the file need not be there.
      (path, tensor.shape.dimensions, tensor.valueOfOldFiles == nil)
    }
  }

  /// Refuses a file that lacks a tensor of the model, or has another one or one of another shape.
  ///
  /// - Throws: `ContentFault` that names the tensors.
  public func check(_ weights: Safetensors) throws(ContentFault) {
    var faults: [String] = []
    for (path, shape, isNeeded) in wanted {
      guard let entry = weights.entry(path) else {
        if isNeeded { faults.append("it has no tensor \(PlainText.quoted(path))") }
        continue
      }
      guard entry.type == .float32, entry.shape == shape else {
        faults.append(
          "tensor \(PlainText.quoted(path)) is \(entry.type.rawValue) of shape "
            + "\(SafetensorsError.listing(entry.shape)), not F32 of shape \(SafetensorsError.listing(shape))"
        )
        continue
      }
    }
    let known = Set(wanted.map(\.path))
    for entry in weights.entries where !known.contains(entry.name) {
      faults.append("it has a tensor \(PlainText.quoted(entry.name))")
    }
    guard faults.isEmpty else {
      throw ContentFault(
        "\(weights.path) does not fit its recipe's model: \(Self.listing(faults))")
    }
  }

  /// Refuses a file with numbers that are not finite.
  ///
  /// - Throws: `ContentFault` that names the tensors, and says how many such numbers each has.
  public static func checkNumbers(of file: Safetensors) throws(ContentFault) {
    let faults = file.entries.compactMap { entry -> String? in
      let found = file.nonFinite(in: entry)
      let counts = [(found.nan, "NaN"), (found.infinite, "infinite")].filter { $0.0 > 0 }
      guard !counts.isEmpty else { return nil }
      let count = entry.shape.reduce(1, *)
      return "\(counts.map { "\(Count.text($0)) \($1)" }.joined(separator: " and ")) of the "
        + "\(Count.of(count, "number")) of tensor \(PlainText.quoted(entry.name))"
    }
    guard faults.isEmpty else {
      throw ContentFault(
        "\(file.path) holds numbers that are not finite: \(listing(faults)); use an earlier checkpoint or "
          + "another model")
    }
  }

  /// Checks an exported file, whose recipe is in its metadata, or another file of arrays, of which there
  /// is nothing to be known but its form and its checksums.
  ///
  /// - Returns: whether it has checksums, which then are right.
  /// - Throws: `ContentFault`; `MemoryError` where there is no memory for the model.
  public static func isSealed(model file: Safetensors, registry: Registry) throws -> Bool {
    guard let recipe = file.metadata[recipeKey] else { return file.isSealed }
    try StoredContents(
      recipe: Array(recipe.utf8), source: "\(file.path): recipe", registry: registry)?.check(file)
    try checkNumbers(of: file)
    return file.isSealed
  }

  /// The first faults, and how many more there are.
  private static func listing(_ faults: [String], limit: Int = 4) -> String {
    faults.prefix(limit).joined(separator: "; ")
      + (faults.count > limit ? "; and \(Count.text(faults.count - limit)) more" : "")
  }
}

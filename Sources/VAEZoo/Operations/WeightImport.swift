import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEFiles
import VAERecipes

/// Makes a model of weights that another program has stored.
public struct WeightImport {
  /// The model, with its recipe.
  public let model: TrainedModel
  /// What was found, such as "TAESD with 32 latent channels".
  public let title: String
  /// The tensors that were taken.
  public let tensorCount: Int
  /// What the user should know, a sentence each.
  public let notices: [Message]

  /// The side of the images of a recipe for weights that do not say one, in pixels.
  public static let standardSize = 256

  /// Reads weights of another program, all or none.
  ///
  /// The recipe follows from the tensors, and from `config.json` where there is one. Networks of maps work
  /// at any size, but a recipe has one: `size`, else what the files say, else 256.
  ///
  /// - Parameters:
  ///   - weights: the files.
  ///   - size: the side of the recipe's images.
  ///   - settings: of the recipe in addition, as after `--set`.
  ///   - registry: the variants whose formats are tried.
  ///   - progress: told the fraction of the tensors that were taken; what it throws ends the work.
  /// - Throws: `RecipeError` where the files are of no known form, where tensors are missing, left over,
  ///   misshapen or not finite, all of which it names, or where settings do not suit; `SafetensorsError`.
  public init(
    _ weights: ForeignWeights, size: Int? = nil, settings: [(key: String, value: String)] = [],
    registry: Registry, progress: (Double) throws -> Void = { _ in }
  ) throws {
    guard let (variant, plan) = try Self.plan(for: weights, registry) else {
      throw Self.unknown(weights, registry)
    }
    for (key, question) in plan.questions where !settings.contains(where: { $0.key == key }) {
      throw RecipeError(
        .invalid, "\(weights.source): \(question); say it with \(.setting(key, "NUMBER"))")
    }
    var recipe = try registry.recipe(for: variant.name)
    let side = size ?? plan.sampleSize ?? Self.standardSize
    recipe.data = DataDescription(
      height: side, width: side, channels: plan.channels, range: .unit, rule: "bytes/255")
    try registry.apply(plan.settings + settings, to: &recipe)
    let model = try registry.plan(recipe, source: weights.source)
    try Self.load(plan, weights, into: model, progress)
    model.makeValues()
    self.model = TrainedModel(model: model, recipe: recipe, source: weights.source)
    title = plan.title
    tensorCount = plan.tensors.count
    notices = plan.notices + Self.contradictions(plan, settings, weights)
  }

  /// Where settings that the user gives take the place of what `config.json` says.
  private static func contradictions(
    _ plan: ImportPlan, _ settings: [(key: String, value: String)], _ weights: ForeignWeights
  ) -> [Message] {
    guard weights.config != nil else { return [] }
    func isSame(_ own: String, _ other: String) -> Bool {
      if let own = Double(own), let other = Double(other) { return own == other }
      return own == other
    }
    // A setting without its part is one of every part that has it.
    func isOf(_ own: String, _ other: String) -> Bool {
      own == other || own.hasSuffix(".\(other)") || other.hasSuffix(".\(own)")
    }
    return settings.compactMap { setting in
      guard
        let said = plan.settings.last(where: { isOf($0.key, setting.key) }),
        !isSame(said.value, setting.value)
      else { return nil }
      return
        "\(PlainText.quoted(setting.key)) is \(PlainText.quoted(setting.value)) as you say, in place of "
        + "\(PlainText.quoted(said.value)), which \(weights.source) gives"
    }
  }

  private static func plan(
    for weights: ForeignWeights, _ registry: Registry
  ) throws -> (variant: any Variant, plan: ImportPlan)? {
    for variant in registry.entries.map(\.variant) {
      for format in variant.weightFormats {
        if let plan = try format.plan(for: weights) { return (variant, plan) }
      }
    }
    return nil
  }

  // MARK: What the files are not

  private static func unknown(_ weights: ForeignWeights, _ registry: Registry) -> RecipeError {
    let names = weights.files.flatMap(\.entries).map(\.name)
    let known = registry.entries.flatMap(\.variant.weightFormats).map(\.summary)
    if let file = weights.files.first(where: { $0.metadata[Recipe.metadataName] != nil }) {
      return RecipeError(
        .malformed,
        "\(file.path) is a model of this program already, with its recipe: open it as it is, without importing it"
      )
    }
    var reason = "their names are none of the forms that can be imported"
    if names.contains(where: { $0.includes("lora_") || $0.includes(".lora") }) {
      reason = "they look like a LoRA, which changes another network and is none itself"
    } else if names.contains(where: {
      $0.hasPrefix("model.diffusion_model.") || $0.hasPrefix("time_embedding.")
    }), !names.contains(where: { $0.hasPrefix("first_stage_model.") || $0.hasPrefix("vae.") }) {
      reason = "they look like a diffusion model's own network, which is no autoencoder"
    } else if let other = weights.config?["_class_name"]?.text {
      reason = "config.json calls them \(PlainText.quoted(other))"
    }
    return RecipeError(
      .malformed,
      "\(weights.source) holds \(Count.of(names.count, "tensor")) (\(listing(names, limit: 3))), but \(reason); "
        + "what can be imported is \(known.joined(separator: "; "))")
  }

  private static func listing(_ names: [String], limit: Int = 6) -> String {
    let shown = names.prefix(limit).map { PlainText.quoted($0) }.joined(separator: ", ")
    return names.count > limit ? "\(shown) and \(names.count - limit) more" : shown
  }

  // MARK: Tensors

  private static func load(
    _ plan: ImportPlan, _ weights: ForeignWeights, into model: Model,
    _ progress: (Double) throws -> Void
  ) throws {
    let sources = Dictionary(
      plan.tensors.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    func name(_ path: String) -> String { sources[path]?.name ?? path }
    var problems = Problems()
    var misshapen: Set<String> = []
    var count = 0
    let values = try StoredValues(for: model) { path, shape in
      try progress(Double(count) / Double(plan.tensors.count))
      guard let source = sources[path], let entry = weights.files[source.file].entry(source.name)
      else { return nil }
      guard fits(entry.shape, shape.dimensions) else {
        problems.misshapen.append(
          "\(PlainText.quoted(source.name)) of \(entry.shape) in place of \(shape.dimensions)")
        misshapen.insert(path)
        return nil
      }
      count += 1
      return Tensor(try weights.files[source.file].convertedFloats(entry), shape: shape)
    }
    problems.missing = values.missing.filter { path in
      !misshapen.contains(path) && !plan.freshPaths.contains(where: path.hasPrefix)
    }.map(name)
    problems.infinite = values.infinite.map(name)
    let paths = Set(model.storedTensors.map(\.path))
    let used = weights.files.indices.map { file in
      Set(plan.tensors.filter { $0.file == file && paths.contains($0.path) }.map(\.name))
    }
    for (file, names) in zip(weights.files, used) {
      problems.extra += file.entries.map(\.name).filter {
        !names.contains($0) && !plan.isForeign($0)
      }
    }
    if let text = problems.text {
      throw RecipeError(.malformed, "\(weights.source) does not suit \(plan.title): \(text)")
    }
    values.take()
  }

  /// Whether a tensor of one shape can be taken for one of the other: the weights of a linear map are those
  /// of a 1×1 convolution.
  private static func fits(_ found: [Int], _ wanted: [Int]) -> Bool {
    let (short, long) = found.count < wanted.count ? (found, wanted) : (wanted, found)
    return found == wanted || short.count == 2 && long == short + [1, 1]
  }

  /// What is wrong with the tensors.
  private struct Problems {
    var missing: [String] = []
    var extra: [String] = []
    var misshapen: [String] = []
    var infinite: [String] = []

    /// In a line; nil where nothing is.
    var text: String? {
      var parts: [String] = []
      if !missing.isEmpty { parts.append("missing \(listing(missing))") }
      if !extra.isEmpty { parts.append("left over, with no place in it, \(listing(extra))") }
      if let first = misshapen.first {
        parts.append(
          misshapen.count == 1
            ? "misshapen \(first)" : "misshapen \(first) and \(misshapen.count - 1) more")
      }
      if !infinite.isEmpty { parts.append("with values that are not finite \(listing(infinite))") }
      return parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
  }
}

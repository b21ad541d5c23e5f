import Messages
import Tensors
import VAEFiles
import VAERecipes
import VAETraining

/// A trained model as files that another program reads: the inverse of `WeightImport`, by the same tables of
/// names.
public struct WeightExport {
  /// What the files hold, such as "AutoencoderKL with 4 latent channels".
  public let title: String
  /// The tensors that are written.
  public let tensorCount: Int
  /// The paths of the model's tensors that the form has no place for.
  public let left: [String]
  /// What the files do not say and who reads them must know.
  public let notices: [Message]
  private let files: [(name: String, bytes: [UInt8])]
  private let form: String
  private let isFolder: Bool
  private let source: String

  /// Makes the files of a model, without writing them.
  ///
  /// - Parameters:
  ///   - trained: the model.
  ///   - form: one of the `exports` of its variant's formats, such as `diffusers`.
  ///   - registry: the variants.
  /// - Throws: `RecipeError` where there is no such form, or where other programs have no such network.
  public init(_ trained: TrainedModel, form: String, registry: Registry) throws {
    let recipe = trained.recipe
    let plan = try Self.format(of: recipe, form, registry).exportPlan(for: recipe, as: form)
    try Self.checkPictures(trained)
    let places = Dictionary(
      plan.tensors.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
    let tensors = trained.model.weights.map { (place: places[$0.name], tensor: $0) }
    var made = (plan.fileNames ?? [""]).map { _ in Safetensors() }
    for file in made.indices {
      let own = tensors.filter { $0.place?.file == file }
      // Where there is no memory for it, nothing is written.
      guard made[file].reserve(byteCount: own.reduce(0) { $0 + 4 * $1.tensor.values.count }) else {
        break
      }
      for (place, tensor) in own {
        guard let place else { continue }
        let shape = tensor.values.shape.dimensions
        tensor.values.withFloats { floats in
          made[file].add(
            place.name, shape: place.isMatrix ? Array(shape.prefix(2)) : shape, floats: floats)
        }
      }
    }
    try Memory.check()
    let left = tensors.filter { $0.place == nil }.map(\.tensor.name)
    let lost = left.filter { path in
      ["encoder.", "decoder."].contains(where: path.hasPrefix)
        && !plan.leftPaths.contains(where: path.hasPrefix)
    }
    if let path = lost.first {
      throw RecipeError(
        .invalid, "\(trained.source): the form \(form) has no place for \(path)")
    }
    for file in made.indices { made[file].metadata = ["format": "pt"] }
    title = plan.title
    notices = plan.notices
    tensorCount = plan.tensors.count
    self.left = left
    self.form = form
    isFolder = plan.fileNames != nil
    source = trained.source
    var files = zip(plan.fileNames ?? [""], made).map { (name: $0, bytes: $1.sealed()) }
    if let config = plan.config {
      files.append((ForeignWeights.configFile, Array(JSON.object(config).document.utf8)))
    }
    self.files = files
  }

  private static func format(
    of recipe: Recipe, _ form: String, _ registry: Registry
  ) throws(RecipeError) -> any WeightFormat {
    let formats =
      registry.entries.first { $0.variant.name == recipe.variant }?.variant.weightFormats ?? []
    if let format = formats.first(where: { $0.exports.contains(form) }) { return format }
    let known = formats.flatMap(\.exports)
    guard !known.isEmpty else {
      throw RecipeError(
        .invalid, "no other program is known that reads the weights of a model of \(recipe.variant)"
      )
    }
    throw RecipeError(
      .invalid,
      "models of \(recipe.variant) are written as \(known.joined(separator: " or ")), not as \(PlainText.quoted(form))"
    )
  }

  /// Refuses a model whose decoder does not give the picture itself, between 0 and 1: other programs know no
  /// likelihood.
  private static func checkPictures(_ trained: TrainedModel) throws(RecipeError) {
    let (likelihood, channels) = (trained.model.likelihood, trained.recipe.data?.channels ?? 3)
    let probe = Tensor((0..<channels).map { 0.25 + Float($0) / 8 }, shape: [1, 1, 1, channels])
    guard trained.recipe.data?.range != .real,
      likelihood.parametersPerPixel(channels: channels) == channels,
      withoutTape({ likelihood.mean(probe) }).floats == probe.floats
    else {
      throw RecipeError(
        .invalid,
        "\(trained.source): other programs take what the decoder gives for the picture between 0 and 1 itself, but the likelihood "
          + "of this model makes something else of it; train with \(.setting("likelihood.link", "identity")) and a "
          + "density of one mean for each number")
    }
  }

  /// Writes a folder, which is made where there is none, or the one file. Each file appears whole or not at
  /// all, the one that says what the others are as the last.
  ///
  /// - Throws: `RecipeError` where the model itself would be replaced, for a file that does not end in
  ///   .safetensors, for a folder that does, and for a run folder; `FileError`.
  public func write(to path: String) throws {
    try checkPlace(path)
    guard !DurableFiles.isSame(source, path) || isFolder else {
      throw RecipeError(
        .invalid,
        "\(path) is the model that is exported, which would be replaced; name another file")
    }
    guard isFolder else { return try DurableFiles.replace(path, with: files[0].bytes) }
    if try DurableFiles.kind(of: path) == nil { try DurableFiles.makeFolder(path) }
    for file in files { try DurableFiles.replace("\(path)/\(file.name)", with: file.bytes) }
  }

  /// Refuses a path that names something else than what is written.
  private func checkPlace(_ path: String) throws(RecipeError) {
    let ending = ".safetensors"
    if isFolder, path.hasSuffix(ending) {
      throw RecipeError(
        .invalid,
        "\(path): the form \(form) is a folder, not one \(ending) file; name a folder without that ending"
      )
    }
    if !isFolder, !path.hasSuffix(ending) {
      throw RecipeError(
        .invalid, "\(path): the form \(form) is one \(ending) file; end its name in \(ending)")
    }
    if isFolder, RunFolder.isRun(at: path) {
      throw RecipeError(
        .invalid, "\(path) is a run folder, whose files are its own; name another folder")
    }
  }
}

import Messages
import VAEFiles
import VAERecipes

extension ForeignWeights {
  /// Endings of files that Python pickles.
  private static let pickleEndings = [".pth", ".pt", ".ckpt", ".bin", ".pkl"]

  /// Reads weights of another program: one safetensors file, or a folder of them with `config.json` where
  /// it has one. Of a folder of diffusers `diffusion_pytorch_model.safetensors` alone is read, of another
  /// one every safetensors file.
  ///
  /// - Parameters:
  ///   - path: of the file or folder.
  ///   - proceed: called again and again meanwhile; what it throws ends the reading.
  /// - Throws: `FileError` where there is nothing, or nothing of this kind; `SafetensorsError` and
  ///   `RecipeError` for what is damaged, and for pickles, which are never read.
  public static func open(
    _ path: String, proceed: () throws -> Void = {}
  ) throws -> ForeignWeights {
    guard let kind = try DurableFiles.kind(of: path) else {
      throw FileError(.missing, "read", path, "it does not exist")
    }
    guard kind != .other else {
      throw FileError(.malformed, "read", path, "it is neither a file nor a folder")
    }
    guard kind == .folder else {
      return ForeignWeights(source: path, files: [try file(path, proceed)])
    }
    let folder = try Folder(opening: path)
    let names = try folder.list().sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var chosen = names.filter { $0.hasSuffix(".safetensors") }
    if chosen.contains(diffusersFile) { chosen = [diffusersFile] }
    // Each of such files has a part of one network's tensors.
    if let shard = chosen.first(where: { $0.includes("-00001-of-") }), chosen.count > 1 {
      throw FileError(
        .malformed, "import", path,
        "its weights are divided among \(Count.of(chosen.count, "file")), \(PlainText.quoted(shard)) being the first, which are not "
          + "put together here; store them as one file, as save_pretrained(folder, max_shard_size=\"100GB\") does"
      )
    }
    guard !chosen.isEmpty else {
      if let pickle = names.first(where: { name in pickleEndings.contains(where: name.hasSuffix) })
      {
        throw Self.refusal(ofPickle: folder.path(of: pickle))
      }
      if names.contains("vae"), names.contains("model_index.json") {
        throw FileError(
          .malformed, "import", path,
          "it is a whole pipeline of diffusers; name the folder \(folder.path(of: "vae"))")
      }
      throw FileError(.malformed, "import", path, "it holds no .safetensors file")
    }
    var config: JSON.Object?
    if names.contains(configFile) {
      let source = folder.path(of: configFile)
      let bytes = try DurableFiles.read(source, limit: .text, proceed: proceed)
      guard let object = try JSON(parsing: bytes, source: source).object else {
        throw RecipeError(.malformed, "\(source) is not a JSON object")
      }
      config = object
    }
    return ForeignWeights(
      source: path, files: try chosen.map { try file(folder.path(of: $0), proceed) },
      config: config)
  }

  private static func file(_ path: String, _ proceed: () throws -> Void) throws -> Safetensors {
    // Opening a pipe waits for somebody who writes.
    guard try DurableFiles.kind(of: path) != .other else {
      throw FileError(.malformed, "read", path, "it is no file")
    }
    if path.lowercased().hasSuffix(".npz") || path.lowercased().hasSuffix(".npy") {
      throw RecipeError(
        .malformed,
        "\(path) holds arrays of NumPy, not weights under the names of a network; give a safetensors file"
      )
    }
    let pointer = "version https://git-lfs"
    let start = try DurableFiles.readStart(of: path, count: pointer.utf8.count)
    guard start != Array(pointer.utf8) else {
      throw FileError(
        .malformed, "import", path,
        "it is a pointer of git-lfs in place of the weights; fetch them by git lfs pull")
    }
    // PyTorch's zip archives, and what it wrote before them.
    let isPickle = start.starts(with: Array("PK\u{3}\u{4}".utf8)) || start.starts(with: [0x80, 2])
    if isPickle || pickleEndings.contains(where: path.hasSuffix) {
      throw refusal(ofPickle: path)
    }
    return try Safetensors(parsing: DurableFiles.read(path, proceed: proceed), path: path)
  }

  /// Why pickles are not read, and how to make of one what is.
  private static func refusal(ofPickle path: String) -> RecipeError {
    RecipeError(
      .malformed,
      "\(path) is a Python pickle, which can run any code when it is read, so this program never reads one; convert it in "
        + "a Python that has PyTorch and safetensors: t = torch.load(\"FILE\", map_location=\"cpu\", weights_only=True); "
        + "save_file({k: v.contiguous() for k, v in t.get(\"state_dict\", t).items() if hasattr(v, \"contiguous\")}, "
        + "\"FILE.safetensors\")")
  }
}

import Messages
import Tensors
import VAEData
import VAEFiles
import VAERecipes

/// The latents of pictures, as files hold them.
///
/// An `.npy` file has those of pictures of one size; a `.safetensors` file a tensor for each picture, under
/// its name, and in its metadata how they are stored and the pictures' sizes.
public struct MapLatents {
  /// The latents of one picture.
  public struct Entry {
    /// The picture's name.
    public let name: String
    /// `[1, height, width, channels]`, as the autoencoder has them.
    public let latents: Tensor
    /// The picture's size, where it is known.
    public let size: (height: Int, width: Int)?

    /// Latents of a picture.
    public init(name: String, latents: Tensor, size: (height: Int, width: Int)? = nil) {
      self.name = name
      self.latents = latents
      self.size = size
    }
  }

  /// How a file stores latents.
  public struct Storage: Equatable, Sendable {
    /// Whether as a model that is trained on them takes them, (z − shift) · factor.
    public var isScaled = false
    /// Whether channels come before rows and columns, as PyTorch has them.
    public var isChannelsFirst = false
    /// Whether as bytes.
    public var isOfBytes = false

    /// As the autoencoder has them, channels last, as floats.
    public init() {}
  }

  /// One for each picture, in order.
  public var entries: [Entry]

  /// Latents of pictures.
  public init(_ entries: [Entry]) { self.entries = entries }

  private static let layoutKey = "vae_zoo_latents_layout"
  private static let scaledKey = "vae_zoo_latents_scaled"
  private static let sizePrefix = "vae_zoo_picture_size."

  // MARK: Writing

  /// The bytes of an `.npy` file.
  ///
  /// - Throws: `RecipeError` where the pictures have different sizes.
  public func npy(_ storage: Storage, _ coder: PictureCoder) throws -> [UInt8] {
    guard let first = entries.first, entries.allSatisfy({ $0.latents.shape == first.latents.shape })
    else {
      throw RecipeError(
        .unsuitableData,
        "the latents of pictures of different sizes are not one array; write a .safetensors file")
    }
    try coder.check(isScaled: storage.isScaled)
    let all = withoutTape { Tensor.concatenated(entries.map(\.latents), axis: 0) }
    let stored = Self.stored(all, storage, coder)
    guard storage.isOfBytes else { return NPYWriter.bytes(stored) }
    try Self.checkBytes(storage, "latents")
    return NPYWriter.bytes(try coder.bytes(of: stored), shape: stored.shape.dimensions)
  }

  /// The bytes of a `.safetensors` file.
  public func safetensors(_ storage: Storage, _ coder: PictureCoder) throws -> [UInt8] {
    if storage.isOfBytes { try Self.checkBytes(storage, "latents") }
    try coder.check(isScaled: storage.isScaled)
    var file = Safetensors()
    file.metadata = [
      Self.layoutKey: storage.isChannelsFirst ? "NCHW" : "NHWC",
      Self.scaledKey: storage.isScaled ? "true" : "false",
    ]
    for entry in entries {
      let stored = Self.stored(entry.latents, storage, coder)
      let shape = stored.shape.dimensions
      guard file.entry(entry.name) == nil else {
        throw RecipeError(.unsuitableData, "two pictures have the name \(entry.name)")
      }
      if storage.isOfBytes {
        file.add(entry.name, shape: shape, try coder.bytes(of: stored))
      } else {
        stored.withFloats { file.add(entry.name, shape: shape, floats: $0) }
      }
      if let size = entry.size {
        file.metadata[Self.sizePrefix + entry.name] = "\(size.height)x\(size.width)"
      }
    }
    return file.sealed()
  }

  private static func stored(
    _ latents: Tensor, _ storage: Storage, _ coder: PictureCoder
  ) -> Tensor {
    withoutTape {
      let values = storage.isScaled ? coder.scaling.scaled(latents) : latents
      return storage.isChannelsFirst ? values.permuted([0, 3, 1, 2]) : values
    }
  }

  // MARK: Reading

  /// Reads a file of latents for a model, `.npy` or `.safetensors`. Of whole numbers bytes are taken,
  /// unsigned integers of eight bits.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - storage: how it stores them, where it does not say so itself.
  ///   - coder: of the model.
  /// - Throws: `DataError`, `FileError` and `SafetensorsError` for what cannot be read, `RecipeError`
  ///   for what are no latents of the model.
  public static func read(
    _ path: String, _ storage: Storage, _ coder: PictureCoder
  ) throws -> MapLatents {
    guard path.hasSuffix(".safetensors") else {
      return try MapLatents(NPYReader.stored(path), of: path, storage, coder)
    }
    return try MapLatents(Safetensors(parsing: DurableFiles.read(path), path: path), storage, coder)
  }

  /// Latents of pictures of one size, in one array.
  ///
  /// - Parameters:
  ///   - array: of a file.
  ///   - path: of the file.
  ///   - storage: how it stores them.
  ///   - coder: of the model.
  /// - Throws: `RecipeError` for what are no latents of the model.
  public init(
    _ array: NPYReader.StoredArray, of path: String, _ storage: Storage, _ coder: PictureCoder
  ) throws {
    var values = array.tensor
    if array.isOfBytes {
      try Self.checkBytes(storage, path)
      values = try coder.latents(ofBytes: Self.bytes(array.tensor, path), shape: values.shape)
    } else if values.elementType == .int32 {
      throw Self.refusal(ofElements: array.elements, path)
    }
    let all = try Self.restored(values, storage, coder, path)
    self.init(Self.entries(all, Self.stem(path), size: nil))
  }

  private init(_ file: Safetensors, _ storage: Storage, _ coder: PictureCoder) throws {
    guard !file.entries.isEmpty else {
      throw RecipeError(.unsuitableData, "\(file.path) holds no latents: it has no tensor")
    }
    var storage = storage
    storage.isChannelsFirst =
      try Self.stated(Self.layoutKey, by: file, ["NHWC", "NCHW"]) ?? storage.isChannelsFirst
    let statedScaling = try Self.stated(Self.scaledKey, by: file, ["false", "true"])
    storage.isScaled = statedScaling ?? storage.isScaled
    var entries: [Entry] = []
    for entry in file.entries {
      let what = "\(file.path): \(PlainText.quoted(entry.name))"
      guard entry.shape.count <= Shape.maximalRank else {
        throw RecipeError(.unsuitableData, "\(what) has \(entry.shape.count) axes")
      }
      let shape = Shape(entry.shape)
      switch entry.type {
      case .uint8: try Self.checkBytes(storage, what, isStated: statedScaling == true)
      case .float16, .bfloat16, .float32, .float64: break
      default: throw Self.refusal(ofElements: entry.type.rawValue, what)
      }
      let values =
        entry.type == .uint8
        ? try coder.latents(
          ofBytes: file.values(entry.name, shape: entry.shape), shape: shape)
        : Tensor(try file.convertedFloats(entry), shape: shape)
      let all = try Self.restored(values, storage, coder, what)
      let stated = file.metadata[Self.sizePrefix + entry.name]
      let size = try stated.map { try Self.size($0, of: all, coder, what) }
      entries += Self.entries(all, entry.name, size: size)
    }
    self.init(entries)
  }

  /// Whether a file says the second of two words for a key; nil where it says nothing.
  private static func stated(
    _ key: String, by file: Safetensors, _ words: [String]
  ) throws(RecipeError) -> Bool? {
    guard let word = file.metadata[key] else { return nil }
    guard let number = words.firstIndex(of: word) else {
      throw RecipeError(
        .unsuitableData,
        "\(file.path): \(key) is \(PlainText.quoted(word)), but must be \(words[0]) or \(words[1])")
    }
    return number == 1
  }

  private static func entries(
    _ all: Tensor, _ name: String, size: (height: Int, width: Int)?
  ) -> [Entry] {
    let count = all.shape[0]
    return (0..<count).map { number in
      Entry(
        name: count == 1 ? name : "\(name)-\(number)", latents: all.rows(number..<number + 1),
        size: size)
    }
  }

  /// Bytes stand for latents as the autoencoder has them, which those of another scale would not fit.
  ///
  /// - Parameter isStated: whether the file itself says that they are scaled.
  static func checkBytes(
    _ storage: Storage, _ name: String, isStated: Bool = false
  ) throws(RecipeError) {
    guard storage.isScaled else { return }
    let remedy: Message =
      isStated
      ? "store floats, or unscaled latents with \(scaledKey) \(PlainText.quoted("false")) in the metadata"
      : "leave out --scaled, or store floats"
    throw RecipeError(
      .unsuitableData,
      "\(name): bytes stand for latents as the autoencoder has them, within its largest magnitude; \(remedy)"
    )
  }

  private static func refusal(ofElements elements: String, _ name: String) -> RecipeError {
    RecipeError(
      .unsuitableData, "\(name): the latents\(PictureCoder.refusal(ofElements: elements))")
  }

  private static func bytes(_ array: Tensor, _ path: String) throws -> [UInt8] {
    try Memory.require(bytes: array.count, for: "the bytes of \(path)")
    return array.withIndices { $0.map { UInt8(truncatingIfNeeded: $0) } }
  }

  /// Latents as the autoencoder has them, out of what a file has.
  private static func restored(
    _ values: Tensor, _ storage: Storage, _ coder: PictureCoder, _ name: String
  ) throws(RecipeError) -> Tensor {
    try coder.check(isScaled: storage.isScaled)
    var latents = values
    withoutTape {
      if storage.isChannelsFirst, latents.rank == 4 { latents = latents.permuted([0, 2, 3, 1]) }
      if storage.isScaled { latents = coder.scaling.unscaled(latents) }
    }
    if let misfit = coder.misfit(of: latents) {
      throw RecipeError(.unsuitableData, "\(name): the latents\(misfit)")
    }
    return latents
  }

  /// The size that a file says a picture has, which must be one that gives as many places.
  private static func size(
    _ text: String, of latents: Tensor, _ coder: PictureCoder, _ name: String
  ) throws(RecipeError) -> (height: Int, width: Int) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    let stated =
      "\(name): \(PlainText.quoted(sizePrefix + "…")) in its metadata is \(PlainText.quoted(text))"
    guard sides.count == 2, let height = sides[0], let width = sides[1] else {
      throw RecipeError(
        .unsuitableData,
        "\(stated), but must be a height and a width, such as \(PlainText.quoted("480x640"))")
    }
    let size = (height: height, width: width)
    if let misfit = coder.misfit(ofSize: size, for: latents) {
      throw RecipeError(
        .unsuitableData,
        "\(stated), but \(misfit)"
      )
    }
    return size
  }

  /// A file's name without folder and ending.
  static func stem(_ path: String) -> String {
    let name = DurableFiles.name(of: path)
    guard let dot = name.lastIndex(of: "."), dot > name.startIndex else { return name }
    return String(name[..<dot])
  }
}

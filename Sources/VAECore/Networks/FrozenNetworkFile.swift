import Messages
import Tensors
import VAEFiles

/// A frozen network as a recipe names it: the file that holds it with its SHA-256, and the layers
/// whose features are wanted.
///
/// Nothing is read before `open()`: a model can be evaluated and drawn from where the file is missing,
/// and is trained only where it is there and the same. An objective states its networks in
/// ``ObjectiveRequirements/networks``, and the trainer opens them before the first update.
///
/// ```swift
/// let file = FrozenNetworkFile(
///   "vgg16.safetensors", sha256: sha256, layers: ["relu1_2", "relu2_2"],
///   imageShape: [64, 64, 3], range: .unit)
/// try file.open()
/// let features = file.features(of: images)  // one tensor [N, height, width, features] for each layer
/// ```
public final class FrozenNetworkFile {
  /// The file, in the safetensors format: with the description in its metadata, with the tensors of a
  /// known architecture by torchvision's names, or the exported model of a run, whose encoder it is.
  public let path: String
  /// The SHA-256 of the whole file, 64 hexadecimal digits.
  public let sha256: String
  /// The layers whose features are wanted, in the order of the answers. Where none was named it is, once
  /// the file is open, the one that stands for the image: what the description calls its features, else
  /// the last layer with a name.
  public private(set) var layers: [String]
  /// Whether images are compared by the heads of LPIPS that the file must have. The layers are then theirs.
  public let usesHeads: Bool

  private let imageShape: Shape
  private let range: ValueRange
  private var network: (any FeatureExtractor)?
  /// What opens a file that holds a model of the zoo, whose encoder then is the network; gives nil for
  /// other files. Recipes hand it in, for the file names the model's parts and nothing here knows them.
  package var openModel: ((Safetensors) throws(NetworkProblem) -> DescribedModel?)?
  /// The setting that names the layers, for the refusal of a network that lacks one.
  package var layersSetting: String?

  /// A file that is not opened yet.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - sha256: of its bytes, 64 hexadecimal digits.
  ///   - layers: the layers whose features are wanted; none for the one that stands for the image.
  ///   - usesHeads: whether those are wanted, in place of `layers`, that LPIPS compares by heads in the file.
  ///   - imageShape: of the images that the network will see, `[height, width, channels]`.
  ///   - range: of their values.
  public init(
    _ path: String, sha256: String, layers: [String], usesHeads: Bool = false, imageShape: Shape,
    range: ValueRange
  ) {
    ensure(imageShape.rank == 3, "an image has three axes, not the shape \(imageShape)")
    ensure(!usesHeads || layers.isEmpty, "the layers of heads are in the file")
    self.usesHeads = usesHeads
    self.path = path
    self.sha256 = sha256.lowercased()
    self.layers = layers
    self.imageShape = imageShape
    self.range = range
  }

  /// A file as it is now, whose SHA-256 is taken for the record.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - layers: the layers whose features are wanted; none for the one that stands for the image.
  ///   - imageShape: of the images that the network will see, `[height, width, channels]`.
  ///   - range: of their values.
  /// - Throws: `FileError` where the file is missing or cannot be read.
  public convenience init(
    asItIs path: String, layers: [String] = [], imageShape: Shape, range: ValueRange
  ) throws(FileError) {
    let hash = SHA256.text(SHA256.hash(of: try Self.bytes(of: path)))
    self.init(path, sha256: hash, layers: layers, imageShape: imageShape, range: range)
  }

  /// Reads the network, once.
  ///
  /// - Throws: `FileError` where the file is missing or cannot be read, is another one than the
  ///   recipe names, is damaged, or holds a network that does not take the images or lacks a layer.
  public func open() throws(FileError) {
    guard network == nil else { return }
    let bytes = try Self.bytes(of: path)
    let found = SHA256.text(SHA256.hash(of: bytes))
    guard found == sha256 else {
      throw refusal(
        "its SHA-256 is \(found), but the recipe names \(sha256): it is another file, or damaged")
    }
    do throws(NetworkProblem) {
      network = try read(bytes)
    } catch {
      throw refusal(error.reason)
    }
  }

  /// The features of images `[N, height, width, channels]`, one tensor for each of `layers`. The file
  /// must be open.
  public func features(of images: Tensor) -> [Tensor] {
    guard let network else {
      fatalError("the frozen network \(path) is asked for features before it is opened")
    }
    return network.features(of: images, at: layers)
  }

  /// The weights of the channels of each of `layers`, `[channels]`, where images are compared by heads; none
  /// otherwise, and before the file is open.
  public var headWeights: [Tensor] { usesHeads ? network?.heads.map(\.weights) ?? [] : [] }

  /// Whether the file, which is open, has heads of LPIPS.
  package var hasHeads: Bool { network?.heads.isEmpty == false }

  /// The distance of images by the heads of the file, `[N]` (Zhang et al. 2018, equation 1).
  ///
  /// - Parameters:
  ///   - images: `[N, height, width, channels]`.
  ///   - others: of the same shape.
  /// - Throws: `NetworkProblem` where there are no heads, or they do not take images of this size.
  package func perceptualDistance(
    of images: Tensor, from others: Tensor
  ) throws(NetworkProblem) -> Tensor {
    guard let network, hasHeads else { throw Self.noHeads }
    let layers = network.heads.map(\.layer)
    try network.check(imageShape, range, upTo: layers)
    return FeatureComparison(.lpips)(
      network.features(of: images, at: layers), network.features(of: others, at: layers),
      heads: network.heads.map(\.weights))
  }

  private static let noHeads = NetworkProblem(
    "it has no heads of LPIPS, tensors lin0.model.1.weight, lin1.model.1.weight, … (docs/weights.md)"
  )

  /// Which network this is, for records.
  public struct Identity: Equatable, Sendable {
    /// The file, as it was named.
    public let path: String
    /// The SHA-256 of its bytes.
    public let sha256: String
    /// The layers whose features are looked at.
    public let layers: [String]

    /// The identity as JSON.
    public var json: JSON {
      .object([
        "path": .text(path), "sha256": .text(sha256), "layers": .array(layers.map(JSON.text)),
      ])
    }
  }

  /// Which network this is, with the layers that are looked at once it is open.
  public var identity: Identity { Identity(path: path, sha256: sha256, layers: layers) }

  /// The names of the classes where the network is a classifier; nil where it is none, or not open.
  public var classes: [String]? { network?.classes }

  /// The classes' logits for images `[N, height, width, channels]`, `[N, classes]`; nil where the network is
  /// no classifier.
  public func logits(of images: Tensor) -> Tensor? {
    guard let network, let layer = network.logitLayer else { return nil }
    return network.features(of: images, at: [layer])[0]
  }

  /// The error about a folder that holds an exported model, which says that it is the file that is named; nil
  /// for any other path.
  private static func refusal(ofRun path: String) -> FileError? {
    let model = "\(path)/model.safetensors"
    guard (try? DurableFiles.kind(of: model)) == .file else { return nil }
    return FileError(
      .malformed, "use the frozen network", path, "it is a folder; name the file \(model)")
  }

  /// The error about a file that is not there.
  private static func absence(of path: String) -> FileError {
    FileError(
      .missing, "use the frozen network", path,
      "it does not exist; name a file that is there, or the same one where it lies now")
  }

  /// The SHA-256 of a file that somebody has just named, 64 hexadecimal digits.
  ///
  /// - Throws: `FileError` that says what to name where there is no such file.
  package static func sha256(of path: String) throws(FileError) -> String {
    if let refusal = refusal(ofRun: path) { throw refusal }
    guard (try? DurableFiles.kind(of: path)) != .folder else {
      throw FileError(
        .malformed, "use the frozen network", path, "it is a folder; name the file of a network")
    }
    do {
      return SHA256.text(try SHA256.hash(ofFile: path))
    } catch {
      throw error.kind == .missing ? absence(of: path) : error
    }
  }

  private static func bytes(of path: String) throws(FileError) -> [UInt8] {
    do {
      return try DurableFiles.read(path)
    } catch let error as FileError {
      if let refusal = refusal(ofRun: path) { throw refusal }
      guard error.kind == .missing else { throw error }
      throw absence(of: path)
    } catch {
      throw FileError(.unreadable, "read", path, "\(error)")
    }
  }

  private func read(_ bytes: [UInt8]) throws(NetworkProblem) -> any FeatureExtractor {
    let file: Safetensors
    do throws(SafetensorsError) {
      file = try Safetensors(parsing: bytes, path: "the file")
    } catch {
      throw NetworkProblem("it is damaged: \(error.message)")
    }
    let network: any FeatureExtractor =
      if let model = try openModel?(file) {
        try FrozenEncoder(model)
      } else {
        try FrozenNetwork.read(file)
      }
    if usesHeads {
      guard !network.heads.isEmpty else { throw Self.noHeads }
      layers = network.heads.map(\.layer)
    }
    if layers.isEmpty { layers = [network.featureLayer] }
    for name in layers where !network.layerNames.contains(name) {
      let advice: Message = layersSetting.map { "; name some of them with \(.setting($0))" } ?? ""
      throw NetworkProblem(
        "it has no layer \(PlainText.quoted(name)); choose among the layers that it has: "
          + "\(network.layerNames.joined(separator: ", "))\(advice)")
    }
    try network.check(imageShape, range, upTo: layers)
    return network
  }

  private func refusal(_ reason: Message) -> FileError {
    FileError(.malformed, "use the frozen network", path, reason)
  }
}

extension FrozenNetwork {
  /// The network of a file: of a known architecture by its tensors' names, or as its metadata describe it.
  package static func read(_ file: Safetensors) throws(NetworkProblem) -> FrozenNetwork {
    if file.metadata[metadataName] == nil, let known = try ArchitectureTensors(in: file) {
      return try FrozenNetwork(known)
    }
    return try FrozenNetwork(file)
  }

  /// Refuses images that the network does not take as far as the last of some layers; a classifier has to take
  /// them to its end.
  package func check(
    _ image: Shape, _ range: ValueRange, upTo wanted: [String]
  ) throws(NetworkProblem) {
    let (height, width, channels) = (image[0], image[1], image[2])
    guard channels == input.channels || channels == 1 else {
      throw NetworkProblem(
        "it takes images of \(Count.of(input.channels, "channel")), but the data have \(channels)")
    }
    guard input.range == .real || range != .real else {
      throw NetworkProblem("it takes values between 0 and 1, but the data have \(range.phrase)")
    }
    let last = layers.lastIndex { layer in wanted.contains { layer.answers(to: $0) } }
    let needed = classes == nil ? last.map { Array(layers[...$0]) } ?? layers : layers
    let least = max(input.leastSize, leastSize(of: needed) ?? 1)
    guard min(height, width) >= least else {
      throw NetworkProblem(
        "it takes images of at least \(least) by \(least) pixels, but the data have \(height) by \(width)"
      )
    }
    var shape = [height, width, input.channels]
    for (number, layer) in needed.enumerated() {
      guard let next = layer.operation.outputShape(shape) else {
        let title = layer.name.map { "layer \(PlainText.quoted($0))" } ?? "layer \(number)"
        throw NetworkProblem(
          "\(title) cannot take \(shape.map(String.init).joined(separator: "x")), which images of "
            + "\(height) by \(width) become before it"
            + (onlySize(of: needed).map {
              "; the network was made for images of \($0) by \($0) alone"
            }
              ?? ""))
      }
      shape = next
    }
  }

  /// The least side of a square image that some layers can take where they take every larger one; nil where
  /// they do not.
  private func leastSize(of layers: [Layer]) -> Int? {
    take(layers, Self.largeSide) ? (1...Self.largeSide).first { take(layers, $0) } : nil
  }

  /// The side of the square images that some layers take where they take those of no other size.
  private func onlySize(of layers: [Layer]) -> Int? {
    let sides = (1...Self.largeSide).filter { take(layers, $0) }
    return sides.count == 1 ? sides.first : nil
  }

  /// Whether layers take square images of a side.
  private func take(_ layers: [Layer], _ side: Int) -> Bool {
    var shape: [Int]? = [side, side, input.channels]
    for layer in layers { shape = shape.flatMap { layer.operation.outputShape($0) } }
    return shape != nil
  }

  /// As good as any size; a dense layer takes no other than its own.
  private static let largeSide = 512
}

import Messages
import VAEFiles
import VAERecipes

/// TAESD as its author stores it, encoder and decoder in a file each with the numbers of its layers for
/// names, or as diffusers stores `AutoencoderTiny`, both in one file.
struct TinyWeights: WeightFormat {
  var summary: String {
    "TAESD: encoder and decoder with raw names (0.weight, 1.conv.0.weight, …), or diffusers' AutoencoderTiny"
  }

  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan? {
    let own = weights.config?["_class_name"]?.text
    guard own == nil || own == "AutoencoderTiny" else { return nil }
    var found: [TinyHalf] = []
    for file in weights.files.indices {
      found += try TinyHalf.halves(of: weights.files[file], number: file)
    }
    guard !found.isEmpty else { return nil }
    let encoder = try one(.encoder, of: found, weights)
    let decoder = try one(.decoder, of: found, weights)
    guard encoder.latentChannels == decoder.latentChannels,
      encoder.blocks.count == decoder.blocks.count
    else {
      throw RecipeError(
        .malformed,
        "\(weights.source): the encoder halves images \(encoder.blocks.count - 1) times, to \(encoder.latentChannels) latent "
          + "channels, but the decoder doubles \(decoder.blocks.count - 1) times, from \(decoder.latentChannels)"
      )
    }
    var settings = encoder.settings + decoder.settings
    settings += [
      (key: "prior.latent_channels", value: "\(encoder.latentChannels)"),
      (key: "prior.levels", value: "\(encoder.blocks.count - 1)"),
      (key: "encoder.deviation", value: "\(Self.deviationOfBytes)"),
    ]
    if let config = weights.config {
      settings += try TinyConfig(config, source: weights.source).settings(encoder, decoder)
    }
    return ImportPlan(
      title: "TAESD with \(encoder.latentChannels) latent channels", settings: settings,
      channels: encoder.imageChannels, tensors: encoder.tensors + decoder.tensors,
      freshPaths: ["encoder.log_variance", "likelihood."])
  }

  /// The standard deviation of what rounding to bytes between −3 and 3 changes in latents, 6 / 255 / √12:
  /// the noise of latents that are stored as TAESD's are meant to be.
  private static let deviationOfBytes = 0.0068

  private func one(
    _ role: TinyHalf.Kind, of halves: [TinyHalf], _ weights: ForeignWeights
  ) throws(RecipeError) -> TinyHalf {
    let own = halves.filter { $0.kind == role }
    if let half = own.first, own.count == 1 { return half }
    let other = role == .encoder ? "decoder" : "encoder"
    guard own.isEmpty else {
      let files = own.map { weights.files[$0.file].path }.joined(separator: ", ")
      throw RecipeError(
        .malformed,
        "\(weights.source) holds more than one TAESD \(role.rawValue) (\(files)); put one encoder and one decoder into a "
          + "folder of their own")
    }
    throw RecipeError(
      .malformed,
      "\(weights.source) holds a TAESD \(other) alone; name a folder that holds the files of both halves"
    )
  }
}

/// One half of a TAESD as a file has it: convolutions with blocks between them.
struct TinyHalf {
  enum Kind: String {
    case encoder, decoder
  }

  let kind: Kind
  let file: Int
  /// Blocks at each size, in the order in which the half computes.
  let blocks: [Int]
  let channels: Int
  let latentChannels: Int
  let imageChannels: Int
  /// Channels of the branch that mixes them, 0 for none.
  let mixingChannels: Int
  let tensors: [ImportPlan.Tensor]

  /// The half's settings in a recipe.
  var settings: [(key: String, value: String)] {
    [
      (key: "\(kind.rawValue).channels", value: "\(channels)"),
      (
        key: "\(kind.rawValue).blocks",
        value: blocks.map(String.init).joined(separator: ",")
      ),
      (key: "\(kind.rawValue).mixing_channels", value: "\(mixingChannels)"),
    ]
  }

  /// Where a half's layers stand in a file. The numbers of diffusers' decoder are one less, for the
  /// clamp is no layer there.
  private static let places: [(kind: Kind, prefix: String, first: Int)] = [
    (.encoder, "", 0), (.decoder, "", 1),
    (.encoder, "encoder.layers.", 0), (.decoder, "decoder.layers.", 0),
    (.encoder, "taesd_encoder.", 0), (.decoder, "taesd_decoder.", 1),
  ]

  /// The halves in a file; none where it has no such names.
  static func halves(of file: Safetensors, number: Int) throws(RecipeError) -> [TinyHalf] {
    var found: [TinyHalf] = []
    for place in places {
      // The decoder has no layer 0 where its clamp counts as one.
      guard file.entry("\(place.prefix)\(place.first).weight") != nil,
        place.first == 0 || file.entry("\(place.prefix)0.weight") == nil
      else { continue }
      found.append(try TinyHalf(file, number: number, place))
    }
    return found
  }

  private init(
    _ file: Safetensors, number: Int, _ place: (kind: Kind, prefix: String, first: Int)
  ) throws(RecipeError) {
    var reader = TinyReader(file: file, number: number, prefix: place.prefix)
    let isDecoder = place.kind == .decoder
    let entry = try reader.convolution(
      place.first, at: isDecoder ? "decoder.layers.1" : "encoder.layers.0", hasBias: true)
    var (own, theirs) = isDecoder ? (2, place.first + 2) : (1, place.first + 1)
    var blocks: [Int] = []
    var mixing = 0
    var head: [Int] = []
    while true {
      var count = 0
      while reader.hasBlock(theirs) {
        mixing = max(
          mixing, try reader.block(theirs, at: "\(place.kind.rawValue).layers.\(own)"))
        (own, theirs, count) = (own + 1, theirs + 1, count + 1)
      }
      blocks.append(count)
      // The last convolution alone has a bias, and nothing follows it.
      if reader.isLast(theirs) {
        head = try reader.convolution(
          theirs, at: isDecoder ? "decoder.head" : "encoder.layers.\(own)", hasBias: true)
        break
      }
      // The decoder enlarges before a convolution.
      if isDecoder { (own, theirs) = (own + 1, theirs + 1) }
      _ = try reader.convolution(
        theirs, at: "\(place.kind.rawValue).layers.\(own)", hasBias: false)
      (own, theirs) = (own + 1, theirs + 1)
    }
    kind = place.kind
    self.file = number
    self.blocks = blocks
    channels = entry[0]
    latentChannels = isDecoder ? entry[1] : head[0]
    imageChannels = isDecoder ? head[0] : entry[1]
    mixingChannels = mixing
    tensors = reader.tensors
  }
}

/// Reads the layers of a half one after the other, and notes which tensors they are.
private struct TinyReader {
  let file: Safetensors
  let number: Int
  let prefix: String
  private(set) var tensors: [ImportPlan.Tensor] = []
  /// The greatest number of a layer in the file.
  private let last: Int
  /// The layers that are blocks, and those of them that mix channels.
  private let blocks: Set<Int>, mixing: Set<Int>

  init(file: Safetensors, number: Int, prefix: String) {
    self.file = file
    self.number = number
    self.prefix = prefix
    let names = file.entries.filter { $0.name.hasPrefix(prefix) }.map {
      $0.name.dropFirst(prefix.count).split(separator: ".")
    }
    func layers(_ part: String?) -> Set<Int> {
      Set(
        names.filter { $0.count > 1 && (part == nil || $0[1] == part ?? "") }.compactMap {
          Int($0[0])
        })
    }
    last = layers(nil).max() ?? 0
    blocks = layers("conv")
    mixing = layers("pool")
  }

  func isLast(_ layer: Int) -> Bool { layer >= last }

  func hasBlock(_ layer: Int) -> Bool {
    !isLast(layer) && blocks.contains(layer)
  }

  /// Takes note of a tensor.
  ///
  /// - Returns: its shape.
  @discardableResult
  private mutating func take(_ name: String, at path: String) throws(RecipeError) -> [Int] {
    let full = prefix + name
    guard let entry = file.entry(full) else {
      throw RecipeError(
        .malformed, "\(file.path) has no tensor \(full), which its other layers need")
    }
    tensors.append(ImportPlan.Tensor(path: path, file: number, name: full))
    return entry.shape
  }

  /// Takes a convolution.
  ///
  /// - Returns: the shape of its weights, four sizes.
  mutating func convolution(
    _ layer: Int, at path: String, hasBias: Bool
  ) throws(RecipeError) -> [Int] {
    let shape = try take("\(layer).weight", at: "\(path).weights")
    guard shape.count == 4, shape.allSatisfy({ $0 > 0 }) else {
      throw RecipeError(
        .malformed,
        "\(file.path): tensor \(prefix)\(layer).weight has the shape \(shape), which is none of a convolution"
      )
    }
    if hasBias { try take("\(layer).bias", at: "\(path).bias") }
    return shape
  }

  /// Takes a block.
  ///
  /// - Returns: the channels of the branch that mixes them, 0 for none.
  mutating func block(_ layer: Int, at path: String) throws(RecipeError) -> Int {
    for part in 0..<3 {
      try take("\(layer).conv.\(2 * part).weight", at: "\(path).convolutions.\(part).weights")
      try take("\(layer).conv.\(2 * part).bias", at: "\(path).convolutions.\(part).bias")
    }
    guard mixing.contains(layer) else { return 0 }
    let shape = try take("\(layer).pool.0.weight", at: "\(path).mixing.0.weights")
    try take("\(layer).pool.1.weight", at: "\(path).mixing.1.scale")
    try take("\(layer).pool.1.bias", at: "\(path).mixing.1.shift")
    try take("\(layer).pool.3.weight", at: "\(path).mixing.2.weights")
    return shape.first ?? 0
  }
}

import Messages
import VAEFiles
import VAERecipes

/// The autoencoder of latent diffusion as diffusers stores it, or under the names of latent diffusion's own
/// files, alone or in a checkpoint of a whole pipeline.
struct KLWeights: WeightFormat {
  var summary: String {
    "AutoencoderKL (Stable Diffusion, FLUX.1): diffusers' folder, or latent diffusion's names, alone or in a checkpoint"
  }

  func plan(for weights: ForeignWeights) throws(RecipeError) -> ImportPlan? {
    let own = weights.config?["_class_name"]?.text
    guard own == nil || own == "AutoencoderKL" else { return nil }
    guard
      let number = weights.files.indices.first(where: { KLNames(of: weights.files[$0]) != nil }),
      let names = KLNames(of: weights.files[number])
    else { return nil }
    let file = weights.files[number]
    let network = try KLNetwork(file, names)
    let config = try KLConfig(weights.config, source: weights.source)
    try config.check(network)
    var plan = ImportPlan(
      title: "AutoencoderKL with \(network.latentChannels) latent channels",
      settings: network.settings(groups: config.groups), channels: network.imageChannels,
      sampleSize: try config.sampleSize(), tensors: network.tensors(file: number),
      freshPaths: ["likelihood."])
    plan.isForeign = { names.isForeign($0) }
    if weights.config != nil {
      plan.settings += try config.scaling()
    } else {
      plan.questions = [
        (
          key: "prior.scaling_factor",
          question:
            "the files do not say by which factor a model of the latents takes them: 0.18215 for Stable Diffusion 1 "
            + "and 2, 0.13025 for XL, 1.5305 with prior.shift_factor 0.0609 for 3, 0.3611 with 0.1159 for FLUX.1"
        )
      ]
    }
    return plan
  }
}

/// The sizes of an autoencoder as the tensors of a file tell them.
struct KLNetwork {
  let names: KLNames
  /// Channels at each size, from the image's.
  let channels: [Int]
  /// Blocks at each size of the encoder, and of the decoder.
  let encoderBlocks: Int, decoderBlocks: Int
  /// Whether attention follows the blocks of a size, from the image's.
  let encoderAttention: [Bool], decoderAttention: [Bool]
  let hasEncoderMiddleAttention: Bool, hasDecoderMiddleAttention: Bool
  let hasLatentConvolution: Bool, hasDecoderLatentConvolution: Bool
  let imageChannels: Int
  let latentChannels: Int

  init(_ file: Safetensors, _ names: KLNames) throws(RecipeError) {
    func has(_ name: String) -> Bool { file.entry("\(names.prefix)\(name).weight") != nil }
    func shape(_ name: String) throws(RecipeError) -> [Int] {
      guard let entry = file.entry("\(names.prefix)\(name).weight") else {
        throw RecipeError(.malformed, "\(file.path) has no tensor \(names.prefix)\(name).weight")
      }
      guard entry.shape.count == 4, entry.shape.allSatisfy({ $0 > 0 }) else {
        throw RecipeError(
          .malformed,
          "\(file.path): tensor \(entry.name) has the shape \(entry.shape), which is none of a convolution"
        )
      }
      return entry.shape
    }
    /// How many there are of something that is counted from zero; recipes have at most 64.
    func count(_ name: (Int) -> String) -> Int { (0..<100).first { !has(name($0)) } ?? 100 }

    self.names = names
    let levels = count { names.block(names.down($0), 0) + ".conv1" }
    var channels: [Int] = []
    for level in 0..<levels {
      channels.append(try shape(names.block(names.down(level), 0) + ".conv1")[0])
    }
    self.channels = channels
    encoderBlocks = count { names.block(names.down(0), $0) + ".conv1" }
    decoderBlocks = count { names.block(names.up(0, of: levels), $0) + ".conv1" }
    let query = names.attentionParts[1]
    encoderAttention = (0..<levels).map { has("\(names.attention(names.down($0), 0)).\(query)") }
    decoderAttention = (0..<levels).reversed().map {
      has("\(names.attention(names.up($0, of: levels), 0)).\(query)")
    }
    hasEncoderMiddleAttention = has("\(names.middleAttention("encoder")).\(query)")
    hasDecoderMiddleAttention = has("\(names.middleAttention("decoder")).\(query)")
    hasLatentConvolution = has("quant_conv")
    hasDecoderLatentConvolution = has("post_quant_conv")
    imageChannels = try shape("encoder.conv_in")[1]
    latentChannels = try shape("decoder.conv_in")[1]
  }

  /// The recipe's settings.
  func settings(groups: Int) -> [(key: String, value: String)] {
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ",") }
    func flags(_ values: [Bool]) -> String { list(values.map { $0 ? 1 : 0 }) }
    return [
      (key: "prior.latent_channels", value: "\(latentChannels)"),
      (key: "prior.levels", value: "\(channels.count - 1)"),
      (key: "encoder.level_channels", value: list(channels)),
      (key: "decoder.level_channels", value: list(channels.reversed())),
      (key: "encoder.blocks", value: "\(encoderBlocks)"),
      (key: "decoder.blocks", value: "\(decoderBlocks)"),
      (key: "encoder.norm_groups", value: "\(groups)"),
      (key: "decoder.norm_groups", value: "\(groups)"),
      (key: "encoder.attention", value: flags(encoderAttention)),
      (key: "decoder.attention", value: flags(decoderAttention.reversed())),
      (key: "encoder.middle_attention", value: "\(hasEncoderMiddleAttention)"),
      (key: "decoder.middle_attention", value: "\(hasDecoderMiddleAttention)"),
      (key: "encoder.latent_convolution", value: "\(hasLatentConvolution)"),
      (key: "decoder.latent_convolution", value: "\(hasDecoderLatentConvolution)"),
    ]
  }

  // MARK: Places

  /// Where each tensor of the model comes from.
  func tensors(file: Int) -> [ImportPlan.Tensor] {
    var list = KLTensorList(prefix: names.prefix, file: file)
    for half in ["encoder", "decoder"] {
      let isEncoder = half == "encoder"
      list.convolution("\(half).layers.0", "\(half).conv_in")
      let levels = isEncoder ? "encoder.layers.1" : "decoder.layers.2"
      let blocks = isEncoder ? encoderBlocks : decoderBlocks
      var inputs = isEncoder ? channels[0] : channels[channels.count - 1]
      for number in channels.indices {
        let level = isEncoder ? number : channels.count - 1 - number
        let theirs = isEncoder ? names.down(number) : names.up(number, of: channels.count)
        for block in 0..<blocks {
          self.block(
            "\(levels).\(number).blocks.\(block)", names.block(theirs, block),
            hasShortcut: inputs != channels[level], &list)
          inputs = channels[level]
          if (isEncoder ? encoderAttention : decoderAttention)[level] {
            attention(
              "\(levels).\(number).attentions.\(block)", names.attention(theirs, block), &list)
          }
        }
        if number + 1 < channels.count {
          list.convolution(
            "\(levels).\(number).resampling", names.resampling(theirs, isDown: isEncoder))
        }
      }
      let middle = isEncoder ? "encoder.layers.2" : "decoder.layers.1"
      block("\(middle).first", names.middleBlock(half, 0), hasShortcut: false, &list)
      block("\(middle).second", names.middleBlock(half, 1), hasShortcut: false, &list)
      if isEncoder ? hasEncoderMiddleAttention : hasDecoderMiddleAttention {
        attention("\(middle).attention", names.middleAttention(half), &list)
      }
      list.normalization("\(half).layers.3", names.lastNormalization(half))
    }
    list.convolution("encoder.layers.4", "encoder.conv_out")
    list.convolution("decoder.head", "decoder.conv_out")
    if hasLatentConvolution { list.convolution("encoder.latent_convolution", "quant_conv") }
    if hasDecoderLatentConvolution {
      list.convolution("decoder.latent_convolution", "post_quant_conv")
    }
    return list.tensors
  }

  private func block(
    _ path: String, _ theirs: String, hasShortcut: Bool, _ list: inout KLTensorList
  ) {
    list.normalization("\(path).normalization0", "\(theirs).norm1")
    list.convolution("\(path).first", "\(theirs).conv1")
    list.normalization("\(path).normalization1", "\(theirs).norm2")
    list.convolution("\(path).second", "\(theirs).conv2")
    if hasShortcut { list.convolution("\(path).shortcut", "\(theirs).\(names.shortcut)") }
  }

  private func attention(_ path: String, _ theirs: String, _ list: inout KLTensorList) {
    list.normalization("\(path).normalization", "\(theirs).\(names.attentionParts[0])")
    for (own, part) in zip(
      ["query", "key", "value", "output"], names.attentionParts.dropFirst())
    {
      list.convolution("\(path).\(own)", "\(theirs).\(part)")
    }
  }
}

/// Tensors of a model with the names of a file.
struct KLTensorList {
  let prefix: String
  let file: Int
  private(set) var tensors: [ImportPlan.Tensor] = []

  init(prefix: String, file: Int) { (self.prefix, self.file) = (prefix, file) }

  private mutating func add(_ path: String, _ name: String) {
    tensors.append(ImportPlan.Tensor(path: path, file: file, name: prefix + name))
  }

  mutating func convolution(_ path: String, _ theirs: String) {
    add("\(path).weights", "\(theirs).weight")
    add("\(path).bias", "\(theirs).bias")
  }

  mutating func normalization(_ path: String, _ theirs: String) {
    add("\(path).scale", "\(theirs).weight")
    add("\(path).shift", "\(theirs).bias")
  }
}

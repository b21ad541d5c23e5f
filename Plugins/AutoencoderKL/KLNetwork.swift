import Messages
import VAEFiles
import VAERecipes

/// The sizes of an autoencoder of latent diffusion, as the tensors of a file or a recipe tell them, with the
/// one table of what its tensors are called.
package struct KLNetwork {
  let names: KLNames
  /// Channels at each size, from the image's.
  let channels: [Int]
  /// Blocks at each size of the encoder, and of the decoder.
  let encoderBlocks: Int, decoderBlocks: Int
  /// Whether attention follows the blocks of a size, from the image's.
  let encoderAttention: [Bool], decoderAttention: [Bool]
  let hasEncoderMiddleAttention: Bool, hasDecoderMiddleAttention: Bool
  let hasLatentConvolution: Bool, hasDecoderLatentConvolution: Bool
  package let imageChannels: Int
  package let latentChannels: Int
  /// Vectors of the codebook; nil for an autoencoder without codes.
  package let codes: Int?

  /// Whether both halves have a 1×1 convolution next to the latents.
  package var hasLatentConvolutions: Bool { hasLatentConvolution && hasDecoderLatentConvolution }

  /// What it is, for the user.
  package var title: String {
    guard let codes else {
      return "AutoencoderKL with \(Count.of(latentChannels, "latent channel"))"
    }
    return "VQModel with \(codes) codes of \(Count.of(latentChannels, "number"))"
  }

  /// The tensors of a model, and where files have them.
  package func tensors(file: Int) -> [WeightPlace] {
    var list = KLTensorList(
      prefix: names.prefix, file: file, hasMatrices: names.style == .diffusers)
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
    if codes != nil { list.tensor("prior.codebook.vectors", "quantize.embedding.weight") }
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
      list.linear("\(path).\(own)", "\(theirs).\(part)")
    }
  }
}

/// Tensors of a model with the names of a file.
private struct KLTensorList {
  let prefix: String
  let file: Int
  /// Whether linear maps are matrices there.
  let hasMatrices: Bool
  private(set) var tensors: [WeightPlace] = []

  init(prefix: String, file: Int, hasMatrices: Bool) {
    (self.prefix, self.file, self.hasMatrices) = (prefix, file, hasMatrices)
  }

  mutating func tensor(_ path: String, _ theirs: String) { add(path, theirs) }

  private mutating func add(_ path: String, _ name: String, isMatrix: Bool = false) {
    tensors.append(WeightPlace(path: path, file: file, name: prefix + name, isMatrix: isMatrix))
  }

  mutating func convolution(_ path: String, _ theirs: String) {
    add("\(path).weights", "\(theirs).weight")
    add("\(path).bias", "\(theirs).bias")
  }

  mutating func linear(_ path: String, _ theirs: String) {
    add("\(path).weights", "\(theirs).weight", isMatrix: hasMatrices)
    add("\(path).bias", "\(theirs).bias")
  }

  mutating func normalization(_ path: String, _ theirs: String) {
    add("\(path).scale", "\(theirs).weight")
    add("\(path).shift", "\(theirs).bias")
  }
}

import VAEFiles
import VAERecipes

extension KLNetwork {
  /// The sizes that the tensors of a file tell.
  ///
  /// - Throws: `RecipeError` where those are missing, or no convolutions, that all others follow from.
  package init(_ file: Safetensors, _ names: KLNames) throws(RecipeError) {
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
    codes = file.entry("\(names.prefix)quantize.embedding.weight")?.shape.first
  }

  /// The recipe's settings.
  package func settings(groups: Int) -> [(key: String, value: String)] {
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ",") }
    func flags(_ values: [Bool]) -> String { list(values.map { $0 ? 1 : 0 }) }
    let latents: [(key: String, value: String)] =
      codes.map { count in
        [
          (key: "prior.codes", value: "\(count)"),
          (key: "prior.code_size", value: "\(latentChannels)"),
        ]
      } ?? [(key: "prior.latent_channels", value: "\(latentChannels)")]
    return latents + [
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
}

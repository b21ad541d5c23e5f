import Messages
import VAERecipes

extension KLNetwork {
  /// The sizes that a recipe states, where diffusers and latent diffusion have such a network: there both
  /// halves follow from one list of numbers.
  ///
  /// - Throws: `RecipeError` that names what differs.
  package init(
    _ recipe: Recipe, names: KLNames, latentChannels: Int, codes: Int? = nil
  ) throws(RecipeError) {
    try recipe.checkParts([.encoder: "kl", .decoder: "kl"])
    let encoder = KLOptions(recipe.part(.encoder).values)
    let decoder = KLOptions(recipe.part(.decoder).values)
    let differences: [(isSame: Bool, what: Message)] = [
      (
        decoder.levelChannels == encoder.levelChannels.reversed(),
        "decoder.level_channels are not those of the encoder from the other end"
      ),
      (
        decoder.blocks == encoder.blocks + 1,
        "decoder.blocks is \(decoder.blocks), and encoder.blocks \(encoder.blocks), but the decoder must have one more"
      ),
      (decoder.normGroups == encoder.normGroups, "norm_groups of encoder and decoder differ"),
      (
        decoder.middleAttention == encoder.middleAttention,
        "middle_attention of encoder and decoder differ"
      ),
    ]
    if let difference = differences.first(where: { !$0.isSame }) {
      throw RecipeError(
        .invalid, "other programs have no such network: \(difference.what)")
    }
    self.init(
      names: names, channels: encoder.levelChannels, encoderBlocks: encoder.blocks,
      decoderBlocks: decoder.blocks, encoderAttention: encoder.attention.map { $0 == 1 },
      decoderAttention: decoder.attention.reversed().map { $0 == 1 },
      hasEncoderMiddleAttention: encoder.middleAttention,
      hasDecoderMiddleAttention: decoder.middleAttention,
      hasLatentConvolution: encoder.latentConvolution,
      hasDecoderLatentConvolution: decoder.latentConvolution,
      imageChannels: recipe.data?.channels ?? 3,
      latentChannels: latentChannels, codes: codes)
  }

  /// What latent diffusion's files have no place for and its code takes to be 32, where it is something else.
  package static func groupsNotice(_ recipe: Recipe) -> Message? {
    let groups = KLOptions(recipe.part(.encoder).values).normGroups
    guard groups != KLOptions().normGroups else { return nil }
    return
      "the file does not say that the network has norm_groups \(groups), and programs that read it take \(KLOptions().normGroups); tell them, "
      + "and this one, with \(.setting("norm_groups", "\(groups)"))"
  }
}

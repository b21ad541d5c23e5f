import Messages
import VAEFiles
import VAERecipes

/// What a file calls the layers of the autoencoder.
package struct KLNames {
  package enum Style {
    /// diffusers' AutoencoderKL.
    case diffusers
    /// The files of latent diffusion and those that follow them.
    case latentDiffusion
  }

  let style: Style
  /// What stands before all names: that of the autoencoder in a checkpoint of more than it.
  let prefix: String
  /// What the attentions of the file call their parts: normalisation, query, key, value, output.
  let attentionParts: [String]
  /// What stands before the names of another such autoencoder in the same file, which is left alone; nil for none.
  let otherPrefix: String?

  /// The names of a file; nil where it holds no such autoencoder.
  init?(of file: Safetensors) {
    let candidates: [(style: Style, prefix: String)] = [
      (.diffusers, ""), (.latentDiffusion, ""), (.latentDiffusion, "first_stage_model."),
      (.latentDiffusion, "vae."), (.diffusers, "vae."),
    ]
    let known = candidates.filter { candidate in
      let level = candidate.style == .diffusers ? "down_blocks.0.resnets.0" : "down.0.block.0"
      return file.entry("\(candidate.prefix)encoder.\(level).conv1.weight") != nil
    }
    guard let first = known.first else { return nil }
    (style, prefix) = first
    otherPrefix = known.dropFirst().first?.prefix
    // Before 2023 diffusers had other names.
    let isOld = file.entry("\(prefix)encoder.mid_block.attentions.0.query.weight") != nil
    attentionParts =
      isOld ? ["group_norm", "query", "key", "value", "proj_attn"] : Self.attentionParts(of: style)
  }

  /// The names that programs of today give to a file of their own.
  package init(_ style: Style) {
    self.style = style
    prefix = ""
    otherPrefix = nil
    attentionParts = Self.attentionParts(of: style)
  }

  private static func attentionParts(of style: Style) -> [String] {
    switch style {
    case .diffusers: ["group_norm", "to_q", "to_k", "to_v", "to_out.0"]
    case .latentDiffusion: ["norm", "q", "k", "v", "proj_out"]
    }
  }

  /// The file among some weights that holds such an autoencoder, and its names; nil where none does.
  package static func found(in weights: ForeignWeights) -> (file: Int, names: KLNames)? {
    for (number, file) in weights.files.enumerated() {
      if let names = KLNames(of: file) { return (number, names) }
    }
    return nil
  }

  /// What to say of a file that holds two such autoencoders; nil where it does not.
  var notice: Message? {
    otherPrefix.map {
      "the file holds two autoencoders; that of the tensors \(PlainText.quoted(prefix))… was taken, and that of "
        + "\(PlainText.quoted($0))… was left out"
    }
  }

  /// A level of the encoder, 0 being the image's size.
  func down(_ level: Int) -> String {
    style == .diffusers ? "encoder.down_blocks.\(level)" : "encoder.down.\(level)"
  }

  /// A level of the decoder, 0 being the map's size; latent diffusion counts from the other end.
  func up(_ number: Int, of count: Int) -> String {
    style == .diffusers ? "decoder.up_blocks.\(number)" : "decoder.up.\(count - 1 - number)"
  }

  /// A residual block of a level.
  func block(_ level: String, _ number: Int) -> String {
    "\(level).\(style == .diffusers ? "resnets" : "block").\(number)"
  }

  /// The attention after a block of a level.
  func attention(_ level: String, _ number: Int) -> String {
    "\(level).\(style == .diffusers ? "attentions" : "attn").\(number)"
  }

  /// The convolution that leads from a level to the next.
  func resampling(_ level: String, isDown: Bool) -> String {
    let word = isDown ? "downsample" : "upsample"
    return style == .diffusers ? "\(level).\(word)rs.0.conv" : "\(level).\(word).conv"
  }

  /// A block in the middle of a half.
  func middleBlock(_ half: String, _ number: Int) -> String {
    style == .diffusers
      ? "\(half).mid_block.resnets.\(number)" : "\(half).mid.block_\(number + 1)"
  }

  /// The attention in the middle of a half.
  func middleAttention(_ half: String) -> String {
    style == .diffusers ? "\(half).mid_block.attentions.0" : "\(half).mid.attn_1"
  }

  /// The last normalisation of a half.
  func lastNormalization(_ half: String) -> String {
    "\(half).\(style == .diffusers ? "conv_norm_out" : "norm_out")"
  }

  /// The convolution of a block's shortcut.
  var shortcut: String { style == .diffusers ? "conv_shortcut" : "nin_shortcut" }

  /// Whether a tensor is no part of the autoencoder: one of the rest of a checkpoint, or of its training.
  package func isForeign(_ name: String) -> Bool {
    guard name.hasPrefix(prefix) else { return true }
    let own = name.dropFirst(prefix.count)
    return own.hasPrefix("loss.") || own.hasPrefix("model_ema.")
  }
}

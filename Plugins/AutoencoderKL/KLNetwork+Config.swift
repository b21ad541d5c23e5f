import VAEComponents
import VAEFiles
import VAERecipes

/// What `config.json` of an `AutoencoderKL` says, key by key.
extension KLNetwork {
  private static let (down, attendingDown) = ("DownEncoderBlock2D", "AttnDownEncoderBlock2D")
  private static let (up, attendingUp) = ("UpDecoderBlock2D", "AttnUpDecoderBlock2D")

  /// The keys that the tensors decide, with what these say and with the default of the class.
  private var decided: [(key: String, value: JSON, standard: JSON)] {
    func types(_ attention: [Bool], _ plain: String, _ attending: String) -> JSON {
      .array(attention.map { .text($0 ? attending : plain) })
    }
    // VQModel has both convolutions always.
    let convolutions: [(key: String, value: JSON, standard: JSON)] =
      codes == nil
      ? [
        ("use_quant_conv", .bool(hasLatentConvolution), .bool(true)),
        ("use_post_quant_conv", .bool(hasDecoderLatentConvolution), .bool(true)),
      ] : []
    return convolutions + [
      ("latent_channels", .integer(latentChannels), .integer(codes == nil ? 4 : 3)),
      ("in_channels", .integer(imageChannels), .integer(3)),
      ("out_channels", .integer(imageChannels), .integer(3)),
      ("block_out_channels", .array(channels.map(JSON.integer)), .array([.integer(64)])),
      ("layers_per_block", .integer(encoderBlocks), .integer(1)),
      (
        "down_block_types", types(encoderAttention, Self.down, Self.attendingDown),
        .array([.text(Self.down)])
      ),
      (
        "up_block_types", types(decoderAttention.reversed(), Self.up, Self.attendingUp),
        .array([.text(Self.up)])
      ),
      ("mid_block_add_attention", .bool(hasEncoderMiddleAttention), .bool(true)),
      ("act_fn", .text("silu"), .text("silu")),
    ]
  }

  /// Holds what a config says to what the tensors are.
  ///
  /// - Throws: `RecipeError` that names the first key that contradicts them, or that asks for what the
  ///   variant does not have.
  package func check(_ config: inout ForeignConfig) throws(RecipeError) {
    for (key, value, standard) in decided { try config.check(key, value, else: standard) }
    for key in ["latents_mean", "latents_std"] { try config.check(key, .null, else: .null) }
    // Whether pipelines compute in 32 bits, as this program does.
    config.passOver("force_upcast")
  }

  /// How a model of the latents takes them.
  static func scaling(
    _ config: inout ForeignConfig
  ) throws(RecipeError) -> [(key: String, value: String)] {
    [
      (
        key: "prior.scaling_factor",
        value: "\(try config.number("scaling_factor", else: 0.18215))"
      ),
      (key: "prior.shift_factor", value: "\(try config.number("shift_factor", else: 0, null: 0))"),
    ]
  }

  /// The config that diffusers needs to make the same network, but for what is about its latents.
  package func config(of recipe: Recipe, className: String) -> JSON.Object {
    var config: JSON.Object = ["_class_name": .text(className)]
    for (key, value, _) in decided { config[key] = value }
    config["norm_num_groups"] = .integer(KLOptions(recipe.part(.encoder).values).normGroups)
    config["sample_size"] = .integer(recipe.data.map { max($0.height, $0.width) } ?? 32)
    return config
  }

  /// The same of an autoencoder without codes.
  func config(of recipe: Recipe) -> JSON.Object {
    var config = config(of: recipe, className: "AutoencoderKL")
    let scaling = LatentMapOptions(recipe.part(.prior).values)
    config["scaling_factor"] = .number(scaling.scalingFactor)
    config["shift_factor"] =
      scaling.shiftFactor == 0 ? .null : .number(scaling.shiftFactor)
    config["latents_mean"] = .null
    config["latents_std"] = .null
    config["force_upcast"] = .bool(true)
    return config
  }
}

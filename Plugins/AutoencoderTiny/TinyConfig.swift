import VAEComponents
import VAEFiles
import VAERecipes

/// What `config.json` of an `AutoencoderTiny` says, key by key.
enum TinyConfig {
  /// The keys that the tensors decide, with what these say and with the default of the class; and those of
  /// which the variant has one form alone.
  private static func decided(
    _ encoder: TinyHalf, _ decoder: TinyHalf
  ) -> [(key: String, value: JSON, standard: JSON)] {
    func list(_ values: [Int]) -> JSON { .array(values.map(JSON.integer)) }
    func widths(_ half: TinyHalf) -> JSON { list(half.blocks.map { _ in half.channels }) }
    return [
      ("latent_channels", .integer(encoder.latentChannels), .integer(4)),
      ("in_channels", .integer(encoder.imageChannels), .integer(3)),
      ("out_channels", .integer(decoder.imageChannels), .integer(3)),
      ("encoder_block_out_channels", widths(encoder), list([64, 64, 64, 64])),
      ("decoder_block_out_channels", widths(decoder), list([64, 64, 64, 64])),
      ("num_encoder_blocks", list(encoder.blocks), list([1, 3, 3, 3])),
      ("num_decoder_blocks", list(decoder.blocks), list([3, 3, 3, 1])),
      ("act_fn", .text("relu"), .text("relu")),
      ("upsample_fn", .text("nearest"), .text("nearest")),
      ("upsampling_scaling_factor", .integer(2), .integer(2)),
      ("latent_shift", .number(0.5), .number(0.5)),
    ]
  }

  /// Settings of a recipe, once what a config says agrees with the tensors.
  ///
  /// - Throws: `RecipeError` where it does not, or asks for what the variant does not have.
  static func settings(
    _ encoder: TinyHalf, _ decoder: TinyHalf, _ config: inout ForeignConfig
  ) throws(RecipeError) -> [(key: String, value: String)] {
    guard config.isPresent else { return [] }
    for (key, value, standard) in decided(encoder, decoder) {
      try config.check(key, value, else: standard)
    }
    // Whether pipelines compute in 32 bits; and the widths once more, as diffusers notes them.
    config.passOver("force_upcast", "block_out_channels")
    return [
      (
        key: "decoder.latent_magnitude", value: "\(try config.number("latent_magnitude", else: 3))"
      ),
      (
        key: "prior.scaling_factor",
        value: "\(try config.number("scaling_factor", else: 1, null: 1))"
      ),
      (key: "prior.shift_factor", value: "\(try config.number("shift_factor", else: 0, null: 0))"),
    ]
  }

  /// The config that diffusers needs to make the same network.
  static func config(
    _ encoder: TinyHalf, _ decoder: TinyHalf, magnitude: Double, scaling: LatentMapOptions
  ) -> JSON.Object {
    var config: JSON.Object = ["_class_name": .text("AutoencoderTiny")]
    for (key, value, _) in decided(encoder, decoder) { config[key] = value }
    config["latent_magnitude"] = .number(magnitude)
    config["scaling_factor"] = .number(scaling.scalingFactor)
    config["shift_factor"] = .number(scaling.shiftFactor)
    config["force_upcast"] = .bool(false)
    return config
  }
}

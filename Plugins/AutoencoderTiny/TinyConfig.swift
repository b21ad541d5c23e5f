import Messages
import VAEFiles
import VAERecipes

/// What diffusers' `config.json` says of an `AutoencoderTiny`. A key that it lacks has the default of
/// the class.
struct TinyConfig {
  private let config: JSON.Object
  private let source: String

  /// The contents of a file.
  init(_ config: JSON.Object, source: String) {
    self.config = config
    self.source = source
  }

  /// Settings of a recipe, once what the config says agrees with the tensors.
  ///
  /// - Throws: `RecipeError` where it does not, or asks for what the variant does not have.
  func settings(
    _ encoder: TinyHalf, _ decoder: TinyHalf
  ) throws(RecipeError) -> [(key: String, value: String)] {
    try check("latent_channels", .integer(encoder.latentChannels), else: .integer(4))
    try check("in_channels", .integer(encoder.imageChannels), else: .integer(3))
    try check("out_channels", .integer(decoder.imageChannels), else: .integer(3))
    try check(
      "encoder_block_out_channels", list(encoder.blocks.map { _ in encoder.channels }),
      else: list([64, 64, 64, 64]))
    try check(
      "decoder_block_out_channels", list(decoder.blocks.map { _ in decoder.channels }),
      else: list([64, 64, 64, 64]))
    try check("num_encoder_blocks", list(encoder.blocks), else: list([1, 3, 3, 3]))
    try check("num_decoder_blocks", list(decoder.blocks), else: list([3, 3, 3, 1]))
    // What the variant has in one form alone.
    try check("act_fn", .text("relu"), else: .text("relu"))
    try check("upsample_fn", .text("nearest"), else: .text("nearest"))
    try check("upsampling_scaling_factor", .integer(2), else: .integer(2))
    try check("latent_shift", .number(0.5), else: .number(0.5))
    return [
      (key: "decoder.latent_magnitude", value: try number("latent_magnitude", else: 3)),
      (key: "prior.scaling_factor", value: try number("scaling_factor", else: 1)),
      (key: "prior.shift_factor", value: try number("shift_factor", else: 0)),
    ]
  }

  private func list(_ values: [Int]) -> JSON { .array(values.map(JSON.integer)) }

  private func check(
    _ key: String, _ found: JSON, else standard: JSON
  ) throws(RecipeError) {
    let stated = config[key] ?? standard
    guard stated == found else {
      throw RecipeError(
        .malformed,
        "\(source): config.json \(config[key] == nil ? "leaves \(key) at" : "says \(key) is") \(stated.line), but "
          + "the tensors and this program have \(found.line)")
    }
  }

  private func number(_ key: String, else standard: Double) throws(RecipeError) -> String {
    guard let value = config[key], value != .null else { return "\(standard)" }
    guard let number = value.double, number.isFinite else {
      throw RecipeError(
        .malformed, "\(source): config.json says \(key) is \(value.line), which is no number")
    }
    return "\(number)"
  }
}

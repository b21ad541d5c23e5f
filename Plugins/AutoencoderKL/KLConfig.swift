import Messages
import VAEFiles
import VAERecipes

/// What diffusers' `config.json` says of an `AutoencoderKL`. A key that it lacks has the default of the
/// class; where there is no such file the tensors alone are believed.
struct KLConfig {
  private let config: JSON.Object?
  private let source: String
  /// Groups of every normalisation.
  let groups: Int

  /// The contents of a file, nil for none.
  init(_ config: JSON.Object?, source: String) throws(RecipeError) {
    self.config = config
    self.source = source
    let stated = config?["norm_num_groups"] ?? .integer(32)
    guard let groups = stated.integer, (1...4096).contains(groups) else {
      throw RecipeError(
        .malformed,
        "\(source): config.json says norm_num_groups is \(stated.line), which is no number of groups"
      )
    }
    self.groups = groups
  }

  /// Holds what the config says to what the tensors are.
  ///
  /// - Throws: `RecipeError` that names the first key that contradicts them, or that asks for what the
  ///   variant does not have.
  func check(_ network: KLNetwork) throws(RecipeError) {
    guard config != nil else { return }
    func types(_ attention: [Bool], _ plain: String, _ attending: String) -> JSON {
      .array(attention.map { .text($0 ? attending : plain) })
    }
    try check("latent_channels", .integer(network.latentChannels), else: .integer(4))
    try check("in_channels", .integer(network.imageChannels), else: .integer(3))
    try check("out_channels", .integer(network.imageChannels), else: .integer(3))
    try check(
      "block_out_channels", .array(network.channels.map(JSON.integer)), else: .array([.integer(64)])
    )
    try check("layers_per_block", .integer(network.encoderBlocks), else: .integer(1))
    try check(
      "down_block_types",
      types(network.encoderAttention, "DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
      else: .array([.text("DownEncoderBlock2D")]))
    try check(
      "up_block_types",
      types(network.decoderAttention.reversed(), "UpDecoderBlock2D", "AttnUpDecoderBlock2D"),
      else: .array([.text("UpDecoderBlock2D")]))
    try check(
      "mid_block_add_attention", .bool(network.hasEncoderMiddleAttention), else: .bool(true))
    try check("use_quant_conv", .bool(network.hasLatentConvolution), else: .bool(true))
    try check(
      "use_post_quant_conv", .bool(network.hasDecoderLatentConvolution), else: .bool(true))
    try check("act_fn", .text("silu"), else: .text("silu"))
    for key in ["latents_mean", "latents_std"] {
      try check(key, .null, else: .null)
    }
  }

  /// The side of the images that the config names, which diffusers uses for tiles.
  func sampleSize() throws(RecipeError) -> Int? {
    guard let stated = config?["sample_size"], stated != .null else { return nil }
    guard let size = stated.integer, (1...32768).contains(size) else {
      throw RecipeError(
        .malformed, "\(source): config.json says sample_size is \(stated.line), which is no size")
    }
    return size
  }

  /// How a model of the latents takes them.
  func scaling() throws(RecipeError) -> [(key: String, value: String)] {
    [
      (key: "prior.scaling_factor", value: try number("scaling_factor", else: 0.18215)),
      (key: "prior.shift_factor", value: try number("shift_factor", else: 0)),
    ]
  }

  private func check(_ key: String, _ found: JSON, else standard: JSON) throws(RecipeError) {
    let stated = config?[key] ?? standard
    guard stated == found else {
      throw RecipeError(
        .malformed,
        "\(source): config.json \(config?[key] == nil ? "leaves \(key) at" : "says \(key) is") \(stated.line), but "
          + "the tensors and this program have \(found.line)")
    }
  }

  private func number(_ key: String, else standard: Double) throws(RecipeError) -> String {
    // diffusers writes null for a shift that there is not.
    guard let value = config?[key], value != .null || standard != 0 else { return "\(standard)" }
    guard let number = value.double, number.isFinite else {
      throw RecipeError(
        .malformed, "\(source): config.json says \(key) is \(value.line), which is no number")
    }
    return "\(number)"
  }
}

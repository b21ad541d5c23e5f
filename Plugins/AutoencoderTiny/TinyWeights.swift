import Messages
import VAEComponents
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
    var found: [FoundHalf] = []
    for file in weights.files.indices {
      found += try FoundHalf.halves(of: weights.files[file], number: file)
    }
    guard !found.isEmpty else { return nil }
    let encoder = try one(.encoder, of: found, weights)
    let decoder = try one(.decoder, of: found, weights)
    let halves = [encoder.half, decoder.half]
    guard halves[0].latentChannels == halves[1].latentChannels,
      halves[0].blocks.count == halves[1].blocks.count
    else {
      throw RecipeError(
        .malformed,
        "\(weights.source): the encoder halves images \(halves[0].blocks.count - 1) times, to \(halves[0].latentChannels) latent "
          + "channels, but the decoder doubles \(halves[1].blocks.count - 1) times, from \(halves[1].latentChannels)"
      )
    }
    var settings = halves.flatMap(\.settings)
    settings += [
      (key: "prior.latent_channels", value: "\(halves[0].latentChannels)"),
      (key: "prior.levels", value: "\(halves[0].blocks.count - 1)"),
      (key: "encoder.deviation", value: "\(Self.deviationOfBytes)"),
    ]
    var config = ForeignConfig(weights)
    settings += try TinyConfig.settings(halves[0], halves[1], &config)
    var plan = ImportPlan(
      title: Self.title(halves[0]), settings: settings, channels: halves[0].imageChannels,
      tensors: encoder.tensors + decoder.tensors, freshPaths: Self.freshPaths)
    plan.notices += [config.unread].compactMap(\.self)
    return plan
  }

  private static func title(_ half: TinyHalf) -> String {
    "TAESD with \(Count.of(half.latentChannels, "latent channel"))"
  }

  /// What no such file has: the spread of the latents, and the likelihood's variance.
  private static let freshPaths = ["encoder.log_variance", "likelihood."]

  /// The standard deviation of what rounding to bytes between −3 and 3 changes in latents, 6 / 255 / √12:
  /// the noise of latents that are stored as TAESD's are meant to be.
  private static let deviationOfBytes = 0.0068

  private func one(
    _ role: TinyHalf.Kind, of halves: [FoundHalf], _ weights: ForeignWeights
  ) throws(RecipeError) -> FoundHalf {
    let own = halves.filter { $0.half.kind == role }
    if let half = own.first, own.count == 1 { return half }
    let other = role == .encoder ? "decoder" : "encoder"
    guard own.isEmpty else {
      let files = own.map { weights.files[$0.file].path }.joined(separator: ", ")
      throw RecipeError(
        .malformed,
        "\(weights.source) holds more than one TAESD \(role.rawValue) (\(files)); put one encoder and one decoder into a "
          + "folder of their own")
    }
    if let missing = FoundHalf.missingStart(
      of: role, in: weights.files, without: Set(halves.map(\.file)))
    {
      throw RecipeError(
        .malformed,
        "\(missing.file) has no tensor \(missing.name), with which the TAESD \(role.rawValue) begins; get the file again"
      )
    }
    throw RecipeError(
      .malformed,
      "\(weights.source) holds a TAESD \(other) alone; name a folder that holds the files of both halves"
    )
  }

  // MARK: Export

  var exports: [String] { ["diffusers", "taesd"] }

  func exportPlan(for recipe: Recipe, as name: String) throws(RecipeError) -> ExportPlan {
    try recipe.checkParts([.encoder: "tiny", .decoder: "tiny", .prior: "standard-normal-map"])
    let own = TinyEncoderOptions(recipe.part(.encoder).values).network
    let other = TinyDecoderOptions(recipe.part(.decoder).values)
    let map = LatentMapOptions(recipe.part(.prior).values)
    func half(_ kind: TinyHalf.Kind, _ options: TinyOptions) -> TinyHalf {
      TinyHalf(
        kind: kind, blocks: options.blocks, channels: options.channels,
        latentChannels: map.latentChannels, imageChannels: recipe.data?.channels ?? 3,
        mixingChannels: options.mixingChannels)
    }
    let (encoder, decoder) = (half(.encoder, own), half(.decoder, other.network))
    // The decoders of both have the number in their code, whatever a config says.
    guard other.latentMagnitude == 3 else {
      throw RecipeError(
        .invalid,
        "decoder.latent_magnitude is \(other.latentMagnitude), but the decoders of other programs have 3"
      )
    }
    guard name == "diffusers" else {
      return ExportPlan(
        title: Self.title(encoder),
        fileNames: ["taesd_encoder.safetensors", "taesd_decoder.safetensors"],
        tensors: encoder.tensors(file: 0, .init(prefix: "", first: 0))
          + decoder.tensors(file: 1, .init(prefix: "", first: 1)), leftPaths: Self.freshPaths)
    }
    guard own.mixingChannels == 0, other.network.mixingChannels == 0 else {
      throw RecipeError(
        .invalid,
        "diffusers' AutoencoderTiny has no branch that mixes channels; use \(.exportForm("taesd"))"
      )
    }
    return ExportPlan(
      title: Self.title(encoder), fileNames: [ForeignWeights.diffusersFile],
      tensors: encoder.tensors(file: 0, .init(prefix: "encoder.layers.", first: 0))
        + decoder.tensors(file: 0, .init(prefix: "decoder.layers.", first: 0)),
      leftPaths: Self.freshPaths,
      config: TinyConfig.config(
        encoder, decoder, magnitude: other.latentMagnitude, scaling: map))
  }
}

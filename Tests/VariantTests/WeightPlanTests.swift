import Foundation
import VAEZoo
import XCTest

/// What files of other programs say of a network, and what a model's files say to them.
final class WeightPlanTests: XCTestCase {
  private typealias Settings = [(key: String, value: String)]
  private let registry = SmallModels.registry

  /// Images of 8×12 pixels, two sizes, attention at the smaller one in the encoder and at the larger one in the decoder.
  private let sizes: Settings = [
    ("encoder.level_channels", "4,8"), ("decoder.level_channels", "8,4"), ("prior.levels", "1"),
    ("encoder.blocks", "1"), ("decoder.blocks", "2"), ("encoder.attention", "0,1"),
    ("decoder.attention", "0,1"), ("norm_groups", "2"),
  ]

  /// What Diffusers says of these, with latents of five channels.
  private let configOfSizes = [
    "latent_channels": "5", "in_channels": "3", "out_channels": "3",
    "block_out_channels": "[4, 8]", "layers_per_block": "1",
    "down_block_types": "[\"DownEncoderBlock2D\", \"AttnDownEncoderBlock2D\"]",
    "up_block_types": "[\"UpDecoderBlock2D\", \"AttnUpDecoderBlock2D\"]",
    "act_fn": "\"silu\"", "norm_num_groups": "2", "sample_size": "12",
  ]

  private func recipe(_ variant: String, _ settings: Settings, channels: Int = 3) throws -> Recipe {
    var recipe = try registry.recipe(for: variant)
    recipe.data = DataDescription(
      height: 8, width: 12, channels: channels, range: .unit, rule: "bytes/255")
    try registry.apply(settings, to: &recipe)
    return recipe
  }

  private func format(_ variant: String) throws -> any WeightFormat {
    try XCTUnwrap(registry.variant(variant).weightFormats.first)
  }

  private func exported(_ recipe: Recipe, as name: String) throws -> ExportPlan {
    try format(recipe.variant).exportPlan(for: recipe, as: name)
  }

  private func lines(_ config: JSON.Object?) throws -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: try XCTUnwrap(config).members.map { ($0.name, $0.value.line) })
  }

  /// Tensors of zeros under the names of a plan, with what stands before or in place of parts of them.
  private func file(
    _ recipe: Recipe, as name: String, number: Int = 0, prefixes: [String] = [""],
    renaming parts: [(old: String, new: String)] = []
  ) throws -> Safetensors {
    let model = try registry.plan(recipe)
    let plan = try exported(recipe, as: name)
    var shapes = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter.shape.dimensions) })
    for (path, buffer) in model.buffers { shapes[path] = buffer.shape.dimensions }
    var file = Safetensors()
    for prefix in prefixes {
      for place in plan.tensors where place.file == number {
        let shape = try XCTUnwrap(shapes[place.path], place.path)
        let own = place.isMatrix ? Array(shape.prefix(2)) : shape
        let name = parts.reduce(place.name) { $0.replacingOccurrences(of: $1.old, with: $1.new) }
        file.add(prefix + name, shape: own, [Float](repeating: 0, count: own.reduce(1, *)))
      }
    }
    return file
  }

  private func plan(
    _ variant: String, _ files: [Safetensors], _ config: JSON.Object? = nil
  ) throws -> ImportPlan? {
    try format(variant).plan(
      for: ForeignWeights(source: "weights", files: files, config: config))
  }

  private func values(_ plan: ImportPlan?) throws -> [String: String] {
    Dictionary(
      try XCTUnwrap(plan).settings.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
  }

  private func refusal(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was refused"
    } catch { return "\(error)" }
  }

  // MARK: autoencoder-kl

  func testTheConfigOfAnAutoencoderSaysWhatDiffusersNeeds() throws {
    let settings =
      sizes + [
        ("latent_channels", "5"), ("encoder.middle_attention", "false"),
        ("decoder.middle_attention", "false"), ("decoder.latent_convolution", "false"),
        ("prior.scaling_factor", "0.5"), ("prior.shift_factor", "0.25"),
      ]
    let plan = try exported(recipe("autoencoder-kl", settings), as: "diffusers")
    XCTAssertEqual(plan.title, "AutoencoderKL with 5 latent channels")
    XCTAssertEqual(plan.fileNames, ["diffusion_pytorch_model.safetensors"])
    XCTAssertEqual(
      try lines(plan.config),
      configOfSizes.merging([
        "_class_name": "\"AutoencoderKL\"", "use_quant_conv": "true",
        "use_post_quant_conv": "false", "mid_block_add_attention": "false",
        "scaling_factor": "0.5", "shift_factor": "0.25",
        "latents_mean": "null", "latents_std": "null", "force_upcast": "true",
      ]) { $1 })
    let grey = try lines(
      exported(recipe("autoencoder-kl", sizes, channels: 1), as: "diffusers").config)
    XCTAssertEqual(grey["in_channels"], "1")
    XCTAssertEqual(grey["shift_factor"], "null", "as diffusers says that there is none")
    XCTAssertEqual(grey["scaling_factor"], "0.18215")
  }

  func testFilesOfLatentDiffusionHaveNoConfigAndANoticeOfUnusualGroups() throws {
    let plan = try exported(recipe("autoencoder-kl", sizes), as: "ldm")
    XCTAssertNil(plan.config)
    XCTAssertNil(plan.fileNames)
    XCTAssertEqual(plan.notices.count, 1)
    for words in ["has norm_groups 2,", "take 32;", "norm_groups=2"] {
      XCTAssertTrue("\(plan.notices)".contains(words), "\(plan.notices)")
    }
    let usual = try exported(recipe("autoencoder-kl", []), as: "ldm")
    XCTAssertEqual(usual.notices.map(\.description), [])
  }

  func testAConfigIsTakenUpAndWhatItLeavesOutIsTheDefaultOfTheClass() throws {
    let recipe = try recipe("autoencoder-kl", sizes + [("prior.scaling_factor", "0.5")])
    let file = try file(recipe, as: "diffusers")
    var config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    config["shift_factor"] = .number(0.125)
    let full = try XCTUnwrap(plan("autoencoder-kl", [file], config))
    let found = try values(full)
    for (key, value) in sizes where key != "norm_groups" { XCTAssertEqual(found[key], value, key) }
    XCTAssertEqual(found["encoder.norm_groups"], "2")
    XCTAssertEqual(found["decoder.norm_groups"], "2")
    XCTAssertEqual(found["prior.scaling_factor"], "0.5")
    XCTAssertEqual(found["prior.shift_factor"], "0.125")
    XCTAssertEqual(full.sampleSize, 12)
    XCTAssertEqual(full.channels, 3)
    XCTAssertTrue(full.questions.isEmpty)
    for key in ["norm_num_groups", "scaling_factor", "shift_factor", "sample_size"] {
      config[key] = nil
    }
    let short = try XCTUnwrap(plan("autoencoder-kl", [file], config))
    let standard = try values(short)
    XCTAssertEqual(standard["encoder.norm_groups"], "32")
    XCTAssertEqual(standard["decoder.norm_groups"], "32")
    XCTAssertEqual(standard["prior.scaling_factor"], "0.18215")
    XCTAssertEqual(standard["prior.shift_factor"], "0.0")
    XCTAssertNil(short.sampleSize)
    XCTAssertEqual(short.notices.map(\.description), [])
  }

  func testEveryKeyOfAConfigIsHeldToTheTensors() throws {
    let recipe = try recipe("autoencoder-kl", sizes)
    let file = try file(recipe, as: "diffusers")
    let config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    for (key, value) in [
      ("in_channels", JSON.integer(1)), ("out_channels", .integer(4)),
      ("block_out_channels", .array([.integer(8), .integer(4)])),
      (
        "down_block_types",
        .array([.text("AttnDownEncoderBlock2D"), .text("DownEncoderBlock2D")])
      ),
      ("up_block_types", .array([.text("AttnUpDecoderBlock2D"), .text("UpDecoderBlock2D")])),
      ("use_post_quant_conv", .bool(false)), ("latents_std", .array([.number(1)])),
    ] {
      var changed = config
      changed[key] = value
      let found = refusal { _ = try plan("autoencoder-kl", [file], changed) }
      XCTAssertTrue(found.contains("says \(key) is"), "\(key): \(found)")
    }
  }

  func testWhatAModelOfLatentsTakesIsAskedForWithTheNumbersThatAreKnown() throws {
    let file = try file(recipe("autoencoder-kl", sizes), as: "ldm")
    let plan = try XCTUnwrap(plan("autoencoder-kl", [file]))
    XCTAssertEqual(plan.questions.map(\.key), ["prior.scaling_factor"])
    let question = try XCTUnwrap(plan.questions.first?.question)
    for words in [
      "0.18215 for Stable Diffusion 1 and 2", "0.13025 for XL",
      "1.5305 with prior.shift_factor 0.0609 for 3", "0.3611 with 0.1159 for FLUX.1",
    ] { XCTAssertTrue(question.contains(words), question) }
  }

  func testOfTwoAutoencodersInAFileTheFirstStageIsTakenAndTheRestLeft() throws {
    let file = try file(
      recipe("autoencoder-kl", sizes), as: "ldm", prefixes: ["vae.", "first_stage_model."])
    let plan = try XCTUnwrap(plan("autoencoder-kl", [file]))
    XCTAssertTrue(plan.tensors.allSatisfy { $0.name.hasPrefix("first_stage_model.") })
    XCTAssertEqual(plan.notices.count, 1)
    XCTAssertTrue(
      "\(plan.notices)".contains("two autoencoders"), "\(plan.notices)")
    for (name, isForeign) in [
      ("vae.encoder.conv_in.weight", true), ("model.diffusion_model.out.weight", true),
      ("first_stage_model.loss.logvar", true), ("first_stage_model.model_ema.decay", true),
      ("first_stage_model.encoder.conv_in.weight", false), ("first_stage_model.lossy", false),
    ] { XCTAssertEqual(plan.isForeign(name), isForeign, name) }
  }

  func testAnAutoencoderInAPipelineIsFoundByWhatStandsBeforeItsNames() throws {
    let recipe = try recipe("autoencoder-kl", sizes)
    for (form, prefix, first) in [
      ("diffusers", "", "encoder.down_blocks.0.resnets.0.conv1.weight"),
      ("diffusers", "vae.", "vae.encoder.down_blocks.0.resnets.0.conv1.weight"),
      ("ldm", "", "encoder.down.0.block.0.conv1.weight"),
      ("ldm", "vae.", "vae.encoder.down.0.block.0.conv1.weight"),
      ("ldm", "first_stage_model.", "first_stage_model.encoder.down.0.block.0.conv1.weight"),
    ] {
      let file = try file(recipe, as: form, prefixes: [prefix])
      let plan = try XCTUnwrap(plan("autoencoder-kl", [Safetensors(), file]), prefix)
      let place = try XCTUnwrap(
        plan.tensors.first { $0.path == "encoder.layers.1.0.blocks.0.first.weights" })
      XCTAssertEqual(place.name, first)
      XCTAssertEqual(place.file, 1)
      XCTAssertEqual(Set(plan.tensors.map(\.name)), Set(file.entries.map(\.name)))
      XCTAssertEqual(plan.freshPaths, ["likelihood."])
      XCTAssertEqual(plan.notices.map(\.description), [])
    }
  }

  func testAFileWithoutTheConvolutionsThatSizesFollowFromIsRefusedByName() throws {
    let whole = try file(recipe("autoencoder-kl", sizes), as: "diffusers")
    for (name, shape, words) in [
      ("encoder.conv_in.weight", nil, "has no tensor encoder.conv_in.weight"),
      ("decoder.conv_in.weight", [8, 4], "which is none of a convolution"),
    ] as [(String, [Int]?, String)] {
      var file = Safetensors()
      for entry in whole.entries {
        let own = entry.name == name ? shape : entry.shape
        guard let own else { continue }
        file.add(entry.name, shape: own, [Float](repeating: 0, count: own.reduce(1, *)))
      }
      let found = refusal { _ = try plan("autoencoder-kl", [file]) }
      XCTAssertTrue(found.contains(words), found)
    }
  }

  func testTheNamesThatAttentionsOfDiffusersOnceHadAreKnown() throws {
    let recipe = try recipe("autoencoder-kl", sizes)
    let old = try file(
      recipe, as: "diffusers",
      renaming: [
        ("to_q.", "query."), ("to_k.", "key."), ("to_v.", "value."), ("to_out.0.", "proj_attn."),
      ])
    let plan = try XCTUnwrap(plan("autoencoder-kl", [old]))
    let names = Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.path, $0.name) })
    for (own, theirs) in [
      ("normalization.scale", "group_norm.weight"), ("query.weights", "query.weight"),
      ("key.weights", "key.weight"), ("value.bias", "value.bias"),
      ("output.weights", "proj_attn.weight"),
    ] {
      XCTAssertEqual(
        names["encoder.layers.1.1.attentions.0.\(own)"],
        "encoder.down_blocks.1.attentions.0.\(theirs)")
    }
    XCTAssertEqual(try values(plan)["decoder.attention"], "0,1")
    XCTAssertEqual(try values(plan)["decoder.middle_attention"], "true")
    XCTAssertEqual(Set(plan.tensors.map(\.name)), Set(old.entries.map(\.name)))
  }

  func testHalvesThatDifferAndPartsOfAnotherKindAreNotExported() throws {
    for (settings, words) in [
      (
        sizes + [("encoder.middle_attention", "false")],
        "middle_attention of encoder and decoder differ"
      ),
      ([("prior.name", "standard-normal")], "the prior is standard-normal"),
      ([("encoder.name", "conv")], "the encoder is conv"),
      ([("decoder.name", "conv")], "the decoder is conv"),
    ] as [(Settings, String)] {
      let found = refusal {
        _ = try exported(recipe("autoencoder-kl", settings), as: "diffusers")
      }
      XCTAssertTrue(found.contains(words), found)
    }
  }

  // MARK: vq-model

  func testTheConfigOfAModelWithCodesHasThemAndNoShift() throws {
    let settings = sizes + [("codes", "6"), ("code_size", "5")]
    let recipe = try recipe("vq-model", settings)
    let config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    XCTAssertEqual(
      try lines(config),
      configOfSizes.merging([
        "_class_name": "\"VQModel\"", "mid_block_add_attention": "true",
        "num_vq_embeddings": "6", "vq_embed_dim": "null",
        "norm_type": "\"group\"", "lookup_from_codebook": "false", "scaling_factor": "1",
      ]) { $1 })
    let file = try file(recipe, as: "diffusers")
    let plan = try XCTUnwrap(plan("vq-model", [file], config))
    XCTAssertEqual(plan.title, "VQModel with 6 codes of 5 numbers")
    XCTAssertEqual(plan.notices.map(\.description), [])
    let found = try values(plan)
    for (key, value) in [
      ("prior.codes", "6"), ("prior.code_size", "5"), ("prior.levels", "1"),
      ("prior.update", "gradient"), ("encoder.norm_groups", "2"),
    ] { XCTAssertEqual(found[key], value, key) }
    XCTAssertNil(try self.plan("autoencoder-kl", [file]), "it has codes")
  }

  func testAConfigOfCodesThatContradictsTheTensorsIsRefused() throws {
    let recipe = try recipe("vq-model", sizes + [("codes", "6"), ("code_size", "5")])
    let file = try file(recipe, as: "diffusers")
    let config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    for (key, value) in [
      ("num_vq_embeddings", JSON.integer(7)), ("vq_embed_dim", .integer(6)),
      ("norm_type", .text("spatial")), ("lookup_from_codebook", .bool(true)),
    ] {
      var changed = config
      changed[key] = value
      let found = refusal { _ = try plan("vq-model", [file], changed) }
      XCTAssertTrue(found.contains("says \(key) is"), "\(key): \(found)")
    }
    var other = config
    other["vq_embed_dim"] = .integer(5)
    other["scaling_factor"] = .number(0.75)
    let notices = try XCTUnwrap(plan("vq-model", [file], other)).notices
    XCTAssertEqual(notices.count, 1)
    XCTAssertTrue("\(notices)".contains("a scaling_factor, 0.75,"), "\(notices)")
    other["num_vq_embeddings"] = nil
    XCTAssertTrue(
      refusal { _ = try plan("vq-model", [file], other) }.contains(
        "leaves num_vq_embeddings at 256"))
  }

  func testCodesWithoutTheConvolutionsBesideThemAreNotExported() throws {
    for half in ["encoder", "decoder"] {
      let found = refusal {
        _ = try exported(
          recipe("vq-model", sizes + [("\(half).latent_convolution", "false")]), as: "ldm")
      }
      XCTAssertTrue(found.contains("without latent_convolution"), found)
    }
  }

  // MARK: autoencoder-tiny

  private let tiny: Settings = [
    ("encoder.channels", "4"), ("decoder.channels", "6"), ("encoder.blocks", "1,2"),
    ("decoder.blocks", "3,1"), ("prior.levels", "1"), ("latent_channels", "5"),
  ]

  func testTheConfigOfATinyAutoencoderSaysWhatDiffusersNeedsAndIsTakenUp() throws {
    let recipe = try recipe(
      "autoencoder-tiny",
      tiny + [("prior.scaling_factor", "0.5"), ("prior.shift_factor", "0.25")])
    var config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    XCTAssertEqual(
      try lines(config),
      [
        "_class_name": "\"AutoencoderTiny\"", "latent_channels": "5", "in_channels": "3",
        "out_channels": "3", "encoder_block_out_channels": "[4, 4]",
        "decoder_block_out_channels": "[6, 6]", "num_encoder_blocks": "[1, 2]",
        "num_decoder_blocks": "[3, 1]", "act_fn": "\"relu\"", "upsample_fn": "\"nearest\"",
        "upsampling_scaling_factor": "2", "latent_shift": "0.5", "latent_magnitude": "3.0",
        "scaling_factor": "0.5", "shift_factor": "0.25", "force_upcast": "false",
      ])
    let file = try file(recipe, as: "diffusers")
    config["latent_magnitude"] = .number(2.5)
    config["block_out_channels"] = .array([.integer(4), .integer(4)])
    let plan = try XCTUnwrap(plan("autoencoder-tiny", [file], config))
    XCTAssertEqual(plan.title, "TAESD with 5 latent channels")
    XCTAssertEqual(plan.notices.map(\.description), [])
    let found = try values(plan)
    for (key, value) in tiny where key != "latent_channels" {
      XCTAssertEqual(found[key], value, key)
    }
    for (key, value) in [
      ("prior.latent_channels", "5"), ("prior.scaling_factor", "0.5"),
      ("prior.shift_factor", "0.25"), ("decoder.latent_magnitude", "2.5"),
      ("encoder.deviation", "0.0068"), ("encoder.mixing_channels", "0"),
    ] { XCTAssertEqual(found[key], value, key) }
    for key in ["scaling_factor", "shift_factor", "latent_magnitude"] { config[key] = nil }
    let standard = try values(self.plan("autoencoder-tiny", [file], config))
    XCTAssertEqual(standard["prior.scaling_factor"], "1.0")
    XCTAssertEqual(standard["prior.shift_factor"], "0.0")
    XCTAssertEqual(standard["decoder.latent_magnitude"], "3.0")
  }

  func testEveryKeyOfATinyConfigIsHeldToTheTensors() throws {
    let recipe = try recipe("autoencoder-tiny", tiny)
    let file = try file(recipe, as: "diffusers")
    let config = try XCTUnwrap(exported(recipe, as: "diffusers").config)
    for (key, value) in [
      ("in_channels", JSON.integer(1)), ("out_channels", .integer(4)),
      ("encoder_block_out_channels", .array([.integer(4), .integer(6)])),
      ("decoder_block_out_channels", .array([.integer(4), .integer(4)])),
      ("num_encoder_blocks", .array([.integer(2), .integer(1)])),
      ("num_decoder_blocks", .array([.integer(1), .integer(3)])),
      ("upsample_fn", .text("bilinear")), ("upsampling_scaling_factor", .integer(4)),
      ("latent_shift", .number(0.25)),
    ] {
      var changed = config
      changed[key] = value
      let found = refusal { _ = try plan("autoencoder-tiny", [file], changed) }
      XCTAssertTrue(found.contains("says \(key) is"), "\(key): \(found)")
    }
    // What the class has by default: 4, 3, 3, [64, 64, 64, 64] and [1, 3, 3, 3] or the reverse.
    for (key, standard) in [
      ("latent_channels", "4"), ("encoder_block_out_channels", "[64, 64, 64, 64]"),
      ("decoder_block_out_channels", "[64, 64, 64, 64]"), ("num_encoder_blocks", "[1, 3, 3, 3]"),
      ("num_decoder_blocks", "[3, 3, 3, 1]"),
    ] {
      var changed = config
      changed[key] = nil
      let found = refusal { _ = try plan("autoencoder-tiny", [file], changed) }
      XCTAssertTrue(found.contains("leaves \(key) at \(standard)"), "\(key): \(found)")
    }
    var usual = config
    for key in [
      "in_channels", "out_channels", "act_fn", "upsample_fn", "upsampling_scaling_factor",
      "latent_shift",
    ] { usual[key] = nil }
    XCTAssertNoThrow(try plan("autoencoder-tiny", [file], usual))
  }

  func testHalvesInFilesOfTheirOwnAreFoundWhateverStandsBeforeTheirNames() throws {
    let recipe = try recipe(
      "autoencoder-tiny",
      tiny + [("encoder.mixing_channels", "8"), ("decoder.mixing_channels", "8")])
    let halves = try [
      (file: 0, prefix: "taesd_encoder."), (file: 1, prefix: "taesd_decoder."),
    ].map { try file(recipe, as: "taesd", number: $0.file, prefixes: [$0.prefix]) }
    let plan = try XCTUnwrap(plan("autoencoder-tiny", halves))
    let found = try values(plan)
    for (key, value) in tiny where key != "latent_channels" {
      XCTAssertEqual(found[key], value, key)
    }
    XCTAssertEqual(found["decoder.mixing_channels"], "8")
    let places = Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.path, $0) })
    // Blocks at the map's size mix: the encoder's last two and the decoder's first three.
    for (path, file, name) in [
      ("encoder.layers.0.weights", 0, "taesd_encoder.0.weight"),
      ("encoder.layers.2.weights", 0, "taesd_encoder.2.weight"),
      ("encoder.layers.3.mixing.1.shift", 0, "taesd_encoder.3.pool.1.bias"),
      ("encoder.layers.4.convolutions.1.bias", 0, "taesd_encoder.4.conv.2.bias"),
      ("encoder.layers.5.bias", 0, "taesd_encoder.5.bias"),
      ("decoder.layers.1.weights", 1, "taesd_decoder.1.weight"),
      ("decoder.layers.2.mixing.2.weights", 1, "taesd_decoder.3.pool.3.weight"),
      ("decoder.layers.6.weights", 1, "taesd_decoder.7.weight"),
      ("decoder.layers.7.convolutions.2.weights", 1, "taesd_decoder.8.conv.4.weight"),
      ("decoder.head.weights", 1, "taesd_decoder.9.weight"),
    ] {
      XCTAssertEqual(places[path]?.file, file, path)
      XCTAssertEqual(places[path]?.name, name, path)
    }
    XCTAssertNil(places["encoder.layers.1.mixing.1.shift"])
    XCTAssertNil(places["encoder.layers.2.bias"], "convolutions that halve have none")
    XCTAssertEqual(
      Set(plan.tensors.map(\.name)), Set(halves.flatMap { $0.entries.map(\.name) }))
  }

  func testTheFilesOfATinyAutoencoderAreNamedAndWhatTheyHaveNoPlaceForIsSaid() throws {
    let recipe = try recipe("autoencoder-tiny", tiny)
    let (raw, one) = (
      try exported(recipe, as: "taesd"), try exported(recipe, as: "diffusers")
    )
    XCTAssertEqual(raw.fileNames, ["taesd_encoder.safetensors", "taesd_decoder.safetensors"])
    XCTAssertNil(raw.config)
    XCTAssertEqual(one.fileNames, ["diffusion_pytorch_model.safetensors"])
    XCTAssertEqual(Set(one.tensors.map(\.file)), [0])
    for plan in [raw, one] {
      XCTAssertEqual(plan.leftPaths, ["encoder.log_variance", "likelihood."])
    }
    // In files of their own the decoder's layers are counted from its clamp on, and else from its first convolution.
    func names(_ plan: ExportPlan) -> [String] {
      [
        "encoder.layers.0.weights", "decoder.layers.1.weights",
        "decoder.layers.2.convolutions.0.bias",
      ]
      .map { path in plan.tensors.first { $0.path == path }?.name ?? "none" }
    }
    XCTAssertEqual(names(raw), ["0.weight", "1.weight", "3.conv.0.bias"])
    XCTAssertEqual(
      names(one),
      ["encoder.layers.0.weight", "decoder.layers.0.weight", "decoder.layers.2.conv.0.bias"])
  }

  func testMoreThanOneHalfOfAKindIsRefused() throws {
    let recipe = try recipe("autoencoder-tiny", tiny)
    let (encoder, decoder) = (
      try file(recipe, as: "taesd", number: 0), try file(recipe, as: "taesd", number: 1)
    )
    for (files, half) in [
      ([encoder, encoder, decoder], "encoder"), ([encoder, decoder, decoder], "decoder"),
    ] {
      let found = refusal { _ = try plan("autoencoder-tiny", files) }
      XCTAssertTrue(found.contains("holds more than one TAESD \(half)"), found)
    }
    let alone = refusal { _ = try plan("autoencoder-tiny", [decoder]) }
    XCTAssertTrue(alone.contains("holds a TAESD decoder alone"), alone)
  }

  func testAHalfWhoseFirstLayerIsMissingInAFileOfBothIsNamed() throws {
    let whole = try file(recipe("autoencoder-tiny", tiny), as: "diffusers")
    for name in ["encoder.layers.0.weight", "decoder.layers.0.weight"] {
      var file = Safetensors()
      for entry in whole.entries where entry.name != name {
        file.add(
          entry.name, shape: entry.shape,
          [Float](repeating: 0, count: entry.shape.reduce(1, *)))
      }
      let found = refusal { _ = try plan("autoencoder-tiny", [file]) }
      XCTAssertTrue(found.contains("has no tensor \(name), with which"), found)
    }
  }

  func testHalvesOfDifferentSizesAreRefusedWithBothNumbers() throws {
    let (one, two) = (
      try recipe("autoencoder-tiny", tiny),
      try recipe(
        "autoencoder-tiny",
        tiny + [
          ("prior.levels", "2"), ("encoder.blocks", "1,1,1"), ("decoder.blocks", "1,1,1"),
        ])
    )
    let found = refusal {
      _ = try plan(
        "autoencoder-tiny",
        [file(one, as: "taesd", number: 0), file(two, as: "taesd", number: 1)])
    }
    XCTAssertTrue(found.contains("halves images 1 times"), found)
    XCTAssertTrue(found.contains("doubles 2 times"), found)
  }
}

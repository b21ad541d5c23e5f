import VAEZoo
import XCTest

/// What the variants are made of where nobody says otherwise. Whoever changes a default says so here as well.
final class VariantDefaultsTests: XCTestCase {
  private let registry = Registry.builtIn

  private func text(_ values: [String: HyperparameterValue]) -> String {
    values.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
  }

  /// Encoder, prior, decoder, likelihood and objective with what the variant changes of them, and then what it
  /// changes of the training.
  private func text(_ composition: Composition) -> String {
    let roles: [Role] = [.encoder, .prior, .decoder, .likelihood, .objective]
    let parts = roles.map { role in
      composition.choices[role].map { $0.name + text($0.defaults) } ?? "nothing"
    }
    return parts.joined(separator: " | ") + " |" + text(composition.training)
  }

  func testEveryVariantIsMadeOfItsPartsWithItsNumbers() {
    let expected = [
      "gaussian-vae": "mlp | standard-normal | mlp | auto | elbo |",
      "beta-vae": "mlp | standard-normal latent=10 | mlp | auto | elbo beta=4 |",
      "factor-vae":
        "mlp | standard-normal latent=10 | mlp | auto | factor | batch_size=64 learning_rate=0.0001",
      "iwae":
        "mlp activation=tanh hidden=200,200 | standard-normal latent=50 | mlp activation=tanh hidden=200,200 | auto | importance-weighted |",
      "missing-vae":
        "masked-mlp activation=tanh hidden=128,128 | standard-normal latent=10 | mlp activation=tanh hidden=128,128 | auto | importance-weighted importance_samples=20 | batch_size=64",
      "flow-vae": "flow-mlp | standard-normal | mlp | auto | elbo |",
      "ladder-vae": "ladder | ladder | ladder | auto | elbo | batch_size=256",
      "pixelcnn": "none | none | pixelcnn layers=7 | auto | elbo | batch_size=64",
      "pixelcnn-vae":
        "conv channels=32,64 | standard-normal latent=16 | pixelcnn layers=2 | auto | elbo warmup_epochs=5 | batch_size=64",
      "vq-vae":
        "vq-resnet | uniform-codes | vq-resnet | gaussian link=identity sigma=data | elbo | batch_size=32 learning_rate=0.0003",
      "conditional-vae": "conditional-mlp | standard-normal | conditional-mlp | auto | elbo |",
      "mixture-prior-vae": "mlp | gaussian-mixture | mlp | auto | elbo |",
      "vampprior-vae": "mlp hidden=300,300 | vampprior | mlp hidden=300,300 | auto | elbo |",
      "flow-prior-vae": "mlp | flow | mlp | auto | elbo |",
      "two-stage-vae": "mlp | standard-normal latent=64 | mlp | gaussian | elbo |",
      "log-cosh-vae": "mlp | standard-normal | mlp | log-cosh | elbo |",
      "multiscale-vae": "mlp | standard-normal | mlp | multiscale-gaussian | elbo |",
      "ms-ssim-vae": "mlp | standard-normal | mlp | gaussian sigma=optimal | picture-loss |",
      "perceptual-vae": "conv | standard-normal latent=64 | conv | auto | perceptual |",
      "autoencoder-tiny":
        "tiny | standard-normal-map | tiny | gaussian link=identity | elbo | batch_size=16 learning_rate=0.0003",
      "autoencoder-kl":
        "kl | standard-normal-map scaling_factor=0.18215 | kl | gaussian link=identity | elbo beta=1e-06 | batch_size=8 learning_rate=0.0001",
      "vae-gan":
        "conv | standard-normal latent=128 | conv | gaussian sigma=optimal | vae-gan discriminator_normalization=batch | batch_size=64 beta1=0.5 learning_rate=0.0003",
      "vqgan":
        "vq-resnet | uniform-codes | vq-resnet | gaussian link=identity sigma=data | adversarial reconstruction=l1 | batch_size=32 learning_rate=0.0003",
      "wae-gan":
        "conv | standard-normal latent=8 | conv | gaussian sigma=data | latent-adversarial | batch_size=100 beta1=0.5",
      "adversarial-autoencoder":
        "mlp hidden=1000,1000 | standard-normal latent=8 | mlp hidden=1000,1000 | gaussian sigma=data | latent-adversarial adversarial_weight=1 alternates=true discriminator_hidden=1000,1000 | batch_size=100 learning_rate=0.0003",
      "vq-model":
        "kl attention=0,0,0 level_channels=128,256,512 | uniform-codes code_size=3 codes=8192 | kl attention=0,0,0 level_channels=512,256,128 | gaussian link=identity sigma=data | elbo | batch_size=8 learning_rate=0.0001",
      "very-deep-vae":
        "very-deep | very-deep | very-deep | auto | elbo | batch_size=16 beta2=0.9 clip_norm=614400 skip_norm=1228800 warmup_updates=100",
      "progressive-vae": "progressive | standard-normal | progressive | auto | elbo | epochs=20",
    ]
    for entry in registry.entries {
      let (name, composition) = (entry.variant.name, entry.variant.composition)
      XCTAssertEqual(text(composition), expected[name], name)
      XCTAssertEqual(
        composition.likelihoodOfBytes,
        name == "very-deep-vae" ? "logistic-mixture" : "gaussian", name)
    }
    XCTAssertEqual(Set(registry.entries.map(\.variant.name)), Set(expected.keys))
  }

  func testThePartsOfVariantsHaveTheirNumbers() throws {
    let codes =
      "codes=512 code_size=64 levels=2 commitment=0.25 update=ema decay=0.99 restart_threshold=0.01"
    let growing =
      "first_size=4 stage_epochs=2 fade_epochs=2 channels=64,64,32,16 activation=leaky_relu normalization=group"
    for (role, name, numbers) in [
      (.objective, "capacity", "capacity=25 capacity_steps=10000 gamma=100"),
      (
        .objective, "factor",
        "gamma=35 discriminator_hidden=1000,1000,1000,1000,1000,1000 discriminator_rate=1"
      ),
      (.objective, "picture-loss", "strength=10 share=0.84 rate_weight=1"),
      (
        .objective, "vae-gan",
        "gamma=0.001 rate_weight=1 feature_layer=2 adversarial_loss=minimax equilibrium=true discriminator_channels=64,128,256 discriminator_normalization=spectral discriminator_rate=1"
      ),
      (
        .objective, "perceptual",
        "comparison=normalized feature_weight=0.3 pixel_weight=1 rate_weight=1"
      ),
      (.prior, "gaussian-mixture", "latent=20 components=100"),
      (.prior, "vampprior", "latent=40 pseudo_inputs=500"),
      (.prior, "conditional-normal", "latent=20"),
      (
        .prior, "very-deep",
        "latent=8 channels=32,64,64,64,64,64 blocks_per_size=4,4,3,2,0,1 bottleneck=2 bias_limit=64"
      ),
      (.encoder, "very-deep", "blocks_per_size=2,2,2,1,0,1"),
      (
        .encoder, "ladder",
        "hidden=512,256,128,64,32 depth=2 activation=leaky_relu normalization=batch handover=features"
      ),
      (
        .prior, "ladder",
        "latent=64,32,16,8,4 hidden=512,256,128,64,32 depth=2 activation=leaky_relu normalization=batch shares_parameters=true"
      ),
      (.decoder, "ladder", "hidden=512 depth=2 activation=leaky_relu normalization=batch"),
      (
        .encoder, "ladder-conv",
        "channels=32,64,64 activation=leaky_relu normalization=batch blocks=1 handover=features"
      ),
      (
        .prior, "ladder-conv",
        "latent=4,8,16 channels=32,64,64 activation=leaky_relu normalization=batch blocks=1 shares_parameters=true"
      ),
      (
        .decoder, "ladder-conv", "width=16 activation=leaky_relu normalization=batch blocks=0"
      ),
      (.prior, "uniform-codes", codes),
      (
        .prior, "pixelcnn-codes", codes + " embedding=32 channels=64 layers=5 kernel=3 head=128"
      ),
      (.encoder, "vq-resnet", "channels=128 blocks=2 residual_channels=32"),
      (.decoder, "vq-resnet", "channels=128 blocks=2 residual_channels=32"),
      (
        .encoder, "kl",
        "level_channels=128,256,512,512 blocks=2 norm_groups=32 attention=0,0,0,0 middle_attention=true latent_convolution=true"
      ),
      (
        .decoder, "kl",
        "level_channels=512,512,256,128 blocks=3 norm_groups=32 attention=0,0,0,0 middle_attention=true latent_convolution=true"
      ),
      (
        .encoder, "tiny",
        "channels=64 blocks=1,3,3,3 mixing_channels=0 mixing_groups=4 deviation=0.1"
      ),
      (
        .decoder, "tiny",
        "channels=64 blocks=3,3,3,1 mixing_channels=0 mixing_groups=4 latent_magnitude=3"
      ),
      (.encoder, "progressive", growing), (.decoder, "progressive", growing),
      (
        .encoder, "flow-mlp",
        "flow=iaf flow_steps=2 flow_hidden=320 flow_context=64 reflections=8"
      ),
    ] as [(Role, String, String)] {
      let declared = try registry.component(role, name).hyperparameters
      let found = numbers.split(separator: " ").map { pair in
        let key = pair.prefix { $0 != "=" }
        return declared.first { $0.name == key }.map { "\(key)=\($0.default)" } ?? "no \(key)"
      }
      XCTAssertEqual(found.joined(separator: " "), numbers, "\(role) \(name)")
    }
  }

  func testSettingsAreTakenUpToTheirLimitsAndNotBeyond() throws {
    for (role, name, setting, allowed, refused) in [
      (.objective, "capacity", "capacity", "0 1000000", "-0.1 1000001"),
      (.objective, "capacity", "capacity_steps", "0 1000000000", "-1 1000000001"),
      (.objective, "factor", "gamma", "0", "-1"),
      (.objective, "factor", "discriminator_rate", "0", "-0.5"),
      (.objective, "picture-loss", "share", "0 1", "-0.01 1.01"),
      (.objective, "picture-loss", "strength", "0", "-1"),
      (.objective, "vae-gan", "feature_layer", "0 12", "-1 13"),
      (.objective, "perceptual", "pixel_weight", "0", "-1"),
      (.prior, "gaussian-mixture", "components", "1 65536", "0 65537"),
      (.prior, "vampprior", "pseudo_inputs", "1 65536", "0 65537"),
      (.prior, "very-deep", "bottleneck", "1 16", "0 17"),
      (.prior, "very-deep", "bias_limit", "0 65536", "-1 65537"),
      (.prior, "very-deep", "blocks_per_size", "0,64", "-1,1 65,1 1,1,1,1,1,1,1,1,1,1,1,1,1"),
      (.encoder, "very-deep", "blocks_per_size", "0,64", "-1,1 65,1"),
      (.prior, "ladder", "latent", "1,65536", "0,1 65537,1"),
      (.encoder, "ladder", "depth", "1 16", "0 17"),
      (.prior, "ladder-conv", "blocks", "0 16", "-1 17"),
      (.decoder, "ladder-conv", "width", "1 4096", "0 4097"),
      (.prior, "uniform-codes", "codes", "2 16777216", "1 16777217"),
      (.prior, "uniform-codes", "code_size", "1 65536", "0 65537"),
      (.prior, "uniform-codes", "levels", "0 12", "-1 13"),
      (.prior, "uniform-codes", "decay", "0 0.999999", "-0.1 1"),
      (.prior, "uniform-codes", "restart_threshold", "0 1", "-0.1 1.1"),
      (.prior, "uniform-codes", "update", "ema gradient", "mean"),
      (.encoder, "vq-resnet", "blocks", "0 64", "-1 65"),
      (.encoder, "kl", "blocks", "1 64", "0 65"), (.encoder, "kl", "attention", "0,1", "0,2 -1,1"),
      (.encoder, "kl", "norm_groups", "1 4096", "0 4097"),
      (.decoder, "kl", "level_channels", "1,4096", "0,4 4,4097 1,1,1,1,1,1,1,1,1,1"),
      (.encoder, "tiny", "deviation", "0.0001 100", "0.00009 101"),
      (.encoder, "tiny", "mixing_channels", "0 16384", "-1 16385"),
      (.encoder, "tiny", "mixing_groups", "1 4096", "0 4097"),
      (.decoder, "tiny", "latent_magnitude", "0.001 1000000", "0.0009 0"),
      (.decoder, "tiny", "blocks", "0,64", "-1,1 65,1"),
      (.encoder, "progressive", "first_size", "1 4096", "0 4097"),
      (.encoder, "progressive", "stage_epochs", "0", "-1"),
      (.encoder, "progressive", "fade_epochs", "0", "-1"),
      (.decoder, "progressive", "channels", "1,4096", "0,1 4097,1"),
      (.encoder, "flow-mlp", "flow_steps", "1 64", "0 65"),
      (.encoder, "flow-mlp", "reflections", "1 64", "0 65"),
      (.encoder, "flow-mlp", "flow_context", "1 65536", "0 65537"),
      (
        .encoder, "flow-mlp", "flow", "planar radial iaf sylvester realnvp", "maf"
      ),
    ] as [(Role, String, String, String, String)] {
      let declared = try XCTUnwrap(
        registry.component(role, name).hyperparameters.first { $0.name == setting })
      func json(_ text: Substring) -> JSON {
        let isList = if case .integers = declared.kind { true } else { false }
        let numbers = text.split(separator: ",").compactMap { Int($0) }
        if isList { return .array(numbers.map(JSON.integer)) }
        return Int(text).map(JSON.integer) ?? Double(text).map(JSON.number) ?? .text(String(text))
      }
      for text in allowed.split(separator: " ") {
        XCTAssertNoThrow(
          try declared.value(of: json(text), path: setting), "\(role) \(name) \(setting)=\(text)")
      }
      for text in refused.split(separator: " ") {
        XCTAssertThrowsError(
          try declared.value(of: json(text), path: setting), "\(role) \(name) \(setting)=\(text)")
      }
    }
  }

  func testAShortNameStandsForEveryPathThatItShould() {
    let codes = [
      "update": ["prior.update"], "restart_threshold": ["prior.restart_threshold"],
    ]
    let codesOfGrid = codes.merging(["levels": ["prior.levels"]]) { first, _ in first }
    let groups = ["norm_groups": ["encoder.norm_groups", "decoder.norm_groups"]]
    let gamma = ["gamma": ["objective.gamma"]]
    let features = [
      "network": ["objective.network"], "feature_weight": ["objective.feature_weight"],
    ]
    let game = ["adversarial_weight": ["objective.adversarial_weight"]]
    let expected: [String: [String: [String]]] = [
      "factor-vae": gamma, "vae-gan": gamma,
      "flow-vae": [
        "flow": ["encoder.flow"], "flow_steps": ["encoder.flow_steps"],
        "flow_hidden": ["encoder.flow_hidden"], "flow_context": ["encoder.flow_context"],
        "reflections": ["encoder.reflections"], "posterior.flow": ["encoder.flow"],
      ],
      "ladder-vae": [
        "hidden": ["encoder.hidden", "prior.hidden"],
        "channels": ["encoder.channels", "prior.channels"],
      ],
      "pixelcnn-vae": ["channels": ["decoder.channels"], "layers": ["decoder.layers"]],
      "vq-vae": codesOfGrid,
      "vqgan": codesOfGrid.merging(features) { first, _ in first },
      "mixture-prior-vae": ["components": ["prior.components"]],
      "vampprior-vae": ["pseudo_inputs": ["prior.pseudo_inputs"]],
      "flow-prior-vae": [
        "flow": ["prior.flow"], "flow_steps": ["prior.flow_steps"],
        "flow_hidden": ["prior.flow_hidden"],
      ],
      "perceptual-vae": features.merging(
        [
          "pixel_weight": ["objective.pixel_weight"], "rate_weight": ["objective.rate_weight"],
        ]
      ) { first, _ in first },
      "autoencoder-tiny": ["latent_channels": ["prior.latent_channels"]],
      "autoencoder-kl": groups.merging(["latent_channels": ["prior.latent_channels"]]) {
        first, _ in first
      },
      "wae-gan": game, "adversarial-autoencoder": game,
      "vq-model": groups.merging(codes) { first, _ in first },
      "very-deep-vae": ["channels": ["prior.channels"]],
      "progressive-vae": Dictionary(
        uniqueKeysWithValues: ["first_size", "stage_epochs", "fade_epochs", "channels"].map {
          ($0, ["encoder.\($0)", "decoder.\($0)"])
        }),
    ]
    for entry in registry.entries {
      XCTAssertEqual(
        entry.variant.shorthands, expected[entry.variant.name] ?? [:], entry.variant.name)
    }
  }

  func testLayersCountAlsoWhereAnObjectiveHasLayersOfAFrozenNetwork() throws {
    var recipe = try registry.recipe(for: "vqgan")
    try registry.apply(
      [(key: "prior.name", value: "pixelcnn-codes"), (key: "layers", value: "3")], to: &recipe)
    XCTAssertEqual(recipe.part(.prior).values["layers"], .integer(3))
    XCTAssertEqual(recipe.part(.objective).values["layers"], .text(""))
    let entry = try XCTUnwrap(registry.entries.first { $0.variant.name == "vqgan" })
    XCTAssertFalse(try registry.shortNames(of: entry.variant).contains { $0.name == "layers" })
  }

  func testAnArchitectureChangesThePartsThatItShould() throws {
    for (variant, architecture, parts) in [
      ("missing-vae", "mlp", "masked-mlp standard-normal mlp"),
      ("missing-vae", "conv", "masked-conv standard-normal conv"),
      ("flow-vae", "mlp", "flow-mlp standard-normal mlp"),
      ("flow-vae", "conv", "flow-conv standard-normal conv"),
      ("flow-vae", "resnet", "flow-resnet standard-normal resnet"),
      ("ladder-vae", "mlp", "ladder ladder ladder"),
      ("ladder-vae", "conv", "ladder-conv ladder-conv ladder-conv"),
      ("pixelcnn", "pixelcnn", "none none pixelcnn"),
      ("pixelcnn-vae", "mlp", "mlp standard-normal pixelcnn"),
      ("pixelcnn-vae", "conv", "conv standard-normal pixelcnn"),
      ("pixelcnn-vae", "resnet", "resnet standard-normal pixelcnn"),
      ("vq-vae", "resnet", "vq-resnet uniform-codes vq-resnet"),
      ("vq-vae", "conv", "conv uniform-codes conv"),
      ("vqgan", "resnet", "vq-resnet uniform-codes vq-resnet"),
      ("vqgan", "mlp", "mlp uniform-codes mlp"),
      ("conditional-vae", "resnet", "conditional-resnet standard-normal conditional-resnet"),
      ("conditional-vae", "conv", "conditional-conv standard-normal conditional-conv"),
      ("autoencoder-tiny", "conv", "conv standard-normal-map conv"),
      ("autoencoder-tiny", "tiny", "tiny standard-normal-map tiny"),
      ("autoencoder-kl", "mlp", "mlp standard-normal-map mlp"),
      ("autoencoder-kl", "kl", "kl standard-normal-map kl"),
      ("vq-model", "conv", "conv uniform-codes conv"),
      ("vq-model", "kl", "kl uniform-codes kl"),
      ("very-deep-vae", "very-deep", "very-deep very-deep very-deep"),
      ("progressive-vae", "progressive", "progressive standard-normal progressive"),
      ("progressive-vae", "conv", "conv standard-normal conv"),
    ] {
      var recipe = try registry.recipe(for: variant)
      try registry.apply([(key: "architecture", value: architecture)], to: &recipe)
      XCTAssertEqual(
        [Role.encoder, .prior, .decoder].map { recipe.part($0).name }.joined(separator: " "),
        parts, "\(variant) \(architecture)")
    }
  }

  func testVariantsOfCodesHaveAStageThatLearnsTheCodes() {
    for entry in registry.entries {
      let hasCodes = ["vq-vae", "vqgan", "vq-model"].contains(entry.variant.name)
      XCTAssertEqual(
        entry.variant.furtherStages.map(\.name), hasCodes ? ["prior"] : [], entry.variant.name)
    }
  }
}

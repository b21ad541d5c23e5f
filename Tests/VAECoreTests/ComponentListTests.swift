import GaussianVAE
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// The shared components with their settings, as they are documented.
final class ComponentListTests: XCTestCase {
  private static let lists = "(0 to 64 numbers in 1…65536)"
  private static let activations =
    "(relu, leaky_relu, elu, gelu, silu, tanh, sigmoid, softplus)"
  private static let convolutions =
    "activation leaky_relu \(activations); normalization batch (none, batch, group); blocks "
  private static let links = "link auto (auto, identity, sigmoid, tanh)"
  private static let gaussian = "sigma learnt (0.001…1000, learnt, optimal, data); \(links)"
  private static let location = "sigma learnt (0.001…1000, learnt, data); \(links)"
  private static let latent = "latent 20 (1…65536)"
  private static let mixture =
    "\(latent); components 0 (0…4096); draws 1 (1…1000); ridge 1e-06 (1e-08…1); iterations 200 (1…100000)"

  private static let encoders = [
    "mlp: hidden 400 \(lists); activation relu \(activations)",
    "conv: channels 32,64,128 (1 to 12 numbers in 1…4096); \(convolutions)0 (0…16)",
    "resnet: channels 32,64,128 (1 to 12 numbers in 1…4096); \(convolutions)1 (0…16)",
    "masked-mlp, told masks: hidden 400 \(lists); activation relu \(activations)",
    "masked-conv, told masks: channels 32,64,128 (1 to 12 numbers in 1…4096); \(convolutions)0 (0…16)",
    "none: ",
  ]
  private static let priors = [
    "standard-normal: \(latent)",
    "standard-normal-map: latent_channels 4 (1…4096); levels 3 (0…8); scaling_factor 1 (1e-06…1000000); "
      + "shift_factor 0 (-1000000…1000000)",
    "fitted-mixture: \(mixture)", "fitted-class-mixture, told a condition: \(mixture)",
    "flow: \(latent); flow maf (realnvp, maf, iaf); flow_steps 4 (1…64); "
      + "flow_hidden 256 (1 to 8 numbers in 1…65536)",
    "second-stage: \(latent); stage_hidden 512,512,512 (1 to 16 numbers in 1…65536)", "none: ",
  ]
  private static let decoding =
    "upsampling transposed (transposed, nearest, bilinear, shuffle); output single (single, multiscale)"
  private static let decoders = [
    "mlp: hidden 400 \(lists); activation relu \(activations)",
    "conv: channels 128,64,32 (1 to 12 numbers in 1…4096); \(convolutions)0 (0…16); \(decoding)",
    "resnet: channels 128,64,32 (1 to 12 numbers in 1…4096); \(convolutions)1 (0…16); \(decoding)",
    "pixelcnn: channels 32 (1…4096); layers 5 (0…64); kernel 3 (3…15); head 64 (1…4096); condition map (bias, map); "
      + "condition_channels 32 (1…4096)",
  ]
  private static let likelihoods = [
    "bernoulli: ", "gaussian: \(gaussian)", "categorical: ",
    "logistic-mixture: components 10 (1…100)",
    "mixed: components 1 (1…32); counts negative-binomial (negative-binomial, poisson)",
    "laplace: \(location)", "logistic: \(location)", "log-cosh: \(location); a 10 (0.01…1000)",
    "student-t: \(links)",
    "multiscale-gaussian: \(gaussian); scales 4 (1…16); coarse_weight learnt (0…100, learnt)",
    "conditional-coupling: steps 4 (0…64); hidden_channels 32 (1…1024); blocks 1 (0…16); features 8 (0…256); "
      + "dequantization auto (auto, none, uniform, variational); dequantization_steps 2 (0…64)",
    "negative-binomial, of counts: ", "zero-inflated-negative-binomial, of counts: ",
  ]
  private static let rates = "discriminator_rate 1 (0…1000000)"
  private static let objectives = [
    "elbo: beta 1 (0…1000000); warmup_epochs 0 (0…1000000); free_bits 0 (0…1000000)",
    "importance-weighted: importance_samples 5 (2…10000); gradient reparameterized (reparameterized, dreg)",
    "adversarial: reconstruction distortion (l1, distortion); network  (at most 4096 bytes); "
      + "network_sha256  (at most 64 bytes); layers  (at most 4096 bytes); layer_weights  (at most 4096 bytes); "
      + "comparison normalized (squared, normalized, lpips); feature_weight 1 (0…1000000000); "
      + "rate_weight 1 (0…1000000); adversarial_loss hinge (hinge, non_saturating, minimax); "
      + "adversarial_weight 0.8 (0…1000000); adaptive_weight true (true, false); "
      + "discriminator_start 1000 (0…1000000000); gradient_penalty 0 (0…1000000); "
      + "discriminator_channels 64,128,256 (1 to 12 numbers in 1…4096); "
      + "discriminator_normalization spectral (none, batch, group, spectral); \(rates)",
    "latent-adversarial: adversarial_weight 10 (0…1000000000); "
      + "adversarial_loss non_saturating (hinge, non_saturating, minimax); alternates false (true, false); "
      + "discriminator_hidden 512,512,512,512 \(lists); \(rates)",
  ]
  private static let training = """
    epochs 10 (0…1000000); batch_size 128 (1…65536); learning_rate 0.001 (1e-09…1000); \
    seed 0 (0…9223372036854775807); binarize none (none, threshold, dynamic); dequantize none (none, uniform); \
    optimizer adam (adam, adamw, sgd); beta1 0.9 (0…0.999999); beta2 0.999 (0…0.9999999); epsilon 1e-08 (1e-16…1); \
    momentum 0 (0…0.9999); weight_decay 0 (0…1000); schedule constant (constant, step, cosine); \
    schedule_epochs 10 (0.001…1000000); schedule_factor 0.1 (0…1); warmup_updates 0 (0…100000000); \
    clip_norm 0 (0…1000000000); skip_norm 0 (0…1000000000); average_decay 0 (0…0.9999999); \
    drop_last true (true, false); precision float32 (float32, bfloat16); holdout 0 (0…0.9); \
    keep_best true (true, false); patience 0 (0…1000000); shards 0 (0…4096)
    """

  private func line(_ settings: [Hyperparameter]) -> String {
    settings.map { "\($0.name) \($0.default) (\($0.rangeText))" }.joined(separator: "; ")
  }

  func testComponentsAndTheirDefaultsAndRangesAreTheDocumentedOnes() {
    let registry = Registry.sharedComponents
    for (role, wanted) in [
      (Role.encoder, Self.encoders), (.prior, Self.priors), (.decoder, Self.decoders),
      (.likelihood, Self.likelihoods), (.objective, Self.objectives),
    ] {
      let found = registry.components(role).map { component -> String in
        let traits = [
          component.usesCondition ? ", told a condition" : "",
          component.usesMask ? ", told masks" : "", component.takesCounts ? ", of counts" : "",
        ]
        return "\(component.name)\(traits.joined()): \(line(component.hyperparameters))"
      }
      XCTAssertEqual(found.count, wanted.count)
      for (found, wanted) in zip(found, wanted) { XCTAssertEqual(found, wanted) }
    }
    XCTAssertEqual(
      registry.stages.map(\.name), ["mixture", "class-mixture", "flow", "two-stage", "decoder"])
  }

  func testSettingsOfATrainingAreTheDocumentedOnes() {
    XCTAssertEqual(line(TrainingOptions.hyperparameters), Self.training)
  }

  // MARK: Likelihoods

  /// What a likelihood says of itself: c(ouples channels), p(couples pixels), f(actorizes), d(iscrete), r (its density is
  /// drawn), m (its mean is one of each pixel) and t (it prices the columns of a table).
  private func traits(_ likelihood: any Likelihood) -> String {
    let all: [(holds: Bool, letter: String)] = [
      (likelihood.couplesChannels, "c"), (likelihood.couplesPixels, "p"),
      (likelihood.factorizes, "f"), (likelihood.isDiscrete, "d"), (likelihood.isDensityDrawn, "r"),
      (likelihood.hasPointwiseMean, "m"), (likelihood.pricesColumns, "t"),
    ]
    return all.filter(\.holds).map(\.letter).joined()
  }

  func testEveryLikelihoodSaysWhatItCouplesAndHowManyNumbersItTakes() {
    let counts = TableColumns([
      TableColumn(name: "a", kind: .count), TableColumn(name: "b", kind: .count),
    ])
    func flow(_ steps: Int, _ dequantizer: Dequantizer?) -> ConditionalCoupling {
      ConditionalCoupling(
        channels: 3, steps: steps, hidden: 2, blocks: 0, features: 4, dequantizer: dequantizer,
        random: RandomSource(seed: 1))
    }
    let cases: [(any Likelihood, String, Int, Int)] = [
      (BernoulliLikelihood(), "fdm", 3, 3), (GaussianLikelihood(.fixed(1)), "fm", 3, 3),
      (GaussianLikelihood(.fixed(1), columns: 2), "fm", 1, 1),
      (CategoricalLikelihood(levels: 4), "fdm", 3, 12),
      (DiscretizedLogisticMixture(components: 2, channels: 3), "cdm", 3, 20),
      (DiscretizedLogisticMixture(components: 2, channels: 1), "fdm", 1, 6),
      (LocationLikelihood(LaplaceNoise(), .fixed(1)), "fm", 3, 3),
      (StudentTLikelihood(), "fm", 3, 9),
      (MultiscaleGaussian(.fixed(1), weights: .learnt(1), size: (2, 2)), "pm", 3, 3),
      (MixedLikelihood(counts, components: 3), "fmt", 1, 6), (MixedLikelihood(counts), "fmt", 1, 1),
      (CountLikelihood(counts), "pdt", 1, 1),
      (CountLikelihood(counts, isZeroInflated: true), "pdt", 1, 2),
      (flow(0, nil), "cpm", 3, 10), (flow(1, nil), "cp", 3, 10),
      (flow(1, Dequantizer()), "cpdr", 3, 10),
    ]
    for (likelihood, wanted, channels, numbers) in cases {
      XCTAssertEqual(traits(likelihood), wanted, "\(likelihood)")
      XCTAssertEqual(
        likelihood.parametersPerPixel(channels: channels), numbers, "\(likelihood)")
    }
  }

  func testPriorsAndPosteriorsSayWhatCanBeAskedOfThem() {
    XCTAssertFalse(EmptyPrior().usesTemperature)
    XCTAssertTrue(StandardNormalPrior(units: 1).usesTemperature)
    let plain = PosteriorTraits(pricingRemedy: "another")
    XCTAssertTrue(plain.pricesAnyPoint && plain.hasMoments && plain.hasTemperature)
    XCTAssertNil(plain.pricingRemedy, "nothing has to be mended")
    XCTAssertEqual(
      PosteriorTraits(pricesAnyPoint: false, pricingRemedy: "another").pricingRemedy?.description,
      "another")
    let empty = EmptyPrior().draw(
      from: EmptyPosterior(exampleCount: 3),
      {
        var request = DrawRequest()
        request.samples = 4
        return request
      }(), Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0, 1, 2]))
    XCTAssertEqual(empty.rowCount, 12)
    XCTAssertEqual(empty.rate.floats, [Float](repeating: 0, count: 12))
  }

  // MARK: Shapes

  func testTheShapesOfAModelAreWrittenLayerByLayer() throws {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 2, width: 3, channels: 1, range: .binary, rule: "binary")
    try registry.apply(
      [("encoder.hidden", "5"), ("decoder.hidden", ""), ("latent", "2")], to: &recipe)
    let shapes = try registry.shapes(of: recipe)
    XCTAssertEqual(
      shapes.json.line,
      #"{"input": [2, 3, 1], "latents": [2], "output": [2, 3, 1], "parameters": 77, "layers": ["#
        + #"{"path": "encoder.layers.0", "output": [5], "weights": {"weights": [6, 5], "bias": [5]}, "parameters": 35}, "#
        + #"{"path": "encoder.head", "output": [4], "weights": {"weights": [5, 4], "bias": [4]}, "parameters": 24}, "#
        + #"{"path": "decoder.head", "output": [6], "weights": {"weights": [2, 6], "bias": [6]}, "parameters": 18}]}"#
    )
    XCTAssertEqual(try registry.latents(of: recipe), .units(2))
  }
}

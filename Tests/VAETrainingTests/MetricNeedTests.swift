import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes
import XCTest

/// What metrics are left out for, for models and examples of several kinds.
final class MetricNeedTests: XCTestCase {
  /// Blank images.
  private struct Blanks: ExampleStore {
    var count = 3
    var shape = ImageShape(height: 6, width: 5, channels: 1)
    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for place in 0..<indices.count * shape.count { destination[place] = 0 }
    }
  }

  private func model(
    prior: (any Prior)? = nil, likelihood: any Likelihood = BernoulliLikelihood(),
    condition: ConditionSpace? = nil, takesMasks: Bool = false
  ) -> Model {
    let plain = TrainingSupport.model()
    return Model(
      encoder: plain.encoder, prior: prior ?? plain.prior, decoder: plain.decoder,
      likelihood: likelihood, condition: condition, takesMasks: takesMasks)
  }

  private func examples(
    shape: ImageShape = ImageShape(height: 6, width: 5, channels: 1), labels: [Int32]? = nil,
    dequantization: TrainingOptions.Dequantization = .none, takesMasks: Bool = false
  ) -> Examples {
    Examples(
      DataSplit(name: "test", store: Blanks(shape: shape), labels: labels),
      dequantization: dequantization, takesMasks: takesMasks)
  }

  /// The needs that are not met, by the names of metrics.
  private func lacks(
    _ model: Model, _ examples: Examples?, count: Int = 3, importanceSamples: Int? = nil
  ) -> [String: MetricNeed] {
    let setting = MetricSetting(
      model: model, examples: examples, exampleCount: count,
      importanceSamples: importanceSamples, random: RandomSource(seed: 0))
    let omissions = VAEEvaluation.Measurement(MetricRegistry.standard.metrics, setting).omissions
    return Dictionary(
      uniqueKeysWithValues: omissions.compactMap { omission in
        omission.need.map { (omission.descriptor.name, $0) }
      })
  }

  func testOfAPlainModelMetricsLackDrawsANetworkAndFactorsAlone() {
    XCTAssertEqual(
      lacks(model(), examples()),
      [
        "hidden_distortion": .hiddenValues, "nll": .importanceSamples,
        "rate_per_layer": .severalLayers, "elbo_per_class": .toldLabel,
        "codebook_perplexity": .codes, "codebook_usage": .codes, "ssim": .windows,
        "ms_ssim": .windows, "mig": .factors, "factor_vae_score": .factors, "dci": .factors,
        "feature_distance": .network, "lpips": .heads, "frechet_distance": .network,
        "precision_recall": .network, "classifier_confidence": .classifier,
      ])
    XCTAssertNil(lacks(model(), examples(), importanceSamples: 2)["nll"])
    let large = examples(shape: ImageShape(height: 11, width: 12, channels: 1))
    XCTAssertNil(lacks(model(), large)["ssim"])
    XCTAssertNil(lacks(model(), large)["ms_ssim"])
  }

  func testOneExampleIsNotSeveral() {
    let one = lacks(model(), examples(), count: 1)
    for name in ["active_units", "aggregate_posterior", "rate_decomposition"] {
      XCTAssertEqual(one[name], .severalExamples, name)
      XCTAssertNil(lacks(model(), examples(), count: 2)[name], name)
    }
  }

  func testBitsAreOfDiscreteValuesOrDequantizedOnes() {
    let density = model(likelihood: GaussianLikelihood(.fixed(1)))
    XCTAssertEqual(lacks(density, examples())["bits_per_dim"], .discreteValues)
    XCTAssertNil(lacks(density, examples(dequantization: .uniform))["bits_per_dim"])
    XCTAssertNil(lacks(model(), nil)["bits_per_dim"])
    XCTAssertEqual(lacks(density, nil)["bits_per_dim"], .discreteValues)
    // Of images of which something is missing there are no bits of all numbers.
    let torn = lacks(model(takesMasks: true), examples(takesMasks: true))
    XCTAssertEqual(torn["bits_per_dim"], .discreteValues)
    XCTAssertEqual(torn["psnr"], .reconstructions)
    XCTAssertEqual(torn["hidden_distortion"], .hiddenValues)
  }

  func testClassesAreThoseThatAModelIsTold() {
    let label = ConditionSpace(classes: 3)
    XCTAssertNil(lacks(model(condition: label), examples())["elbo_per_class"])
    for kind in [ConditionSpace.Kind.attributes, .vector] {
      XCTAssertEqual(
        lacks(model(condition: ConditionSpace(kind, width: 3)), examples())["elbo_per_class"],
        .toldLabel)
    }
    // Labels that no part listens to are not told.
    XCTAssertEqual(
      lacks(model(), examples(labels: [0, 1, 2]))["elbo_per_class"], .toldLabel)
  }

  func testARateIsTakenApartUnderAPriorThatIsTheSameForAllExamples() {
    let label = ConditionSpace(classes: 3)
    let mixture = FittedMixturePrior(units: 3, components: 2, random: RandomSource(seed: 1))
    XCTAssertNil(lacks(model(prior: mixture), examples())["rate_decomposition"])
    XCTAssertNil(lacks(model(condition: label), examples())["rate_decomposition"])
    XCTAssertEqual(
      lacks(model(prior: mixture, condition: label), examples())["rate_decomposition"],
      .pricingPrior)
    XCTAssertEqual(
      lacks(model(prior: EmptyPrior()), examples())["rate_decomposition"], .pricingPrior)
    XCTAssertEqual(
      lacks(model(prior: mixture), examples())["aggregate_posterior"], .reparameterizedPrior)
    let flow = FlowPrior(
      units: 3, family: .maf, steps: 1, hidden: [4], random: RandomSource(seed: 1))
    XCTAssertNil(lacks(model(prior: flow), examples())["aggregate_posterior"])
  }

  func testPicturesComeBackFromLatentsAlone() {
    for name in ["psnr", "sharpness"] {
      XCTAssertNil(lacks(model(), examples())[name])
      XCTAssertEqual(lacks(model(prior: EmptyPrior()), examples())[name], .reconstructions)
    }
    let wide = StandardNormalPrior(units: 1 << 14)
    XCTAssertNil(lacks(model(prior: wide), examples())["rate_per_unit"])
    let wider = StandardNormalPrior(units: (1 << 14) + 1)
    XCTAssertEqual(lacks(model(prior: wider), examples())["rate_per_unit"], .unitRates)
  }
}

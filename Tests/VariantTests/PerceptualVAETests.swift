import PerceptualVAE
import VAEZoo
import XCTest

/// The perceptual objective: its distances by hand, its gradients by finite differences, its refusals.
final class PerceptualVAETests: XCTestCase {
  func testTheSquaredDistanceIsHalfTheMeanSquareOfEachLayerTimesItsWeight() {
    let comparison = FeatureComparison(.squared, weights: [2, 3])
    let a = [Tensor([1, 2, 3, 4], shape: [1, 1, 2, 2]), Tensor([1, 0, 0, 0], shape: [2, 2])]
    let b = [Tensor([1, 0, 3, 1], shape: [1, 1, 2, 2]), Tensor([0, 0, 2, 0], shape: [2, 2])]
    // Each example by itself: the first layer has one, of which 4 numbers differ by 0, 2, 0 and 3.
    let one = FeatureComparison(.squared, weights: [2])([a[0]], [b[0]])
    XCTAssertEqual(one.floats, [2 * 13 / 8])
    let two = FeatureComparison(.squared, weights: [3])([a[1]], [b[1]])
    XCTAssertEqual(two.floats, [3 * 1 / 4, 3 * 4 / 4])
    let pair = [a[0].tiled(2), a[1]]
    XCTAssertEqual(comparison(pair, pair).floats, [0, 0])
  }

  func testTheNormalizedDistanceDependsOnDirectionsAlone() {
    let comparison = FeatureComparison(.normalized, weights: [1])
    let x = Tensor([3, 4, 1, 0, 0, 2, 5, 5], shape: [1, 2, 2, 2])
    let y = Tensor([4, -3, 2, 0, 0, 2, -5, -5], shape: [1, 2, 2, 2])
    // Right angle 2, same direction 0, the same 0, opposite 4; over four places.
    XCTAssertEqual(comparison([x], [y]).item, 6.0 / 4, accuracy: 1e-5)
    XCTAssertEqual(comparison([y], [x]).item, 6.0 / 4, accuracy: 1e-5)
    XCTAssertEqual(comparison([x * 7], [y * 0.5]).item, 6.0 / 4, accuracy: 1e-5)
  }

  func testHeadsWeighTheChannelsOfTheNormalizedDistance() {
    let x = Tensor([3, 4, 1, 0], shape: [1, 1, 2, 2])
    let y = Tensor([4, -3, 0, 1], shape: [1, 1, 2, 2])
    // (0.6, 0.8) from (0.8, −0.6), and (1, 0) from (0, 1): 0.04 and 1.96, then 1 and 1; over two places.
    let found = FeatureComparison(.lpips)([x], [y], heads: [Tensor([10, 0.5])])
    XCTAssertEqual(found.item, 5.94, accuracy: 1e-4)
  }

  func testFeaturesThatAreAllZeroHaveAFiniteGradient() {
    for measure in FeatureComparison.Measure.allCases {
      let x = Parameter(Tensor.zeros([1, 1, 1, 3]))
      let other = Tensor([1, 2, 0], shape: [1, 1, 1, 3])
      let loss = FeatureComparison(measure, weights: [1])(
        [x.tensor], [other], heads: measure == .lpips ? [Tensor([1, 1, 2])] : []
      ).sum()
      let gradient = loss.backward()[x]
      XCTAssertTrue(gradient?.floats.allSatisfy(\.isFinite) == true, measure.rawValue)
    }
  }

  private func model(
    _ data: DataSource, _ settings: [(key: String, value: String)] = []
  ) throws -> Model {
    let recipe = try SmallModels.recipe(
      "perceptual-vae", data: data,
      [(key: "encoder.name", value: "mlp"), (key: "decoder.name", value: "mlp")] + settings)
    return try SmallModels.registry.model(recipe, seed: 3)
  }

  private func loss(_ model: Model, _ data: DataSource) -> Loss {
    let context = SmallModels.context(6, .training)
    let batch = Examples(data.train).batch(Array(0..<6), context)
    return model.objective.phases[0].loss(
      ForwardPass(model, batch, model.objective.requirements.draw, context))
  }

  func testItsGradientsAreThoseOfFiniteDifferencesAndNoneIsTheNetworks() throws {
    let data = SmallModels.data(height: 6, width: 5, channels: 2, isBinary: false)
    for measure in ["squared", "normalized", "lpips"] {
      let model = try model(
        data,
        [
          (key: "objective.comparison", value: measure), (key: "pixel_weight", value: "0"),
          (key: "objective.layer_weights", value: measure == "lpips" ? "" : "1,0.5,2"),
        ])
      for network in model.objective.requirements.networks { try network.open() }
      XCTAssertFalse(model.parameters.contains { $0.path.hasPrefix("objective") })
      let gradients = loss(model, data).value.backward()
      let parameter = try XCTUnwrap(
        model.parameters.last { $0.path.hasPrefix("decoder.") && $0.path.hasSuffix("weights") }
      )
      .parameter
      let gradient = try XCTUnwrap(gradients[parameter])
      // Along the gradient the loss rises by its squared length.
      let length = Float(gradient.doubleSumOfSquares.squareRoot())
      XCTAssertGreaterThan(length, 0)
      let (start, step) = (parameter.value.copied(), Float(2e-3))
      func at(_ factor: Float) -> Double {
        parameter.value = start + gradient * (factor * step / length)
        return Double(withoutTape { loss(model, data).value.item })
      }
      let slope = (at(1) - at(-1)) / Double(2 * step)
      XCTAssertEqual(slope, Double(length), accuracy: 0.02 * Double(length), measure)
    }
  }

  func testWithoutWeightItIsTheBoundAndTheDistanceStandsBesideIt() throws {
    let data = SmallModels.data()
    let model = try model(data, [(key: "feature_weight", value: "0")])
    for network in model.objective.requirements.networks { try network.open() }
    let loss = loss(model, data)
    let context = SmallModels.context(6, .training)
    let evaluation = model.evaluate(
      Examples(data.train).batch(Array(0..<6), context), DrawRequest(), context)
    XCTAssertEqual(
      loss.value.item, (evaluation.distortion + evaluation.rate).mean().item, accuracy: 1e-4)
    XCTAssertGreaterThan(
      try XCTUnwrap(loss.terms.first { $0.name == "feature_distance" }).value.item, 0)
  }

  func testTheLossIsTheWeightedSumOfDistanceDistortionAndRate() throws {
    let data = SmallModels.data(height: 6, width: 5, channels: 2, isBinary: false)
    for pixelWeight in ["1.5", "0"] {
      let model = try model(
        data,
        [
          (key: "feature_weight", value: "0.4"), (key: "pixel_weight", value: pixelWeight),
          (key: "rate_weight", value: "3"), (key: "objective.layer_weights", value: "1,0.5,2"),
        ])
      let networks = model.objective.requirements.networks
      for network in networks { try network.open() }
      let context = SmallModels.context(6, .training)
      let batch = Examples(data.train).batch(Array(0..<6), context)
      let pass = ForwardPass(model, batch, model.objective.requirements.draw, context)
      let loss = model.objective.phases[0].loss(pass)
      let network = try XCTUnwrap(networks.first)
      let distance = FeatureComparison(.normalized, weights: [1, 0.5, 2])(
        network.features(of: batch), network.features(of: pass.decodedMean)
      ).mean().item
      XCTAssertEqual(loss.terms.map(\.name), ["feature_distance"])
      XCTAssertEqual(loss.terms[0].value.item, distance, accuracy: 1e-6)
      let weight = try XCTUnwrap(Float(pixelWeight))
      let expected =
        0.4 * 60 * distance + weight * pass.evaluation.distortion.mean().item
        + 3 * pass.evaluation.rate.mean().item
      XCTAssertEqual(loss.value.item, expected, accuracy: 1e-4 * abs(expected))
    }
  }

  /// With no weight of pixels the deviation is fitted all the same, and pictures are not trained by it.
  func testALearntDeviationHasTheGradientOfTheDistortion() throws {
    let data = SmallModels.data(height: 6, width: 5, channels: 2, isBinary: false)
    for pixelWeight in ["2", "0"] {
      let model = try model(
        data, [(key: "pixel_weight", value: pixelWeight), (key: "sigma", value: "learnt")])
      for network in model.objective.requirements.networks { try network.open() }
      let deviation = try XCTUnwrap(model.likelihood.parameters.first?.parameter)
      let found = try XCTUnwrap(loss(model, data).value.backward()[deviation]).item
      let context = SmallModels.context(6, .training)
      let evaluation = model.evaluate(
        Examples(data.train).batch(Array(0..<6), context), DrawRequest(), context)
      let own = try XCTUnwrap(evaluation.distortion.mean().backward()[deviation]).item
      XCTAssertNotEqual(own, 0)
      XCTAssertEqual(
        found, own * (pixelWeight == "2" ? 2 : 1), accuracy: 1e-3 * abs(own), pixelWeight)
    }
  }

  func testTheTermsOfACodebookStayInTheLoss() throws {
    let data = SmallModels.data(height: 6, width: 8, isBinary: false)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "vq-vae", data: data,
        [
          (key: "objective.name", value: "perceptual"), (key: "levels", value: "1"),
          (key: "objective.feature_weight", value: "2"),
          (key: "objective.pixel_weight", value: "0"),
        ]), seed: 3)
    for network in model.objective.requirements.networks { try network.open() }
    let loss = loss(model, data)
    XCTAssertEqual(loss.terms.map(\.name), ["commitment", "feature_distance"])
    let expected =
      12 * log(Float(8)) + loss.terms[0].value.item + 2 * 48 * loss.terms[1].value.item
    XCTAssertGreaterThan(loss.terms[0].value.item, 0)
    XCTAssertEqual(loss.value.item, expected, accuracy: 1e-4 * expected)
  }

  func testItAdvisesASmallerWeightOfTheRateOrALargerOneOfTheFeatures() throws {
    let model = try model(SmallModels.data())
    guard case .change(let changes) = model.objective.latentAdvice(step: 9, epochs: 1) else {
      return XCTFail("it waits")
    }
    XCTAssertEqual(
      changes.map(\.description),
      ["a smaller objective.rate_weight", "a larger feature_weight"])
  }

  func testSettingsThatCannotBeAreRefused() throws {
    let data = SmallModels.data()
    for (settings, words) in [
      ([(key: "objective.layers", value: "a,,b")], "different names with commas"),
      ([(key: "decoder.name", value: "pixelcnn")], "compares decoded images"),
      ([(key: "objective.layer_weights", value: "1,2")], "a number from 0 for each of 3 layers"),
      (
        [(key: "objective.layer_weights", value: "1,-2,nan")],
        "a number from 0 for each of 3 layers"
      ),
      (
        [
          (key: "objective.comparison", value: "lpips"),
          (key: "objective.layers", value: "relu1_1"),
        ], "leave objective.layers empty"
      ),
    ] {
      XCTAssertThrowsError(try model(data, settings)) {
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
  }
}

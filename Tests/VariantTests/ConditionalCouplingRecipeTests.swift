import Tensors
import VAEComponents
import VAEZoo
import XCTest

/// Recipes with the likelihood `conditional-coupling`: of which data it prices bytes, and what it cannot be part of.
final class ConditionalCouplingRecipeTests: XCTestCase {
  private func model(
    _ variant: String = "gaussian-vae", data: DataSource, _ settings: [(String, String)] = []
  ) throws -> Model {
    try SmallModels.registry.model(
      SmallModels.recipe(
        variant, data: data,
        ([("likelihood", "conditional-coupling"), ("likelihood.hidden_channels", "4")] + settings)
          .map { (key: $0.0, value: $0.1) }), seed: 3)
  }

  private let bytes = SmallModels.data(isBinary: false)

  func testBytesArePricedAsBytesUnlessARecipeSaysOtherwise() throws {
    for (settings, isDiscrete) in [
      ([], true), ([("likelihood.dequantization", "uniform")], true),
      ([("likelihood.dequantization", "variational")], true),
      ([("likelihood.dequantization", "none")], false),
    ] {
      let likelihood = try model(data: bytes, settings).likelihood
      XCTAssertEqual(likelihood.isDiscrete, isDiscrete)
      XCTAssertEqual(likelihood.isDensityDrawn, isDiscrete)
    }
    XCTAssertFalse(try model(data: SmallModels.data()).likelihood.isDiscrete, "binary data")
  }

  func testWhatIsNoByteHasNoNoiseBetweenLevels() {
    for (data, advice) in [
      (SmallModels.data(), "choose likelihood=bernoulli"), (SmallModels.counts(), "a table"),
    ] {
      for kind in ["uniform", "variational"] {
        XCTAssertThrowsError(try model(data: data, [("likelihood.dequantization", kind)])) {
          let text = "\($0)"
          XCTAssertTrue(text.contains("conditional-coupling"), text)
          XCTAssertTrue(text.contains(advice), text)
        }
      }
    }
  }

  /// The codes of an example are the same in every draw, what its bytes are priced by is not.
  func testImportanceDrawsOfAModelWithCodesDifferByTheNoise() throws {
    func spread(_ settings: [(String, String)]) throws -> Double {
      let model = try model("vq-vae", data: bytes, settings)
      let evaluator = Evaluator(
        model: model, examples: Examples(try XCTUnwrap(bytes.test)), seed: 1)
      let one = try XCTUnwrap(evaluator.logLikelihoods(samples: 1))
      let many = try XCTUnwrap(evaluator.logLikelihoods(samples: 8))
      return zip(one, many).map { abs($0 - $1) }.max() ?? 0
    }
    XCTAssertGreaterThan(try spread([]), 1e-3)
    XCTAssertEqual(try spread([("likelihood.dequantization", "none")]), 0, accuracy: 1e-6)
  }

  func testPicturesOfEverySizeNeedAMeanOfEachPixel() throws {
    let settings = [("likelihood", "conditional-coupling"), ("likelihood.steps", "1")]
    for likelihood in ["gaussian", "conditional-coupling"] {
      let data = SmallModels.data(channels: 3, isBinary: false)
      let recipe = try SmallModels.recipe(
        "autoencoder-tiny", data: data,
        likelihood == "gaussian" ? [] : settings.map { (key: $0.0, value: $0.1) })
      let trained = TrainedModel(
        model: try SmallModels.registry.model(recipe, seed: 3), recipe: recipe, source: "a model")
      if likelihood == "gaussian" {
        XCTAssertNoThrow(try PictureCoder(trained))
      } else {
        XCTAssertThrowsError(try PictureCoder(trained)) {
          XCTAssertTrue("\($0)".contains("likelihood=gaussian"), "\($0)")
        }
      }
    }
  }
}

import MSSSIMVAE
import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// The objective of `ms-ssim-vae`, and which recipes have it.
final class PictureLossTests: XCTestCase {
  private func model(_ sigma: String, share: String = "0.75") throws -> (Model, Tensor) {
    let data = SmallModels.data(
      height: 12, width: 12, channels: 2, isBinary: false, train: 4, test: 1)
    let recipe = try SmallModels.recipe(
      "ms-ssim-vae", data: data,
      [("objective.share", share), ("objective.strength", "3"), ("sigma", sigma)])
    let model = try SmallModels.registry.model(recipe, seed: 3)
    return (model, data.train.batch([0, 1, 2, 3]))
  }

  private func loss(_ model: Model, _ batch: Tensor) throws -> (Loss, ForwardPass) {
    let pass = ForwardPass(model, batch, DrawRequest(), SmallModels.context(4, .training))
    return (try XCTUnwrap(model.objective.phases.first).loss(pass), pass)
  }

  func testTheLossIsThatOfItsFormulaAndItsTermsAreNamed() throws {
    for (share, names) in [("0.75", ["ms_ssim", "absolute_error"]), ("0", ["absolute_error"])] {
      let (model, batch) = try model("optimal", share: share)
      let (loss, pass) = try loss(model, batch)
      XCTAssertEqual(loss.terms.map(\.name), names)
      let similarity = StructuralSimilarity(scales: 1)(batch, pass.decodedMean).mean().item
      let error = (batch - pass.decodedMean).magnitude().mean().item
      let part = try XCTUnwrap(Float(share))
      let expected =
        3 * 288 * (part * (1 - similarity) + (1 - part) * error) + pass.evaluation.rate.mean().item
      XCTAssertEqual(loss.value.item, expected, accuracy: 1e-4 * abs(expected))
    }
  }

  func testTheRateHasItsWeightAndTheTermsAreTheMeansOfBothDistances() throws {
    // 44×22 pixels are two windows high and wide on the second scale alone.
    let data = SmallModels.data(
      height: 44, width: 22, channels: 1, isBinary: false, train: 3, test: 1)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "ms-ssim-vae", data: data,
        [
          ("objective.rate_weight", "2.5"), ("objective.share", "0.25"),
          ("objective.strength", "2"),
        ]), seed: 3)
    let batch = data.train.batch([0, 1, 2])
    let pass = ForwardPass(model, batch, DrawRequest(), SmallModels.context(3, .training))
    let loss = try XCTUnwrap(model.objective.phases.first).loss(pass)
    let similarity = StructuralSimilarity(scales: 2)(batch, pass.decodedMean).mean().item
    let coarse = StructuralSimilarity(scales: 1)(batch, pass.decodedMean).mean().item
    XCTAssertGreaterThan(abs(similarity - coarse), 1e-3)
    let error = (batch - pass.decodedMean).magnitude().mean().item
    XCTAssertEqual(loss.terms.map(\.name), ["ms_ssim", "absolute_error"])
    XCTAssertEqual(loss.terms[0].value.item, similarity, accuracy: 1e-5)
    XCTAssertEqual(loss.terms[1].value.item, error, accuracy: 1e-5)
    let expected =
      2 * 968 * (0.25 * (1 - similarity) + 0.75 * error)
      + 2.5 * pass.evaluation.rate.mean().item
    XCTAssertEqual(loss.value.item, expected, accuracy: 1e-4 * abs(expected))
  }

  func testTheTermsOfACodebookStayInTheLoss() throws {
    let data = SmallModels.data(height: 6, width: 8, isBinary: false, train: 3, test: 1)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(
        "vq-vae", data: data,
        [("objective.name", "picture-loss"), ("objective.strength", "3"), ("levels", "1")]), seed: 3
    )
    let (loss, pass) = try loss(model, data.train.batch([0, 1, 2, 0]))
    let commitment = try XCTUnwrap(pass.evaluation.auxiliary.first { $0.name == "commitment" })
    XCTAssertGreaterThan(commitment.value.item, 0)
    XCTAssertEqual(loss.terms.map(\.name), ["commitment", "absolute_error"])
    let error = (pass.batch - pass.decodedMean).magnitude().mean().item
    let expected =
      3 * 48 * error + pass.evaluation.rate.mean().item + commitment.value.item
    XCTAssertEqual(loss.value.item, expected, accuracy: 1e-4 * abs(expected))
  }

  func testValuesWithoutARangeAreRefused() throws {
    var recipe = try SmallModels.registry.recipe(for: "ms-ssim-vae")
    recipe.data = DataDescription(height: 12, width: 12, channels: 1, range: .real, rule: "floats")
    XCTAssertThrowsError(try SmallModels.registry.plan(recipe)) {
      XCTAssertTrue("\($0)".contains("compares values between 0 and 1"), "\($0)")
    }
  }

  /// What the likelihood learns by itself changes no picture, and pictures are not trained by the likelihood.
  func testALearntDeviationIsFittedToTheErrorsAndReachesNothingElse() throws {
    let (model, batch) = try model("learnt")
    let (loss, pass) = try loss(model, batch)
    let gradients = loss.value.backward()
    let deviation = try XCTUnwrap(model.likelihood.parameters.first?.parameter)
    let distortion = pass.evaluation.distortion.mean()
    XCTAssertEqual(
      try XCTUnwrap(gradients[deviation]).item,
      try XCTUnwrap(distortion.backward()[deviation]).item, accuracy: 1e-3)
    let weights = try XCTUnwrap(model.decoder.parameters.first?.parameter)
    let found = try XCTUnwrap(gradients[weights]).floats
    deviation.value = deviation.value + 2
    let again = try XCTUnwrap(self.loss(model, batch).0.value.backward()[weights]).floats
    XCTAssertTrue(found.contains { $0 != 0 })
    XCTAssertEqual(found, again)
  }

  func testRecipesThatItOrALikelihoodCannotServeAreRefusedByName() throws {
    func refusal(
      _ variant: String, _ data: DataSource, _ settings: [(key: String, value: String)]
    ) throws -> String {
      var recipe = try SmallModels.registry.recipe(for: variant)
      recipe.data = try data.description(binarization: .none)
      do {
        try SmallModels.registry.apply(settings, to: &recipe)
        _ = try SmallModels.registry.plan(recipe)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    let bytes = SmallModels.data(height: 12, width: 12, isBinary: false)
    let small = SmallModels.data(height: 12, width: 10, isBinary: false)
    let single = SmallModels.data(height: 1, width: 1, isBinary: false)
    for (variant, data, settings, words) in [
      ("ms-ssim-vae", small, [], "needs images of at least 11×11 pixels"),
      ("ms-ssim-vae", small, [("objective.share", "0")], "none"),
      (
        "ms-ssim-vae", bytes, [("decoder.name", "pixelcnn")],
        "compares decoded images, but decoder pixelcnn"
      ),
      (
        "multiscale-vae", bytes, [("decoder.name", "pixelcnn")],
        "couples the pixels of an image, which decoder pixelcnn"
      ),
      ("multiscale-vae", single, [], "these data are single pixels"),
      ("multiscale-vae", bytes, [], "none"),
    ] as [(String, DataSource, [(key: String, value: String)], String)] {
      let found = try refusal(variant, data, settings)
      XCTAssertTrue(found.contains(words), "\(variant) \(settings): \(found)")
    }
  }

  func testObjectivesThatCompareWholePicturesSaySo() throws {
    let data = SmallModels.data(height: 12, width: 12, isBinary: false)
    for (objective, compares) in [
      ("picture-loss", true), ("perceptual", true), ("vae-gan", true), ("capacity", false),
      ("factor", false),
    ] {
      let recipe = try SmallModels.recipe(
        "gaussian-vae", data: data, [(key: "objective.name", value: objective)])
      let found = try SmallModels.registry.model(recipe, seed: 1).objective.requirements
      XCTAssertEqual(found.needsDecodedMeans, compares, objective)
      XCTAssertEqual(found.needsWholeImages, compares, objective)
      XCTAssertEqual(found.networks.count, objective == "perceptual" ? 1 : 0, objective)
      XCTAssertEqual(found.needsSecondBatch, objective == "factor", objective)
    }
  }
}

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
}

import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// A discriminator of latents against draws of the prior, as in `wae-gan` and `adversarial-autoencoder`.
final class AggregatePosteriorGameTests: XCTestCase {
  private let data = SmallModels.data(height: 4, width: 3)

  private func model(_ variant: String, _ settings: [(String, String)] = []) throws -> Model {
    let small = [
      ("encoder.name", "mlp"), ("decoder.name", "mlp"), ("hidden", "5"), ("activation", "tanh"),
      ("latent", "3"), ("objective.discriminator_hidden", "6"), ("adversarial_weight", "2"),
    ]
    return try SmallModels.registry.model(
      SmallModels.recipe(variant, data: data, (small + settings).map { (key: $0.0, value: $0.1) }),
      seed: 3)
  }

  private func pass(_ model: Model) -> ForwardPass {
    let context = SmallModels.context(6, .training)
    return ForwardPass(
      model, Examples(data.train).batch(Array(0..<6), context), model.objective.requirements.draw,
      context)
  }

  func testEveryPhaseHasTheGradientOfItsFormulaForItsOwnPartsAlone() throws {
    for (variant, names) in [
      ("wae-gan", ["model", "discriminator"]),
      ("adversarial-autoencoder", ["model", "discriminator", "encoder"]),
    ] {
      let model = try model(variant)
      let objective = try XCTUnwrap(model.objective as? AggregatePosteriorGame)
      XCTAssertEqual(objective.phases.map(\.name), names)
      func logits(_ z: Tensor) -> [Double] {
        objective.discriminator(z, SmallModels.context(6)).floats.map(Double.init)
      }
      func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
      /// The loss of a phase by its formula, in double precision from the logits on.
      func formula(_ name: String) -> Double {
        let pass = pass(model)
        var own = pass.context
        own.random = own.random.child("prior draws")
        let drawn = logits(model.prior.draw(temperature: 1, own).decoderInput)
        let encoded = logits(pass.draw.decoderInput)
        let game = 2 * mean(encoded.map { log(1 + exp(-$0)) })
        switch name {
        case "discriminator":
          return (mean(drawn.map { log(1 + exp(-$0)) }) + mean(encoded.map { log(1 + exp($0)) }))
            / 2
        case "encoder": return game
        default:
          let distortion = pass.evaluation.distortion.doubleSum / 6
          return distortion + (variant == "wae-gan" ? game : 0)
        }
      }
      try assertPhaseGradientsAreSlopes(of: model, { pass(model) }, value: { formula($0.name) })
    }
  }

  /// How far all latents together are from N(0, I) by their moments, Σ mean² + (variance − 1)², and the mean distortion.
  private func standing(_ model: Model) -> (deviation: Double, distortion: Double) {
    let context = SmallModels.context(64)
    let evaluation = withoutTape {
      model.evaluate(
        Examples(data.train).batch(Array(0..<64), context), DrawRequest(), context)
    }
    let latents = evaluation.draw.decoderInput.flattened()
    let mean = latents.mean(axis: 0)
    let variance = (latents - mean).squared().mean(axis: 0)
    return (
      mean.doubleSumOfSquares + (variance - 1).doubleSumOfSquares,
      evaluation.distortion.doubleSum / 64
    )
  }

  func testTheGameBringsTheLatentsOfAllDataToThePriorWhileImagesAreLearnt() throws {
    for variant in ["wae-gan", "adversarial-autoencoder"] {
      func trained(_ weight: String, epochs: Int) throws -> (deviation: Double, distortion: Double)
      {
        let model = try model(
          variant,
          [
            ("adversarial_weight", weight), ("hidden", "16"),
            ("objective.discriminator_hidden", "32,32"), ("latent", "2"),
          ])
        _ = try Trainer(
          model: model, data: data, options: SmallModels.options(epochs: epochs)
        ).train()
        return standing(model)
      }
      let (first, alone, game) = try (
        trained("4", epochs: 1), trained("0", epochs: 60), trained("4", epochs: 60)
      )
      XCTAssertLessThan(game.deviation, 0.1 * alone.deviation, variant)
      XCTAssertLessThan(game.deviation, 0.5, variant)
      XCTAssertLessThan(game.distortion, 0.75 * first.distortion, variant)
    }
  }

  func testPriorsThatAreLearntAndOtherLatentsAreRefused() throws {
    XCTAssertThrowsError(try model("wae-gan", [("prior.name", "gaussian-mixture")])) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid)
      XCTAssertTrue("\(error)".contains("this prior is learnt"), "\(error)")
    }
  }
}

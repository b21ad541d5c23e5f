import Foundation
import VAEZoo
import XCTest

/// Models that are trained on by another objective, as a whole or their decoder alone.
final class DecoderStageTests: XCTestCase {
  private let data = SmallModels.data(isBinary: false)

  /// VQGAN's objective with features, weighed from the first update on, and an average of the weights.
  private func objective() throws -> [(key: String, value: String)] {
    let network = try SmallModels.network(channels: 1)
    return [
      (key: "objective.name", value: "adversarial"),
      (key: "objective.reconstruction", value: "l1"),
      (key: "objective.network", value: network.path),
      (key: "objective.network_sha256", value: network.sha256),
      (key: "objective.comparison", value: "lpips"),
      (key: "objective.discriminator_start", value: "2"),
      (key: "objective.discriminator_channels", value: "4"),
      (key: "training.average_decay", value: "0.9"),
    ]
  }

  private func train(_ next: TrainedModel) throws -> [EpochRecord] {
    var records: [EpochRecord] = []
    let session = try TrainingSession(
      model: next.model, recipe: next.recipe, data: data, run: nil, existing: .refuse,
      start: .asIs)
    _ = try session.train { if case .epoch(let record) = $0 { records.append(record) } }
    return records
  }

  private func error(_ model: Model) -> Double {
    let context = SmallModels.context(40)
    let batch = Examples(data.train).batch(Array(0..<40), context)
    return (model.reconstruct(batch, context) - batch).magnitude().doubleSum / Double(batch.count)
  }

  private func values(_ model: Model, _ parts: String...) -> [[Float]] {
    model.weights.filter { tensor in parts.contains { tensor.name.hasPrefix($0 + ".") } }
      .map(\.values.floats)
  }

  func testADecoderIsTrainedOnByAnotherObjectiveToLatentsThatStayAsTheyAre() throws {
    // Codes with moving averages, maps, and batch normalisation, whose statistics stay as well.
    for (name, settings) in [
      ("autoencoder-kl", []), ("autoencoder-tiny", []), ("vq-model", []), ("vqgan", []),
      ("gaussian-vae", [(key: "architecture", value: "conv"), (key: "sigma", value: "optimal")]),
    ] as [(String, [(key: String, value: String)])] {
      var recipe = try SmallModels.recipe(name, data: data, settings)
      recipe.training["epochs"] = .integer(3)
      recipe.training["batch_size"] = .integer(16)
      recipe.training["learning_rate"] = .number(5e-3)
      let first = TrainedModel(
        model: try SmallModels.trained(recipe, data: data, epochs: 3), recipe: recipe,
        source: "memory")
      let next = try first.stage("decoder", settings: objective(), registry: SmallModels.registry)
      XCTAssertEqual(values(next.model, "decoder"), values(first.model, "decoder"), name)
      let before = error(next.model)
      let records = try train(next)
      let terms = try XCTUnwrap(records.last?.terms.map(\.name))
      for term in [
        "feature_distance", "generator_loss", "discriminator_loss", "adversarial_weight",
      ] {
        XCTAssertTrue(terms.contains(term), "\(name): \(terms)")
      }
      XCTAssertEqual(
        values(next.model, "encoder", "prior"), values(first.model, "encoder", "prior"), name)
      XCTAssertNotEqual(values(next.model, "decoder"), values(first.model, "decoder"), name)
      XCTAssertLessThan(error(next.model), before, name)
      // A stored model is one like any other, and another such stage goes on from it.
      let copy = try TrainedModel.open(
        bytes: next.encoded(), source: "copy", registry: SmallModels.registry)
      XCTAssertTrue(copy.recipe.stage.goesOn)
      let third = try copy.stage("decoder", registry: SmallModels.registry)
      XCTAssertEqual(
        values(third.model, "decoder", "objective"), values(copy.model, "decoder", "objective"),
        name)
    }
  }

  func testAWholeModelIsTrainedOnByAnObjectiveWithAPartOfItsOwn() throws {
    for name in ["autoencoder-kl", "autoencoder-tiny", "vq-model"] {
      let recipe = try SmallModels.recipe(name, data: data)
      let first = TrainedModel(
        model: try SmallModels.trained(recipe, data: data, epochs: 3), recipe: recipe,
        source: "memory")
      var tuned = recipe
      try SmallModels.registry.apply(objective(), to: &tuned)
      tuned.training["epochs"] = .integer(3)
      tuned.training["batch_size"] = .integer(16)
      tuned.training["learning_rate"] = .number(5e-3)
      let next = try TrainedModel(
        model: SmallModels.registry.model(tuned, seed: 4), recipe: tuned, source: "tuned"
      ).withWeights(of: first, as: "memory")
      XCTAssertEqual(
        values(next.model, "encoder", "decoder"), values(first.model, "encoder", "decoder"), name)
      let before = error(next.model)
      _ = try train(next)
      XCTAssertNotEqual(values(next.model, "encoder"), values(first.model, "encoder"), name)
      XCTAssertLessThan(error(next.model), before, name)
    }
  }

  func testTheStageIsForModelsWithLatentsAndKeepsTheirParts() throws {
    let plain = TrainedModel(
      model: try SmallModels.registry.model(
        SmallModels.recipe("pixelcnn", data: SmallModels.data()), seed: 1),
      recipe: try SmallModels.recipe("pixelcnn", data: SmallModels.data()), source: "memory")
    XCTAssertThrowsError(try plain.stage("decoder", registry: SmallModels.registry)) {
      XCTAssertTrue("\($0)".contains("stage decoder is for latents of some kind"), "\($0)")
    }
    let recipe = try SmallModels.recipe("gaussian-vae", data: data)
    let first = TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 1), recipe: recipe, source: "memory")
    XCTAssertThrowsError(
      try first.stage(
        "decoder", settings: [(key: "decoder.hidden", value: "7")], registry: SmallModels.registry)
    ) { XCTAssertTrue("\($0)".contains("keep the parts and sizes"), "\($0)") }
  }
}

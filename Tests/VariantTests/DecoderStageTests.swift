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
      (key: "objective.feature_weight", value: "0.1"),
      (key: "objective.adversarial_weight", value: "0.1"),
      (key: "objective.discriminator_start", value: "2"),
      (key: "objective.discriminator_channels", value: "4"),
      (key: "training.average_decay", value: "0.9"), (key: "training.epochs", value: "12"),
      (key: "training.batch_size", value: "16"), (key: "training.learning_rate", value: "2e-3"),
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

  /// What the objective's reconstruction has come to in an epoch: pixels, and features of 64 numbers an image.
  private func reconstruction(_ record: EpochRecord?) throws -> Double {
    func term(_ name: String) throws -> Double {
      try XCTUnwrap(record?.terms.first { $0.name == name }, name).value
    }
    return try term("reconstruction") + 0.1 * 64 * term("feature_distance")
  }

  private func values(_ model: Model, _ parts: String...) -> [[Float]] {
    model.weights.filter { tensor in parts.contains { tensor.name.hasPrefix($0 + ".") } }
      .map(\.values.floats)
  }

  func testADecoderIsTrainedOnByAnotherObjectiveToLatentsThatStayAsTheyAre() throws {
    // Maps, codes with moving averages, and batch normalisation, whose statistics stay as well.
    for (name, settings) in [
      ("autoencoder-kl", []), ("vq-model", []),
      ("gaussian-vae", [(key: "architecture", value: "conv"), (key: "sigma", value: "optimal")]),
    ] as [(String, [(key: String, value: String)])] {
      let recipe = try SmallModels.recipe(name, data: data, settings)
      let first = TrainedModel(
        model: try SmallModels.trained(recipe, data: data, epochs: 3), recipe: recipe,
        source: "memory")
      let next = try first.stage("decoder", settings: objective(), registry: SmallModels.registry)
      XCTAssertEqual(values(next.model, "decoder"), values(first.model, "decoder"), name)
      let records = try train(next)
      XCTAssertLessThan(
        try reconstruction(records.last), try reconstruction(records.first), name)
      let terms = try XCTUnwrap(records.last?.terms.map(\.name))
      for term in [
        "feature_distance", "generator_loss", "discriminator_loss", "adversarial_weight",
      ] {
        XCTAssertTrue(terms.contains(term), "\(name): \(terms)")
      }
      XCTAssertEqual(
        values(next.model, "encoder", "prior"), values(first.model, "encoder", "prior"), name)
      XCTAssertNotEqual(values(next.model, "decoder"), values(first.model, "decoder"), name)
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
    let recipe = try SmallModels.recipe("autoencoder-kl", data: data)
    let first = TrainedModel(
      model: try SmallModels.trained(recipe, data: data, epochs: 3), recipe: recipe,
      source: "memory")
    var tuned = recipe
    try SmallModels.registry.apply(objective(), to: &tuned)
    let next = try TrainedModel(
      model: SmallModels.registry.model(tuned, seed: 4), recipe: tuned, source: "tuned"
    ).withWeights(of: first, as: "memory")
    XCTAssertEqual(
      values(next.model, "encoder", "decoder"), values(first.model, "encoder", "decoder"))
    let records = try train(next)
    XCTAssertNotEqual(values(next.model, "encoder"), values(first.model, "encoder"))
    XCTAssertLessThan(try reconstruction(records.last), try reconstruction(records.first))
  }

  func testAutoencodersOfLatentDiffusionLearnByFeaturesAlone() throws {
    for name in ["autoencoder-tiny", "vq-model"] {
      let recipe = try SmallModels.recipe(
        name, data: data,
        [
          (key: "objective.name", value: "perceptual"),
          (key: "objective.comparison", value: "lpips"),
          (key: "objective.pixel_weight", value: "0"),
        ])
      let trainer = try Trainer(
        model: SmallModels.registry.model(recipe, seed: 3), data: data,
        options: SmallModels.options(epochs: 6))
      var distances: [Double] = []
      _ = try trainer.train {
        guard case .epoch(let record) = $0 else { return }
        distances += record.terms.filter { $0.name == "feature_distance" }.map(\.value)
      }
      XCTAssertEqual(distances.count, 6, name)
      XCTAssertLessThan(try XCTUnwrap(distances.last), 0.95 * distances[0], name)
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

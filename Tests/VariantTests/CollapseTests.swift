import VAEZoo
import XCTest

/// What a training says of latents that carry nothing, and what each epoch records of them.
final class CollapseTests: XCTestCase {
  private struct Told {
    var notices: [String] = []
    var records: [EpochRecord] = []
  }

  /// A training of 240 updates, 60 epochs unless it is told otherwise.
  private func train(
    _ variant: String, _ settings: [(key: String, value: String)], epochs: Int = 60,
    hasTest: Bool = true
  ) throws -> Told {
    var data = SmallModels.data()
    if !hasTest {
      data = DataSource(
        name: "blobs", valueRange: .binary, rule: "binary", isDiscrete: true, train: data.train)
    }
    let recipe = try SmallModels.recipe(variant, data: data, settings)
    let trainer = try Trainer(
      model: try SmallModels.registry.model(recipe, seed: 3), data: data,
      options: SmallModels.options(epochs: epochs))
    var told = Told()
    _ = try trainer.train { event in
      switch event {
      case .notice(let notice): told.notices.append(notice.description)
      case .epoch(let record): told.records.append(record)
      default: break
      }
    }
    return told
  }

  func testACollapseIsToldOnceWithRemediesThatTheObjectiveHas() throws {
    let told = try train("beta-vae", [(key: "beta", value: "1000")])
    XCTAssertEqual(told.notices.count, 1, "\(told.notices)")
    let notice = try XCTUnwrap(told.notices.first)
    for words in ["posterior collapse", "a smaller beta", "warmup_epochs=5", "free_bits=0.5"] {
      XCTAssertTrue(notice.contains(words), notice)
    }
    XCTAssertEqual(told.records.last?.metrics[ActiveUnitsMetric.self]?.active.mean, 0)
    XCTAssertEqual(told.records.last?.metrics[RatePerUnitMetric.self]?.first?.count, 2)
  }

  func testALadderThatHasCollapsedAsAWholeIsToldSo() throws {
    for latent in ["2", "2,2"] {
      let told = try train(
        "ladder-vae",
        [
          (key: "latent", value: latent), (key: "encoder.hidden", value: "8"),
          (key: "prior.hidden", value: "8"), (key: "beta", value: "1000"),
        ])
      XCTAssertEqual(told.notices.count, 1, "\(told.notices)")
      XCTAssertTrue(told.notices.first?.contains("posterior collapse") ?? false, "\(told.notices)")
      // Of one layer the rate says it all.
      XCTAssertEqual(
        told.records.last?.metrics[RatePerLayerMetric.self]?.count, latent == "2" ? nil : 2)
    }
  }

  func testNothingIsSaidWhileTheWeightOfTheRateStillRises() throws {
    let told = try train(
      "beta-vae", [(key: "beta", value: "1000"), (key: "warmup_epochs", value: "100")])
    XCTAssertEqual(told.notices, [])
    let capacity = try train(
      "beta-vae",
      [
        (key: "objective.name", value: "capacity"),
        (key: "objective.capacity_steps", value: "100000"),
      ])
    XCTAssertEqual(capacity.notices, [])
  }

  func testTheAdviceOfACapacityIsALargerOne() throws {
    let told = try train(
      "beta-vae",
      [
        (key: "objective.name", value: "capacity"), (key: "capacity", value: "0"),
        (key: "objective.capacity_steps", value: "0"),
      ])
    XCTAssertEqual(told.notices.count, 1, "\(told.notices)")
    XCTAssertTrue(told.notices.first?.contains("a larger capacity") ?? false, "\(told.notices)")
    XCTAssertFalse(told.notices.first?.contains("warmup") ?? true, "\(told.notices)")
  }

  func testDataWithoutAHeldOutSplitAreJudgedByTrainingExamples() throws {
    let told = try train("beta-vae", [(key: "beta", value: "1000")], hasTest: false)
    XCTAssertEqual(told.notices.count, 1, "\(told.notices)")
    XCTAssertNil(told.records.last?.valid)
    XCTAssertEqual(told.records.last?.metrics[RatePerUnitMetric.self]?.first?.count, 2)
  }

  // MARK: Trainings that come apart

  func testAHighRateIsNoCollapseWhateverTheMeansDo() throws {
    let told = try toldOfAbsurdTraining(learningRate: 30)
    XCTAssertFalse(told.isEmpty)
    for notice in told { XCTAssertFalse(notice.contains("posterior collapse"), notice) }
  }

  func testATrainingThatEndsFarAboveItsBeginningIsToldSo() throws {
    let told = try toldOfAbsurdTraining(learningRate: 30)
    let notice = try XCTUnwrap(told.last)
    XCTAssertTrue(notice.contains("far above the"), notice)
    XCTAssertTrue(notice.contains("training.learning_rate"), notice)
    XCTAssertEqual(try toldOfAbsurdTraining(learningRate: 0.003), [])
  }

  /// What is said of plain descent with steps of a size, until it ends or leaves the finite numbers.
  private func toldOfAbsurdTraining(learningRate: Double) throws -> [String] {
    let data = SmallModels.data()
    let recipe = try SmallModels.recipe("gaussian-vae", data: data, [])
    var options = SmallModels.options(epochs: 2)
    options.learningRate = learningRate
    let trainer = try Trainer(
      model: try SmallModels.registry.model(recipe, seed: 3), data: data, options: options)
    var told: [String] = []
    _ = try trainer.train { event in
      if case .notice(let notice) = event { told.append(notice.description) }
    }
    return told
  }

  func testAnEarlyEpochIsNotJudged() throws {
    XCTAssertEqual(
      try train("beta-vae", [(key: "beta", value: "1000")], epochs: 4).notices, [])
  }
}

import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes
import VAETraining
import XCTest

/// What is found out of records, of data and of weights that a training begins with.
final class TrainingJudgementTests: XCTestCase {
  // MARK: Records

  private func record(
    _ distortion: Double, rate: Double, held: BoundTerms? = nil, metrics: MetricResults = .init()
  ) -> EpochRecord {
    EpochRecord(
      epoch: 2, step: 400, train: BoundTerms(distortion: distortion, rate: rate), valid: held,
      metrics: metrics, terms: [])
  }

  func testABoundFarAboveTheBeginningHasWorsenedByHeldOutExamplesWhereThereAreSome() {
    func health(_ record: EpochRecord) -> TrainingHealth {
      TrainingHealth(record, .units(3), begunWith: (cost: 100, margin: 130))
    }
    XCTAssertEqual(health(record(225, rate: 5)), .fine)
    XCTAssertEqual(health(record(225.5, rate: 5)), .worsened)
    let good = BoundTerms(distortion: 50, rate: 5)
    let bad = BoundTerms(distortion: 300, rate: 5)
    XCTAssertEqual(health(record(300, rate: 5, held: good)), .fine)
    XCTAssertEqual(health(record(50, rate: 5, held: bad)), .worsened)
    XCTAssertEqual(
      health(record(300, rate: 5, held: BoundTerms(distortion: .infinity, rate: 5))), .notFinite)
    XCTAssertEqual(TrainingHealth(record(225.5, rate: 5), .units(3)), .fine)
  }

  func testLevelsThatSayNothingAreNumberedFromTheDataOn() {
    var metrics = MetricResults()
    metrics[RatePerLayerMetric.self] = [0.0099, 2, 0.01, 0.001]
    XCTAssertEqual(
      TrainingHealth(record(50, rate: 2, metrics: metrics), .units(3)), .deadLevels([0, 3]))
    // Of a model that says nothing at all no level is named.
    XCTAssertEqual(
      TrainingHealth(record(50, rate: 0.009, metrics: metrics), .units(3)), .collapsed)
    metrics[RatePerLayerMetric.self] = [0.01, 2]
    XCTAssertEqual(TrainingHealth(record(50, rate: 2, metrics: metrics), .units(3)), .fine)
  }

  func testNextToNoCodesInUseAreADeadCodebookWhateverTheRate() {
    func health(_ counts: [Int]) -> TrainingHealth {
      var metrics = MetricResults()
      metrics[CodebookPerplexityMetric.self] = CodeUsage(counts: counts)
      return TrainingHealth(record(50, rate: 9, metrics: metrics), .units(3))
    }
    XCTAssertEqual(health([0, 70, 0, 0]), .deadCodebook)
    XCTAssertEqual(health([10, 70, 0, 0]), .fine)
    let thirty = [Int](repeating: 0, count: 28)
    XCTAssertEqual(health([50, 40] + thirty), .deadCodebook)
    XCTAssertEqual(health([50, 40, 1] + thirty.dropLast()), .fine)
    XCTAssertEqual(health([1, 0, 0]), .fine, "one that was seen says nothing")
  }

  // MARK: Data

  private struct Digits: ExampleStore {
    let count = 9
    let shape: ImageShape
    /// The share of values near zero or one.
    let share: Int

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for place in destination.indices {
        destination[place] = place % 100 < share ? Float(place % 2) : 0.5
      }
    }
  }

  private func source(
    _ height: Int, _ width: Int, channels: Int = 1, rule: String = "bytes/255", share: Int = 95,
    range: ValueRange = .unit
  ) -> DataSource {
    let shape = ImageShape(height: height, width: width, channels: channels)
    return DataSource(
      name: "digits", valueRange: range, rule: rule, isDiscrete: true,
      train: DataSplit(name: "train", store: Digits(shape: shape, share: share)),
      test: DataSplit(name: "test", store: Digits(shape: shape, share: share)))
  }

  func testWrittenDigitsAreNearlyBinaryBytesOf28PixelsASide() throws {
    for (source, areDigits) in [
      (source(28, 28), true), (source(28, 28, share: 60), false),
      (source(28, 28, rule: "floats"), false), (source(28, 27), false), (source(27, 28), false),
      (source(28, 28, channels: 3), false),
    ] {
      XCTAssertEqual(
        try source.description(binarization: .none).areWrittenDigits, areDigits,
        "\(source.shape) \(source.rule)")
    }
  }

  func testADescriptionHasTheSizesAndTheRangeThatValuesBecome() throws {
    let data = source(5, 7, channels: 3)
    let plain = try data.description(binarization: .none)
    XCTAssertEqual([plain.height, plain.width, plain.channels], [5, 7, 3])
    XCTAssertEqual(plain.range, .unit)
    XCTAssertEqual(plain.rule, "bytes/255")
    for binarization in [TrainingOptions.Binarization.threshold, .dynamic] {
      XCTAssertEqual(try data.description(binarization: binarization).range, .binary)
      XCTAssertThrowsError(
        try source(5, 7, rule: "floats", range: .real).description(binarization: binarization)
      ) { XCTAssertTrue("\($0)".contains("digits has values outside"), "\($0)") }
      var options = TrainingOptions()
      (options.binarize, options.dequantize) = (binarization, .uniform)
      XCTAssertThrowsError(try data.description(options)) {
        XCTAssertEqual(($0 as? RecipeError)?.kind, .invalid)
      }
    }
    XCTAssertEqual(data.heldOut?.name, "test")
    XCTAssertNoThrow(try data.checkMissing(takesMasks: false))
  }

  // MARK: Weights

  private func adversarial(_ seed: UInt64, units: Int = 3) -> Model {
    TrainingSupport.model(
      seed: seed,
      objective: AdversarialObjective(units: units, random: RandomSource(seed: seed)))
  }

  func testWeightsOfAnObjectiveAreTakenWhereAllOfThemAreThere() throws {
    func isOfObjective(_ name: String) -> Bool { name.hasPrefix("objective.") }
    for (other, takesObjective) in [
      (adversarial(1), true), (TrainingSupport.model(seed: 1), false),
      (adversarial(1, units: 5), false),
    ] {
      let model = adversarial(2)
      let (before, taken) = (TrainingSupport.weights(model), TrainingSupport.weights(other))
      try model.load(allOf: other, source: "the other")
      for (name, values) in TrainingSupport.weights(model) {
        let isTaken = takesObjective || !isOfObjective(name)
        XCTAssertEqual(values, isTaken ? taken[name] : before[name], name)
      }
    }
    // A model without one takes all else.
    let plain = TrainingSupport.model(seed: 3)
    try plain.load(allOf: adversarial(1), source: "the other")
    XCTAssertEqual(TrainingSupport.weights(plain)["encoder.head.bias"]?.count, 6)
    XCTAssertEqual(
      TrainingSupport.weights(plain),
      TrainingSupport.weights(adversarial(1)).filter { !isOfObjective($0.key) })
  }

  func testWeightsThatDoNotFitChangeNothing() throws {
    let (model, other) = (
      TrainingSupport.model(seed: 2), TrainingSupport.model(seed: 1, convolutional: true)
    )
    let before = TrainingSupport.weights(model)
    XCTAssertThrowsError(try model.load(allOf: other, source: "the other")) {
      XCTAssertTrue("\($0)".hasPrefix("the other has"), "\($0)")
    }
    XCTAssertThrowsError(try model.load(other, except: { _ in false }, source: "the other")) {
      XCTAssertTrue("\($0)".hasPrefix("the other has no "), "\($0)")
    }
    XCTAssertEqual(TrainingSupport.weights(model), before)
  }

  func testAStageTakesAllButWhatItTrains() throws {
    let (model, other) = (TrainingSupport.model(seed: 2), TrainingSupport.model(seed: 1))
    let (before, taken) = (TrainingSupport.weights(model), TrainingSupport.weights(other))
    try model.load(other, except: { $0.hasPrefix("decoder.") }, source: "the other")
    for (name, values) in TrainingSupport.weights(model) {
      XCTAssertEqual(values, name.hasPrefix("decoder.") ? before[name] : taken[name], name)
    }
  }
}

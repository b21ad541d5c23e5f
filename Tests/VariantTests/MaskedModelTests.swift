import Foundation
import VAEZoo
import XCTest

/// Models of data with missing values.
final class MaskedModelTests: XCTestCase {
  /// Blobs, some pixels of which are NaN.
  private struct TornStore: ExampleStore {
    let whole: BlobStore
    /// One pixel in so many is missing; zero for none.
    let interval: Int
    var count: Int { whole.count }
    var shape: ImageShape { whole.shape }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      whole.write(indices, into: destination)
      guard interval > 0 else { return }
      for (row, index) in indices.enumerated() {
        for pixel in 0..<shape.count where (index * 31 + pixel * 17) % interval == 0 {
          destination[row * shape.count + pixel] = .nan
        }
      }
    }
  }

  private func data(interval: Int, isBinary: Bool = true) -> DataSource {
    func split(_ name: String, _ count: Int) -> DataSplit {
      DataSplit(
        name: name,
        store: TornStore(
          whole: BlobStore(
            count: count, shape: ImageShape(height: 8, width: 8, channels: 1),
            isBinary: isBinary), interval: interval))
    }
    return DataSource(
      name: "blobs", valueRange: isBinary ? .binary : .unit,
      rule: isBinary ? "binary" : "bytes/255", isDiscrete: true, train: split("train", 64),
      test: split("test", 20))
  }

  private func recipe(
    _ data: DataSource, _ settings: [(key: String, value: String)] = [],
    variant: String = "gaussian-vae", encoder: String = "masked-mlp"
  ) throws -> Recipe {
    try SmallModels.recipe(
      variant, data: data, [(key: "encoder.name", value: encoder)] + settings)
  }

  func testModelsOfTornDataAreTrainedMeasuredAndDrawnFrom() throws {
    for (variant, encoder, isBinary) in [
      ("gaussian-vae", "masked-mlp", true), ("gaussian-vae", "masked-conv", false),
      ("iwae", "masked-mlp", true), ("vampprior-vae", "masked-mlp", false),
      ("vq-vae", "masked-conv", false), ("factor-vae", "masked-mlp", true),
      ("flow-vae", "masked-flow-mlp", true), ("flow-vae", "masked-flow-conv", false),
    ] {
      let name = "\(variant) \(encoder)"
      let data = data(interval: 3, isBinary: isBinary)
      let recipe = try recipe(data, variant: variant, encoder: encoder)
      XCTAssertTrue(recipe.data?.missing == true, name)
      let trained = TrainedModel(
        model: try SmallModels.trained(recipe, data: data, epochs: 2), recipe: recipe,
        source: "memory")
      XCTAssertTrue(trained.model.takesMasks, name)
      let result = try XCTUnwrap(trained.evaluate(data.train), name)
      XCTAssertTrue(result.elbo.mean.isFinite, name)
      XCTAssertTrue(try trained.reconstruct(data.train).isFinite, name)
      XCTAssertTrue(try trained.sample(count: 2).isFinite, name)
      XCTAssertTrue(try trained.encode(data.train).samples.allSatisfy(\.isFinite), name)
      let scores = try XCTUnwrap(trained.logLikelihoods(data.train, samples: 3))
      XCTAssertTrue(scores.allSatisfy(\.isFinite), name)
    }
  }

  func testWithNothingMissingTheBoundIsThatOfPlainExamples() throws {
    let data = data(interval: 0)
    let model = try SmallModels.trained(recipe(data), data: data, epochs: 1)
    let plain = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train), seed: 1).run())
    let masked = try XCTUnwrap(
      Evaluator(model: model, examples: Examples(data.train, takesMasks: true), seed: 1).run())
    XCTAssertEqual(plain.elbo, masked.elbo)
  }

  func testWhatStandsInPlaceOfAMissingValueDoesNotMatterAndTheMaskDoes() throws {
    let torn = data(interval: 3)
    let model = try SmallModels.trained(recipe(torn), data: torn, epochs: 4)
    let examples = Examples(torn.train, takesMasks: true)
    let context = examples.context(.evaluation, [0, 1, 2], random: RandomSource(seed: 2))
    let x = examples.batch([0, 1, 2], context)
    let mask = try XCTUnwrap(context.mask)
    XCTAssertFalse(mask.isComplete)
    let request = DrawRequest()
    let (found, other) = withoutTape {
      (model.evaluate(x, request, context), model.evaluate(x + (1 - mask.values), request, context))
    }
    XCTAssertEqual(found.logWeights.floats, other.logWeights.floats)
    var open = context
    open.mask = nil
    let seen = withoutTape { model.evaluate(x, request, open) }
    XCTAssertNotEqual(seen.rate.floats, found.rate.floats)
    XCTAssertLessThan(found.distortion.doubleSum, seen.distortion.doubleSum)
  }

  func testTheOptimalDeviationIsThatOfAllKnownElementsWhateverBatchesAreTorn() throws {
    let random = RandomSource(seed: 1)
    let x = random.stream("x").normal([4, 2, 3, 1])
    let parameters = random.stream("parameters").normal([4, 2, 3, 1])
    let known = Tensor(
      (0..<24).map { $0 >= 12 && $0.isMultiple(of: 2) ? 0 : 1 }, shape: [4, 2, 3, 1])
    let likelihood = GaussianLikelihood(.optimal)
    let calibration = Calibration()
    for (rows, isTorn) in [(0..<2, false), (2..<4, true)] {
      var context = Context(mode: .calibration, random: random, examples: [0, 1])
      context.calibration = calibration
      if isTorn { context.mask = ObservationMask(known.rows(rows)) }
      _ = likelihood.observedLogDensity(x.rows(rows), parameters: parameters.rows(rows), context)
    }
    likelihood.recalibrate(calibration)
    let squares = ((x - parameters).squared() * known).sum().item
    XCTAssertEqual(
      likelihood.currentDeviation, (squares / known.sum().item).squareRoot(), accuracy: 1e-4)
  }

  func testAnotherEncoderTakesTheMasksAwayThatTheFormerTook() throws {
    var recipe = try recipe(data(interval: 9))
    XCTAssertEqual(recipe.data?.missing, true)
    try SmallModels.registry.apply([(key: "encoder.name", value: "mlp")], to: &recipe)
    XCTAssertEqual(recipe.data?.missing, false)
    XCTAssertNoThrow(try SmallModels.registry.plan(recipe))
  }

  func testParameterPathsOfOtherModelsStayAsTheyAre() throws {
    let whole = data(interval: 0)
    let plain = try SmallModels.registry.model(
      SmallModels.recipe("gaussian-vae", data: whole), seed: 3)
    XCTAssertFalse(plain.takesMasks)
    XCTAssertFalse(plain.parameters.contains { $0.path.contains("network") })
  }

  func testMasksThatNoPartTakesAreRefusedInOneLine() throws {
    let data = data(interval: 3)
    func refusal(
      _ settings: [(key: String, value: String)], _ words: [String], line: UInt = #line,
      missing: Bool = true
    ) {
      XCTAssertThrowsError(
        try {
          var recipe = try SmallModels.recipe("gaussian-vae", data: data, settings)
          recipe.data?.missing = missing
          _ = try SmallModels.registry.model(recipe, seed: 1)
        }(), line: line
      ) { error in
        let message = "\((error as? RecipeError)?.message ?? "")"
        XCTAssertFalse(message.contains("\n"), line: line)
        for word in words {
          XCTAssertTrue(message.contains(word), "\(word): \(message)", line: line)
        }
      }
    }
    refusal([], ["data.missing is true", "encoder mlp", "encoder.name=masked-mlp"])
    let masked = (key: "encoder.name", value: "masked-mlp")
    refusal(
      [masked, (key: "decoder.name", value: "pixelcnn")], ["decoder pixelcnn", "decoder.name=mlp"])
    // A mixture of logistics couples the channels of a pixel.
    let colour = SmallModels.data(channels: 3, isBinary: false)
    XCTAssertThrowsError(
      try SmallModels.registry.model(
        SmallModels.recipe(
          "gaussian-vae", data: colour, [masked, (key: "likelihood", value: "logistic-mixture")]),
        seed: 1)
    ) { error in
      let message = "\((error as? RecipeError)?.message ?? "")"
      XCTAssertTrue(message.contains("likelihood logistic-mixture is no product"), message)
    }
  }

  func testARecipeKeepsThatValuesMayBeMissing() throws {
    let recipe = try recipe(data(interval: 3))
    let copy = try SmallModels.registry.recipe(
      parsing: Array(recipe.json.line.utf8), source: "copy")
    XCTAssertTrue(copy.data?.missing == true)
    XCTAssertEqual(copy, recipe)
    let plain = try SmallModels.recipe("gaussian-vae", data: data(interval: 0))
    XCTAssertNil(plain.json.object?["data"]?.object?["missing"])
  }
}

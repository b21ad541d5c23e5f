import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEEvaluation
import VAERecipes
import VAETraining
import VAEZoo
import VQVAE
import XCTest

final class PixelCNNCodePriorTests: XCTestCase {
  /// A prior over 2×2 grids of three codes, with weights large enough to matter.
  private func prior(height: Int = 2, width: Int = 2, codes: Int = 3) -> PixelCNNCodePrior {
    let random = RandomSource(seed: 4)
    let quantizer = VectorQuantizer(
      codebook: Codebook(codeCount: codes, vectorSize: 2, random: random),
      grid: CodeGrid(height: height, width: width, codeCount: codes, vectorSize: 2),
      commitment: 0.25, dataElements: 16)
    var sizes = GatedPixelCNN.Sizes(inputs: 4, outputs: codes)
    (sizes.channels, sizes.layers, sizes.head) = (6, 1, 8)
    let prior = PixelCNNCodePrior(quantizer, sizes: sizes, random: random)
    for (path, parameter) in prior.parameters {
      let noise = random.stream(path).normal(parameter.shape)
      parameter.value = parameter.value * 2 + noise * 0.5
    }
    return prior
  }

  private func context(_ count: Int, seed: UInt64 = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: seed), examples: (0..<count).map(UInt64.init))
  }

  /// Every grid of codes, `[codes^(height · width), height, width]`.
  private func allGrids(_ grid: CodeGrid) -> Tensor {
    let count = Int(pow(Double(grid.codeCount), Double(grid.count)))
    let numbers = (0..<count).flatMap { number -> [Int32] in
      var rest = number
      return (0..<grid.count).map { _ in
        defer { rest /= grid.codeCount }
        return Int32(rest % grid.codeCount)
      }
    }
    return Tensor(indices: numbers, shape: [count, grid.height, grid.width])
  }

  private func probabilities(_ prior: PixelCNNCodePrior) -> [Double] {
    let grids = allGrids(prior.quantizer.grid)
    return withoutTape { prior.rate(of: grids, context(grids.shape[0])) }.floats
      .map { exp(-Double($0)) }
  }

  func testProbabilitiesOfAllGridsSumToOne() {
    for (height, width, codes) in [(2, 2, 3), (1, 3, 4), (3, 1, 2)] {
      let all = probabilities(prior(height: height, width: width, codes: codes))
      XCTAssertEqual(all.reduce(0, +), 1, accuracy: 1e-5)
      XCTAssertGreaterThan((all.max() ?? 0) / (all.min() ?? 1), 2, "they differ")
    }
  }

  func testDrawsHaveTheProbabilitiesThatThePriorStates() {
    let prior = prior()
    let expected = probabilities(prior)
    let count = 20_000
    let drawn = prior.sampleCodes(temperature: 1, context(count)).indices
    var counts = [Double](repeating: 0, count: expected.count)
    for row in 0..<count {
      let number = (0..<4).reversed().reduce(0) { $0 * 3 + Int(drawn[row * 4 + $1]) }
      counts[number] += 1
    }
    // Pearson's statistic, with grids that are too rare for it taken as one.
    var (statistic, cells, rare) = (0.0, 0.0, (drawn: 0.0, mean: 0.0))
    for (drawn, probability) in zip(counts, expected) {
      let mean = probability * Double(count)
      if mean < 5 {
        rare = (rare.drawn + drawn, rare.mean + mean)
      } else {
        statistic += (drawn - mean) * (drawn - mean) / mean
        cells += 1
      }
    }
    XCTAssertGreaterThan(cells, 10)
    XCTAssertEqual(rare.drawn, rare.mean, accuracy: 5 * rare.mean.squareRoot() + 1)
    XCTAssertLessThan(statistic, cells + 5 * (2 * cells).squareRoot())
  }

  func testAtTemperatureZeroTheLikeliestCodesAreDrawnAlways() {
    let prior = prior()
    let drawn = prior.sampleCodes(temperature: 0, context(50)).indices
    for row in 1..<50 { XCTAssertEqual(Array(drawn[row * 4..<row * 4 + 4]), Array(drawn[0..<4])) }
    XCTAssertGreaterThan(
      Set(
        stride(from: 0, to: 200, by: 4).map { row in
          Array(prior.sampleCodes(temperature: 1, context(50)).indices[row..<row + 4])
        }
      ).count, 5)
  }

  func testATemperatureDividesTheLogits() {
    let prior = prior(height: 1, width: 1)
    let squares = probabilities(prior).map { $0 * $0 }
    let count = 4000
    let drawn = prior.sampleCodes(temperature: 0.5, context(count)).indices
    for (code, square) in squares.enumerated() {
      let share = square / squares.reduce(0, +)
      let deviation = (Double(count) * share * (1 - share)).squareRoot()
      XCTAssertEqual(
        Double(drawn.count { $0 == Int32(code) }), Double(count) * share, accuracy: 5 * deviation)
    }
  }

  func testGridsThatAreNotSquareAreDrawnWithTheProbabilitiesThatThePriorStates() {
    for (height, width) in [(2, 3), (3, 2)] {
      let prior = prior(height: height, width: width, codes: 2)
      let expected = probabilities(prior)
      let (count, places) = (5000, height * width)
      let drawn = prior.sampleCodes(temperature: 1, context(count)).indices
      var counts = [Double](repeating: 0, count: expected.count)
      for row in 0..<count {
        let number = (0..<places).reversed().reduce(0) { $0 * 2 + Int(drawn[row * places + $1]) }
        counts[number] += 1
      }
      var (statistic, cells) = (0.0, 0.0)
      for (drawn, probability) in zip(counts, expected) where probability * Double(count) >= 5 {
        let mean = probability * Double(count)
        statistic += (drawn - mean) * (drawn - mean) / mean
        cells += 1
      }
      XCTAssertGreaterThan(cells, 10)
      XCTAssertLessThan(statistic, cells + 5 * (2 * cells).squareRoot(), "\(height)×\(width)")
    }
  }

  func testADrawHasTheCodesOfItsTemperatureWithTheirVectors() {
    let prior = prior(height: 2, width: 3)
    for temperature in [0, 0.5, 2] as [Float] {
      let layer = prior.draw(temperature: temperature, context(8)).layers[0]
      let codes = prior.sampleCodes(temperature: temperature, context(8))
      XCTAssertEqual(layer.codes?.indices, codes.indices)
      XCTAssertEqual(layer.sample.shape, [8, 2, 3, 2])
      XCTAssertEqual(layer.sample.floats, prior.vectors(of: codes).floats)
    }
    XCTAssertNotEqual(
      prior.sampleCodes(temperature: 0, context(8)).indices,
      prior.sampleCodes(temperature: 2, context(8)).indices)
  }

  func testEveryDrawOfAnExamplePaysTheRateOfItsCodes() {
    let prior = prior(height: 2, width: 3)
    let points = RandomSource(seed: 8).stream("points").normal([2, 2, 3, 2])
    var request = DrawRequest()
    request.samples = 2
    request.usesSampledRate = true
    let draw = withoutTape {
      prior.draw(from: PointPosterior(points), request, context(2))
    }
    let codes = prior.nearestCodes(to: points)
    let rates = withoutTape { prior.rate(of: codes, context(2)) }.floats
    XCTAssertNotEqual(rates[0], rates[1])
    XCTAssertEqual(draw.rate.floats, rates + rates)
    XCTAssertEqual(draw.layers[0].logPrior?.floats, (rates + rates).map { -$0 })
    XCTAssertEqual(draw.layers[0].codes?.indices, codes.indices + codes.indices)
  }

  func testARecipeGivesTheSizesOfTheNetwork() throws {
    let recipe = try Support.recipe(
      Support.blobs(),
      [
        (key: "prior.name", value: "pixelcnn-codes"), (key: "prior.embedding", value: "5"),
        (key: "prior.head", value: "7"), (key: "prior.channels", value: "6"),
        (key: "prior.layers", value: "1"),
      ])
    let model = try Registry.builtIn.model(recipe, seed: 1)
    let shapes = model.prior.parameters.map { (path: $0.path, shape: $0.parameter.shape) }
    XCTAssertEqual(shapes.first { $0.path == "network.embedding" }?.shape, [8, 5])
    XCTAssertTrue(shapes.contains { $0.shape == [7, 8] }, "\(shapes)")
    XCTAssertEqual(
      (model.prior as? PixelCNNCodePrior)?.quantizer.grid,
      CodeGrid(height: 2, width: 2, codeCount: 8, vectorSize: 4))
  }

  func testRateCostsNoGradientOfTheCodebook() throws {
    let prior = prior()
    let grids = allGrids(prior.quantizer.grid)
    let gradients = prior.rate(of: grids, context(grids.shape[0])).mean().backward()
    for (path, parameter) in prior.parameters {
      XCTAssertTrue(path.hasPrefix("network."), path)
      let gradient = try XCTUnwrap(gradients[parameter], path)
      XCTAssertTrue(gradient.floats.allSatisfy(\.isFinite), path)
    }
  }

  // MARK: As a stage

  private func trained(
    _ data: DataSource
  ) throws -> (first: Model, second: Model, recipe: Recipe, trainer: Trainer) {
    let registry = Registry.builtIn
    let recipe = try Support.recipe(data)
    let first = try registry.model(recipe, seed: 2)
    var options = TrainingOptions()
    (options.epochs, options.batchSize, options.learningRate) = (6, 16, 0.002)
    _ = try Trainer(model: first, data: data, options: options).train()

    var next = try registry.recipe(ofStage: "prior", after: recipe, origin: "first")
    try registry.apply(
      [(key: "prior.channels", value: "8"), (key: "prior.layers", value: "1")], to: &next)
    let second = try registry.model(next, seed: 5)
    try second.load(first, except: next.stage.includes, source: "first")
    (options.epochs, options.learningRate) = (30, 0.01)
    let trainer = try Trainer(model: second, data: data, options: options, stage: next.stage)
    return (first, second, next, trainer)
  }

  func testAStageLowersTheRateAndTouchesNothingElse() throws {
    let data = Support.blobs()
    let (first, second, _, trainer) = try trained(data)
    _ = try trainer.train()
    let after = Dictionary(
      uniqueKeysWithValues: second.weights.map { ($0.name, $0.values.floats) })
    for (name, values) in first.weights {
      XCTAssertEqual(values.floats, after[name], name)
    }
    let measure = { (model: Model) in
      try XCTUnwrap(Evaluator(model: model, examples: Examples(data.train), seed: 1).run())
    }
    let (before, now) = (try measure(first), try measure(second))
    XCTAssertEqual(before.distortion.mean, now.distortion.mean)
    XCTAssertEqual(before.rate.mean, 4 * log(8.0), accuracy: 1e-4)
    XCTAssertLessThan(now.rate.mean, 0.8 * before.rate.mean)
  }

  func testAStageOnCodesGivesTheSameAsOneOnImages() throws {
    let data = Support.blobs()
    let (_, fromCodes, _, trainer) = try trained(data)
    _ = try trainer.update()
    let (_, fromImages, recipe, _) = try trained(data)
    let stage = Stage(name: "prior", trains: recipe.stage.trains, data: .images)
    var options = trainer.options
    options.epochs = 30
    _ = try Trainer(model: fromImages, data: data, options: options, stage: stage).update()
    for (a, b) in zip(fromCodes.parameters, fromImages.parameters) {
      for (x, y) in zip(a.parameter.value.floats, b.parameter.value.floats) {
        XCTAssertEqual(x, y, accuracy: 1e-5, a.path)
      }
    }
  }

  func testAStageKeepsWhatItSharesWithTheFirst() throws {
    let data = Support.blobs()
    let registry = Registry.builtIn
    let recipe = try Support.recipe(data, [(key: "prior.decay", value: "0.9")])
    let next = try registry.recipe(ofStage: "prior", after: recipe, origin: "first")
    XCTAssertEqual(next.part(.prior).name, "pixelcnn-codes")
    for name in ["codes", "code_size", "levels", "commitment", "decay"] {
      XCTAssertEqual(next.part(.prior).values[name], recipe.part(.prior).values[name], name)
    }
    XCTAssertEqual(next.stage.origin, "first")
    let read = try registry.recipe(
      parsing: Array(next.json.document.utf8), source: "recipe.json")
    XCTAssertEqual(read, next)
  }

  func testAnUnknownStageIsRefusedListingTheKnownOnes() throws {
    let registry = Registry.builtIn
    let recipe = try Support.recipe(Support.blobs())
    XCTAssertThrowsError(try registry.recipe(ofStage: "pryor", after: recipe, origin: "first")) {
      XCTAssertTrue("\($0)".contains("vq-vae has no stage pryor; there are: prior"), "\($0)")
    }
    let other = try registry.recipe(for: "gaussian-vae")
    XCTAssertThrowsError(try registry.recipe(ofStage: "prior", after: other, origin: "first")) {
      XCTAssertTrue("\($0)".contains("all of it is trained at once"), "\($0)")
    }
  }
}

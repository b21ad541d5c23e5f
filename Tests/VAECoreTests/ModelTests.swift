import GaussianVAE
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes
import XCTest

final class ModelTests: XCTestCase {
  private var registry: Registry {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }

  private func model(_ architecture: String, _ height: Int, _ width: Int, _ channels: Int) throws
    -> Model
  {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: height, width: width, channels: channels, range: .binary, rule: "binary")
    let small =
      architecture == "mlp"
      ? [(key: "hidden", value: "6,5")] : [(key: "channels", value: "4,6,8")]
    try registry.apply(
      [(key: "architecture", value: architecture), (key: "latent", value: "3")] + small, to: &recipe
    )
    return try registry.model(recipe, seed: 1)
  }

  private func context(_ mode: Context.Mode, _ count: Int) -> Context {
    Context(mode: mode, random: RandomSource(seed: 2), examples: (0..<count).map(UInt64.init))
  }

  func testEveryArchitectureTakesEveryImageSizeAndGivesFiniteGradientsForEveryParameter() throws {
    for architecture in ["mlp", "conv", "resnet"] {
      for (height, width, channels) in [(1, 1, 1), (2, 3, 1), (5, 7, 3), (28, 28, 1), (31, 17, 3)] {
        for batch in [1, 3] {
          let name = "\(architecture) on \(batch) of \(height)x\(width)x\(channels)"
          let model = try model(architecture, height, width, channels)
          let x = RandomSource(seed: 3).stream("x").uniform([batch, height, width, channels])
            .isAbove(0.5)
          let evaluation = model.evaluate(x, DrawRequest(), context(.training, batch))
          XCTAssertEqual(evaluation.parameters.shape, x.shape, name)
          XCTAssertEqual(evaluation.rate.shape, [1, batch], name)
          let loss = model.objective.phases[0].loss(
            ForwardPass(model, evaluation, context(.training, batch)))
          let gradients = loss.value.backward()
          for (path, parameter) in model.parameters {
            XCTAssertEqual(gradients[parameter]?.isFinite, true, "\(name): \(path)")
          }
          XCTAssertEqual(
            model.sample(context(.evaluation, 2)).shape, [2, height, width, channels], name)
        }
      }
    }
  }

  func testTrainingBeginsAtTheMeanOfTheFirstBatches() throws {
    for architecture in ["mlp", "conv"] {
      let model = try model(architecture, 8, 8, 1)
      let x = RandomSource(seed: 3).stream("x").uniform([64, 8, 8, 1]).isAbove(0.9)
      let before = model.evaluate(x, DrawRequest(), context(.training, 64)).distortion.doubleSum
      try model.prepare(firstBatches: [x], context: context(.training, 64))
      let after = model.evaluate(x, DrawRequest(), context(.training, 64)).distortion.doubleSum
      XCTAssertLessThan(after, 0.6 * before, architecture)
    }
  }

  func testAnExamplesDrawDoesNotDependOnItsBatch() throws {
    let model = try model("mlp", 4, 4, 1)
    let x = Tensor.ones([3, 4, 4, 1])
    var request = DrawRequest()
    request.samples = 2
    let whole = model.evaluate(x, request, context(.training, 3)).draw.layers[0].sample.floats
    var alone = context(.training, 1)
    alone.examples = [2]
    let part = model.evaluate(x.rows(0..<1), request, alone).draw.layers[0].sample.floats
    XCTAssertEqual(Array(part[0..<3]), Array(whole[6..<9]))
    XCTAssertEqual(Array(part[3..<6]), Array(whole[15..<18]))
  }

  func testTheWeightOfTheRateRisesOverTheWarmUpAndBetaZeroGivesTheRateNoGradient() {
    let objective = EvidenceLowerBound(beta: 4, warmUpEpochs: 2)
    XCTAssertEqual([0, 0.5, 1, 2, 9].map { objective.weight(epochs: $0) }, [0, 1, 2, 4, 4])
    XCTAssertEqual(EvidenceLowerBound(beta: 3).weight(epochs: 0), 3)
  }

  func testTheClosedFormDivergenceIsTheMeanOfItsMonteCarloEstimate() {
    let posterior = DiagonalGaussian(
      mean: Tensor([0.5, -1], shape: [1, 2]), logVariance: Tensor([-1, 0.4], shape: [1, 2]))
    let prior = StandardNormalPrior(units: 2)
    var request = DrawRequest()
    request.samples = 40_000
    let exact = prior.draw(from: posterior, request, context(.evaluation, 1)).rate.item(0)
    request.usesSampledRate = true
    let sampled = prior.draw(from: posterior, request, context(.evaluation, 1)).rate
    XCTAssertEqual(sampled.doubleSum / 40_000, exact, accuracy: 0.02)
    let units =
      prior.divergence(of: posterior, context(.evaluation, 1))?.perUnit?.doubleSum ?? 0
    XCTAssertEqual(units, exact, accuracy: 1e-5)
  }

  func testAStoppedPosteriorGivesItsParametersNoGradient() {
    let mean = Parameter(Tensor([0.5], shape: [1, 1]))
    let posterior = DiagonalGaussian(mean: mean.tensor, logVariance: .zeros([1, 1]))
    let z = Tensor([0.2], shape: [1, 1])
    XCTAssertNotNil(posterior.logDensity(of: z)?.sum().backward()[mean])
    XCTAssertNil(posterior.stoppingGradient().logDensity(of: z)?.sum().backward()[mean])
  }
}

extension Tensor {
  /// One element in double precision.
  fileprivate func item(_ index: Int) -> Double { Double(floats[index]) }
}

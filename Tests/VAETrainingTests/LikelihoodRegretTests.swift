import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import VAETraining
import XCTest

/// Likelihood regret against the closed form of a linear model.
final class LikelihoodRegretTests: XCTestCase {
  private static let deviation = 0.7

  /// x = w z + b + noise with one unit, whose posterior is a Gaussian: the best bound is log p(x) itself.
  private func linearModel() -> Model {
    let random = RandomSource(seed: 8)
    return Model(
      encoder: MLPEncoder(inputs: 30, hidden: [8], latent: 1, random: random.child("encoder")),
      prior: StandardNormalPrior(units: 1),
      decoder: MLPDecoder(
        latent: 1, hidden: [], outputShape: [6, 5, 1], random: random.child("decoder")),
      likelihood: GaussianLikelihood(.fixed(Float(Self.deviation))))
  }

  /// log p(x) under N(b, w wᵀ + σ² I), by the lemmas of Sylvester and of Sherman and Morrison.
  private func logDensity(_ x: [Float], _ weights: [Float], _ bias: [Float]) -> Double {
    let variance = Self.deviation * Self.deviation
    let centred = zip(x, bias).map { Double($0) - Double($1) }
    let squared = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
    let along = zip(centred, weights).reduce(0.0) { $0 + $1.0 * Double($1.1) }
    let distance =
      (centred.reduce(0.0) { $0 + $1 * $1 } - along * along / (variance + squared)) / variance
    let logDeterminant =
      Double(x.count) * log(variance) + log(1 + squared / variance)
    return -0.5 * (distance + logDeterminant + Double(x.count) * log(2 * Double.pi))
  }

  /// The bound with the encoder's posterior, by its closed form.
  private func bound(
    _ x: [Float], _ weights: [Float], _ bias: [Float], mean: Double, variance: Double
  ) -> Double {
    let noise = Self.deviation * Self.deviation
    var distortion = 0.0
    for (pixel, value) in x.enumerated() {
      let w = Double(weights[pixel])
      let error = Double(value) - Double(bias[pixel]) - w * mean
      distortion += 0.5 * (log(2 * Double.pi * noise) + (error * error + w * w * variance) / noise)
    }
    return -distortion - 0.5 * (mean * mean + variance - 1 - log(variance))
  }

  func testTheRegretOfALinearModelIsTheGapOfItsBound() throws {
    let model = linearModel()
    let split = TrainingSupport.stripes(train: 6).train
    let examples = Examples(split)
    let before = model.weights.map { $0.values.floats }
    var options = RegretOptions()
    (options.steps, options.samples) = (300, 20_000)
    let found = try XCTUnwrap(
      Evaluator(model: model, examples: examples, seed: 2).likelihoodRegrets(options))
    XCTAssertEqual(model.weights.map { $0.values.floats }, before, "the model stays as it is")

    let stored = Dictionary(uniqueKeysWithValues: model.weights.map { ($0.name, $0.values.floats) })
    let weights = try XCTUnwrap(stored["decoder.head.weights"])
    let bias = try XCTUnwrap(stored["decoder.head.bias"])
    let x = split.batch(Array(0..<6))
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 0), examples: [0, 1, 2, 3, 4, 5])
    let posterior = withoutTape { model.encoder.encode(x, context) }
    let (means, variances) = (
      try XCTUnwrap(posterior.mean).floats, try XCTUnwrap(posterior.variance).floats
    )
    for example in 0..<6 {
      let values = x.rows(example..<example + 1).floats
      let gap =
        logDensity(values, weights, bias)
        - bound(
          values, weights, bias, mean: Double(means[example]), variance: Double(variances[example]))
      XCTAssertGreaterThan(gap, 0.2, "the test needs an encoder that is not the best")
      XCTAssertEqual(found[example], gap, accuracy: 0.02 * gap + 0.05)
    }
    // Where it was is where a search without steps ends.
    options.steps = 0
    let none = try XCTUnwrap(
      Evaluator(model: model, examples: examples, seed: 2).likelihoodRegrets(options))
    XCTAssertEqual(none, Array(repeating: 0, count: 6))
  }

  func testParametersAreConstantsForTheThreadThatAsksForIt() {
    let (own, other) = (Parameter(Tensor([2])), Parameter(Tensor([3])))
    let tracked = own.tensor
    let gradients = withConstantParameters { (tracked * other.tensor).sum() }.backward()
    XCTAssertEqual(gradients[own]?.floats, [3])
    XCTAssertNil(gradients[other])
    XCTAssertEqual((other.tensor * 2).sum().backward()[other]?.floats, [2], "and only inside")
  }
}

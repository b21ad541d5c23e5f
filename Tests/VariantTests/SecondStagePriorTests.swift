import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// A second autoencoder as a prior: what it prices latents at, and what it draws.
final class SecondStagePriorTests: XCTestCase {
  private let random = RandomSource(seed: 4)

  private func context(_ examples: Int) -> Context {
    Context(mode: .evaluation, random: random, examples: (0..<examples).map { UInt64($0) })
  }

  private func prior(units: Int, factor: Float) -> SecondStagePrior {
    let prior = SecondStagePrior(units: units, hidden: [6, 5], random: random)
    for (path, parameter) in prior.parameters {
      parameter.value = random.stream("moved \(path)").normal(parameter.shape) * factor
    }
    return prior
  }

  func testNetworksThatSayNothingMakeItTheGaussianOfTheLatents() throws {
    let prior = prior(units: 3, factor: 0)
    let draws = random.stream("z").normal([6, 3]) * 2 - 1
    prior.begin(at: draws)
    let mean = draws.mean(axis: 0)
    let variance = (draws - mean).squared().mean(axis: 0)
    let gaussian = DiagonalGaussian(
      mean: .zeros(draws.shape) + mean, logVariance: .zeros(draws.shape) + variance.log())
    let expected = try XCTUnwrap(gaussian.logDensity(of: draws))
    for (a, b) in zip(
      prior.logDensity(of: draws, DrawRequest(), context(6)).floats, expected.floats)
    {
      XCTAssertEqual(a, b, accuracy: 1e-4)
    }
    // Without noise a draw is what the second decoder makes of zeros, which is the mean.
    let still = prior.draw(temperature: 0, context(2)).layers[0].sample
    for (a, b) in zip(still.floats, mean.floats + mean.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
  }

  func testAnEstimateHasTheDensityAsItsMeanAndTheBoundLiesBelowIt() throws {
    let prior = prior(units: 1, factor: 0.7)
    let points: [Float] = [-1.5, 0, 0.8]
    // What draws say of the density: the share of them in a narrow interval.
    let count = 400_000
    let draws = prior.draw(temperature: 1, context(count)).layers[0].sample.floats
    var request = DrawRequest()
    for point in points {
      let width: Float = 0.1
      let share = Double(draws.count { abs($0 - point) < width / 2 }) / Double(count)
      let (density, error) = (
        share / Double(width), (share / Double(count)).squareRoot() / Double(width)
      )
      let z = Tensor(Array(repeating: point, count: 20_000), shape: [20_000, 1])
      request.usesSampledRate = true
      let ratios = prior.logDensity(of: z, request, context(20_000)).floats
        .map { exp(Double($0)) }
      let mean = ratios.reduce(0, +) / Double(ratios.count)
      var squares = 0.0
      for ratio in ratios { squares += (ratio - mean) * (ratio - mean) }
      let spread = squares.squareRoot() / Double(ratios.count)
      XCTAssertEqual(mean, density, accuracy: 5 * (error + spread) + 2e-3, "at \(point)")
      request.usesSampledRate = false
      let bounds = prior.logDensity(of: z, request, context(20_000))
      XCTAssertLessThan(bounds.doubleSum / 20_000, log(mean), "at \(point)")
    }
  }
}

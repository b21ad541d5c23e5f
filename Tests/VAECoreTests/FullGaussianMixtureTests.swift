import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

final class FullGaussianMixtureTests: XCTestCase {
  private func context(_ examples: Int = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<UInt64(examples)).map { $0 })
  }

  private let logits: [Float] = [0.3, -0.4]
  private let means: [Float] = [0.5, -1, -1, 1.5]
  private let factors: [Float] = [0.8, 0, 0.5, 0.6, 1.2, 0, -0.7, 0.4]

  private func mixture(
    logits: Tensor? = nil, means: Tensor? = nil, factors: Tensor? = nil, examples: Int = 1
  ) -> FullGaussianMixture {
    FullGaussianMixture(
      exampleCount: examples, logits: logits ?? Tensor(self.logits),
      means: means ?? Tensor(self.means, shape: [2, 2]),
      factors: factors ?? Tensor(self.factors, shape: [2, 2, 2]))
  }

  func testTheDensityIntegratesToOne() throws {
    let (side, width) = (401, 0.04)
    let line = (0..<side).map { Float(Double($0 - side / 2) * width) }
    let grid = line.flatMap { x in line.flatMap { y in [x, y] } }
    let logs = try XCTUnwrap(mixture().logDensity(of: Tensor(grid, shape: [side * side, 2])))
    let sum = logs.floats.reduce(0) { $0 + exp(Double($1)) }
    XCTAssertEqual(sum * width * width, 1, accuracy: 1e-4)
  }

  func testDiagonalFactorsAreTheMixtureOfIndependentUnits() throws {
    let scales: [Float] = [0.8, 0.6, 1.2, 0.4]
    let full = mixture(
      factors: Tensor([scales[0], 0, 0, scales[1], scales[2], 0, 0, scales[3]], shape: [2, 2, 2]))
    let independent = GaussianMixture(
      exampleCount: 1, logits: Tensor(logits),
      components: DiagonalGaussian(
        mean: Tensor(means, shape: [2, 2]),
        logVariance: Tensor(scales.map { 2 * log($0) }, shape: [2, 2])))
    let points = RandomSource(seed: 4).stream("points").normal([50, 2])
    let pair = try (
      XCTUnwrap(full.logDensity(of: points)), XCTUnwrap(independent.logDensity(of: points))
    )
    for (a, b) in zip(pair.0.floats, pair.1.floats) { XCTAssertEqual(a, b, accuracy: 2e-5) }
    // The same components and the same noise.
    let drawn = (
      full.draw(3, from: "prior", context(9)).value,
      independent.draw(3, from: "prior", context(9)).value
    )
    for (a, b) in zip(drawn.0.floats, drawn.1.floats) { XCTAssertEqual(a, b, accuracy: 1e-5) }
  }

  func testDrawsHaveItsMomentsAndTheDensityOfTheirOwn() throws {
    let count = 40_000
    let drawn = mixture().draw(count, from: "prior", context())
    let values = drawn.value
    let (mean, variance) = (
      values.mean(axis: 0), (values - values.mean(axis: 0)).squared().mean(axis: 0)
    )
    for unit in 0..<2 {
      XCTAssertEqual(
        mean.floats[unit], try XCTUnwrap(mixture().mean).floats[unit], accuracy: 0.03)
      XCTAssertEqual(
        variance.floats[unit], try XCTUnwrap(mixture().variance).floats[unit], accuracy: 0.05)
    }
    let own = drawn.logDensity.floats
    XCTAssertEqual(own, try XCTUnwrap(mixture().logDensity(of: values)).floats)
  }

  func testGradientsOfTheDensityAreThoseOfFiniteDifferences() throws {
    let points = RandomSource(seed: 4).stream("points").normal([6, 2])
    let parameters = [
      Parameter(Tensor(logits)), Parameter(Tensor(means, shape: [2, 2])),
      Parameter(Tensor(factors, shape: [2, 2, 2])),
    ]
    func value() throws -> Tensor {
      try XCTUnwrap(
        mixture(
          logits: parameters[0].tensor, means: parameters[1].tensor, factors: parameters[2].tensor
        ).logDensity(of: points)
      ).sum()
    }
    let gradients = try value().backward()
    for parameter in parameters {
      let gradient = try XCTUnwrap(gradients[parameter]).floats
      let start = parameter.value.floats
      // Above the diagonal there is nothing to be moved.
      for place in start.indices where start[place] != 0 {
        let step: Float = 1e-2
        func moved(_ by: Float) throws -> Double {
          var values = start
          values[place] += by
          parameter.value = Tensor(values, shape: parameter.shape)
          return Double(try value().item)
        }
        let difference = try (moved(step) - moved(-step)) / Double(2 * step)
        parameter.value = Tensor(start, shape: parameter.shape)
        XCTAssertEqual(
          Double(gradient[place]), difference, accuracy: 0.01 * max(1, abs(difference)))
      }
    }
  }

  // MARK: The prior

  private func sample(_ draws: Tensor) -> LatentSample {
    LatentSample(draws: draws, exampleCount: draws.shape[0], meanLogPosterior: 0)
  }

  private func clouds(_ count: Int) -> Tensor {
    let noise = RandomSource(seed: 11).stream("points").normal([count, 2]).floats
    return Tensor(
      noise.indices.map { place in
        Float([-6, 0, 6][place / 2 % 3] * (place % 2 == 0 ? 1 : -1)) + noise[place]
      }, shape: [count, 2])
  }

  func testHeldOutDrawsChooseTheNumberOfComponentsAndOthersAreNotUsed() throws {
    let prior = FittedMixturePrior(units: 2, components: 0, random: RandomSource(seed: 1))
    let fit = try prior.fit(
      to: sample(clouds(600)), continuing: false, random: RandomSource(seed: 1)
    ) {}
    let used = try XCTUnwrap(fit.terms.first { $0.name == "components" }?.value)
    // Three clouds: two are too few, and ten find nothing more that other draws have.
    XCTAssertEqual(used, 5)
    let density = try XCTUnwrap(
      prior.distribution(context()).logDensity(of: clouds(600)))
    XCTAssertEqual(density.doubleSum / 600, fit.meanLogDensity, accuracy: 1e-3)
    let distribution = try XCTUnwrap(prior.distribution(context()) as? FullGaussianMixture)
    XCTAssertEqual(distribution.means.shape, [5, 2])
    // The parameters are those of the fit, so that another one goes on where it ended.
    let next = try prior.fit(
      to: sample(clouds(600)), continuing: true, random: RandomSource(seed: 2)
    ) {}
    XCTAssertGreaterThan(next.meanLogDensity, fit.meanLogDensity - 1e-4)
    XCTAssertLessThan(next.meanLogDensity, fit.meanLogDensity + 1e-2)
  }

  func testMoreComponentsThanExamplesSupportAreRefusedInOneLine() throws {
    let prior = FittedMixturePrior(units: 2, components: 9, random: RandomSource(seed: 1))
    XCTAssertThrowsError(
      try prior.fit(to: sample(clouds(20)), continuing: false, random: RandomSource(seed: 1)) {}
    ) { error in
      let message = "\((error as? RecipeError)?.message ?? "")"
      XCTAssertTrue(message.contains("20 examples support 6 components"), message)
      XCTAssertTrue(message.contains("prior.components"), message)
    }
  }
}

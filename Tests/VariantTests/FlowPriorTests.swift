import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Flows as priors: densities and draws of three families.
final class FlowPriorTests: XCTestCase {
  private let random = RandomSource(seed: 11)
  private static let families = FlowPrior.Family.allCases

  private func context(_ examples: Int) -> Context {
    Context(mode: .evaluation, random: random, examples: (0..<examples).map { UInt64($0) })
  }

  private func prior(_ family: FlowPrior.Family, units: Int, steps: Int = 3) -> FlowPrior {
    FlowPrior(units: units, family: family, steps: steps, hidden: [9, 7], random: random)
  }

  /// A flow whose parameters, of which most begin at zero, are somewhere else.
  private func moved(_ family: FlowPrior.Family, units: Int) -> FlowPrior {
    let prior = prior(family, units: units)
    for (path, parameter) in prior.parameters {
      parameter.value =
        random.stream("moved \(path)").normal(parameter.shape) * 0.5 + parameter.value * 0.5
    }
    return prior
  }

  private func density(_ prior: FlowPrior, _ z: Tensor) -> Tensor {
    prior.logDensity(of: z, context(z.shape[0]))
  }

  func testAFreshFlowIsStandardNormalAndAShiftAndScaleOfItIsThatGaussian() throws {
    for family in Self.families {
      for units in [1, 3] {
        let prior = prior(family, units: units)
        let z = random.stream("z").normal([5, units])
        XCTAssertEqual(prior.noise(of: [z], context(5))[0].floats, z.floats, "\(family)")
        XCTAssertEqual(
          prior.draw(noise: [z], context(5)).layers[0].sample.floats, z.floats, "\(family)")
        let draws = z * 3 + 2
        prior.begin(at: draws)
        let mean = draws.mean(axis: 0)
        let variance = (draws - mean).squared().mean(axis: 0)
        let gaussian = DiagonalGaussian(
          mean: .zeros(z.shape) + mean, logVariance: .zeros(z.shape) + variance.log())
        let expected = try XCTUnwrap(gaussian.logDensity(of: draws))
        for (a, b) in zip(density(prior, draws).floats, expected.floats) {
          XCTAssertEqual(a, b, accuracy: 1e-4, "\(family)")
        }
      }
    }
  }

  func testTheDensityIsThatOfNumbersWhoseJacobianIsNumericalAndDrawsAreThoseItPrices() throws {
    for family in Self.families {
      for units in [1, 2, 5] {
        let prior = moved(family, units: units)
        let z = random.stream("z").normal([1, units])
        let numbers = prior.noise(of: [z], context(1))[0].floats
        let determinant = NumericalJacobian.logDeterminant(
          of: { prior.noise(of: [Tensor($0, shape: [1, units])], self.context(1))[0].floats },
          at: z.floats)
        var base = -0.5 * Double(units) * log(2 * Double.pi)
        for number in numbers { base -= 0.5 * Double(number) * Double(number) }
        XCTAssertEqual(
          Double(density(prior, z).floats[0]), base + determinant, accuracy: 5e-3,
          "\(family), \(units) units")
        let drawn = prior.distribution(context(4)).draw(2, from: "prior", context(4))
        let priced = prior.logDensity(of: drawn.value, context(4))
        for (a, b) in zip(priced.floats, drawn.logDensity.floats) {
          XCTAssertEqual(a, b, accuracy: 2e-3, "\(family), \(units) units")
        }
      }
    }
  }

  func testTheDensityIntegratesToOne() {
    let (side, step) = (161, Float(0.2))
    let line: [Float] = (0..<side).map { Float($0 - side / 2) * step }
    var grid: [Float] = []
    for first in line {
      for second in line { grid += [first, second] }
    }
    let points = Tensor(grid, shape: [side * side, 2])
    for family in Self.families {
      let values = density(moved(family, units: 2), points).floats
      let total: Double = values.reduce(0) { $0 + exp(Double($1)) }
      let integral = total * Double(step * step)
      XCTAssertEqual(integral, 1, accuracy: 2e-3, "\(family)")
    }
  }

  /// Three hidden numbers part twelve units in four, or three where one number is left for the context: each unit sees
  /// all of the parts before its own, and the context.
  func testANetworkNarrowerThanTheLatentsLosesNoMoreDependencesThanItMust() {
    let units = 12
    for (numbers, parts) in [(0, 4), (2, 3)] {
      let flow = InverseAutoregressiveFlow(
        ConditionerSizes(units: units, context: numbers, hidden: [3, 3]), steps: 1, random: random)
      for (path, parameter) in flow.parameters {
        parameter.value = random.stream("moved \(path)").normal(parameter.shape)
      }
      func forward(_ z: [Float], context number: Float = 0) -> [Float] {
        let h = Tensor(repeating: number, shape: [1, numbers])
        return flow.bijectors(h, context(1))[0].forward(Tensor(z, shape: [1, units])).value.floats
      }
      let zeros = [Float](repeating: 0, count: units)
      let before = forward(zeros)
      let size = units / parts
      for unit in 0..<units {
        var point = zeros
        point[unit] = 1
        for (other, (a, b)) in zip(before, forward(point)).enumerated() where other != unit {
          XCTAssertEqual(a != b, unit / size < other / size, "\(other) of \(unit), \(numbers)")
        }
      }
      if numbers > 0 {
        for (a, b) in zip(before, forward(zeros, context: 1)) { XCTAssertNotEqual(a, b) }
      }
    }
  }

  func testGradientsOfDensitiesAreThoseOfDifferencesWhicheverWayIsSolved() throws {
    for family in Self.families {
      let prior = moved(family, units: 3)
      let z = random.stream("z").normal([4, 3])
      let gradients = density(prior, z).sum().backward()
      for (path, parameter) in prior.parameters {
        let own = try XCTUnwrap(gradients[parameter], "\(family) \(path)")
        let direction = random.stream("direction \(path)").normal(parameter.shape)
        let start = parameter.value
        func moved(_ step: Float) -> Double {
          parameter.value = start + direction * step
          defer { parameter.value = start }
          return density(prior, z).doubleSum
        }
        let h: Float = 2e-3
        let expected = (moved(h) - moved(-h)) / Double(2 * h)
        let found = (own * direction).doubleSum
        XCTAssertEqual(found, expected, accuracy: 2e-2 * max(1, abs(expected)), "\(family) \(path)")
      }
    }
  }
}

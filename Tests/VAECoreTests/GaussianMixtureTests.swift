import Foundation
import NeuralNetworks
import Tensors
import VAECore
import XCTest

final class GaussianMixtureTests: XCTestCase {
  private let draws = 40_000

  private func context(_ examples: Int = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<UInt64(examples)).map { $0 })
  }

  private func mixture(
    logits: [Float], means: [Float], logVariances: [Float], examples: Int = 1
  ) -> GaussianMixture {
    let shape: Shape = [logits.count, means.count / logits.count]
    return GaussianMixture(
      exampleCount: examples, logits: Tensor(logits),
      components: DiagonalGaussian(
        mean: Tensor(means, shape: shape), logVariance: Tensor(logVariances, shape: shape)))
  }

  /// Three Gaussians in the plane, of unequal weights.
  private var plane: GaussianMixture {
    mixture(
      logits: [0.3, -0.4, 1.1], means: [0.5, -1, -2, 1.5, 3, 0.2],
      logVariances: [-1, 0.4, 0.2, -0.7, -1.5, 0.1])
  }

  /// log Σ π N of one point in double precision.
  private func reference(
    _ z: [Double], logits: [Double], means: [Double], logVariances: [Double]
  ) -> Double {
    let total = log(logits.reduce(0) { $0 + exp($1) })
    let terms = logits.indices.map { c in
      z.indices.reduce(logits[c] - total) { sum, unit in
        let place = c * z.count + unit
        let distance = z[unit] - means[place]
        return sum - 0.5
          * (distance * distance / exp(logVariances[place]) + logVariances[place]
            + log(2 * Double.pi))
      }
    }
    let largest = terms.max() ?? 0
    return largest + log(terms.reduce(0) { $0 + exp($1 - largest) })
  }

  // MARK: Density

  func testTheDensityOfAMixtureOnALineIntegratesToOne() throws {
    let line = mixture(logits: [0, 1, -2], means: [-3, 0.5, 4], logVariances: [-2, 0.3, 1])
    let (count, width) = (8001, 0.005)
    let points = (0..<count).map { Float(Double($0 - count / 2) * width) }
    let densities = try XCTUnwrap(line.logDensity(of: Tensor(points, shape: [count, 1]))).floats
    XCTAssertEqual(densities.reduce(0) { $0 + exp(Double($1)) } * width, 1, accuracy: 1e-5)
  }

  func testEqualComponentsAreOneGaussian() throws {
    let gaussian = DiagonalGaussian(
      mean: Tensor([0.5, -1], shape: [1, 2]), logVariance: Tensor([-1, 0.4], shape: [1, 2]))
    let z = RandomSource(seed: 1).stream("z").normal([50, 2]) * 3
    let expected = try XCTUnwrap(gaussian.logDensity(of: z)).floats
    let one = mixture(logits: [-7], means: [0.5, -1], logVariances: [-1, 0.4])
    XCTAssertEqual(try XCTUnwrap(one.logDensity(of: z)).floats, expected, "of a single component")
    let five = mixture(
      logits: [0, 1, -2, 0.3, 5], means: (0..<5).flatMap { _ in [0.5, -1] as [Float] },
      logVariances: (0..<5).flatMap { _ in [-1, 0.4] as [Float] })
    for (a, b) in zip(try XCTUnwrap(five.logDensity(of: z)).floats, expected) {
      XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(b)))
    }
  }

  func testDensityAndGradientsOfEveryParameterAreThoseOfTheFormulaInDoublePrecision() throws {
    let values: [[Float]] = [
      [0.7, -0.3, 2.5, 0.4, -2.2, 1.9], [0.3, -0.4, 1.1], [0.5, -1, -2, 1.5, 3, 0.2],
      [-1, 0.4, 0.2, -0.7, -1.5, 0.1],
    ]
    let shapes: [Shape] = [[3, 2], [3], [3, 2], [3, 2]]
    let parameters = zip(values, shapes).map { Parameter(Tensor($0, shape: $1)) }
    let cotangent: [Float] = [1, -0.5, 2]
    let mixture = GaussianMixture(
      exampleCount: 3, logits: parameters[1].tensor,
      components: DiagonalGaussian(mean: parameters[2].tensor, logVariance: parameters[3].tensor))
    let density = try XCTUnwrap(mixture.logDensity(of: parameters[0].tensor))
    let gradients = density.backward(from: Tensor(cotangent))

    func terms(_ inputs: [[Double]]) -> [Double] {
      (0..<3).map {
        reference(
          Array(inputs[0][2 * $0..<2 * $0 + 2]), logits: inputs[1], means: inputs[2],
          logVariances: inputs[3])
      }
    }
    let inputs = values.map { $0.map(Double.init) }
    for (found, expected) in zip(density.floats, terms(inputs)) {
      XCTAssertEqual(Double(found), expected, accuracy: 1e-5)
    }
    for (number, parameter) in parameters.enumerated() {
      let gradient = try XCTUnwrap(gradients[parameter]).floats
      for position in inputs[number].indices {
        func moved(_ step: Double) -> Double {
          var inputs = inputs
          inputs[number][position] += step
          return zip(terms(inputs), cotangent).reduce(0) { $0 + $1.0 * Double($1.1) }
        }
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
        XCTAssertEqual(
          Double(gradient[position]), slope, accuracy: 2e-5 * max(1, abs(slope)),
          "input \(number), element \(position)")
      }
    }
  }

  func testFarPointsAndSmallVariancesHaveExactFiniteDensities() throws {
    let narrow = mixture(logits: [0, 0], means: [40, -40], logVariances: [-12, -12])
    let z: [Float] = [40, 40.005, -39.99, 300]
    let found = try XCTUnwrap(narrow.logDensity(of: Tensor(z, shape: [4, 1]))).floats
    for (density, point) in zip(found, z) {
      let exact = reference(
        [Double(point)], logits: [0, 0], means: [40, -40], logVariances: [-12, -12])
      XCTAssertEqual(Double(density), exact, accuracy: 1e-4 * max(1, abs(exact)))
    }
  }

  func testStoppingTheGradientLeavesThePointAlone() throws {
    let parameters = [
      Parameter(.zeros([2])), Parameter(.ones([2, 3])), Parameter(.zeros([2, 3])),
    ]
    let z = Parameter(.zeros([1, 3]))
    let mixture = GaussianMixture(
      exampleCount: 1, logits: parameters[0].tensor,
      components: DiagonalGaussian(mean: parameters[1].tensor, logVariance: parameters[2].tensor))
    let density = try XCTUnwrap(mixture.stoppingGradient().logDensity(of: z.tensor))
    let gradients = density.sum().backward()
    XCTAssertNotNil(gradients[z])
    XCTAssertTrue(parameters.allSatisfy { gradients[$0] == nil })
  }

  // MARK: Draws

  func testDrawsHaveTheMomentsAndTheSharesOfTheMixture() throws {
    for (temperature, logVariances) in [(1, [-1, 0.4, 0.2, -0.7, -1.5, 0.1]), (0.5, nil)]
      as [(Float, [Float]?)]
    {
      let values = plane.draw(draws, from: "test", temperature: temperature, context()).value
      // The temperature multiplies the standard deviations of the components.
      let cooled =
        logVariances == nil
        ? mixture(
          logits: [0.3, -0.4, 1.1], means: [0.5, -1, -2, 1.5, 3, 0.2],
          logVariances: [-1, 0.4, 0.2, -0.7, -1.5, 0.1].map { $0 + 2 * log(0.5) }) : plane
      let mean = try XCTUnwrap(cooled.mean).floats
      let variance = try XCTUnwrap(cooled.variance).floats
      let floats = values.floats.map(Double.init)
      for unit in 0..<2 {
        let column = (0..<draws).map { floats[2 * $0 + unit] }
        let average = column.reduce(0, +) / Double(draws)
        let spread = Double(variance[unit])
        XCTAssertEqual(
          average, Double(mean[unit]), accuracy: 4 * (spread / Double(draws)).squareRoot())
        let squares = column.map { ($0 - Double(mean[unit])) * ($0 - Double(mean[unit])) }
        let found = squares.reduce(0, +) / Double(draws)
        let error =
          (squares.reduce(0) { $0 + ($1 - found) * ($1 - found) } / Double(draws)
          / Double(draws)).squareRoot()
        XCTAssertEqual(found, spread, accuracy: 4 * error)
      }
    }
  }

  func testComponentsAreDrawnByTheirWeights() {
    let apart = mixture(
      logits: [0.3, -0.4, 1.1], means: [-100, 0, 100], logVariances: [0, 0, 0])
    let values = apart.draw(draws, from: "test", context()).value.floats
    let total = [0.3, -0.4, 1.1].reduce(0) { $0 + exp($1) }
    for (mean, logit) in zip([-100, 0, 100] as [Float], [0.3, -0.4, 1.1]) {
      let share = exp(logit) / total
      let found = values.count { abs($0 - mean) < 50 }
      XCTAssertEqual(
        Double(found) / Double(draws), share,
        accuracy: 4 * (share * (1 - share) / Double(draws)).squareRoot())
    }
  }

  func testADrawComesWithItsDensityAndDependsOnItsExampleAlone() throws {
    let three = mixture(
      logits: [0.3, -0.4], means: [0.5, -1, -2, 1.5], logVariances: [-1, 0.4, 0.2, -0.7],
      examples: 3)
    let drawn = three.draw(4, from: "test", context(3))
    XCTAssertEqual(drawn.value.shape, [12, 2])
    XCTAssertEqual(
      drawn.logDensity.floats, try XCTUnwrap(three.logDensity(of: drawn.value)).floats)
    let alone = three.draw(4, from: "test", context(1)).value.floats
    for sample in 0..<4 {
      XCTAssertEqual(
        Array(drawn.value.floats[6 * sample..<6 * sample + 2]),
        Array(alone[2 * sample..<2 * sample + 2]))
    }
    var later = context(3)
    later.firstDraw = 1
    XCTAssertEqual(
      three.draw(1, from: "test", later).value.floats, Array(drawn.value.floats[6..<12]),
      "draws made in parts are those made at once")
  }

  func testWeightsThatAreNoNumbersAreDrawnFromWithoutATrap() {
    let broken = mixture(logits: [.nan, 0], means: [0, 1], logVariances: [0, 0])
    XCTAssertEqual(broken.draw(5, from: "test", context()).value.shape, [5, 1])
  }

  // MARK: Rates

  func testTheRateIsPositiveAndAtMostTheMeanOfTheDivergencesFromTheComponents() throws {
    let q = DiagonalGaussian(
      mean: Tensor([0.4, 0.1], shape: [1, 2]), logVariance: Tensor([-0.5, -1], shape: [1, 2]))
    XCTAssertNil(DivergenceTable.standard.divergence(from: q, to: plane))
    let drawn = q.draw(draws, from: "test", context())
    let terms = (drawn.logDensity - (try XCTUnwrap(plane.logDensity(of: drawn.value)))).floats.map(
      Double.init)
    let mean = terms.reduce(0, +) / Double(draws)
    let error =
      (terms.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(draws) / Double(draws))
      .squareRoot()
    let weights = plane.logWeights.exp().floats
    var bound = 0.0
    for c in 0..<3 {
      let component = DiagonalGaussian(
        mean: plane.components.means.rows(c..<c + 1),
        logVariance: plane.components.logVariance.rows(c..<c + 1))
      let divergence = try XCTUnwrap(DivergenceTable.standard.divergence(from: q, to: component))
      bound += Double(weights[c] * divergence.perExample.item)
    }
    XCTAssertGreaterThan(mean, 4 * error)
    XCTAssertLessThan(mean, bound - 4 * error)
  }

  // MARK: Other families

  func testAMixtureOfAnyFamilyIsTheOneOfGaussiansWhereItsFamilyIsTheirs() throws {
    /// Gaussians that do not say so.
    struct Hidden: Distribution {
      let gaussian: DiagonalGaussian
      var exampleCount: Int { gaussian.exampleCount }
      func draw(
        _ samples: Int, from stream: String, temperature: Float, _ context: Context
      ) -> DistributionDraw {
        gaussian.draw(samples, from: stream, temperature: temperature, context)
      }
      func logDensity(of z: Tensor) -> Tensor? { gaussian.logDensity(of: z) }
      func stoppingGradient() -> any Distribution {
        gaussian.stoppingGradient()
      }
    }
    let general = Mixture(
      exampleCount: 2, logits: Tensor([0.3, -0.4, 1.1]),
      components: Hidden(gaussian: plane.components))
    let z = RandomSource(seed: 1).stream("z").normal([30, 2]) * 3
    for same in [general, general.stoppingGradient()] {
      for (a, b) in zip(
        try XCTUnwrap(same.logDensity(of: z)).floats, try XCTUnwrap(plane.logDensity(of: z)).floats)
      {
        XCTAssertEqual(a, b, accuracy: 1e-5 * max(1, abs(b)))
      }
    }
    let drawn = general.draw(2000, from: "test", context(2))
    XCTAssertEqual(drawn.value.shape, [4000, 2])
    let mean = drawn.value.mean(axis: 0).floats
    let (exact, variance) = try (
      XCTUnwrap(plane.mean).floats, XCTUnwrap(plane.variance).floats
    )
    for unit in 0..<2 {
      XCTAssertEqual(mean[unit], exact[unit], accuracy: 4 * (variance[unit] / 4000).squareRoot())
    }
    let alone = general.draw(2000, from: "test", context(1)).value.floats
    let both = drawn.value.floats
    for sample in 0..<2000 {
      XCTAssertEqual(
        both[4 * sample..<4 * sample + 2].map(\.self),
        alone[2 * sample..<2 * sample + 2].map(\.self)
      )
    }
  }
}

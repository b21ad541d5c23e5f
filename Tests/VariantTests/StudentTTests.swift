import Foundation
import VAEZoo
import XCTest

final class StudentTTests: XCTestCase {
  private let likelihood = StudentTLikelihood()
  private let context = SmallModels.context(1)

  /// log p of numbers with the same location, a and b each.
  private func logs(_ x: [Float], _ location: Float, _ a: Float, _ b: Float) -> [Float] {
    let given = x.flatMap { _ in [location, a, b] }
    return likelihood.logDensity(
      Tensor(x, shape: [x.count, 1, 1, 1]), parameters: Tensor(given, shape: [x.count, 1, 1, 3]),
      context
    ).floats
  }

  func testTheDensityIsThatOfThreeDegreesOfFreedomAndOfAGaussianAtTheEnds() {
    // softplus(0) + 0.001
    let scale = log(2.0) + 0.001
    for x in [-40, -1.5, 0.25, 3.0] {
      let t = (x - 0.25) / scale
      // 6 √3 / (π (3 + t²)²) and a normal distribution.
      let heavy = log(6 * 3.0.squareRoot() / .pi) - 2 * log(3 + t * t) - log(scale)
      XCTAssertEqual(
        Double(logs([Float(x)], 0.25, 0, -50)[0]), heavy, accuracy: 1e-5 * (1 + abs(heavy)))
      guard abs(t) < 10 else { continue }
      let light = -0.5 * (log(2 * .pi) + t * t) - log(scale)
      for b: Float in [9e5, 1e30] {
        XCTAssertEqual(Double(logs([Float(x)], 0.25, 0, b)[0]), light, accuracy: 1e-3)
      }
    }
  }

  func testTheDensityIntegratesToOne() {
    for (a, b) in [(-1, -2), (0.5, 0), (1, 4)] as [(Float, Float)] {
      // x = sinh u, so that the tails are reached.
      let step = 0.01
      let places = (-1200...1200).map { Double($0) * step }
      let logs = logs(places.map { Float(sinh($0)) }, 0.3, a, b)
      let sum = zip(places, logs).reduce(0) { $0 + exp(Double($1.1)) * cosh($1.0) * step }
      XCTAssertEqual(sum, 1, accuracy: 1e-4)
    }
  }

  func testGradientsAreThoseOfFiniteDifferencesAndZeroWhereNothingIsKnown() throws {
    for link in MeanLink.allCases {
      let likelihood = StudentTLikelihood(link: link)
      let random = RandomSource(seed: 4)
      let x = random.stream("x").normal([2, 1, 3, 2])
      let start = random.stream("parameters").normal([4, 1, 3, 6])
      let chosen = Tensor((0..<12).map { $0 % 5 == 2 ? 0 : 1 }, shape: x.shape)
      var context = SmallModels.context(2)
      context.mask = ObservationMask(chosen)
      func value(_ parameters: Tensor) -> Double {
        likelihood.observedLogDensity(x, parameters: parameters, context).floats.enumerated()
          .reduce(0) { $0 + Double($1.element) * Double($1.offset + 1) }
      }
      let parameters = Parameter(start)
      let found = likelihood.observedLogDensity(x, parameters: parameters.tensor, context)
      let gradient = try XCTUnwrap(
        (found * Tensor([1, 2, 3, 4])).sum().backward()[parameters]?.floats)
      for place in 0..<start.count {
        let missing = (place / 3) % 12 % 5 == 2
        if missing {
          XCTAssertEqual(gradient[place], 0)
          continue
        }
        var (up, down) = (start.floats, start.floats)
        let step: Float = 0.02
        up[place] += step
        down[place] -= step
        let difference =
          (value(Tensor(up, shape: start.shape)) - value(Tensor(down, shape: start.shape)))
          / Double(up[place] - down[place])
        XCTAssertEqual(
          Double(gradient[place]), difference, accuracy: 0.003 * (1 + abs(difference)), "\(link)")
      }
    }
  }

  func testDrawsFollowTheDistribution() {
    let count = 4000
    let context = SmallModels.context(count)
    let parameters = Tensor((0..<count).flatMap { _ in [1, 0, -50] }, shape: [count, 1, 1, 3])
    let drawn = likelihood.sample(parameters, [1, 1, 1], context).floats.sorted()
    let scale = log(2.0) + 0.001
    // Kolmogorov's distance to F(t) = ½ + (t √3 / (3 + t²) + arctan(t / √3)) / π.
    let distance = drawn.enumerated().map { place, value in
      let t = (Double(value) - 1) / scale
      let below = 0.5 + (t * 3.0.squareRoot() / (3 + t * t) + atan(t / 3.0.squareRoot())) / .pi
      return abs(below - (Double(place) + 0.5) / Double(count))
    }.max()
    XCTAssertLessThan(distance ?? 1, 1.63 / Double(count).squareRoot())
  }
}

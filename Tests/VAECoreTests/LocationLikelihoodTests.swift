import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Likelihoods whose noise is no Gaussian.
final class LocationLikelihoodTests: XCTestCase {
  private let shapes: [(name: String, shape: any NoiseShape)] = [
    ("laplace", LaplaceNoise()), ("logistic", LogisticNoise()), ("log-cosh", LogCoshNoise()),
    ("log-cosh 0.5", LogCoshNoise(a: 0.5)), ("log-cosh 0.02", LogCoshNoise(a: 0.02)),
    ("log-cosh 300", LogCoshNoise(a: 300)),
  ]

  private func context(_ count: Int = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  private func logDensity(_ likelihood: LocationLikelihood, _ x: Float, mean: Float) -> Double {
    let shape: Shape = [1, 1, 1, 1]
    return Double(
      likelihood.logDensity(
        Tensor([x], shape: shape), parameters: Tensor([mean], shape: shape), context()
      ).item)
  }

  /// SciPy 1.17.1: laplace.logpdf(0.5, 0.1, 0.3/√2), logistic.logpdf(0.5, 0.1, 0.3 √3/π); and log of
  /// cosh(10 · 0.3)^(−1/10) / 2.13534493, whose deviation is √(ψ′(0.05) / 2) / 10 = 1.4169198.
  func testDensitiesAreThoseOfTheReference() {
    XCTAssertEqual(
      logDensity(LocationLikelihood(LaplaceNoise(), .fixed(0.3)), 0.5, mean: 0.1),
      -1.0282188691181637, accuracy: 1e-5)
    XCTAssertEqual(
      logDensity(LocationLikelihood(LogisticNoise(), .fixed(0.3)), 0.5, mean: 0.1),
      -0.7896399794798665, accuracy: 1e-5)
    let paper = LocationLikelihood(LogCoshNoise(), .fixed(1.4169198))
    XCTAssertEqual(logDensity(paper, 0.5, mean: 0.5), -0.7586281933501915, accuracy: 1e-5)
    XCTAssertEqual(logDensity(paper, 0.5, mean: 0.2), -0.98956104380797, accuracy: 1e-5)
  }

  /// In one sweep: the density integrates to one, its deviation is σ, and the quantile of what lies below a place is
  /// that place.
  func testEveryShapeIsADensityOfItsDeviationWhoseQuantilesInvertIt() {
    for (name, shape) in shapes {
      for sigma: Float in [0.05, 3] {
        let likelihood = LocationLikelihood(shape, .fixed(sigma))
        let (count, reach) = (24_000, 24.0)
        let width = 2 * reach * Double(sigma) / Double(count)
        let places = (0..<count).map { (Double($0) + 0.5) * width - reach * Double(sigma) }
        let densities = likelihood.logDensity(
          Tensor(places.map { Float($0) }, shape: [count, 1, 1, 1]),
          parameters: .zeros([count, 1, 1, 1]), context(count)
        ).floats.map { exp(Double($0)) }
        var (total, square) = (0.0, 0.0)
        for (index, (place, density)) in zip(places, densities).enumerated() {
          total += density * width
          square += place * place * density * width
          // Where little is left, single precision tells neither.
          if index % 1500 == 0, (1e-3...1 - 1e-3).contains(total) {
            XCTAssertEqual(
              shape.quantile(total - density * width / 2), place / Double(sigma), accuracy: 3e-3,
              "\(name) at \(place)")
          }
        }
        XCTAssertEqual(total, 1, accuracy: 1e-3, "\(name), σ \(sigma)")
        XCTAssertEqual(square / Double(sigma * sigma), 1, accuracy: 5e-3, "\(name), σ \(sigma)")
      }
    }
  }

  func testDrawsHaveTheMeanAndTheDeviationOfTheNoise() {
    let count = 20_000
    for (name, shape) in shapes {
      let likelihood = LocationLikelihood(shape, .fixed(0.5))
      let parameters = Tensor(repeating: 2, shape: [count, 1, 1, 1])
      XCTAssertEqual(likelihood.mean(parameters).floats, parameters.floats)
      let draws = likelihood.sample(parameters, [1, 1, 1], context(count)).floats.map(Double.init)
      let mean = draws.reduce(0, +) / Double(count)
      let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      XCTAssertEqual(mean, 2, accuracy: 0.015, name)
      XCTAssertEqual(variance, 0.25, accuracy: 0.02, name)
      XCTAssertEqual(shape.quantile(0.25), -shape.quantile(0.75), accuracy: 1e-9, name)
    }
  }

  func testGradientsOfMeansAndOfALearntDeviationAreSlopes() throws {
    for (name, shape) in shapes {
      let likelihood = LocationLikelihood(shape, .learnt, link: .sigmoid)
      let x = RandomSource(seed: 3).stream("x").uniform([0, 1], shape: [2, 2, 2])
      let parameters = Parameter(
        RandomSource(seed: 4).stream("m").normal([0, 1, 2, 3], shape: [2, 2, 2]))
      let raw = likelihood.parameters[0].parameter
      raw.value = Tensor(-0.7)
      // Two draws for each of two examples.
      func value() -> Tensor {
        likelihood.logDensity(x, parameters: parameters.tensor, context(2)).sum()
      }
      let gradients = value().backward()
      for (what, parameter) in [("mean", parameters), ("deviation", raw)] {
        let gradient = try XCTUnwrap(gradients[parameter], "\(name) \(what)")
        let norm = Float(gradient.doubleSumOfSquares.squareRoot())
        let (start, step) = (parameter.value, Float(0.02))
        func moved(_ distance: Float) -> Float {
          parameter.value = start + gradient * (distance / norm)
          defer { parameter.value = start }
          return withoutTape { value().item }
        }
        let slope = (moved(step) - moved(-step)) / (2 * step)
        XCTAssertEqual(slope / norm, 1, accuracy: 0.02, "\(name) \(what)")
      }
    }
  }
}

import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// The Gaussian that prices errors on several scales.
final class MultiscaleGaussianTests: XCTestCase {
  private func context(_ count: Int, _ mode: Context.Mode = .evaluation) -> Context {
    Context(mode: mode, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  /// Sizes with cut blocks among them.
  private let cases: [(size: (height: Int, width: Int), channels: Int, weights: [Float])] = [
    ((4, 4), 1, [3, 7]), ((5, 3), 2, [2, 0.5, 6]), ((1, 6), 1, [4]), ((3, 4), 1, []),
  ]

  /// 4×4 pixels and the weights 1, 3 and 7: 3 log 1.75 + log 2.1875.
  func testTheLogDeterminantIsThatOfTheHaarBasis() {
    let likelihood = MultiscaleGaussian(.fixed(1), weights: .fixed([3, 7]), size: (4, 4))
    XCTAssertEqual(likelihood.logDeterminant(channels: 1).item, 2.461606703, accuracy: 1e-6)
    XCTAssertEqual(likelihood.logDeterminant(channels: 3).item, 3 * 2.461606703, accuracy: 1e-5)
  }

  /// The quadratic form as the definition has it, pixel by pixel and scale by scale.
  private func form(
    _ error: [Double], _ size: (height: Int, width: Int), _ channels: Int, _ weights: [Float]
  ) -> Double {
    ([1] + weights).enumerated().reduce(0) { total, scale in
      let side = 1 << scale.offset
      var sum = 0.0
      for channel in 0..<channels {
        for top in stride(from: 0, to: size.height, by: side) {
          for left in stride(from: 0, to: size.width, by: side) {
            var pixels: [Double] = []
            for y in top..<min(top + side, size.height) {
              for x in left..<min(left + side, size.width) {
                pixels.append(error[(y * size.width + x) * channels + channel])
              }
            }
            let mean = pixels.reduce(0, +) / Double(pixels.count)
            sum += mean * mean * Double(pixels.count) / Double(side * side)
          }
        }
      }
      return total + Double(scale.element) * sum
    }
  }

  /// The precision matrix by polarisation of the form.
  private func precision(_ size: (height: Int, width: Int), _ channels: Int, _ weights: [Float])
    -> DoubleMatrix
  {
    let count = size.height * size.width * channels
    func unit(_ places: Int...) -> Double {
      var error = [Double](repeating: 0, count: count)
      for place in places { error[place] += 1 }
      return form(error, size, channels, weights)
    }
    return DoubleMatrix(rows: count, columns: count) { row, column in
      (unit(row, column) - unit(row) - unit(column)) / 2
    }
  }

  /// log p of a Gaussian with the precision matrix, whose constant comes from a Cholesky factor; and draws P^(−½) e of
  /// all unit vectors e, which are the columns of a matrix M with M P M = 1.
  func testTheDensityAndTheDrawsAreThoseOfTheGaussianWithThatPrecision() throws {
    let sigma = 0.4
    for (size, channels, weights) in cases {
      let what = "\(size), \(channels), \(weights)"
      let count = size.height * size.width * channels
      let likelihood = MultiscaleGaussian(
        .fixed(Float(sigma)), weights: .fixed(weights), size: size)
      let matrix = precision(size, channels, weights)
      let imageShape: Shape = [size.height, size.width, channels]
      let x = RandomSource(seed: 5).stream("x").normal([0, 1], shape: imageShape)
      // Two draws for each of two examples.
      let parameters = RandomSource(seed: 6).stream("m").normal([0, 1, 2, 3], shape: imageShape)
      let found = likelihood.logDensity(x, parameters: parameters, context(2)).floats
      let factor = try XCTUnwrap(matrix.choleskyFactor, what)
      let determinant = (0..<count).reduce(0) { $0 + 2 * log(factor[$1, $1]) }
      for row in 0..<4 {
        let error = zip(x.rows(row % 2..<row % 2 + 1).floats, parameters.rows(row..<row + 1).floats)
          .map { Double($0) - Double($1) }
        let quadratic = form(error, size, channels, weights) / (sigma * sigma)
        let expected =
          -0.5
          * (quadratic + Double(count) * log(2 * .pi * sigma * sigma) - determinant)
        XCTAssertEqual(Double(found[row]), expected, accuracy: 1e-4 * abs(expected), what)
      }
      let units = Tensor(
        (0..<count * count).map { $0 / count == $0 % count ? 1 : 0 },
        shape: Shape([count] + imageShape.dimensions))
      let draws = likelihood.sample(.zeros(units.shape), noise: units).floats.map {
        Double($0) / sigma
      }
      for row in 0..<count {
        for column in 0..<count {
          var product = 0.0
          for a in 0..<count {
            for b in 0..<count {
              product += draws[row * count + a] * matrix[a, b] * draws[b * count + column]
            }
          }
          XCTAssertEqual(product, row == column ? 1 : 0, accuracy: 1e-5, what)
        }
      }
    }
  }

  func testWithoutFurtherScalesItIsThePlainGaussianForEveryDeviation() {
    let x = RandomSource(seed: 5).stream("x").uniform([0, 1], shape: [3, 4, 2])
    let parameters = RandomSource(seed: 6).stream("m").normal([0, 1], shape: [3, 4, 2])
    for deviation: NoiseDeviation in [.fixed(0.3), .learnt, .optimal, .data] {
      let several = MultiscaleGaussian(deviation, weights: .fixed([]), size: (3, 4), link: .sigmoid)
      let plain = GaussianLikelihood(deviation, link: .sigmoid)
      let several2 = several.logDensity(x, parameters: parameters, context(2, .training)).floats
      let plain2 = plain.logDensity(x, parameters: parameters, context(2, .training)).floats
      for (a, b) in zip(several2, plain2) { XCTAssertEqual(a, b, accuracy: 1e-4) }
    }
  }

  /// The optimal σ² is the mean of the form over the elements, at which the density is largest.
  func testTheOptimalDeviationIsTheBestOne() {
    let x = RandomSource(seed: 5).stream("x").uniform([0, 1], shape: [4, 4, 1])
    let mean = Tensor.zeros([2, 4, 4, 1])
    func value(_ deviation: NoiseDeviation) -> Double {
      MultiscaleGaussian(deviation, weights: .fixed([3, 7]), size: (4, 4))
        .logDensity(x, parameters: mean, context(2, .training)).doubleSum
    }
    let best = value(.optimal)
    let squares = (0..<2).reduce(0.0) {
      $0 + form(x.rows($1..<$1 + 1).floats.map(Double.init), (4, 4), 1, [3, 7])
    }
    let sigma = Float((squares / 32).squareRoot())
    XCTAssertEqual(value(.fixed(sigma)), best, accuracy: 1e-3)
    XCTAssertLessThan(value(.fixed(sigma * 1.2)), best)
    XCTAssertLessThan(value(.fixed(sigma / 1.2)), best)
  }

  func testGradientsOfMeansDeviationAndWeightsAreSlopes() throws {
    let likelihood = MultiscaleGaussian(.learnt, weights: .learnt(3), size: (5, 6))
    let x = RandomSource(seed: 3).stream("x").uniform([0, 1], shape: [5, 6, 2])
    let parameters = Parameter(
      RandomSource(seed: 4).stream("m").normal([0, 1, 2, 3], shape: [5, 6, 2]) * 0.3)
    func value() -> Tensor {
      likelihood.logDensity(x, parameters: parameters.tensor, context(2)).sum()
    }
    let gradients = value().backward()
    let trained = likelihood.parameters.map { ($0.path, $0.parameter) }
    XCTAssertEqual(trained.map(\.0), ["log_deviation", "log_weights"])
    for (name, parameter) in trained + [("mean", parameters)] {
      let gradient = try XCTUnwrap(gradients[parameter], name)
      let norm = Float(gradient.doubleSumOfSquares.squareRoot())
      let (start, step) = (parameter.value, Float(0.02))
      func moved(_ distance: Float) -> Float {
        parameter.value = start + gradient * (distance / norm)
        defer { parameter.value = start }
        return withoutTape { value().item }
      }
      XCTAssertEqual((moved(step) - moved(-step)) / (2 * step * norm), 1, accuracy: 0.01, name)
    }
  }
}

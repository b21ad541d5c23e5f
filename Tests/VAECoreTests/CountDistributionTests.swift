import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Draws of counts, against SciPy.
final class CountDistributionTests: XCTestCase {
  /// What Reference/count-draws.py has found.
  private struct Case: Decodable {
    let mean: Double
    let dispersion: Double?
    let variance: Double
    /// Beyond that of a normal distribution.
    let kurtosis: Double
    let ends: [Double]
    let shares: [Double]
    let largest: Double
  }

  func testDrawsOfEveryMeanHaveTheDistributionThatSciPyHas() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/count-draws.json")
    let cases = try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
    XCTAssertEqual(cases.count, 25)
    let count = 10_000
    let random = RandomSource(seed: 3)
    for (number, wanted) in cases.enumerated() {
      let uniform = random.stream("uniform", step: number).uniform([count]).floats
      let normal = random.stream("normal", step: number).normal([count]).floats
      let law = CountDistribution(logMean: log(wanted.mean), dispersion: wanted.dispersion)
      let draws = zip(uniform, normal).map { law.draw(noise: ($0, $1)) }
      let name = "mean \(wanted.mean), dispersion \(wanted.dispersion ?? .infinity)"
      XCTAssertTrue(draws.allSatisfy { $0 >= 0 && $0 == $0.rounded() }, name)
      var hits = [Double](repeating: 0, count: wanted.shares.count)
      for draw in draws { hits[wanted.ends.firstIndex { draw <= $0 } ?? wanted.ends.count] += 1 }
      let misfit = zip(hits, wanted.shares).reduce(0.0) { sum, pair in
        let expected = pair.1 * Double(count)
        return sum + (pair.0 - expected) * (pair.0 - expected) / expected
      }
      XCTAssertLessThan(misfit, wanted.largest, name)
      // Few draws of a small dispersion decide its moments.
      guard wanted.kurtosis < 10 else { continue }
      let mean = draws.reduce(0, +) / Double(count)
      let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
      let error = (wanted.variance / Double(count)).squareRoot()
      XCTAssertEqual(mean, wanted.mean, accuracy: 5 * error, name)
      let errorOfVariance =
        wanted.variance * ((wanted.kurtosis + 2) / Double(count)).squareRoot()
      XCTAssertEqual(variance, wanted.variance, accuracy: 5 * errorOfVariance, name)
    }
  }

  func testDrawsOfMeansThatAreNoneOrEndlessAreWhatTheMeansAre() {
    func draw(_ mean: Double, _ dispersion: Double?) -> Double {
      CountDistribution(logMean: log(mean), dispersion: dispersion).draw(noise: (0.3, -0.2))
    }
    for dispersion in [nil, 2, .infinity] as [Double?] {
      XCTAssertEqual(draw(0, dispersion), 0)
      XCTAssertEqual(draw(.infinity, dispersion), .infinity)
      XCTAssertTrue(draw(.nan, dispersion).isNaN)
    }
  }

  func testCountsOfATableWithALargeMeanAreScatteredAsTheirLawSays() {
    let column = TableColumn(name: "n", kind: .count, centre: 6.8, scale: 0.1)
    let columns = TableColumns([column])
    let likelihood = MixedLikelihood(columns, counts: .poisson)
    let count = 4000
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
    let draws = columns.restored(
      likelihood.sample(.zeros([count, 1, 1, 1]), [1, 1, 1], context), rounding: true
    ).floats.map(Double.init)
    let (mean, wanted) = (draws.reduce(0, +) / Double(count), exp(6.8))
    let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    XCTAssertEqual(mean, wanted, accuracy: 5 * (wanted / Double(count)).squareRoot())
    XCTAssertEqual(variance, wanted, accuracy: 5 * wanted * (2 / Double(count)).squareRoot())
  }
}

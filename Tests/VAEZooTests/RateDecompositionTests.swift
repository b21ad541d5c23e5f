import Foundation
import Tensors
import VAEEvaluation
import VAEZoo
import XCTest

/// The rate as mutual information, total correlation and dimension-wise KL.
final class RateDecompositionTests: XCTestCase {
  /// log N(x; mean, e^logVariance).
  private func logNormal(_ x: Float, _ mean: Float, _ logVariance: Float) -> Double {
    let distance = Double(x - mean)
    return -0.5
      * (distance * distance / exp(Double(logVariance)) + Double(logVariance) + log(2 * .pi))
  }

  private func logMean(_ values: [Double]) -> Double {
    let top = values.max() ?? 0
    return top + log(values.reduce(0) { $0 + exp($1 - top) } / Double(values.count))
  }

  func testTheTermsAreThoseOfSumsWrittenOutAndAddUpToTheRateOfTheDraws() throws {
    let (count, units) = (7, 3)
    let random = RandomSource(seed: 8)
    let means = random.stream("means").normal([count, units]).floats
    let logVariances = random.stream("variances").normal([count, units]).floats
    let noise = random.stream("noise").normal([count, units]).floats
    var draws = RateDecomposition.Draws()
    var (information, correlation, single) = (0.0, 0.0, 0.0)
    for example in 0..<count {
      let own = (0..<units).map { example * units + $0 }
      let z = own.map { means[$0] + exp(logVariances[$0] / 2) * noise[$0] }
      // log q(z_j|x_n) of each example and unit.
      let densities = (0..<count).map { other in
        (0..<units).map { unit in
          logNormal(z[unit], means[other * units + unit], logVariances[other * units + unit])
        }
      }
      let posterior = densities[example].reduce(0, +)
      let prior = z.reduce(0) { $0 + logNormal($1, 0, 0) }
      let joint = logMean(densities.map { $0.reduce(0, +) })
      let marginals = (0..<units).reduce(0.0) { sum, unit in
        sum + logMean(densities.map { $0[unit] })
      }
      draws.values += z
      draws.logPosteriors.append(posterior)
      draws.logPriors.append(prior)
      information += (posterior - joint) / Double(count)
      correlation += (joint - marginals) / Double(count)
      single += (marginals - prior) / Double(count)
    }
    let found = RateDecomposition(
      draws, means: means, logVariances: logVariances, units: units, isFactorized: true)
    XCTAssertEqual(found.mutualInformation.mean, information, accuracy: 1e-4)
    XCTAssertEqual(try XCTUnwrap(found.totalCorrelation).mean, correlation, accuracy: 1e-4)
    XCTAssertEqual(try XCTUnwrap(found.dimensionWise).mean, single, accuracy: 1e-4)
    XCTAssertEqual(found.marginal.mean, correlation + single, accuracy: 1e-4)
    let dependent = RateDecomposition(
      draws, means: means, logVariances: logVariances, units: units, isFactorized: false)
    XCTAssertNil(dependent.totalCorrelation)
  }

  func testPosteriorsThatAreThePriorHaveNoTermsAndThoseThatNeverMeetTellTheirNumber() {
    func terms(_ means: [Float]) -> RateDecomposition {
      var draws = RateDecomposition.Draws()
      draws.values = means
      draws.logPosteriors = means.map { _ in logNormal(0, 0, 0) }
      draws.logPriors = means.map { logNormal($0, 0, 0) }
      return RateDecomposition(
        draws, means: means, logVariances: means.map { _ in 0 }, units: 1, isFactorized: true)
    }
    let same = terms([0, 0, 0, 0])
    XCTAssertEqual(same.mutualInformation.mean, 0, accuracy: 1e-5)
    XCTAssertEqual(same.marginal.mean, 0, accuracy: 1e-5)
    let apart = terms([-60, -20, 20, 60])
    XCTAssertEqual(apart.mutualInformation.mean, log(4), accuracy: 1e-5)
    XCTAssertEqual(apart.totalCorrelation?.mean ?? .nan, 0, accuracy: 1e-4)
  }
}

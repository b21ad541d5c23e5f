import Foundation
import NeuralNetworks
import Tensors
import VAECore
import XCTest

final class ClassMixtureTests: XCTestCase {
  /// A row is a label's class, or shares of several.
  private let shares: [Float] = [1, 0, 0, 0, 0, 1, 0.25, 0.75, 0]
  private let means: [Float] = [0, 50, -3]

  private func mixture(_ copies: Int = 1) -> ClassMixture {
    let count = 3 * copies
    return ClassMixture(
      shares: Tensor(
        [[Float]](repeating: shares, count: copies).flatMap { $0 }, shape: [count, 3]),
      classes: means.map { mean in
        DiagonalGaussian(
          mean: Tensor([Float](repeating: mean, count: count), shape: [count, 1]),
          logVariance: .zeros([count, 1]))
      })
  }

  private func context(_ count: Int) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: (0..<UInt64(count)).map { $0 })
  }

  func testALabelHasTheDensityOfItsClassAloneHoweverLikelyAnotherMakesThePoint() throws {
    let logTwoPi = Foundation.log(2 * Double.pi)
    // The first is priced under N(0, 1) at the mean of another class.
    let found = try XCTUnwrap(mixture().logDensity(of: Tensor([50, -3, 1], shape: [3, 1]))).floats
    XCTAssertEqual(Double(found[0]), -1250 - logTwoPi / 2, accuracy: 1e-3)
    XCTAssertEqual(Double(found[1]), -logTwoPi / 2, accuracy: 1e-5)
    XCTAssertEqual(Double(found[2]), Foundation.log(0.25) - 0.5 - logTwoPi / 2, accuracy: 1e-5)
  }

  func testDrawsAreOfTheClassesByTheirSharesWithTheDensityOfTheirOwn() throws {
    let drawn = mixture(4000).draw(1, from: "prior", context(12_000))
    let values = drawn.value.floats
    let third = stride(from: 2, to: values.count, by: 3).map { values[$0] }
    XCTAssertTrue(stride(from: 0, to: values.count, by: 3).allSatisfy { abs(values[$0]) < 6 })
    XCTAssertTrue(stride(from: 1, to: values.count, by: 3).allSatisfy { abs(values[$0] + 3) < 6 })
    let share = Double(third.filter { $0 > 25 }.count) / Double(third.count)
    XCTAssertEqual(share, 0.75, accuracy: 0.03)
    let priced = try XCTUnwrap(mixture(4000).logDensity(of: drawn.value)).floats
    XCTAssertEqual(drawn.logDensity.floats, priced)
  }

  func testItsMomentsAreThoseOfTheMixture() throws {
    let mixture = mixture()
    XCTAssertEqual(try XCTUnwrap(mixture.mean).floats, [0, -3, 37.5])
    // σ² = 1 within, and ¼ · ¾ · 50² between.
    XCTAssertEqual(try XCTUnwrap(mixture.variance).floats, [1, 1, 469.75])
  }
}

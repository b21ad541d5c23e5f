import NeuralNetworks
import Tensors
import VAECore
import XCTest

/// λ = ‖∇_W a‖ / (‖∇_W b‖ + δ) with gradients that are fixed by hand.
final class AdaptiveWeightTests: XCTestCase {
  private let parameter = Parameter(Tensor([0.5, -0.25, 2]))

  private let context = Context(mode: .training, random: RandomSource(seed: 1), examples: [0])

  /// A loss whose gradient at the parameter is the given vector.
  private func loss(_ gradient: [Float]) -> Tensor { (parameter.tensor * Tensor(gradient)).sum() }

  func testTheWeightIsTheRatioOfTheNormsOfTheGradients() {
    let weight = AdaptiveWeight().value(
      of: loss([3, 0, 4]), against: loss([0, 0.5, 0]), at: parameter, context)
    XCTAssertEqual(weight, 5 / (0.5 + 1e-4), accuracy: 1e-5)
  }

  func testTheWeightIsLimitedAndZeroWhereTheFirstLossHasNoGradient() {
    let flat = parameter.tensor.squared().sum() * 0
    XCTAssertEqual(
      AdaptiveWeight().value(of: loss([3, 0, 4]), against: flat, at: parameter, context), 1e4)
    XCTAssertEqual(
      AdaptiveWeight(limit: 7).value(of: loss([3, 0, 4]), against: flat, at: parameter, context), 7)
    XCTAssertEqual(
      AdaptiveWeight().value(of: Tensor(3), against: loss([1, 0, 0]), at: parameter, context), 0)
    parameter.isTrainable = false
    XCTAssertEqual(
      AdaptiveWeight().value(
        of: loss([3, 0, 4]), against: loss([1, 0, 0]), at: parameter, context), 0)
  }

  func testAGradientThatIsNotFiniteShowsInTheWeight() {
    XCTAssertTrue(
      AdaptiveWeight().value(
        of: loss([.nan, 0, 4]), against: loss([1, 0, 0]), at: parameter, context
      ).isNaN)
  }

  func testTheWeightCarriesNoGradientAndLeavesTheTapeForTheSum() throws {
    let (a, b) = (loss([3, 0, 4]), loss([0, 0.5, 0]))
    let weight = AdaptiveWeight(offset: 0).value(of: a, against: b, at: parameter, context)
    XCTAssertEqual(weight, 10)
    let gradient = (a + b * weight).backward()[parameter]
    XCTAssertEqual(try XCTUnwrap(gradient).floats, [3, 5, 4])
  }
}

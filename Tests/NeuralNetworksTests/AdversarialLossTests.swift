import Foundation
import NeuralNetworks
import Tensors
import XCTest

/// The losses of a game, held to closed forms and finite differences.
final class AdversarialLossTests: XCTestCase {
  func testTheValuesAreThoseOfTheFormulas() {
    let (one, other) = (Tensor([1, 2.5]), Tensor([-1, -4]))
    XCTAssertEqual(AdversarialLoss.hinge.ofData(one).item, 0)
    XCTAssertEqual(AdversarialLoss.hinge.ofGenerated(other).item, 0)
    XCTAssertEqual(AdversarialLoss.hinge.ofData(other).item, 3.5)
    XCTAssertEqual(AdversarialLoss.hinge.ofGenerator(one).item, -1.75)
    let logits = Tensor([0.3, -1.2])
    func mean(_ value: (Double) -> Double) -> Float { Float((value(0.3) + value(-1.2)) / 2) }
    for loss in [.nonSaturating, .minimax] as [AdversarialLoss] {
      XCTAssertEqual(
        loss.ofData(logits).item, mean { log(1 + exp(-$0)) }, accuracy: 1e-6, "−log D")
      XCTAssertEqual(
        loss.ofGenerated(logits).item, mean { log(1 + exp($0)) }, accuracy: 1e-6, "−log(1 − D)")
    }
    XCTAssertEqual(
      AdversarialLoss.nonSaturating.ofGenerator(logits).item, mean { log(1 + exp(-$0)) },
      accuracy: 1e-6)
    XCTAssertEqual(
      AdversarialLoss.minimax.ofGenerator(logits).item, mean { -log(1 + exp($0)) },
      accuracy: 1e-6)
    for loss in AdversarialLoss.allCases {
      let silent = Tensor.zeros([3, 2, 2, 1])
      XCTAssertEqual(
        (loss.ofData(silent).item + loss.ofGenerated(silent).item) / 2, loss.ofIgnorance,
        accuracy: 1e-6, "\(loss)")
    }
  }

  func testTheGradientsAreThoseOfFiniteDifferences() throws {
    for loss in AdversarialLoss.allCases {
      for (name, side) in [
        ("data", loss.ofData), ("generated", loss.ofGenerated), ("generator", loss.ofGenerator),
      ] {
        let values: [Float] = [0.5, -0.75, 2, -3]
        let parameter = Parameter(Tensor(values))
        let gradient = try XCTUnwrap(side(parameter.tensor).backward()[parameter]).floats
        for position in values.indices {
          func at(_ step: Float) -> Double {
            var moved = values
            moved[position] += step
            return Double(side(Tensor(moved)).item)
          }
          XCTAssertEqual(
            Double(gradient[position]), (at(1 / 64) - at(-1 / 64)) * 32, accuracy: 1e-4,
            "\(loss), \(name), \(position)")
        }
      }
    }
  }

  /// Between N(1, 1) and N(−1, 1) the logarithm of the ratio is 2x.
  func testTheBestDiscriminatorOfTheCrossEntropyIsTheLogarithmOfTheRatio() {
    let grid = (-600...600).map { Double($0) / 100 }
    func cost(_ slope: Double, _ shift: Double) -> Double {
      grid.reduce(0) { sum, x in
        let logit = Tensor([Float(slope * x + shift)])
        func density(_ mean: Double) -> Double { exp(-(x - mean) * (x - mean) / 2) / 250.66283 }
        return sum + density(1) * Double(AdversarialLoss.nonSaturating.ofData(logit).item)
          + density(-1) * Double(AdversarialLoss.nonSaturating.ofGenerated(logit).item)
      }
    }
    let best = cost(2, 0)
    for (slope, shift) in [(1.8, 0.0), (2.2, 0), (2, 0.2), (2, -0.2), (-2, 0)] {
      XCTAssertLessThan(best, cost(slope, shift), "\(slope) x + \(shift)")
    }
  }

  func testThePenaltyOfALinearDiscriminatorIsTheSquaredLengthOfItsWeights() throws {
    let weights = Parameter(Tensor([0.5, -2, 1], shape: [3, 1]))
    let x = numbers([2, 3], seed: 4)
    // √3 times each axis in turn: the mean over directions with a mean square of one.
    let terms = (0..<3).map { axis in
      AdversarialLoss.squaredGradientNorm(
        at: x,
        along: Tensor(
          (0..<6).map { $0 % 3 == axis ? Float(3).squareRoot() : 0 }, shape: [2, 3]), step: 0.25
      ) { $0.matrixProduct(weights.tensor) }
    }
    let mean = (terms[0] + terms[1] + terms[2]) / 3
    XCTAssertEqual(mean.item, 5.25, accuracy: 1e-4)
    assertClose(
      try XCTUnwrap(mean.backward()[weights]).floats, [1, -4, 2], relative: 1e-4, "2 w")
  }
}

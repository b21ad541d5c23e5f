import NeuralNetworks
import Tensors
import VAECore
import XCTest

/// Draws of every family: what they depend on, and what a temperature does to them.
final class DistributionDrawTests: XCTestCase {
  /// z ↦ 3z − 1 for the first unit, 0.5z + 2 for the second.
  private struct Stretch: Bijector {
    func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
      (z * Tensor([3, 0.5]) + Tensor([-1, 2]), .zeros([z.shape[0]]))
    }

    func stoppingGradient() -> any Bijector { self }
  }

  private func context(firstDraw: Int = 0) -> Context {
    var context = Context(
      mode: .evaluation, random: RandomSource(seed: 3), examples: [4, 9, 2])
    context.firstDraw = firstDraw
    return context
  }

  private func gaussian(_ first: Float) -> DiagonalGaussian {
    DiagonalGaussian(
      mean: Tensor([first, -1, 4, 2.5, -3, 0.25], shape: [3, 2]),
      logVariance: Tensor([-1, 0.4, 0.2, 1, -0.7, 0.1], shape: [3, 2]))
  }

  /// Distributions of three examples over two units.
  private var families: [(name: String, distribution: any Distribution)] {
    let logits = Tensor([0.3, -0.4, 1.1])
    return [
      ("standard normal", StandardNormal(exampleCount: 3, units: 2)), ("Gaussian", gaussian(1)),
      ("flow", TransformedDistribution(gaussian(1), [Stretch()])),
      ("Gaussians", GaussianMixture(exampleCount: 3, logits: logits, components: gaussian(1))),
      ("any mixture", Mixture(exampleCount: 3, logits: logits, components: gaussian(1))),
      (
        "full covariances",
        FullGaussianMixture(
          exampleCount: 3, logits: Tensor([0.3, -0.4]),
          means: Tensor([5, -1, -4, 2], shape: [2, 2]),
          factors: Tensor([0.8, 0, 0.5, 0.6, 1.2, 0, -0.7, 0.4], shape: [2, 2, 2]))
      ),
      (
        "classes",
        ClassMixture(
          shares: Tensor([0.5, 0.5, 0.25, 0.75, 0, 1], shape: [3, 2]),
          classes: [gaussian(1), gaussian(20)])
      ),
    ]
  }

  private func assertEqual(
    _ found: [Float], _ wanted: [Float], _ name: String, line: UInt = #line
  ) {
    XCTAssertEqual(found.count, wanted.count, name, line: line)
    for (a, b) in zip(found, wanted) { XCTAssertEqual(a, b, accuracy: 2e-5, name, line: line) }
  }

  func testDrawsMadeInPartsAreThoseMadeAtOnceAndNoneIsAnother() {
    for (name, distribution) in families {
      let whole = distribution.draw(5, from: "z", context()).value
      XCTAssertEqual(whole.shape, [15, 2], name)
      var parts: [Float] = []
      for (first, count) in [(0, 1), (1, 3), (4, 1)] {
        parts += distribution.draw(count, from: "z", context(firstDraw: first)).value.floats
      }
      assertEqual(parts, whole.floats, name)
      let rows = (0..<15).map { whole.rows($0..<$0 + 1).floats }
      XCTAssertEqual(Set(rows).count, 15, name)
      let other = distribution.draw(5, from: "other", context()).value.floats
      XCTAssertNotEqual(other, whole.floats, name)
    }
  }

  func testATemperatureMultipliesWhatADrawDiffersByFromItsCentre() {
    for (name, distribution) in families {
      func drawn(_ temperature: Float) -> Tensor {
        distribution.draw(4, from: "z", temperature: temperature, context()).value
      }
      let (centre, plain) = (drawn(0), drawn(1))
      XCTAssertTrue((plain - centre).floats.allSatisfy { abs($0) > 1e-4 }, name)
      for temperature: Float in [0.5, 2] {
        assertEqual(
          (drawn(temperature) - centre).floats, ((plain - centre) * temperature).floats, name)
      }
    }
  }

  func testADrawKnowsItsDensityAtItsOwnTemperatureUnderTheDistributionItself() throws {
    for (name, distribution) in families where distribution.pricesAnyPoint {
      let drawn = distribution.draw(3, from: "z", temperature: 0.5, context())
      let priced = try XCTUnwrap(distribution.logDensity(of: drawn.value), name)
      XCTAssertEqual(priced.shape, [9], name)
      assertEqual(drawn.logDensity.floats, priced.floats, name)
    }
  }
}

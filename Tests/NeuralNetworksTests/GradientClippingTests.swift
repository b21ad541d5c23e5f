import NeuralNetworks
import Tensors
import XCTest

/// Clipping by the global norm: `Gradients.globalNorm` measures, and an update takes the factor.
final class GradientClippingTests: XCTestCase {
  private struct Case: Decodable {
    let gradients: [[Float]]
    let limit: Double
    let norm: Double
    let clipped: [[Double]]
  }

  func testNormsAndClippedUpdatesEqualTheReference() throws {
    let cases = try ReferenceFile.load("clipping.json", as: Case.self)
    XCTAssertTrue(cases.contains { $0.norm > $0.limit } && cases.contains { $0.norm < $0.limit })
    for (number, reference) in cases.enumerated() {
      let parameters = reference.gradients.map { Parameter(.zeros([$0.count])) }
      var gradients = Gradients()
      for (parameter, gradient) in zip(parameters, reference.gradients) {
        gradients[parameter] = Tensor(gradient)
      }
      let norm = gradients.globalNorm(named(parameters))
      XCTAssertEqual(norm, reference.norm, accuracy: 1e-8 * reference.norm, "case \(number)")
      let scale = norm > reference.limit ? Float(reference.limit / norm) : 1
      try Optimizer(.sgd(), parameters: named(parameters))
        .update(gradients, rate: 1, gradientScale: scale)
      for (parameter, clipped) in zip(parameters, reference.clipped) {
        assertClose(parameter.value.floats, clipped.map { -$0 }, relative: 3e-7, "case \(number)")
      }
    }
  }

  func testOnlyTheGivenParametersWithGradientsCount() {
    let parameters = (0..<3).map { _ in Parameter(.zeros([2])) }
    var gradients = Gradients()
    gradients[parameters[0]] = Tensor([3, 0])
    gradients[parameters[1]] = Tensor([0, 4])
    XCTAssertEqual(gradients.globalNorm(named(parameters)), 5)
    XCTAssertEqual(gradients.globalNorm(named([parameters[1], parameters[2]])), 4)
    XCTAssertEqual(gradients.globalNorm(named([parameters[2]])), 0)
  }
}

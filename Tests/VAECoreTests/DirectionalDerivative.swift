import NeuralNetworks
import Tensors
import XCTest

/// Asserts that a gradient is that of the finite difference along a random direction.
///
/// - Parameters:
///   - gradient: of the value, at the parameter as it is.
///   - parameter: which is moved, and put back.
///   - direction: where the direction comes from.
///   - step: how far it is moved to either side.
///   - accuracy: beside one plus the size of the derivative.
///   - what: for the failure.
///   - value: a scalar.
func assertDirectionalDerivative(
  _ gradient: Tensor, of parameter: Parameter, along direction: RandomStream, step: Float = 1e-2,
  accuracy: Double = 2e-2, _ what: String = "", file: StaticString = #filePath,
  line: UInt = #line, _ value: () -> Tensor
) {
  let (start, direction) = (parameter.value, direction.normal(parameter.shape))
  defer { parameter.value = start }
  func moved(by step: Float) -> Double {
    parameter.value = start + direction * step
    return Double(withoutTape { value().item })
  }
  let expected = (moved(by: step) - moved(by: -step)) / Double(2 * step)
  let actual = Double((gradient * direction).sum().item)
  XCTAssertEqual(
    actual, expected, accuracy: accuracy * (1 + abs(expected)), what, file: file, line: line)
}

import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// Asserts that the gradient of each parameter is the slope of a loss along the gradient's signs, which is the sum of its
/// magnitudes.
///
/// - Parameters:
///   - step: how far a parameter of one number is moved; one of more is moved as far in all.
///   - accuracy: what a slope may be off beside 3 % of it.
func assertGradientsAreSlopes(
  of model: Model, step: Float, accuracy: Double, line: UInt = #line,
  file: StaticString = #filePath,
  _ loss: () -> Tensor
) throws {
  let gradients = loss().backward()
  for (path, parameter) in model.parameters {
    let gradient = try XCTUnwrap(gradients[parameter], path, file: file, line: line).floats
    let kept = parameter.value.floats
    let step = step / Float(max(1, kept.count)).squareRoot()
    func moved(_ sign: Float) -> Double {
      parameter.value = Tensor(
        zip(kept, gradient).map { $0 + sign * step * ($1 > 0 ? 1 : $1 < 0 ? -1 : 0) },
        shape: parameter.shape)
      return withoutTape { Double(loss().item) }
    }
    let slope = (moved(1) - moved(-1)) / (2 * Double(step))
    parameter.value = Tensor(kept, shape: parameter.shape)
    let expected = gradient.reduce(0) { $0 + Double(abs($1)) }
    XCTAssertEqual(
      slope, expected, accuracy: 0.03 * expected + accuracy, path, file: file, line: line)
  }
}

/// Asserts that the gradients of each phase's loss are slopes at the first, middle and last number of the parameters of its
/// group, and that no others have any.
///
/// - Parameters:
///   - accuracy: what a slope may be off beside 2 % of it.
///   - value: the loss for slopes; by default that of the phase.
func assertPhaseGradientsAreSlopes(
  of model: Model, accuracy: Double = 3e-3, line: UInt = #line, file: StaticString = #filePath,
  _ pass: () -> ForwardPass, value: ((Phase) -> Double)? = nil
) throws {
  for phase in model.objective.phases {
    let others = model.parameters.filter { !phase.group.contains($0.path) }
    for (_, parameter) in others { parameter.isTrainable = false }
    let gradients = phase.loss(pass()).value.backward()
    for (_, parameter) in others { parameter.isTrainable = true }
    for (path, parameter) in model.parameters {
      let name = "\(phase.name): \(path)"
      guard phase.group.contains(path) else {
        XCTAssertNil(gradients[parameter], name, file: file, line: line)
        continue
      }
      let gradient = try XCTUnwrap(gradients[parameter], name, file: file, line: line).floats
      let values = parameter.value.copied()
      for position in Set([0, gradient.count / 2, gradient.count - 1]) {
        func loss(_ step: Float) -> Double {
          var moved = values.floats
          moved[position] += step
          parameter.value = Tensor(moved, shape: values.shape)
          return withoutTape { value?(phase) ?? Double(phase.loss(pass()).value.item) }
        }
        let slope = (loss(1 / 128) - loss(-1 / 128)) * 64
        XCTAssertEqual(
          Double(gradient[position]), slope, accuracy: accuracy + 0.02 * abs(slope),
          "\(name)[\(position)]", file: file, line: line)
      }
      parameter.value = values
    }
  }
}

import Tensors
import XCTest

/// Compares the gradients of sum(output · cotangent) with five-point central differences,
/// (8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h, of every element of every input.
///
/// The step is 1/64 and inputs are multiples of 1/1024 below 8 in size, so that x ± h and x ± 2h are
/// exact in single precision. The formula's own error is h⁴/30 times the fifth derivative, 2e-9 of
/// it: nothing, for functions without kinks between x − 2h and x + 2h. What is left is the rounding
/// of the forward passes. An output y is off by a few units of its last place, 6e-8 (1 + |y|) each,
/// where the one covers what it is a difference of. Divided by h and with the formula's weights, some
/// 1e-5 (1 + |y|) for each output that moved arrive, added up as independent errors do, by squares.
/// The tolerance is five times that, and 2e-4 of the gradient. A wrong factor, sign, axis or a lost
/// term is off by the gradient's size.
struct FiniteDifferences {
  static let step: Float = 1.0 / 64

  /// The values of each input.
  let inputs: [Tensor]
  /// Output from inputs.
  let operation: ([Tensor]) -> Tensor

  /// The first gradient element that differs, in words; nil where all agree.
  func firstMismatch(seed: UInt64) -> String? {
    let parameters = inputs.map { Parameter($0) }
    let output = operation(parameters.map(\.tensor))
    let cotangent = TestNumbers(seed: seed ^ 0xC07A).uniform(output.shape, in: -2...2)
    let gradients = output.backward(from: cotangent)
    for (number, parameter) in parameters.enumerated() {
      guard let gradient = gradients[parameter] else { return "input \(number) got no gradient" }
      guard gradient.shape == parameter.shape else {
        return "gradient \(number) has shape \(gradient.shape) for \(parameter.shape)"
      }
      for (position, value) in gradient.floats.enumerated() {
        let (slope, tolerance) = difference(
          input: number, position: position, cotangent: cotangent.floats, output: output.floats)
        // Not `>`: a comparison with NaN is false.
        if !((Double(value) - slope).magnitude <= tolerance + 2e-4 * slope.magnitude) {
          return "gradient \(number)[\(position)] is \(value), the difference \(Float(slope)) "
            + "± \(Float(tolerance + 2e-4 * slope.magnitude))"
        }
      }
    }
    return nil
  }

  /// The slope along one input element, and how far rounding may put it off.
  private func difference(
    input: Int, position: Int, cotangent: [Float], output: [Float]
  ) -> (slope: Double, tolerance: Double) {
    let h = Self.step
    let near = (moved(input, position, by: h), moved(input, position, by: -h))
    let far = (moved(input, position, by: 2 * h), moved(input, position, by: -2 * h))
    var sum = 0.0
    var squares = 0.0
    for index in output.indices {
      let nearChange = Double(near.0[index]) - Double(near.1[index])
      let farChange = Double(far.0[index]) - Double(far.1[index])
      sum += Double(cotangent[index]) * (8 * nearChange - farChange)
      if nearChange != 0 || farChange != 0 {
        let size = Double(cotangent[index]) * (1 + Double(output[index].magnitude))
        squares += size * size
      }
    }
    return (sum / (12 * Double(h)), 5e-5 * squares.squareRoot() + 1e-7)
  }

  /// The output with one input element moved.
  private func moved(_ input: Int, _ position: Int, by step: Float) -> [Float] {
    var values = inputs[input].floats
    values[position] += step
    var moved = inputs
    moved[input] = Tensor(values, shape: inputs[input].shape)
    return operation(moved).floats
  }
}

/// Asserts that the gradients of an operation are those of finite differences.
func assertGradients(
  _ what: String, _ inputs: [Tensor], file: StaticString = #filePath, line: UInt = #line,
  _ operation: @escaping ([Tensor]) -> Tensor
) {
  let differences = FiniteDifferences(inputs: inputs, operation: operation)
  if let mismatch = differences.firstMismatch(seed: 3) {
    let shapes = inputs.map(\.shape.description).joined(separator: ", ")
    XCTFail("\(what) of \(shapes): \(mismatch)", file: file, line: line)
  }
}

/// Reproducible multiples of 1/1024 for finite differences.
struct TestNumbers {
  private let stream: RandomStream

  init(seed: UInt64) {
    stream = RandomSource(seed: seed).stream("test numbers")
  }

  /// Uniform numbers.
  func uniform(_ shape: Shape, in range: ClosedRange<Float>) -> Tensor {
    let values = stream.uniform(shape).floats.map { unit in
      let value = range.lowerBound + unit * (range.upperBound - range.lowerBound)
      return (value * 1024).rounded(.towardZero) / 1024
    }
    return Tensor(values, shape: shape)
  }

  /// Uniform numbers, none of which a difference carries over one of the given points.
  func uniform(_ shape: Shape, in range: ClosedRange<Float>, awayFrom kinks: [Float]) -> Tensor {
    let values = uniform(shape, in: range).floats.map { value in
      kinks.contains { (value - $0).magnitude <= 3 * FiniteDifferences.step }
        ? value + 0.125 : value
    }
    return Tensor(values, shape: shape)
  }

  /// Numbers in random order, no two of which a difference brings together.
  func distinct(_ shape: Shape) -> Tensor {
    var generator = stream.generator()
    let order = (0..<shape.count).shuffled(using: &generator)
    return Tensor(order.map { Float($0) / 8 - Float(shape.count) / 16 }, shape: shape)
  }
}

import NeuralNetworks
import Tensors
import XCTest

/// Parameters as an optimizer takes them, named by position.
func named(_ parameters: [Parameter]) -> [(path: String, parameter: Parameter)] {
  parameters.enumerated().map { (path: "p\($0.offset)", parameter: $0.element) }
}

/// A context for a batch whose examples do not matter.
func context(_ mode: Context.Mode = .training, calibration: Calibration? = nil) -> Context {
  var context = Context(mode: mode, random: RandomSource(seed: 1), examples: [])
  context.calibration = calibration
  return context
}

/// Standard normal numbers times a scale plus a shift.
func numbers(_ shape: Shape, seed: UInt64, scale: Float = 1, shift: Float = 0) -> Tensor {
  RandomSource(seed: seed).stream("numbers").normal(shape).scaled(by: scale, shift: shift)
}

/// Fails where a result is further from the expectation than the relative tolerance of the larger of
/// it and `floor`.
func assertClose(
  _ computed: [Float]?, _ expected: [Double], relative: Double, floor: Double = 0, _ what: String,
  file: StaticString = #filePath, line: UInt = #line
) {
  guard let computed, computed.count == expected.count else {
    XCTFail(
      "\(what): \(computed?.count ?? 0) values instead of \(expected.count)", file: file, line: line
    )
    return
  }
  for (index, (value, exact)) in zip(computed, expected).enumerated() {
    // Not `>`: a comparison with NaN is false.
    if !((Double(value) - exact).magnitude <= relative * max(exact.magnitude, floor)) {
      XCTFail("\(what)[\(index)] is \(value) instead of \(exact)", file: file, line: line)
      return
    }
  }
}

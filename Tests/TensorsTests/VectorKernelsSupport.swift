import CVectorKernels
import XCTest

/// Compares vector kernels with plain loops in double precision, on every instruction set that the
/// processor has and on one and two threads, whose results must agree to the last bit.
class VectorKernelsTestCase: XCTestCase {
  private let isa = vk_isa_current()
  private let threads = vk_threads()

  override func tearDown() {
    vk_isa_select(isa)
    vk_set_threads(threads)
    super.tearDown()
  }

  /// The instruction sets that the processor has.
  static var instructionSets: [vk_isa] {
    [VK_ISA_BASELINE, VK_ISA_AVX2, VK_ISA_AVX512].filter {
      $0.rawValue <= vk_isa_supported().rawValue
    }
  }

  /// Fails where a result of `run` differs from `expected` by more than `absolute` plus `relative`
  /// times the expectation, or where two threads change a bit.
  func check(
    _ what: String, _ expected: [Double], relative: Double = 1e-5, absolute: Double = 1e-6,
    file: StaticString = #filePath, line: UInt = #line, run: () -> [Float]
  ) {
    for set in Self.instructionSets {
      vk_isa_select(set)
      vk_set_threads(1)
      let one = run()
      vk_set_threads(2)
      let place = "\(what), instruction set \(set.rawValue)"
      let two = run()
      XCTAssertTrue(haveEqualBits(one, two), "threads change \(place)", file: file, line: line)
      guard one.count == expected.count else {
        XCTFail("\(one.count) results for \(expected.count): \(place)", file: file, line: line)
        continue
      }
      let wrong = expected.indices.first {
        !isClose(Double(one[$0]), expected[$0], relative, absolute)
      }
      if let wrong {
        XCTFail(
          "\(one[wrong]) for \(expected[wrong]) at \(wrong): \(place)", file: file, line: line)
      }
    }
  }

  private func haveEqualBits(_ a: [Float], _ b: [Float]) -> Bool {
    a.count == b.count && memcmp(a, b, a.count * MemoryLayout<Float>.stride) == 0
  }

  private func isClose(_ a: Double, _ b: Double, _ relative: Double, _ absolute: Double) -> Bool {
    if a == b || (a.isNaN && b.isNaN) { return true }
    return b.isFinite && (a - b).magnitude <= absolute + relative * b.magnitude
  }
}

/// Sizes around the vectors' lengths, and one that is divided over threads.
let kernelSizes = [0, 1, 3, 17, 1000, 17_000]

/// Matrices that are narrow, wide, ragged, and divided over threads along either axis.
let kernelShapes = [(1, 1), (3, 17), (17, 3), (130, 60), (900, 20), (20, 1100), (9000, 2)]

/// Results that no kernel has written yet.
func unwritten(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }

/// Reproducible numbers, uniform in the range.
func numbers(_ count: Int, seed: UInt64, in range: ClosedRange<Float> = -2...2) -> [Float] {
  var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let unit = Float(state >> 40) / Float(1 << 24)
    return range.lowerBound + unit * (range.upperBound - range.lowerBound)
  }
}

/// The derivative by central differences.
func slope(at x: Double, of function: (Double) -> Double) -> Double {
  let step = 1e-5 * max(1, x.magnitude)
  return (function(x + step) - function(x - step)) / (2 * step)
}

/// The gradient by central differences.
func gradient(at x: [Double], of function: ([Double]) -> Double) -> [Double] {
  x.indices.map { index in
    slope(at: x[index]) { value in
      var moved = x
      moved[index] = value
      return function(moved)
    }
  }
}

/// An operation with its parameters and its plain form.
struct UnaryCase {
  let operation: vk_unary_op
  var parameters: [Float] = [0, 0]
  var range: ClosedRange<Float> = -6...6
  /// Relative and absolute tolerance beside the value.
  var relative = 3e-7
  let function: (Double) -> Double

  static var all: [UnaryCase] {
    [
      UnaryCase(operation: VK_IDENTITY) { $0 },
      UnaryCase(operation: VK_NEGATE) { -$0 },
      UnaryCase(operation: VK_EXP, range: -20...20) { exp($0) },
      UnaryCase(operation: VK_LOG, range: 1e-2...9) { log($0) },
      UnaryCase(operation: VK_SQRT, range: 1e-2...9) { $0.squareRoot() },
      UnaryCase(operation: VK_SQUARE) { $0 * $0 },
      UnaryCase(operation: VK_RECIPROCAL, range: 0.1...6) { 1 / $0 },
      UnaryCase(operation: VK_ABS) { $0.magnitude },
      UnaryCase(operation: VK_RELU) { max($0, 0) },
      UnaryCase(operation: VK_LEAKY_RELU, parameters: [0.125, 0]) { $0 > 0 ? $0 : $0 / 8 },
      UnaryCase(operation: VK_ELU, parameters: [1.5, 0]) { $0 > 0 ? $0 : 1.5 * expm1($0) },
      UnaryCase(operation: VK_GELU, relative: 2e-6) { 0.5 * $0 * erfc(-$0 / 2.0.squareRoot()) },
      UnaryCase(operation: VK_SILU) { $0 / (1 + exp(-$0)) },
      UnaryCase(operation: VK_TANH) { tanh($0) },
      UnaryCase(operation: VK_SIGMOID) { 1 / (1 + exp(-$0)) },
      UnaryCase(operation: VK_SOFTPLUS) { max($0, 0) + log1p(exp(-$0.magnitude)) },
      UnaryCase(operation: VK_CLAMP, parameters: [-1, 2]) { min(max($0, -1), 2) },
      UnaryCase(operation: VK_AFFINE, parameters: [3, -1]) { 3 * $0 - 1 },
    ]
  }

  /// What the fused kernels are tried with: gradients from nothing, the output and the input.
  static var fused: [UnaryCase] {
    all.filter {
      [VK_IDENTITY, VK_RELU, VK_LEAKY_RELU, VK_TANH, VK_SILU].contains($0.operation)
    }
  }

  /// What the backward pass wants of the forward one.
  func saved(_ x: [Float]) -> [Float] {
    switch vk_unary_saves(operation) {
    case 0: []
    case 1: x.map { Float(function(Double($0))) }
    default: x
    }
  }
}

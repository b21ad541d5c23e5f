import CVectorKernels
import XCTest

final class VectorKernelsElementwiseTests: VectorKernelsTestCase {
  func testUnaryFunctionsEqualTheirFormulas() {
    for unary in UnaryCase.all {
      for n in kernelSizes {
        let x = numbers(n, seed: 1, in: unary.range)
        let expected = x.map { unary.function(Double($0)) }
        check("unary \(unary.operation)", expected, relative: unary.relative, absolute: 5e-7) {
          var y = unwritten(n)
          vk_unary(unary.operation, unary.parameters, x, &y, n)
          return y
        }
      }
    }
  }

  func testUnaryFunctionsWorkInPlace() {
    for unary in UnaryCase.all {
      let x = numbers(100, seed: 2, in: unary.range)
      let expected = x.map { unary.function(Double($0)) }
      check("unary \(unary.operation) in place", expected, relative: 2e-6) {
        var y = x
        y.withUnsafeMutableBufferPointer {
          vk_unary(unary.operation, unary.parameters, $0.baseAddress, $0.baseAddress, $0.count)
        }
        return y
      }
    }
  }

  func testUnaryGradientsEqualDifferenceQuotients() {
    for unary in UnaryCase.all {
      for n in kernelSizes {
        let x = numbers(n, seed: 3, in: unary.range), dy = numbers(n, seed: 4)
        let saved = unary.saved(x)
        let expected = zip(x, dy).map { Double($1) * slope(at: Double($0), of: unary.function) }
        check("gradient of unary \(unary.operation)", expected, absolute: 4e-6) {
          var dx = unwritten(n)
          vk_unary_backward(
            unary.operation, unary.parameters, saved.isEmpty ? nil : saved, dy, &dx, n)
          return dx
        }
      }
    }
  }

  func testKinksTakeTheDerivativeThatTheHeaderStates() {
    let dy: [Float] = [2, 2, 2]
    let cases: [(vk_unary_op, saved: [Float], expected: [Double])] = [
      (VK_ABS, [-1, 0, 1], [-2, 0, 2]), (VK_RELU, [0, 1, 0], [0, 2, 0]),
      (VK_CLAMP, [-1, 2, 2.5], [2, 2, 0]),
    ]
    for (operation, saved, expected) in cases {
      check("kink of \(operation)", expected) {
        var dx = unwritten(3)
        vk_unary_backward(operation, [-1, 2], saved, dy, &dx, 3)
        return dx
      }
    }
  }

  func testExtremeInputsOverflowUnderflowAndPropagateNaN() {
    let infinity = Double.infinity, nan = Double.nan, tiny = 0x1p-133
    let inputs: [Float] = [
      -.infinity, .infinity, .nan, 0, -100, 100, 0x1p-133, 89, -104, -1e30, 1e30,
    ]
    let expected: [(vk_unary_op, [Double])] = [
      (VK_EXP, [0, infinity, nan, 1, exp(-100), infinity, 1, infinity, 0, 0, infinity]),
      (
        VK_LOG,
        [
          nan, infinity, nan, -infinity, nan, log(100), log(tiny), log(89), nan, nan, log(1e30),
        ]
      ),
      (VK_SIGMOID, [0, 1, nan, 0.5, 0, 1, 0.5, 1, 0, 0, 1]),
      (VK_SOFTPLUS, [0, infinity, nan, log(2), 0, 100, log(2), 89, 0, 0, 1e30]),
      (VK_TANH, [-1, 1, nan, 0, -1, 1, tiny, 1, -1, -1, 1]),
      (VK_SILU, [0, infinity, nan, 0, 0, 100, tiny / 2, 89, 0, 0, 1e30]),
      (VK_GELU, [0, infinity, nan, 0, 0, 100, tiny / 2, 89, 0, 0, 1e30]),
      (VK_ELU, [-2, infinity, nan, 0, -2, 100, tiny, 89, -2, -2, 1e30]),
      (VK_RELU, [0, infinity, nan, 0, 0, 100, tiny, 89, 0, 0, 1e30]),
      (VK_CLAMP, [2, 3, nan, 2, 2, 3, 2, 3, 2, 2, 3]),
    ]
    for (operation, outputs) in expected {
      check("extremes of \(operation)", outputs, absolute: 1e-44) {
        var y = unwritten(inputs.count)
        vk_unary(operation, [2, 3], inputs, &y, inputs.count)
        return y
      }
    }
  }

  private let binaries: [(vk_binary_op, (Double, Double) -> Double)] = [
    (VK_ADD, { $0 + $1 }), (VK_SUBTRACT, { $0 - $1 }), (VK_MULTIPLY, { $0 * $1 }),
    (VK_DIVIDE, { $0 / $1 }), (VK_MAXIMUM, { max($0, $1) }), (VK_MINIMUM, { min($0, $1) }),
  ]

  func testBinaryFunctionsEqualTheirFormulas() {
    for (operation, function) in binaries {
      for n in kernelSizes {
        let a = numbers(n, seed: 5), b = numbers(n, seed: 6, in: 0.5...3)
        check("binary \(operation)", zip(a, b).map { function(Double($0), Double($1)) }) {
          var out = unwritten(n)
          vk_binary(operation, a, b, &out, n)
          return out
        }
      }
    }
  }

  func testMaximumAndMinimumPropagateNaNFromEitherSide() {
    for operation in [VK_MAXIMUM, VK_MINIMUM] {
      check("NaN in \(operation)", [.nan, .nan]) {
        var out = unwritten(2)
        vk_binary(operation, [.nan, 1], [1, .nan], &out, 2)
        return out.map { $0.isNaN ? .nan : $0 }
      }
    }
  }

  func testBroadcastingRepeatsAxesOfStrideZero() {
    // Shape, strides of a, strides of b.
    let cases: [([Int64], [Int64], [Int64])] = [
      ([7], [1], [0]), ([], [], []), ([0, 4], [4, 1], [0, 1]), ([5, 1, 6], [6, 0, 1], [6, 6, 1]),
      ([100, 300], [300, 1], [0, 1]), ([100, 300], [0, 1], [1, 0]),
      ([100, 300], [1, 0], [300, 1]),
      ([4, 5, 6, 7], [0, 7, 0, 1], [210, 0, 7, 0]), ([40, 60, 10], [1, 40, 2400], [600, 10, 1]),
    ]
    let a = numbers(30_000, seed: 7), b = numbers(30_000, seed: 8, in: 0.5...3)
    for (shape, aStrides, bStrides) in cases {
      let n = Int(shape.reduce(1, *))
      for (operation, function) in binaries {
        let expected = (0..<n).map { element -> Double in
          var rest = Int64(element), aOffset: Int64 = 0, bOffset: Int64 = 0
          for axis in shape.indices.reversed() {
            aOffset += rest % shape[axis] * aStrides[axis]
            bOffset += rest % shape[axis] * bStrides[axis]
            rest /= shape[axis]
          }
          return function(Double(a[Int(aOffset)]), Double(b[Int(bOffset)]))
        }
        check("broadcast \(operation) over \(shape)", expected) {
          var out = unwritten(n)
          vk_binary_broadcast(
            operation, Int32(shape.count), shape, a, aStrides, b, bStrides, &out)
          return out
        }
      }
    }
  }

  func testLinearUpdatesEqualTheirFormulas() {
    for n in kernelSizes {
      let x = numbers(n, seed: 9), y = numbers(n, seed: 10)
      let sum = { (alpha: Double, beta: Double) in
        zip(x, y).map { alpha * Double($0) + beta * Double($1) }
      }
      check("fill", [Double](repeating: 2.5, count: n)) {
        var out = unwritten(n)
        vk_fill(2.5, &out, n)
        return out
      }
      check("axpy", sum(3, 1)) {
        var out = y
        vk_axpy(3, x, &out, n)
        return out
      }
      check("axpby", sum(3, -0.5)) {
        var out = y
        vk_axpby(3, x, -0.5, &out, n)
        return out
      }
      check("axpby does not read y where beta is 0", sum(3, 0)) {
        var out = unwritten(n)
        vk_axpby(3, x, 0, &out, n)
        return out
      }
    }
  }

  func testAllFiniteFindsOneBadElementAnywhere() {
    for n in kernelSizes {
      let x = numbers(n, seed: 11)
      check("all finite", [1]) { [Float(vk_all_finite(x, n))] }
      for bad in [Float.nan, .infinity, -.infinity] where n > 0 {
        for position in [0, n / 2, n - 1] {
          var broken = x
          broken[position] = bad
          check("\(bad) at \(position) of \(n)", [0]) { [Float(vk_all_finite(broken, n))] }
        }
      }
    }
  }

  func testBiasAndActivationEqualTheirFormulas() {
    for (rows, columns) in kernelShapes {
      let n = rows * columns
      let x = numbers(n, seed: 12), bias = numbers(columns, seed: 13)
      let pre = x.indices.map { Double(x[$0]) + Double(bias[$0 % columns]) }
      for unary in UnaryCase.fused {
        let expected = pre.map(unary.function)
        let place = "\(unary.operation) of \(rows) x \(columns)"
        check("bias, \(place)", expected, absolute: 2e-6) {
          var y = unwritten(n)
          vk_bias_activation(
            unary.operation, unary.parameters, x, bias, nil, &y, nil, rows, columns)
          return y
        }
        check("bias with pre, \(place)", pre + expected, absolute: 2e-6) {
          var y = unwritten(n), saved = unwritten(n)
          vk_bias_activation(
            unary.operation, unary.parameters, x, bias, &saved, &y, nil, rows, columns)
          return saved + y
        }
        check("no bias, \(place)", x.map { unary.function(Double($0)) }, absolute: 2e-6) {
          var y = unwritten(n)
          vk_bias_activation(unary.operation, unary.parameters, x, nil, nil, &y, nil, rows, columns)
          return y
        }
      }
    }
  }

  func testBiasGradientsAreColumnSums() {
    for (rows, columns) in kernelShapes {
      let n = rows * columns
      let x = numbers(n, seed: 14), dy = numbers(n, seed: 15)
      for unary in UnaryCase.fused {
        let saved = unary.saved(x)
        let dx = x.indices.map { Double(dy[$0]) * slope(at: Double(x[$0]), of: unary.function) }
        var dbias = [Double](repeating: 0, count: columns)
        for i in dx.indices { dbias[i % columns] += dx[i] }
        let tolerance = 1e-5 + 1e-7 * Double(rows)
        check("\(unary.operation) of \(rows) x \(columns)", dx + dbias, absolute: tolerance) {
          var gradient = unwritten(n), sums = unwritten(columns)
          vk_bias_activation_backward(
            unary.operation, unary.parameters, saved.isEmpty ? nil : saved, dy, &gradient, &sums,
            rows, columns)
          return gradient + sums
        }
        check("in place, \(unary.operation) of \(rows) x \(columns)", dx, absolute: tolerance) {
          var gradient = dy
          gradient.withUnsafeMutableBufferPointer {
            vk_bias_activation_backward(
              unary.operation, unary.parameters, saved.isEmpty ? nil : saved, $0.baseAddress,
              $0.baseAddress, nil, rows, columns)
          }
          return gradient
        }
      }
    }
  }

  func testBiasGradientOfNoRowsIsZero() {
    check("no rows", [0, 0, 0]) {
      var dx = unwritten(0), dbias = unwritten(3)
      vk_bias_activation_backward(VK_IDENTITY, [0, 0], nil, dx, &dx, &dbias, 0, 3)
      return dbias
    }
  }
}

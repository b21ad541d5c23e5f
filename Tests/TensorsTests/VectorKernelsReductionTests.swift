import CVectorKernels
import XCTest

final class VectorKernelsReductionTests: VectorKernelsTestCase {
  /// Outer, reduced and inner sizes, among them no reduced elements, segments of a long row, blocks
  /// of rows for one and several outer indices, and pieces of long rows.
  private let shapes = [
    (1, 1, 1), (3, 0, 2), (5, 17, 1), (4, 1, 3), (2, 20_000, 1), (1, 40_000, 1), (7, 3, 17),
    (1, 9000, 3), (2, 700, 40), (1, 5, 2100), (300, 64, 1), (1, 600, 64), (3, 90, 90),
  ]

  private func reference(
    _ x: [Float], _ outer: Int, _ reduced: Int, _ inner: Int,
    _ combine: (ArraySlice<Double>) -> Double
  ) -> [Double] {
    (0..<outer * inner).map { unit in
      let start = unit / inner * reduced * inner + unit % inner
      return combine((0..<reduced).map { Double(x[start + $0 * inner]) }[...])
    }
  }

  func testReductionsOverAnyAxisEqualPlainLoops() {
    let operations: [(vk_reduce_op, (ArraySlice<Double>) -> Double)] = [
      (VK_REDUCE_SUM, { $0.reduce(0, +) }), (VK_REDUCE_MAX, { $0.max() ?? -.infinity }),
      (VK_REDUCE_MIN, { $0.min() ?? .infinity }),
    ]
    for (outer, reduced, inner) in shapes {
      let x = numbers(outer * reduced * inner, seed: 20)
      for (operation, combine) in operations {
        let expected = reference(x, outer, reduced, inner, combine)
        let tolerance = 1e-6 + 2e-7 * Double(reduced)
        check("\(operation) of \([outer, reduced, inner])", expected, absolute: tolerance) {
          var out = unwritten(outer * inner)
          vk_reduce(operation, x, &out, outer, reduced, inner)
          return out
        }
      }
    }
  }

  func testExtremesPropagateNaN() {
    for position in [0, 70, 299] {
      for (reduced, inner) in [(300, 1), (100, 3)] {
        var x = numbers(300, seed: 21)
        x[position] = .nan
        for operation in [VK_REDUCE_MAX, VK_REDUCE_MIN] {
          check("NaN at \(position)", [.nan]) {
            var out = unwritten(inner)
            for i in out.indices { out[i] = 0 }
            vk_reduce(operation, x, &out, 1, reduced, inner)
            return [out[position % inner].isNaN ? .nan : 0]
          }
        }
      }
    }
  }

  func testArgmaxIsTheFirstLargest() {
    for (outer, reduced, inner) in shapes where reduced > 0 {
      // Few distinct values, so that the largest occurs several times.
      let x = numbers(outer * reduced * inner, seed: 22, in: 0...6).map { $0.rounded() }
      let expected = reference(x, outer, reduced, inner) { values in
        values.firstIndex(of: values.max() ?? 0).map(Double.init) ?? -1
      }
      check("argmax of \([outer, reduced, inner])", expected, absolute: 0) {
        var out = [Int32](repeating: -1, count: outer * inner)
        vk_argmax(x, &out, outer, reduced, inner)
        return out.map(Float.init)
      }
    }
  }

  func testSumsInDoublePrecisionKeepSmallElementsBesideLargeOnes() {
    for n in kernelSizes {
      let x = numbers(n, seed: 23).enumerated().map { $0 % 2 == 0 ? $1 : $1 + 3e6 }
      let total = x.reduce(0) { $0 + Double($1) }
      let squares = x.reduce(0) { $0 + Double($1) * Double($1) }
      for set in Self.instructionSets {
        vk_isa_select(set)
        XCTAssertEqual(vk_sum_f64(x, n), total, accuracy: 1e-12 * total.magnitude)
        XCTAssertEqual(vk_sum_squares_f64(x, n), squares, accuracy: 1e-12 * squares)
      }
    }
  }

  func testSoftmaxAndItsRelativesEqualTheirFormulas() {
    for (rows, columns) in kernelShapes + [(7, 4000)] {
      let n = rows * columns
      let x = numbers(n, seed: 24, in: -30...90)
      let totals = (0..<rows).map { r -> Double in
        let row = x[r * columns..<(r + 1) * columns].map(Double.init)
        let largest = row.max() ?? 0
        return largest + log(row.reduce(0) { $0 + exp($1 - largest) })
      }
      let logarithms = x.indices.map { Double(x[$0]) - totals[$0 / columns] }
      let place = "of \(rows) x \(columns)"
      check("log-sum-exp \(place)", totals, absolute: 1e-5) {
        var y = unwritten(rows)
        vk_log_sum_exp(x, &y, rows, columns)
        return y
      }
      check("log-softmax \(place)", logarithms, absolute: 2e-5) {
        var y = unwritten(n)
        vk_log_softmax(x, &y, rows, columns)
        return y
      }
      check("softmax \(place)", logarithms.map(exp), relative: 2e-5, absolute: 1e-8) {
        var y = unwritten(n)
        vk_softmax(x, &y, rows, columns)
        return y
      }
    }
  }

  func testSoftmaxGradientsEqualTheirFormulas() {
    for (rows, columns) in kernelShapes {
      let n = rows * columns
      let x = numbers(n, seed: 25, in: -3...3), dy = numbers(n, seed: 26)
      var logarithms = unwritten(n), totals = unwritten(rows)
      vk_log_softmax(x, &logarithms, rows, columns)
      vk_log_sum_exp(x, &totals, rows, columns)
      let y = logarithms.map { exp($0) }
      let rowSum = { (values: [Double]) in
        (0..<rows).map { values[$0 * columns..<($0 + 1) * columns].reduce(0, +) }
      }
      let dots = rowSum(x.indices.map { Double(y[$0]) * Double(dy[$0]) })
      let sums = rowSum(dy.map(Double.init))
      let place = "of \(rows) x \(columns)"
      let softmax = x.indices.map { Double(y[$0]) * (Double(dy[$0]) - dots[$0 / columns]) }
      check("softmax gradient \(place)", softmax) {
        var dx = unwritten(n)
        vk_softmax_backward(y, dy, &dx, rows, columns)
        return dx
      }
      let log = x.indices.map { Double(dy[$0]) - Double(y[$0]) * sums[$0 / columns] }
      check("log-softmax gradient \(place)", log, absolute: 1e-5) {
        var dx = unwritten(n)
        vk_log_softmax_backward(logarithms, dy, &dx, rows, columns)
        return dx
      }
      let total = x.indices.map { Double(dy[$0 / columns]) * Double(y[$0]) }
      check("log-sum-exp gradient \(place)", total) {
        var dx = unwritten(n)
        vk_log_sum_exp_backward(x, totals, dy, &dx, rows, columns)
        return dx
      }
    }
  }

  func testRowsOfMinusInfinityHaveNoMassAndNoGradient() {
    let x = [Float](repeating: -.infinity, count: 5)
    check("log-sum-exp", [-.infinity]) {
      var y = unwritten(1)
      vk_log_sum_exp(x, &y, 1, 5)
      return y
    }
    check("gradient", [0, 0, 0, 0, 0]) {
      var dx = unwritten(5)
      vk_log_sum_exp_backward(x, [-.infinity], [1], &dx, 1, 5)
      return dx
    }
  }
}

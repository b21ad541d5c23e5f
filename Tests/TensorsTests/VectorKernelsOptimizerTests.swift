import CVectorKernels
import XCTest

final class VectorKernelsOptimizerTests: VectorKernelsTestCase {
  /// Sizes of the arrays that one call updates: an empty one, one of several pieces, small ones.
  private let sizes = [3, 0, 20_000, 17, 1]
  private let decays: [Float] = [0, 0.5, 0.1, 0.2, 0]
  private let steps = 3

  /// Runs several steps over all arrays; the results are the parameters and moments afterwards.
  private func run(
    momentum: Bool = true, _ step: (_ updates: [vk_update], _ index: Int) -> Void
  ) -> [Float] {
    var arrays = sizes.enumerated().flatMap { index, size in
      (0..<4).map { role in
        let start = numbers(size, seed: UInt64(100 + 4 * index + role))
        return role < 2 ? start : [Float](repeating: 0, count: size)
      }
    }
    let storage = arrays.map { array in
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, array.count))
      _ = memory.update(fromContentsOf: array)
      return memory
    }
    defer { storage.forEach { $0.deallocate() } }
    let updates = sizes.indices.map { index in
      vk_update(
        parameter: storage[4 * index].baseAddress, gradient: storage[4 * index + 1].baseAddress,
        first: momentum ? storage[4 * index + 2].baseAddress : nil,
        second: storage[4 * index + 3].baseAddress, count: sizes[index],
        weight_decay: decays[index])
    }
    for index in 1...steps { step(updates, index) }
    for index in arrays.indices {
      arrays[index] = Array(storage[index].prefix(arrays[index].count))
    }
    return arrays.flatMap { $0 }
  }

  /// The same in double precision; `step` updates parameter and moments of one element.
  private func reference(
    _ step: (
      _ values: inout (parameter: Double, first: Double, second: Double), _ gradient: Double,
      _ decay: Double, _ index: Int
    ) -> Void
  ) -> [Double] {
    sizes.indices.flatMap { index -> [Double] in
      let parameters = numbers(sizes[index], seed: UInt64(100 + 4 * index)).map(Double.init)
      let gradients = numbers(sizes[index], seed: UInt64(101 + 4 * index)).map(Double.init)
      let results = zip(parameters, gradients).map { parameter, gradient in
        var values = (parameter: parameter, first: 0.0, second: 0.0)
        for number in 1...steps { step(&values, gradient, Double(decays[index]), number) }
        return values
      }
      return results.map(\.parameter) + gradients + results.map(\.first) + results.map(\.second)
    }
  }

  func testAdamFollowsKingmaAndBaAndItsDecoupledDecay() {
    for decoupled in [false, true] {
      let expected = reference { values, gradient, decay, index in
        var g = 0.5 * gradient
        if decoupled { values.parameter *= 1 - 0.01 * decay } else { g += decay * values.parameter }
        values.first = 0.9 * values.first + 0.1 * g
        values.second = 0.99 * values.second + 0.01 * g * g
        let mean = values.first / (1 - pow(0.9, Double(index)))
        let square = values.second / (1 - pow(0.99, Double(index)))
        values.parameter -= 0.01 * mean / (square.squareRoot() + 1e-6)
      }
      check("Adam, decoupled \(decoupled)", expected, relative: 2e-5, absolute: 1e-6) {
        run { updates, index in
          vk_adam(
            updates, updates.count, 0.01, 0.9, 0.99, 1e-6, Float(1 - pow(0.9, Double(index))),
            Float(1 - pow(0.99, Double(index))), 0.5, decoupled ? 1 : 0)
        }
      }
    }
  }

  func testAdamLeavesAParameterWithoutGradientAlone() {
    check("no gradient", [1, 0, 0]) {
      var parameter: Float = 1, first: Float = 0, second: Float = 0
      let gradient: Float = 0
      withUnsafePointer(to: gradient) { gradient in
        withUnsafeMutablePointer(to: &parameter) { parameter in
          withUnsafeMutablePointer(to: &first) { first in
            withUnsafeMutablePointer(to: &second) { second in
              let update = vk_update(
                parameter: parameter, gradient: gradient, first: first, second: second, count: 1,
                weight_decay: 0)
              vk_adam([update], 1, 0.1, 0.9, 0.999, 1e-8, 0.1, 0.001, 1, 0)
            }
          }
        }
      }
      return [parameter, first, second]
    }
  }

  func testMomentumAndNesterovFollowTheirFormulas() {
    for (momentum, nesterov) in [(0, false), (0.9, false), (0.9, true)] as [(Float, Bool)] {
      let expected = reference { values, gradient, decay, _ in
        let g = 0.5 * gradient + decay * values.parameter
        values.first = Double(momentum) * values.first + g
        let step = nesterov ? g + Double(momentum) * values.first : values.first
        values.parameter -= 0.1 * step
      }
      check("momentum \(momentum), nesterov \(nesterov)", expected) {
        run { updates, _ in
          vk_sgd(updates, updates.count, 0.1, momentum, nesterov ? 1 : 0, 0.5)
        }
      }
    }
  }

  func testPlainDescentNeedsNoMomentum() {
    let expected = reference { values, gradient, decay, _ in
      values.parameter -= 0.1 * (gradient + decay * values.parameter)
    }
    check("plain descent", expected) {
      run(momentum: false) { updates, _ in vk_sgd(updates, updates.count, 0.1, 0, 0, 1) }
    }
  }

  func testAveragesMoveTowardsTheValues() {
    let expected = reference { values, _, _, _ in
      values.first = 0.9 * values.first + 0.1 * values.parameter
    }
    check("average", expected) {
      run { updates, _ in vk_average(updates, updates.count, 0.9) }
    }
  }
}

import Tensors
import XCTest

/// Dense layers whose input is a constant that is mostly zeros.
final class SparseInputTests: XCTestCase {
  private struct Case {
    let rows: Int, inputs: Int, outputs: Int, density: Double
  }

  private let cases = [
    Case(rows: 64, inputs: 100, outputs: 32, density: 0),
    Case(rows: 41, inputs: 101, outputs: 33, density: 0.02),
    Case(rows: 128, inputs: 784, outputs: 400, density: 0.13),
    Case(rows: 8, inputs: 2100, outputs: 79, density: 0.2),
    Case(rows: 4100, inputs: 1, outputs: 65, density: 0.1),
    Case(rows: 70, inputs: 64, outputs: 130, density: 0.28),
  ]

  private func numbers(_ count: Int, _ generator: inout ReproducibleNumbers) -> [Float] {
    (0..<count).map { _ in Float.random(in: -1...1, using: &generator) }
  }

  private func mostlyZeros(_ test: Case, _ generator: inout ReproducibleNumbers) -> [Float] {
    (0..<test.rows * test.inputs).map { _ in
      Double.random(in: 0..<1, using: &generator) < test.density
        ? Float.random(in: 0.1...1, using: &generator) : 0
    }
  }

  /// What a layer gives, and the gradient of its weights for the output's gradient `dy`.
  private func layer(
    _ test: Case, _ x: [Float], _ w: [Float], _ dy: [Float]
  ) throws -> (output: [Float], gradient: [Float], operations: [OperationCost]) {
    let weights = Parameter(Tensor(w, shape: [test.inputs, test.outputs]))
    var output: [Float] = []
    var gradient: [Float] = []
    let operations = try Profiler.record {
      let input = Tensor(x, shape: [test.rows, test.inputs])
      let y = input.dense(weights: weights.tensor, bias: nil)
      output = y.floats
      let gradients = (y * Tensor(dy, shape: y.shape)).sum().backward()
      gradient = try XCTUnwrap(gradients[weights]).floats
    }.operations
    return (output, gradient, operations)
  }

  func testProductsThatSkipZerosEqualSumsInDoublePrecision() throws {
    var generator = ReproducibleNumbers(state: 7)
    for test in cases {
      let x = mostlyZeros(test, &generator)
      let w = numbers(test.inputs * test.outputs, &generator)
      let dy = numbers(test.rows * test.outputs, &generator)
      let found = try layer(test, x, w, dy)
      var output = [Double](repeating: 0, count: test.rows * test.outputs)
      var gradient = [Double](repeating: 0, count: test.inputs * test.outputs)
      for row in 0..<test.rows {
        for input in 0..<test.inputs where x[row * test.inputs + input] != 0 {
          let value = Double(x[row * test.inputs + input])
          for column in 0..<test.outputs {
            output[row * test.outputs + column] += value * Double(w[input * test.outputs + column])
            gradient[input * test.outputs + column] +=
              value * Double(dy[row * test.outputs + column])
          }
        }
      }
      for (found, expected) in [(found.output, output), (found.gradient, gradient)] {
        let error = zip(found, expected).map { abs(Double($0) - $1) }.max() ?? 0
        XCTAssertEqual(found.count, expected.count, "\(test)")
        XCTAssertLessThan(error, 2e-4, "\(test)")
      }
      let names = found.operations.map(\.name)
      XCTAssertEqual(names.filter { $0 == "sparse matrix product" }.count, 2, "\(test): \(names)")
      XCTAssertFalse(names.contains("matrix product"), "\(test): \(names)")
    }
  }

  func testDenseDataAndHiddenLayersAreMultipliedAsTheyAre() throws {
    var generator = ReproducibleNumbers(state: 8)
    let test = Case(rows: 64, inputs: 100, outputs: 64, density: 0.6)
    let w = numbers(test.inputs * test.outputs, &generator)
    let dy = numbers(test.rows * test.outputs, &generator)
    let dense = try layer(test, mostlyZeros(test, &generator), w, dy)
    XCTAssertFalse(dense.operations.contains { $0.name == "sparse matrix product" })
    // Zeros that depend on a parameter need a gradient of their own.
    let hidden = Parameter(.zeros([64, 100])), weights = Parameter(Tensor(w, shape: [100, 64]))
    let operations = Profiler.record {
      _ = hidden.tensor.dense(weights: weights.tensor, bias: nil).sum().backward()
    }.operations
    XCTAssertFalse(operations.contains { $0.name == "sparse matrix product" })
  }

  func testWhatIsNotFiniteInTheDataReachesTheOutput() throws {
    let test = Case(rows: 64, inputs: 100, outputs: 32, density: 0)
    var x = [Float](repeating: 0, count: 6400)
    (x[0], x[250]) = (.nan, .infinity)
    let output = try layer(
      test, x, [Float](repeating: 1, count: 3200), [Float](repeating: 1, count: 2048)
    ).output
    XCTAssertTrue(output[0..<32].allSatisfy(\.isNaN))
    XCTAssertTrue(output[32..<64].allSatisfy { $0 == 0 })
    XCTAssertTrue(output[64..<96].allSatisfy { $0 == .infinity })
  }

  func testTheNumberOfThreadsChangesNoBit() throws {
    var generator = ReproducibleNumbers(state: 9)
    let test = cases[2]
    let x = mostlyZeros(test, &generator)
    let w = numbers(test.inputs * test.outputs, &generator)
    let dy = numbers(test.rows * test.outputs, &generator)
    let threads = Engine.threads
    defer { Engine.threads = threads }
    let results = try [1, 2, 3].map { threads in
      Engine.threads = threads
      return try layer(test, x, w, dy)
    }
    for result in results {
      XCTAssertEqual(result.output, results[0].output)
      XCTAssertEqual(result.gradient, results[0].gradient)
    }
  }
}

/// Reproducible numbers (Knuth's MMIX generator).
private struct ReproducibleNumbers: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    var word: UInt64 = 0
    for _ in 0..<2 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      word = word << 32 | state >> 32
    }
    return word
  }
}

import Tensors
import XCTest

/// Outputs and gradients of every operation against values that JAX computed in double precision, or
/// mpmath with 60 digits.
final class ReferenceValueTests: XCTestCase {
  func testElementwiseFunctions() throws { try check("elementwise.json", .elementwise) }
  func testFunctionsOfTwoTensors() throws { try check("binary.json", .elementwise) }
  func testReductions() throws { try check("reductions.json", .sums) }
  func testMatrixProducts() throws { try check("matrix_products.json", .sums) }
  func testDenseLayers() throws { try check("dense.json", .sums) }
  func testConvolutions() throws { try check("convolutions.json", .sums) }
  func testTransposedConvolutions() throws { try check("transposed_convolutions.json", .sums) }
  func testNormalizations() throws { try check("normalizations.json", .normalizations) }
  func testMovement() throws { try check("movement.json", .sums) }
  func testVariationalTerms() throws { try check("variational.json", .variational) }
  func testSpecialFunctions() throws { try check("special_functions.json", .rounded) }
  func testSorting() throws { try check("sorting.json", .rounded) }
  func testLinearAlgebra() throws { try check("linear_algebra.json", .sums) }

  func testEveryFileIsReadByATest() throws {
    XCTAssertEqual(
      try ReferenceCase.files(),
      [
        "binary.json", "convolutions.json", "dense.json", "elementwise.json",
        "linear_algebra.json", "matrix_products.json", "movement.json", "normalizations.json",
        "reductions.json", "sorting.json", "special_functions.json",
        "transposed_convolutions.json", "variational.json",
      ])
  }

  func testOperationsAndCasesNameEachOther() throws {
    let named = try ReferenceCase.files().flatMap { try ReferenceCase.load($0).map(\.operation) }
    XCTAssertEqual(Set(named), Set(ReferenceOperations.all.keys))
  }

  // MARK: - Checks

  private func check(
    _ file: String, _ tolerance: Tolerance, line: UInt = #line
  ) throws {
    let cases = try ReferenceCase.load(file)
    XCTAssertFalse(cases.isEmpty, "\(file) has no cases", line: line)
    for (number, reference) in cases.enumerated() {
      guard let operation = ReferenceOperations.all[reference.operation] else {
        XCTFail("no operation \"\(reference.operation)\", which \(file) names", line: line)
        continue
      }
      do {
        for problem in try problems(reference, operation, tolerance) {
          XCTFail("\(file) case \(number), \(reference): \(problem)", line: line)
        }
      } catch {
        XCTFail("\(file) case \(number), \(reference): \(error)", line: line)
      }
    }
  }

  /// Runs the case with gradients for all inputs that have one, then for each of them alone:
  /// operations skip the work for inputs without tape.
  private func problems(
    _ reference: ReferenceCase, _ operation: ReferenceOperations.Operation, _ tolerance: Tolerance
  ) throws -> [String] {
    let differentiable = reference.gradients.indices.filter { reference.gradients[$0] != nil }
    let alone = differentiable.count > 1 ? differentiable.map { [$0] } : []
    return try ([differentiable] + alone).flatMap { tracked in
      try problems(reference, operation, tracked: tracked, tolerance).map {
        "\($0), with gradients for inputs \(tracked)"
      }
    }
  }

  private func problems(
    _ reference: ReferenceCase, _ operation: ReferenceOperations.Operation, tracked: [Int],
    _ tolerance: Tolerance
  ) throws -> [String] {
    let parameters = reference.inputs.map { Parameter(Tensor($0.values, shape: Shape($0.shape))) }
    // Where no gradient flows at all, every input is tracked, and the output must not be.
    let inputs = parameters.enumerated().map { position, parameter in
      tracked.contains(position) || reference.cotangent == nil ? parameter.tensor : parameter.value
    }
    let output = try operation(inputs, reference.attributes)
    guard output.shape.dimensions == reference.output.shape else {
      return ["the output has shape \(output.shape) instead of \(reference.output.shape)"]
    }
    var problems: [String] = []
    func compare(_ what: String, _ computed: [Float], _ expected: [Double]) {
      if let problem = tolerance.firstViolation(computed, expected) {
        problems.append("\(what)\(problem)")
      }
    }
    compare("output", output.floats, reference.output.values)
    if let cotangent = reference.cotangent {
      let gradients = output.backward(from: Tensor(cotangent, shape: output.shape))
      for position in tracked {
        guard let gradient = gradients[parameters[position]],
          let expected = reference.gradients[position]
        else {
          problems.append("input \(position) got no gradient")
          continue
        }
        if gradient.shape != parameters[position].shape {
          problems.append("gradient \(position) has shape \(gradient.shape)")
        }
        compare("gradient \(position)", gradient.floats, expected)
      }
    } else if output.isTracked {
      problems.append("a gradient flows through the output")
    }
    for (position, parameter) in parameters.enumerated()
    where parameter.value.floats != reference.inputs[position].values {
      problems.append("input \(position) was changed")
    }
    return problems
  }
}

/// How far single-precision results may be from exact ones.
private struct Tolerance {
  /// A share of the value itself.
  let relative: Double
  /// A share of the array's largest value: the rounding of a sum follows its terms, not its result.
  let ofLargest: Double
  /// An amount in any case.
  let absolute: Double

  /// For functions of single elements: some 30 units in the last place, and 1e-6 where a
  /// derivative comes from a saturated output, as 1 − y² of tanh.
  static let elementwise = Tolerance(relative: 2e-6, ofLargest: 0, absolute: 1e-6)
  /// For what is computed in double precision and rounded once, by half a unit of the last place: 6e-8
  /// of the value, and 1e-12 where terms cancel.
  static let rounded = Tolerance(relative: 6.1e-8, ofLargest: 0, absolute: 1e-12)
  /// For sums of up to some hundred terms: each adds half a unit of its last place, 6e-8 of its
  /// size, at most.
  static let sums = Tolerance(relative: 5e-6, ofLargest: 2e-6, absolute: 1e-30)

  /// For normalisations, whose input gradient is a difference of terms of up to ten or so, scale /
  /// deviation: with two elements to a group it vanishes up to the rounding of those terms.
  static let normalizations = Tolerance(relative: 5e-6, ofLargest: 2e-6, absolute: 1e-6)
  /// For densities and divergences. A latent that is hardly used costs some 1e-6 nats, a difference
  /// eᵛ − 1 − v that keeps nine decimals; without care it would keep seven.
  static let variational = Tolerance(relative: 5e-6, ofLargest: 2e-6, absolute: 1e-9)

  func firstViolation(_ computed: [Float], _ expected: [Double]) -> String? {
    guard computed.count == expected.count else {
      return " has \(computed.count) elements instead of \(expected.count)"
    }
    let largest = expected.reduce(0) { max($0, $1.magnitude) }
    for (index, (value, exact)) in zip(computed, expected).enumerated() {
      let allowed = relative * exact.magnitude + ofLargest * largest + absolute
      // Not `>`: a comparison with NaN is false.
      if !((Double(value) - exact).magnitude <= allowed) {
        return "[\(index)] is \(value) instead of \(exact) ± \(Float(allowed))"
      }
    }
    return nil
  }
}

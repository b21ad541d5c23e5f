import Tensors
import XCTest

final class LinearAlgebraTests: XCTestCase {
  private let shapes: [Shape] = [[1, 1], [2, 2], [5, 5], [3, 2, 2], [2, 1, 3, 3]]

  // MARK: - Gradients

  /// X Xᵀ + I/2 in small numbers, so that a step of finite differences leaves it positive definite.
  private func positiveDefinite(_ shape: Shape, seed: UInt64) -> Tensor {
    let d = shape[-1]
    return matrices(shape, seed: seed) { element, row, column in
      let gram = (0..<d).reduce(Float(0)) { $0 + element(row, $1) * element(column, $1) }
      return gram + (row == column ? 0.75 : 0)
    }
  }

  /// Symmetric matrices whose eigenvalues lie apart.
  private func spread(_ shape: Shape, seed: UInt64) -> Tensor {
    matrices(shape, seed: seed) { element, row, column in
      0.2 * (element(row, column) + element(column, row)) + (row == column ? Float(2 * row) - 3 : 0)
    }
  }

  private func matrices(
    _ shape: Shape, seed: UInt64,
    _ element: (_ drawn: (Int, Int) -> Float, _ row: Int, _ column: Int) -> Float
  ) -> Tensor {
    let drawn = TestNumbers(seed: seed).uniform(shape, in: -1...1).floats
    let d = shape[-1]
    return Tensor(
      drawn.indices.map { index in
        let first = index / (d * d) * d * d
        let value = element(
          { drawn[first + $0 * d + $1] }, index / d % d, index % d)
        return (value * 1024).rounded() / 1024
      }, shape: shape)
  }

  func testGradientsOfPositiveDefiniteMatrices() {
    for (seed, shape) in shapes.enumerated() {
      let matrices = positiveDefinite(shape, seed: UInt64(seed))
      assertGradients("cholesky", [matrices]) { $0[0].cholesky() }
      assertGradients("log determinant", [matrices]) { $0[0].logDeterminant() }
    }
  }

  func testGradientsOfTriangularSystems() {
    for (seed, shape) in shapes.enumerated() {
      for width in [1, 3] {
        for upper in [false, true] {
          for transposed in [false, true] {
            let right = TestNumbers(seed: 20).uniform(
              shape.dimensions.count == 2
                ? [shape[0], width] : Shape(shape.dimensions.dropLast() + [width]), in: -2...2)
            assertGradients(
              "triangular solve", [positiveDefinite(shape, seed: UInt64(seed)), right]
            ) { $0[0].triangularSolve($0[1], upper: upper, transposed: transposed) }
          }
        }
      }
    }
  }

  func testGradientsOfEigenvaluesAndEigenvectors() {
    for (seed, shape) in shapes.enumerated() {
      let matrices = spread(shape, seed: UInt64(seed))
      assertGradients("eigenvalues", [matrices]) { $0[0].symmetricEigen().values }
      assertGradients("eigenvectors", [matrices]) { $0[0].symmetricEigen().vectors }
      assertGradients("both", [matrices]) {
        let (values, vectors) = $0[0].symmetricEigen()
        let row = Shape(Array(shape.dimensions.dropLast()) + [1])
        return vectors * values.reshaped(to: row)
      }
    }
  }

  func testTheDensityOfANormalDistribution() {
    // log N(x; 0, Σ) by its factor, and by the inverse that 2 × 2 matrices have in closed form.
    assertGradients(
      "density", [Tensor([2, 0.5, 0.5, 1], shape: [2, 2]), Tensor([1, -1], shape: [2, 1])]
    ) {
      let distance = $0[0].cholesky().triangularSolve($0[1]).squared().sum()
      return (distance + $0[0].logDeterminant()) * -0.5
    }
    let covariance = Tensor([2, 0.5, 0.5, 1], shape: [2, 2])
    let distance = covariance.cholesky().triangularSolve(Tensor([1, -1], shape: [2, 1])).squared()
    XCTAssertEqual(distance.sum().item, (1 + 2 + 1) / 1.75, accuracy: 1e-6)
    XCTAssertEqual(covariance.logDeterminant().item, Float(1.75).logarithm, accuracy: 1e-6)
  }

  // MARK: - Values

  func testFactorsMultiplyToTheMatrix() {
    for size in [1, 2, 17, 40] {
      let x = RandomSource(seed: 1).stream("matrix").normal([size, size])
      let matrix = x.matrixProduct(x, rightTransposed: true) + identity(size)
      let factor = matrix.cholesky()
      let product = factor.matrixProduct(factor, rightTransposed: true)
      XCTAssertLessThan(difference(product, matrix), 2e-6 * norm(matrix))
      let elements = factor.floats
      for row in 0..<size {
        XCTAssertGreaterThan(elements[row * size + row], 0)
        XCTAssertTrue(elements[row * size + row + 1..<(row + 1) * size].allSatisfy { $0 == 0 })
      }
      let right = RandomSource(seed: 2).stream("right").normal([size, 3])
      let solution = factor.triangularSolve(factor.triangularSolve(right), transposed: true)
      XCTAssertLessThan(difference(matrix.matrixProduct(solution), right), 1e-4 * norm(right))
    }
  }

  func testEigenvectorsMakeTheMatrixDiagonal() {
    var cases: [Tensor] = [1, 2, 3, 17, 40].map { size in
      let x = RandomSource(seed: 1).stream("matrix").normal([size, size])
      return x + x.transposed()
    }
    // Rank one, equal eigenvalues, tridiagonal with pairs that almost agree (Wilkinson's W21+), extreme sizes.
    let ones = Tensor.ones([5, 5])
    cases += [ones, identity(6), Tensor.zeros([3, 3]), ones * 1e30, ones * 1e-30, wilkinson]
    for matrix in cases {
      let size = matrix.shape[0]
      let (values, vectors) = matrix.symmetricEigen()
      XCTAssertEqual(values.floats, values.floats.sorted())
      XCTAssertLessThan(
        difference(vectors.matrixProduct(vectors, transposed: true), identity(size)), 3e-6)
      let product = (vectors * values).matrixProduct(vectors, rightTransposed: true)
      XCTAssertLessThanOrEqual(difference(product, matrix), 3e-6 * norm(matrix))
      for column in 0..<size {
        let vector = (0..<size).map { vectors.floats[$0 * size + column] }
        let largest = vector.max { $0.magnitude < $1.magnitude } ?? 0
        XCTAssertGreaterThan(largest.magnitude - 1e-5, 0)
        XCTAssertTrue(vector.contains { $0 > largest.magnitude - 1e-6 }, "the sign is open")
      }
    }
    let values = ones.symmetricEigen().values.floats
    XCTAssertEqual(values[4], 5, accuracy: 1e-6)
    XCTAssertEqual(wilkinson.symmetricEigen().values.floats.last ?? 0, 10.746194, accuracy: 1e-6)
  }

  private var wilkinson: Tensor {
    Tensor(
      (0..<441).map { index in
        let (row, column) = (index / 21, index % 21)
        return row == column ? Float(abs(row - 10)) : abs(row - column) == 1 ? 1 : 0
      }, shape: [21, 21])
  }

  func testOnlyTheSymmetricPartCounts() {
    let whole = positiveDefinite([4, 4], seed: 3)
    let skew = Tensor((0..<16).map { Float($0 / 4 - $0 % 4) / 8 }, shape: [4, 4])
    XCTAssertEqual((whole + skew).cholesky().floats, whole.cholesky().floats)
    XCTAssertEqual((whole + skew).logDeterminant().item, whole.logDeterminant().item)
    let (one, other) = ((whole + skew).symmetricEigen(), whole.symmetricEigen())
    XCTAssertEqual(one.values.floats, other.values.floats)
    XCTAssertEqual(one.vectors.floats, other.vectors.floats)
  }

  func testATriangularSystemReadsOneTriangle() {
    let junk = Tensor([2, .nan, 1, 4], shape: [2, 2])
    let right = Tensor([2, 9], shape: [2, 1])
    XCTAssertEqual(junk.triangularSolve(right).floats, [1, 2])
    XCTAssertEqual(
      junk.transposed().triangularSolve(right, upper: true, transposed: true).floats, [1, 2])
  }

  // MARK: - Edges

  /// Not positive definite, only semi-definite, negative, not finite.
  private let unfit: [[Float]] = [
    [1, 2, 2, 1], [1, 1, 1, 1], [-1, 0, 0, 1], [0, 0, 0, 0], [.nan, 0, 0, 1], [1, .nan, .nan, 1],
    [.infinity, 0, 0, 1], [1, .infinity, .infinity, 1], [1, 0, 0, -.infinity],
  ]

  func testWhatIsNotPositiveDefiniteGivesNaNForItselfAlone() {
    for elements in unfit {
      let batch = Parameter(Tensor([4, 1, 1, 3] + elements + [1, 0, 0, 1], shape: [3, 2, 2]))
      for (name, output, size) in [
        ("cholesky", batch.tensor.cholesky(), 4), ("log", batch.tensor.logDeterminant(), 1),
      ] {
        let gradient = output.backward(from: .ones(output.shape))[batch]?.floats ?? []
        for (what, values, size) in [("value", output.floats, size), ("gradient", gradient, 4)] {
          let isNaN = (0..<3).map { member in
            values[member * size..<(member + 1) * size].map(\.isNaN)
          }
          XCTAssertFalse(isNaN[0].contains(true), "\(name), \(what), \(elements)")
          XCTAssertFalse(isNaN[1].contains(false), "\(name), \(what), \(elements)")
          XCTAssertFalse(isNaN[2].contains(true), "\(name), \(what), \(elements)")
        }
        XCTAssertFalse(output.isFinite)
      }
    }
    XCTAssertTrue(Tensor([4, 1, 1, 3], shape: [2, 2]).cholesky().isFinite)
  }

  func testEigenvaluesOfWhatIsNotFiniteAreNaN() {
    for elements in unfit where !elements.allSatisfy(\.isFinite) {
      let batch = Parameter(Tensor(elements + [1, 2, 2, 1], shape: [2, 2, 2]))
      let (values, vectors) = batch.tensor.symmetricEigen()
      XCTAssertEqual(values.floats.map(\.isNaN), [true, true, false, false])
      XCTAssertEqual(values.floats.suffix(2).map { $0.rounded() }, [-1, 3])
      XCTAssertTrue(vectors.floats.prefix(4).allSatisfy(\.isNaN))
      let gradient = vectors.sum().backward()[batch]?.floats ?? []
      XCTAssertEqual(gradient.map(\.isNaN), [true, true, true, true, false, false, false, false])
    }
  }

  func testEqualEigenvaluesGiveAFiniteGradient() {
    let matrix = Parameter(identity(3))
    let (values, vectors) = matrix.tensor.symmetricEigen()
    let sum = values.sum() + vectors.squared().sum()
    XCTAssertEqual(sum.backward()[matrix]?.floats, identity(3).floats)
  }

  func testASingularTriangularSystemDoesNotStop() {
    let matrix = Parameter(Tensor([0, 0, 1, 0], shape: [2, 2]))
    let solution = matrix.tensor.triangularSolve(Tensor([1, 1], shape: [2, 1]))
    XCTAssertEqual(solution.floats[0], .infinity)
    XCTAssertFalse(solution.sum().backward()[matrix]?.isFinite ?? true)
  }

  func testNothingHasADecomposition() {
    for shape in [[0, 0], [0, 3, 3], [2, 0, 0]] as [Shape] {
      let empty = Tensor.zeros(shape)
      XCTAssertEqual(empty.cholesky().shape, shape)
      XCTAssertEqual(
        empty.logDeterminant().floats, shape == [0, 0] ? [0] : shape[0] == 2 ? [0, 0] : [])
      XCTAssertEqual(empty.symmetricEigen().values.shape, shape.removing(last: 1))
      XCTAssertEqual(empty.triangularSolve(empty).shape, shape)
    }
  }

  func testShapesThatDoNotFitAreRefused() throws {
    for shape in [[], [3], [2, 3], [2, 2, 3]] as [Shape] {
      let wrong = Tensor.ones(shape)
      try assertStops("cholesky \(shape)") { _ = wrong.cholesky() }
      try assertStops("log determinant \(shape)") { _ = wrong.logDeterminant() }
      try assertStops("eigen \(shape)") { _ = wrong.symmetricEigen() }
    }
    for shape in [[2], [3, 1], [1, 2, 1]] as [Shape] {
      try assertStops("solve \(shape)") { _ = identity(2).triangularSolve(Tensor.ones(shape)) }
    }
  }

  func testShortMemoryIsAnErrorWhereverItIsMet() {
    let matrices = Parameter(positiveDefinite([60, 5, 5], seed: 1))
    assertEveryRefusalIsAnError("cholesky") {
      matrices.tensor.cholesky().sum().backward()[matrices]
    }
    assertEveryRefusalIsAnError("log determinant") {
      matrices.tensor.logDeterminant().sum().backward()[matrices]
    }
    assertEveryRefusalIsAnError("eigen") {
      let (values, vectors) = matrices.tensor.symmetricEigen()
      return (values.sum() + vectors.sum()).backward()[matrices]
    }
    assertEveryRefusalIsAnError("triangular solve") {
      matrices.tensor.triangularSolve(matrices.tensor).sum().backward()[matrices]
    }
    let large = Tensor.zeros([1, 100, 100])
    assertEveryRefusalIsAnError("the space of one large matrix") { large.symmetricEigen() }
  }

  // MARK: - Helpers

  private func identity(_ size: Int) -> Tensor {
    Tensor((0..<size * size).map { $0 / size == $0 % size ? 1 : 0 }, shape: [size, size])
  }

  /// The largest element of a difference, in magnitude.
  private func difference(_ a: Tensor, _ b: Tensor) -> Double { norm(a - b) }

  private func norm(_ x: Tensor) -> Double {
    x.floats.reduce(0) { max($0, Double($1.magnitude)) }
  }
}

extension Shape {
  fileprivate func removing(last count: Int) -> Shape {
    Shape(Array(dimensions.dropLast(count)))
  }
}

extension Float {
  fileprivate var logarithm: Float { Tensor(self).log().item }
}

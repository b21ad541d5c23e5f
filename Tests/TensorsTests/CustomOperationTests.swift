import Tensors
import XCTest

/// Operations that are written outside of the module, with what is public alone.
final class CustomOperationTests: XCTestCase {
  private static func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    .custom("product", of: [a, b]) {
      $0[0] * $0[1]
    } gradient: { pass in
      [
        pass.isNeeded[0] ? pass.gradient * pass.inputs[1] : nil,
        pass.isNeeded[1] ? pass.gradient * pass.inputs[0] : nil,
      ]
    }
  }

  /// eˣ, whose gradient comes from the output.
  private static func exponential(_ x: Tensor) -> Tensor {
    .custom("exponential", of: [x]) {
      $0[0].exp()
    } gradient: {
      [$0.gradient * $0.output]
    }
  }

  /// The sum of each row, of another shape than the input.
  private static func rowSums(_ x: Tensor) -> Tensor {
    .custom("row sums", of: [x]) { inputs in
      inputs[0].sum(axis: 1)
    } gradient: { pass in
      let rows = pass.gradient.shape[0]
      return [pass.gradient.reshaped(to: [rows, 1]).broadcast(to: pass.inputs[0].shape)]
    }
  }

  func testItsGradientsAreThoseOfItsBackwardPass() {
    let numbers = TestNumbers(seed: 1)
    let (a, b) = (
      numbers.uniform([2, 3], in: -1...1), TestNumbers(seed: 2).uniform([2, 3], in: -1...1)
    )
    assertGradients("product", [a, b]) { Self.product($0[0], $0[1]) }
    assertGradients("exponential", [a]) { Self.exponential($0[0]) }
    assertGradients("row sums", [a]) { Self.rowSums($0[0]) }
    assertGradients("among other operations", [a, b]) {
      Self.rowSums(Self.product($0[0].squared(), Self.exponential($0[1]))) + $0[0].sum(axis: 1)
    }
  }

  func testAGradientOfOnesOwnTakesThePlaceOfTheTrueOne() {
    let x = Parameter(Tensor([0.4, 1.6]))
    let rounded = Tensor.custom("round", of: [x.tensor]) { inputs in
      Tensor(inputs[0].floats.map { $0.rounded() }, shape: inputs[0].shape)
    } gradient: {
      [$0.gradient]
    }
    XCTAssertEqual(rounded.floats, [0, 2])
    XCTAssertEqual(rounded.backward(from: Tensor([3, 4]))[x]?.floats, [3, 4])
  }

  func testOnlyWhatIsTrackedIsAskedFor() {
    let (x, y) = (Parameter(Tensor([2, 3])), Tensor([5, 7]))
    var asked: [[Bool]] = []
    func operation(_ inputs: [Tensor]) -> Tensor {
      .custom("probe", of: inputs) {
        $0[0] + $0[1]
      } gradient: { pass in
        asked.append(pass.isNeeded)
        XCTAssertEqual(pass.output.floats, [7, 10])
        XCTAssertFalse((pass.inputs + [pass.output, pass.gradient]).contains(where: \.isTracked))
        return [pass.gradient, pass.gradient]
      }
    }
    XCTAssertEqual(operation([x.tensor, y]).sum().backward()[x]?.floats, [1, 1])
    XCTAssertEqual(asked, [[true, false]])
    XCTAssertFalse(operation([x.value, y]).isTracked)
    XCTAssertFalse(withoutTape { operation([x.tensor, y]) }.isTracked)
    XCTAssertEqual(asked.count, 1, "the backward pass ran without a backward pass")
  }

  func testNilIsNoGradient() {
    let (x, y) = (Parameter(Tensor([2, 3])), Parameter(Tensor([5, 7])))
    let sum = Tensor.custom("half blind", of: [x.tensor, y.tensor]) {
      $0[0] + $0[1]
    } gradient: {
      [nil, $0.gradient]
    }
    let gradients = sum.sum().backward()
    XCTAssertNil(gradients[x])
    XCTAssertEqual(gradients[y]?.floats, [1, 1])
  }

  func testWhatIsCapturedIsAConstant() {
    let (x, y) = (Parameter(Tensor([2, 3])), Parameter(Tensor([5, 7])))
    let tracked = y.tensor
    let inside = Tensor.custom("capture", of: [x.tensor]) {
      $0[0] * tracked
    } gradient: {
      [$0.gradient * tracked]
    }
    let gradients = inside.sum().backward()
    XCTAssertEqual(gradients[x]?.floats, [5, 7])
    XCTAssertNil(gradients[y])
    // Also where nothing is left to be computed from the inputs.
    let handedOn = Tensor.custom("hand on", of: [Tensor(1)]) { _ in
      tracked
    } gradient: { _ in
      [nil]
    }
    XCTAssertFalse(handedOn.isTracked)
  }

  func testIndicesMayGoInAndComeOut() {
    let table = Parameter(Tensor([1, 2, 3]))
    let chosen = Tensor.custom("choose", of: [table.tensor, Tensor(indices: [2, 0])]) {
      $0[0].gathering($0[1])
    } gradient: { pass in
      var sums = [Float](repeating: 0, count: 3)
      for (index, value) in zip(pass.inputs[1].indices, pass.gradient.floats) {
        sums[Int(index)] += value
      }
      return [Tensor(sums), nil]
    }
    XCTAssertEqual(chosen.floats, [3, 1])
    XCTAssertEqual(chosen.backward(from: Tensor([10, 20]))[table]?.floats, [20, 0, 10])
    let largest = Tensor.custom("largest", of: [table.tensor]) {
      $0[0].argmax(axis: 0)
    } gradient: { _ in
      [nil]
    }
    XCTAssertEqual(largest.indices, [2])
    XCTAssertFalse(largest.isTracked)
  }

  func testAnErrorOfTheForwardPassComesOut() {
    struct Unfit: Error {}
    XCTAssertThrowsError(
      try Tensor.custom("unfit", of: [Tensor(1)]) { _ in
        throw Unfit()
      } gradient: { _ in
        [nil]
      }
    ) { XCTAssertTrue($0 is Unfit) }
    let x = Parameter(Tensor(1))
    XCTAssertTrue((x.tensor + 1).isTracked, "the tape stayed off")
  }

  func testGradientsOfAnotherNumberOrShapeAreRefused() throws {
    let x = Parameter(Tensor([2, 3]))
    for gradients in [
      [], [nil, nil], [Tensor.ones([3])], [.ones([2, 1])], [Tensor(indices: [1, 2])],
    ]
      as [[Tensor?]]
    {
      let output = Tensor.custom("wrong", of: [x.tensor]) {
        $0[0] + 1
      } gradient: { _ in
        gradients
      }
      try assertStops("\(gradients)") { _ = output.sum().backward() }
    }
  }

  func testAFunctionOfNumbersNeedsItsDerivativeOnly() {
    for shape in [[], [5], [2, 1, 3]] as [Shape] {
      assertGradients("softsign", [TestNumbers(seed: 4).uniform(shape, in: 0.25...3)]) {
        $0[0].applying {
          $0 / (1 + $0.magnitude)
        } derivative: {
          1 / ((1 + $0.magnitude) * (1 + $0.magnitude))
        }
      }
    }
    // Many threads' worth of elements, each at its place.
    let many = Tensor((0..<5000).map { Float($0) })
    XCTAssertEqual(
      many.applying {
        $0 * $0
      } derivative: {
        2 * $0
      }.floats, many.squared().floats)
  }

  func testShortMemoryIsAnErrorWhereverItIsMet() {
    let x = Parameter(Tensor.ones([20, 30]))
    assertEveryRefusalIsAnError("custom") {
      Self.rowSums(Self.product(x.tensor, Self.exponential(x.tensor))).sum().backward()[x]
    }
    assertEveryRefusalIsAnError("applying") {
      x.tensor.applying {
        $0
      } derivative: { _ in
        1
      }.sum().backward()[x]
    }
  }
}

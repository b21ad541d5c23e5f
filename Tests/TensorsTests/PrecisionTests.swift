import CVectorKernels
import Tensors
import XCTest

/// Products and convolutions of a pass in bfloat16.
final class PrecisionTests: XCTestCase {
  private let numbers = TestNumbers(seed: 41)

  override func setUpWithError() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, Precision.bfloat16.refusal)
  }

  /// The output and the gradients of all inputs, in this order.
  private func results(
    _ precision: Precision, _ inputs: [Tensor], weighing weights: Tensor? = nil,
    _ operation: ([Tensor]) -> Tensor
  ) -> [Tensor] {
    let parameters = inputs.map { Parameter($0) }
    let output = withPrecision(precision) { operation(parameters.map(\.tensor)) }
    let cotangent = cotangent(output.shape)
    let gradients = output.backward(from: weights.map { cotangent * $0 } ?? cotangent)
    return [output.detached()] + parameters.compactMap { gradients[$0] }
  }

  private func cotangent(_ shape: Shape) -> Tensor {
    TestNumbers(seed: 42).uniform(shape, in: -1...1)
  }

  /// The distance of two tensors over the size of the second.
  private func distance(_ a: Tensor, _ b: Tensor) -> Double {
    ((a - b).squared().doubleSum / b.squared().doubleSum).squareRoot()
  }

  /// 1 where two outputs have the same sign, 0 elsewhere: where rounding carries a value across the
  /// kink of an activation, the derivative is another one and not a rounded one.
  private func agreement(_ a: Tensor, _ b: Tensor) -> Tensor {
    Tensor(
      zip(a.floats, b.floats).map { ($0 > 0) == ($1 > 0) ? 1 : 0 }, shape: a.shape)
  }

  /// What a tensor is after rounding.
  private func rounded(_ x: Tensor) -> Tensor {
    var bits = [UInt16](repeating: 0, count: x.count)
    vk_round_to_bfloat16(x.floats, &bits, x.count)
    return Tensor(bits.map { Float(bitPattern: UInt32($0) << 16) }, shape: x.shape)
  }

  // MARK: Products

  func testAProductIsThatOfRoundedMatricesForwardAndBackward() {
    let (x, w) = (numbers.uniform([13, 37], in: -2...2), numbers.uniform([37, 21], in: -1...1))
    let (xs, ws) = (x.scaled(by: 1.0 / 3), w.scaled(by: 1.0 / 3))
    let found = results(.bfloat16, [xs, ws]) { $0[0].matrixProduct($0[1]) }
    let (a, b, c) = (rounded(xs), rounded(ws), rounded(cotangent([13, 21])))
    let expected = [
      product(a, b), product(c, b.transposed()), product(a.transposed(), c),
    ]
    for (found, expected) in zip(found, expected) {
      XCTAssertLessThan(distance(found, expected), 1e-6)
    }
    XCTAssertGreaterThan(distance(found[0], product(xs, ws)), 1e-4)
  }

  func testEveryTransposeOfAProductIsThatOfRoundedMatrices() {
    for transposes in [(true, false), (false, true), (true, true)] {
      let inputs = [
        numbers.uniform(transposes.0 ? [9, 7] : [7, 9], in: -2...2).scaled(by: 0.3),
        numbers.uniform(transposes.1 ? [5, 9] : [9, 5], in: -2...2).scaled(by: 0.3),
      ]
      func operation(_ inputs: [Tensor]) -> Tensor {
        inputs[0].matrixProduct(
          inputs[1], transposed: transposes.0, rightTransposed: transposes.1)
      }
      let found = results(.bfloat16, inputs, operation)
      let expected = results(.float32, inputs.map(rounded)) {
        operation($0)
      }
      XCTAssertLessThan(distance(found[0], expected[0]), 1e-6)
      // The cotangent of the expectation is not rounded.
      for index in 1...2 { XCTAssertLessThan(distance(found[index], expected[index]), 4e-3) }
    }
  }

  /// A product in double precision.
  private func product(_ a: Tensor, _ b: Tensor) -> Tensor {
    let (m, k, n) = (a.shape[0], a.shape[1], b.shape[1])
    let (left, right) = (a.floats, b.floats)
    return Tensor(
      (0..<m * n).map { index in
        Float(
          (0..<k).reduce(0.0) {
            $0 + Double(left[index / n * k + $1]) * Double(right[$1 * n + index % n])
          })
      }, shape: [m, n])
  }

  // MARK: Layers

  /// Every operation that multiplies, with the paths that take other kernels.
  private var layers: [(String, [Tensor], ([Tensor]) -> Tensor)] {
    var cases: [(String, [Tensor], ([Tensor]) -> Tensor)] = []
    func numbers(_ shape: Shape) -> Tensor {
      TestNumbers(seed: UInt64(cases.count)).uniform(shape, in: -1...1).scaled(by: 0.7)
    }
    for activation in [Activation.identity, .relu, .leakyReLU(slope: 0.1), .tanh, .silu] {
      cases.append(
        (
          "dense \(activation)", [numbers([16, 24]), numbers([24, 10]), numbers([10])],
          { $0[0].dense(weights: $0[1], bias: $0[2], activation: activation) }
        ))
      cases.append(
        (
          "convolution \(activation)",
          [numbers([2, 7, 6, 5]), numbers([9, 5, 3, 3]), numbers([9])],
          {
            $0[0].convolution(
              weights: $0[1], bias: $0[2], stride: (2, 1), padding: Padding(1),
              activation: activation)
          }
        ))
      cases.append(
        (
          "transposed convolution \(activation)",
          [numbers([2, 4, 5, 6]), numbers([6, 8, 3, 3]), numbers([8])],
          {
            $0[0].transposedConvolution(
              weights: $0[1], bias: $0[2], stride: (2, 2), padding: Padding(1),
              outputPadding: (1, 1), activation: activation)
          }
        ))
      for sees in [true, false] {
        cases.append(
          (
            "raster convolution \(activation), \(sees)",
            [numbers([2, 6, 5, 4]), numbers([8, 4, 2, 3]), numbers([8])],
            {
              $0[0].rasterConvolution(
                weights: $0[1], bias: $0[2], seesOwnPosition: sees, activation: activation)
            }
          ))
      }
    }
    for channels in [128, 129] {
      cases.append(
        (
          "few pixels of \(channels)",
          [numbers([4, 4, 4, channels]), numbers([128, channels, 3, 3]), numbers([128])],
          { $0[0].convolution(weights: $0[1], bias: $0[2], stride: (2, 2), padding: Padding(1)) }
        ))
    }
    cases.append(
      (
        "to colours", [numbers([2, 4, 4, 16]), numbers([16, 3, 4, 4]), numbers([3])],
        {
          $0[0].transposedConvolution(
            weights: $0[1], bias: $0[2], stride: (2, 2), padding: Padding(1))
        }
      ))
    return cases
  }

  func testLayersAndTheirGradientsAreNearThoseOf32BitsButNotThem() {
    for (name, inputs, layer) in layers {
      let weights = agreement(
        results(.bfloat16, inputs, layer)[0], results(.float32, inputs, layer)[0])
      XCTAssertGreaterThan(weights.doubleSum, 0.98 * Double(weights.count), name)
      let short = results(.bfloat16, inputs, weighing: weights, layer)
      let full = results(.float32, inputs, weighing: weights, layer)
      XCTAssertEqual(short.count, 1 + inputs.count, name)
      for (index, (short, full)) in zip(short, full).enumerated() {
        XCTAssertEqual(short.elementType, .float32, name)
        XCTAssertEqual(short.shape, full.shape, name)
        // A unit in the last place is 2⁻⁷, half of it the largest error of an operand.
        XCTAssertLessThan(distance(short, full), 8e-3, "\(name), result \(index)")
      }
      XCTAssertGreaterThan(distance(short[0], full[0]), 1e-4, name)
      XCTAssertGreaterThan(distance(short[1], full[1]), 1e-4, name)
      XCTAssertGreaterThan(distance(short[2], full[2]), 1e-4, name)
    }
  }

  func testBiasGradientsAddUpWhatIsNotRounded() {
    for (name, inputs, layer) in layers where name.contains("identity") || name.contains("pixels") {
      let (short, full) = (results(.bfloat16, inputs, layer), results(.float32, inputs, layer))
      XCTAssertLessThan(distance(short[3], full[3]), 1e-6, name)
    }
  }

  func testUnseenTapsGetNoGradient() throws {
    let inputs = [
      numbers.uniform([1, 4, 4, 3], in: -1...1), numbers.uniform([5, 3, 2, 3], in: -1...1),
      numbers.uniform([5], in: -1...1),
    ]
    let gradient = results(.bfloat16, inputs) {
      $0[0].rasterConvolution(weights: $0[1], bias: $0[2], seesOwnPosition: false)
    }[2]
    for (index, value) in gradient.floats.enumerated() {
      let isSeen = index % 6 < 4
      XCTAssertEqual(value != 0, isSeen, "tap \(index % 6)")
    }
  }

  /// 32 → 3 channels: loops of our own are faster than what oneDNN has for bfloat16.
  func testConvolutionsToFewOutputsStayAsTheyAre() {
    let inputs = [
      numbers.uniform([1, 6, 6, 32], in: -1...1), numbers.uniform([3, 32, 3, 3], in: -1...1),
    ]
    func layer(_ inputs: [Tensor]) -> Tensor {
      inputs[0].convolution(weights: inputs[1], padding: Padding(1))
    }
    let (short, full) = (results(.bfloat16, inputs, layer), results(.float32, inputs, layer))
    for (short, full) in zip(short, full) { XCTAssertEqual(short.floats, full.floats) }
  }

  // MARK: Where it holds

  func testWhatIsNotRecordedIsComputedWith32Bits() {
    let (x, w) = (
      numbers.uniform([4, 9], in: -1...1), Parameter(numbers.uniform([9, 3], in: -1...1))
    )
    let expected = x.matrixProduct(w.value).floats
    withPrecision(.bfloat16) {
      XCTAssertEqual(x.matrixProduct(w.value).floats, expected)
      XCTAssertEqual(withoutTape { x.matrixProduct(w.tensor).floats }, expected)
      XCTAssertNotEqual(x.scaled(by: 0.3).matrixProduct(w.tensor).floats, expected)
      withPrecision(.float32) {
        XCTAssertEqual(x.matrixProduct(w.tensor).floats, expected)
      }
    }
    XCTAssertEqual(x.matrixProduct(w.tensor).floats, expected)
  }

  func testAnUpdateOfWeightsIsSeenAtOnce() throws {
    let x = numbers.uniform([4, 9], in: -1...1)
    let w = Parameter(numbers.uniform([9, 3], in: -1...1))
    func output() -> Tensor { withPrecision(.bfloat16) { x.matrixProduct(w.tensor) } }
    let before = output()
    let gradient = try XCTUnwrap(before.sum().backward()[w])
    FusedUpdate([FusedUpdate.Entry(w, gradient: gradient)]).sgd(
      rate: 0.1, momentum: 0, isNesterov: false, gradientScale: 1)
    let fresh = Parameter(w.value)
    XCTAssertNotEqual(before.floats, output().floats)
    XCTAssertEqual(
      output().floats, withPrecision(.bfloat16) { x.matrixProduct(fresh.tensor) }.floats)
  }

  func testATapeKeepsHalfTheBytes() {
    func bytesKept(_ precision: Precision) -> Int {
      let weights = (0..<6).map { _ in Parameter(numbers.uniform([64, 64], in: -1...1)) }
      let before = MemoryPool.shared.statistics.bytesInUse
      return withPrecision(precision) {
        let loss = weights.reduce(numbers.uniform([512, 64], in: -1...1)) {
          $0.dense(weights: $1.tensor, bias: nil, activation: .relu)
        }.sum()
        return withExtendedLifetime(loss) { MemoryPool.shared.statistics.bytesInUse - before }
      }
    }
    XCTAssertLessThan(Double(bytesKept(.bfloat16)), 0.65 * Double(bytesKept(.float32)))
  }

  func testEqualWorkGivesEqualBits() {
    for (name, inputs, layer) in layers {
      let (one, two) = (results(.bfloat16, inputs, layer), results(.bfloat16, inputs, layer))
      for (one, two) in zip(one, two) { XCTAssertEqual(one.floats, two.floats, name) }
    }
  }
}

import COneDNN
import Dispatch
import Foundation
import Synchronization
import XCTest

/// Matrix products and convolutions against plain loops in double precision.
///
/// Arrays that a call must write are filled with NaN before it, and so are scratch and packed
/// weights: what is read before it is written, or not written at all, makes a wrong result.
final class OneDNNBridgeTests: XCTestCase {
  // MARK: Matrix products

  func testMatrixProductsEqualPlainLoopsForAllTransposesAndScales() {
    for (m, n, k) in [(1, 1, 1), (3, 5, 7), (33, 17, 64), (1, 40, 9), (20, 1, 31), (150, 90, 300)] {
      for transposeA in [false, true] {
        for transposeB in [false, true] {
          for (alpha, beta) in [(1, 0), (1, 1), (0.5, -2)] as [(Float, Float)] {
            for gap in [0, 3] {
              let product = MatrixProduct(
                m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, alpha: alpha,
                beta: beta, gap: gap)
              XCTAssertEqual(product.mismatch(), nil, "\(product)")
            }
          }
        }
      }
    }
  }

  /// oneDNN alone would answer success and leave C unscaled.
  func testAnEmptyInnerDimensionIsRefused() {
    let product = MatrixProduct(
      m: 2, n: 2, k: 0, transposeA: false, transposeB: false, alpha: 1, beta: 0, gap: 1)
    XCTAssertEqual(product.mismatch(), "invalid_arguments")
  }

  private func assertPreparedProductsEqualPlainLoops(_ operands: od_element_type) throws {
    for (m, n, k) in [
      (1, 1, 1), (3, 5, 7), (33, 17, 64), (1, 40, 9), (20, 1, 31), (150, 90, 300), (64, 9, 777),
    ] {
      for transposeA in [false, true] {
        for transposeB in [false, true] {
          let product = PreparedProduct(
            m: m, n: n, k: k, transposeA: transposeA, transposeB: transposeB, operands: operands)
          XCTAssertNil(try product.mismatch(), "\(product)")
        }
      }
    }
  }

  func testPreparedProductsEqualPlainLoopsForAllTransposes() throws {
    try assertPreparedProductsEqualPlainLoops(OD_FLOAT32)
  }

  func testBFloat16ProductsEqualPlainLoopsForAllTransposes() throws {
    try XCTSkipUnless(od_has_bfloat16() != 0, "the processor has no bfloat16 products")
    try assertPreparedProductsEqualPlainLoops(OD_BFLOAT16)
  }

  func testPreparedProductsOfEmptyMatricesAreRefused() {
    for operands in [OD_FLOAT32, OD_BFLOAT16] {
      for sizes in [(0, 1, 1), (1, 0, 1), (1, 1, 0), (-1, 1, 1)] as [(Int64, Int64, Int64)] {
        var product: OpaquePointer?
        XCTAssertEqual(
          statusText(od_product_create(0, 0, sizes.0, sizes.1, sizes.2, operands, &product)),
          "invalid_arguments")
        XCTAssertNil(product)
      }
    }
    od_product_destroy(nil)
  }

  // MARK: Convolutions

  func testForwardPassesEqualPlainLoops() throws {
    for shape in oddShapes {
      for withBias in [false, true] {
        let pass = try ConvolutionPass(shape, OD_FORWARD, withBias: withBias)
        XCTAssertEqual(try pass.mismatch(seed: 1), nil, "\(shape), bias \(withBias), \(pass.name)")
      }
    }
  }

  func testInputGradientsEqualPlainLoops() throws {
    for shape in oddShapes {
      let pass = try ConvolutionPass(shape, OD_BACKWARD_DATA, withBias: false)
      XCTAssertEqual(try pass.mismatch(seed: 2), nil, "\(shape), \(pass.name)")
    }
  }

  func testWeightAndBiasGradientsEqualPlainLoops() throws {
    for shape in oddShapes {
      for withBias in [false, true] {
        let pass = try ConvolutionPass(shape, OD_BACKWARD_WEIGHTS, withBias: withBias)
        XCTAssertEqual(try pass.mismatch(seed: 3), nil, "\(shape), bias \(withBias), \(pass.name)")
      }
    }
  }

  func testBFloat16PassesEqualPlainLoops() throws {
    try XCTSkipUnless(od_has_bfloat16() != 0, "the processor has no bfloat16 products")
    for shape in oddShapes {
      for kind in kinds {
        for withBias in [false, true] {
          let pass = try ConvolutionPass(shape, kind, OD_BFLOAT16, withBias: withBias)
          XCTAssertNil(
            try pass.mismatch(seed: 9), "\(shape), kind \(kind), bias \(withBias), \(pass.name)")
        }
      }
    }
  }

  func testBiasIsIgnoredForInputGradients() throws {
    let pass = try ConvolutionPass(smallShape, OD_BACKWARD_DATA, withBias: true)
    XCTAssertEqual(try pass.mismatch(seed: 4), nil)
  }

  func testAHandleServesOtherArraysAtEveryCall() throws {
    for kind in kinds {
      let pass = try ConvolutionPass(smallShape, kind, withBias: true)
      for seed in 5..<8 {
        XCTAssertEqual(try pass.mismatch(seed: UInt64(seed)), nil, "kind \(kind.rawValue)")
      }
    }
  }

  func testHandlesOfDifferentThreadsDoNotDisturbEachOther() {
    let failures = Mutex<[String]>([])
    let shape = smallShape
    DispatchQueue.concurrentPerform(iterations: 6) { index in
      do {
        let pass = try ConvolutionPass(shape, kinds[index % kinds.count], withBias: true)
        for seed in 0..<5 {
          if let mismatch = try pass.mismatch(seed: UInt64(10 * index + seed)) {
            failures.withLock { $0.append("thread \(index): \(mismatch)") }
          }
        }
      } catch {
        failures.withLock { $0.append("thread \(index): \(error)") }
      }
    }
    XCTAssertEqual(failures.withLock { $0 }, [])
  }

  // MARK: Implementations

  /// oneDNN falls back to code that is a hundred times slower without a word.
  func testReferenceWorkloadsMeetNoReferenceImplementation() throws {
    for operands in od_has_bfloat16() != 0 ? [OD_FLOAT32, OD_BFLOAT16] : [OD_FLOAT32] {
      for (workload, shape) in workloadShapes {
        for kind in kinds {
          let name = try ConvolutionPass(shape, kind, operands, withBias: true).name
          for slow in ["ref", "simple", "unknown"] {
            XCTAssertFalse(
              name.contains(slow), "\(workload) \(shape) kind \(kind.rawValue): \(name)")
          }
        }
      }
    }
  }

  // MARK: Refusals

  func testAnOutputSizeThatDoesNotFollowFromTheInputIsRefused() {
    var shape = smallShape
    shape.output_height += 1
    for kind in kinds { assertInvalid(shape, kind) }
  }

  func testEmptyAndNegativeSizesAreRefused() {
    let sizes: [WritableKeyPath<od_convolution_shape, Int64>] = [
      \.batch, \.input_height, \.input_width, \.input_channels, \.output_height, \.output_width,
      \.output_channels, \.kernel_height, \.kernel_width, \.stride_y, \.stride_x,
    ]
    for size in sizes {
      for value in [0, -1] as [Int64] {
        var shape = smallShape
        shape[keyPath: size] = value
        for kind in kinds { assertInvalid(shape, kind) }
      }
    }
  }

  func testAnUnknownKindIsRefused() {
    assertInvalid(smallShape, od_convolution_kind(rawValue: 3))
  }

  func testAHandleRefusesThePassesOfOtherKinds() throws {
    let pass = try ConvolutionPass(smallShape, OD_BACKWARD_DATA, withBias: false)
    let floats = UnsafeMutablePointer<Float>.allocate(capacity: 1)
    defer { floats.deallocate() }
    let statuses = [
      od_convolution_forward(pass.handle, floats, floats, nil, floats, nil),
      od_convolution_backward_weights(pass.handle, floats, floats, floats, nil, nil),
      od_convolution_unpack(pass.handle, floats, floats),
    ]
    XCTAssertEqual(statuses.map(statusText), Array(repeating: "invalid_arguments", count: 3))
  }

  func testAMissingOrUnexpectedBiasIsRefused() throws {
    let floats = UnsafeMutablePointer<Float>.allocate(capacity: 1)
    defer { floats.deallocate() }
    let with = try ConvolutionPass(smallShape, OD_FORWARD, withBias: true)
    let without = try ConvolutionPass(smallShape, OD_FORWARD, withBias: false)
    let statuses = [
      od_convolution_forward(with.handle, floats, floats, nil, floats, nil),
      od_convolution_forward(without.handle, floats, floats, floats, floats, nil),
    ]
    XCTAssertEqual(statuses.map(statusText), ["invalid_arguments", "invalid_arguments"])
  }

  func testTheVersionHasThreeNumbersOfWhichTheFirstIsSupported() {
    let numbers = String(cString: od_version()).split(separator: ".").map { Int($0) }
    XCTAssertEqual(numbers.count, 3)
    XCTAssertFalse(numbers.contains(nil))
    XCTAssertTrue(numbers.first == 2 || numbers.first == 3)
    // Set by scripts/test-onednn3, so that it cannot test another version than it says.
    if let expected = ProcessInfo.processInfo.environment["VAE_EXPECTED_ONEDNN"] {
      XCTAssertEqual(numbers.first, Int(expected))
    }
  }

  func testDestroyingNothingIsHarmlessAndSuccessHasAName() {
    od_convolution_destroy(nil)
    XCTAssertEqual(statusText(0), "success")
  }

  private func assertInvalid(
    _ shape: od_convolution_shape, _ kind: od_convolution_kind, line: UInt = #line
  ) {
    XCTAssertThrowsError(try ConvolutionPass(shape, kind, withBias: true), "\(shape)", line: line) {
      XCTAssertEqual(($0 as? BridgeError)?.text, "invalid_arguments", line: line)
    }
  }
}

// MARK: - Shapes

private let kinds = [OD_FORWARD, OD_BACKWARD_DATA, OD_BACKWARD_WEIGHTS]

/// The shape of a convolution; the output's size follows from the rest.
///
/// `kernel`, `stride` are height and width; `padding` is top, left, bottom, right.
private func convolution(
  batch: Int, _ height: Int, _ width: Int, channels: Int, to outputChannels: Int,
  kernel: (Int, Int), stride: (Int, Int) = (1, 1), padding: (Int, Int, Int, Int)
) -> od_convolution_shape {
  let outputHeight = (height + padding.0 + padding.2 - kernel.0) / stride.0 + 1
  let outputWidth = (width + padding.1 + padding.3 - kernel.1) / stride.1 + 1
  return od_convolution_shape(
    batch: Int64(batch), input_height: Int64(height), input_width: Int64(width),
    input_channels: Int64(channels), output_height: Int64(outputHeight),
    output_width: Int64(outputWidth), output_channels: Int64(outputChannels),
    kernel_height: Int64(kernel.0), kernel_width: Int64(kernel.1), stride_y: Int64(stride.0),
    stride_x: Int64(stride.1), pad_top: Int64(padding.0), pad_left: Int64(padding.1),
    pad_bottom: Int64(padding.2), pad_right: Int64(padding.3))
}

private let smallShape = convolution(
  batch: 2, 6, 5, channels: 3, to: 18, kernel: (3, 3), stride: (2, 1), padding: (1, 1, 1, 1))

/// Channel counts beside the vector lengths, images of odd sizes, kernels that reach beyond the
/// image on both sides, padding that differs from side to side, strides that differ from axis to
/// axis.
private let oddShapes: [od_convolution_shape] = [
  smallShape,
  convolution(batch: 1, 1, 1, channels: 1, to: 1, kernel: (1, 1), padding: (0, 0, 0, 0)),
  convolution(batch: 2, 9, 7, channels: 1, to: 1, kernel: (3, 3), padding: (1, 1, 1, 1)),
  convolution(
    batch: 3, 9, 7, channels: 3, to: 5, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1)),
  convolution(batch: 1, 13, 11, channels: 5, to: 17, kernel: (5, 3), padding: (2, 1, 2, 1)),
  convolution(
    batch: 1, 13, 11, channels: 17, to: 3, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1)),
  convolution(
    batch: 3, 15, 15, channels: 17, to: 33, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1)),
  // Wider than the image.
  convolution(batch: 1, 3, 3, channels: 3, to: 5, kernel: (5, 5), padding: (2, 2, 2, 2)),
  convolution(batch: 2, 2, 2, channels: 4, to: 4, kernel: (7, 7), padding: (3, 3, 3, 3)),
  convolution(batch: 1, 1, 1, channels: 16, to: 16, kernel: (3, 3), padding: (1, 1, 1, 1)),
  // As wide as the image: a dense layer.
  convolution(batch: 3, 6, 6, channels: 7, to: 20, kernel: (6, 6), padding: (0, 0, 0, 0)),
  // Padding of a kernel's size.
  convolution(batch: 1, 4, 4, channels: 8, to: 8, kernel: (3, 3), padding: (3, 3, 3, 3)),
  // Asymmetric: causal rows, output padding of a transposed convolution, anything else.
  convolution(batch: 2, 8, 8, channels: 1, to: 16, kernel: (4, 7), padding: (3, 3, 0, 3)),
  convolution(batch: 2, 8, 8, channels: 16, to: 16, kernel: (2, 3), padding: (1, 1, 0, 1)),
  convolution(
    batch: 2, 8, 8, channels: 16, to: 32, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 0, 0)),
  convolution(batch: 1, 8, 8, channels: 4, to: 7, kernel: (3, 3), padding: (2, 0, 1, 1)),
  // Strides: unequal, longer than the kernel, even kernels.
  convolution(
    batch: 2, 10, 10, channels: 6, to: 9, kernel: (3, 3), stride: (3, 1), padding: (1, 1, 1, 1)),
  convolution(
    batch: 2, 9, 9, channels: 8, to: 8, kernel: (1, 1), stride: (2, 2), padding: (0, 0, 0, 0)),
  convolution(
    batch: 1, 8, 8, channels: 16, to: 16, kernel: (2, 2), stride: (3, 3), padding: (0, 0, 0, 0)),
  convolution(
    batch: 2, 6, 6, channels: 16, to: 3, kernel: (4, 4), stride: (2, 2), padding: (1, 1, 1, 1)),
  // Pointwise.
  convolution(batch: 2, 7, 7, channels: 64, to: 1, kernel: (1, 1), padding: (0, 0, 0, 0)),
  convolution(batch: 2, 7, 7, channels: 32, to: 48, kernel: (1, 1), padding: (0, 0, 0, 0)),
]

/// The convolutions of the reference workloads; a transposed convolution stands as the one that it
/// transposes.
private let workloadShapes: [(String, od_convolution_shape)] = {
  var shapes: [(String, od_convolution_shape)] = []
  var side = 64
  for (channels, outputChannels) in [(3, 32), (32, 64), (64, 128), (128, 256), (256, 512)] {
    // The encoder's 3 channels stand against the decoder's 32 at full size.
    for inputs in Set([channels, max(channels, 32)]) {
      for after in [0, 1] {
        shapes.append(
          (
            "conv",
            convolution(
              batch: 64, side, side, channels: inputs, to: outputChannels, kernel: (3, 3),
              stride: (2, 2), padding: (1, 1, after, after))
          ))
      }
    }
    side /= 2
  }
  func same(
    _ workload: String, batch: Int, side: Int, _ channels: Int, _ outputChannels: Int,
    kernel: (Int, Int), padding: (Int, Int, Int, Int), stride: Int = 1
  ) {
    shapes.append(
      (
        workload,
        convolution(
          batch: batch, side, side, channels: channels, to: outputChannels, kernel: kernel,
          stride: (stride, stride), padding: padding)
      ))
  }
  same("conv", batch: 64, side: 64, 32, 3, kernel: (3, 3), padding: (1, 1, 1, 1))

  same("vqvae", batch: 32, side: 32, 3, 64, kernel: (4, 4), padding: (1, 1, 1, 1), stride: 2)
  same("vqvae", batch: 32, side: 16, 64, 128, kernel: (4, 4), padding: (1, 1, 1, 1), stride: 2)
  for (channels, outputChannels) in [(128, 128), (128, 32), (64, 128)] {
    same(
      "vqvae", batch: 32, side: 8, channels, outputChannels, kernel: (3, 3),
      padding: (1, 1, 1, 1))
  }
  for (channels, outputChannels) in [(32, 128), (128, 64)] {
    same(
      "vqvae", batch: 32, side: 8, channels, outputChannels, kernel: (1, 1),
      padding: (0, 0, 0, 0))
  }

  for (workload, batch) in [("pixelcnn", 64), ("pixelcnn-sample", 16)] {
    same(workload, batch: batch, side: 28, 1, 64, kernel: (7, 7), padding: (3, 3, 3, 3))
    same(workload, batch: batch, side: 28, 1, 64, kernel: (4, 7), padding: (3, 3, 0, 3))
    same(workload, batch: batch, side: 28, 64, 64, kernel: (3, 3), padding: (1, 1, 1, 1))
    same(workload, batch: batch, side: 28, 64, 64, kernel: (2, 3), padding: (1, 1, 0, 1))
    same(workload, batch: batch, side: 28, 64, 1, kernel: (1, 1), padding: (0, 0, 0, 0))
  }
  return shapes
}()

// MARK: - Comparison

private struct BridgeError: Error {
  let text: String
}

private func statusText(_ status: od_status) -> String { String(cString: od_status_text(status)) }

private func check(_ status: od_status) throws {
  if status != 0 { throw BridgeError(text: statusText(status)) }
}

/// Numbers between -1 and 1 that follow from the seed: a linear congruential generator with Knuth's
/// MMIX constants.
private struct Numbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }

  mutating func array(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}

/// A sum in double precision with the sum of its terms' magnitudes, which bounds the error that
/// single precision makes.
private struct PlainSum {
  var value = 0.0
  var magnitude = 0.0

  mutating func add(_ term: Double) {
    value += term
    magnitude += abs(term)
  }

  func isNear(_ actual: Float) -> Bool { abs(Double(actual) - value) <= 2e-6 * magnitude }
}

/// Says where the first value lies that is not near what it should be.
private func firstMismatch(_ what: String, _ actual: [Float], _ expected: [PlainSum]) -> String? {
  guard actual.count == expected.count else {
    return "\(what): \(actual.count) values instead of \(expected.count)"
  }
  guard let index = actual.indices.first(where: { !expected[$0].isNear(actual[$0]) }) else {
    return nil
  }
  return "\(what)[\(index)] is \(actual[index]) instead of \(expected[index].value)"
}

private struct MatrixProduct {
  let m, n, k: Int
  let transposeA, transposeB: Bool
  let alpha, beta: Float
  /// Floats between the end of a stored row and the start of the next.
  let gap: Int

  func mismatch() -> String? {
    let (lda, ldb, ldc) = ((transposeA ? m : k) + gap, (transposeB ? k : n) + gap, n + gap)
    var numbers = Numbers(seed: 1)
    let a = numbers.array((transposeA ? k : m) * lda)
    let b = numbers.array((transposeB ? n : k) * ldb)
    // The product must not read what it overwrites.
    let before = beta == 0 ? [Float](repeating: .nan, count: m * ldc) : numbers.array(m * ldc)
    var c = before
    let status = od_matrix_product(
      transposeA ? 1 : 0, transposeB ? 1 : 0, Int64(m), Int64(n), Int64(k), alpha, a, Int64(lda),
      b, Int64(ldb), beta, &c, Int64(ldc))
    guard status == 0 else { return statusText(status) }

    var (actual, expected): ([Float], [PlainSum]) = ([], [])
    for row in 0..<m {
      for column in 0..<n {
        var sum = PlainSum()
        for inner in 0..<k {
          let left = a[transposeA ? inner * lda + row : row * lda + inner]
          let right = b[transposeB ? column * ldb + inner : inner * ldb + column]
          sum.add(Double(alpha) * Double(left) * Double(right))
        }
        let index = row * ldc + column
        if beta != 0 { sum.add(Double(beta) * Double(before[index])) }
        expected.append(sum)
        actual.append(c[index])
      }
      for index in (row * ldc + n)..<((row + 1) * ldc)
      where c[index].bitPattern != before[index].bitPattern {
        return "the gap behind row \(row) was written"
      }
    }
    return firstMismatch("product", actual, expected)
  }
}

/// Numbers that bfloat16 holds exactly: the lower halves of their bits are empty.
private func shortened(_ values: [Float]) -> [Float] {
  values.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
}

/// The upper halves of the numbers' bits.
private func upperHalves(_ values: [Float]) -> [UInt8] {
  values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { Array($0) }
}

private struct PreparedProduct {
  let m, n, k: Int
  let transposeA, transposeB: Bool
  let operands: od_element_type

  func mismatch() throws -> String? {
    var numbers = Numbers(seed: 2)
    let isShort = operands == OD_BFLOAT16
    let (full, other) = (numbers.array(m * k), numbers.array(k * n))
    let (a, b) = isShort ? (shortened(full), shortened(other)) : (full, other)
    var handle: OpaquePointer?
    try check(
      od_product_create(
        transposeA ? 1 : 0, transposeB ? 1 : 0, Int64(m), Int64(n), Int64(k), operands,
        &handle))
    let product = try XCTUnwrap(handle)
    defer { od_product_destroy(product) }
    let bytes = od_product_scratch_bytes(product)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 64)
    defer { scratch.deallocate() }
    scratch.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes)
    var c = [Float](repeating: .nan, count: m * n)
    if isShort {
      try check(od_product_run(product, upperHalves(a), upperHalves(b), &c, scratch))
    } else {
      try check(od_product_run(product, a, b, &c, scratch))
    }

    var expected = [PlainSum](repeating: PlainSum(), count: m * n)
    for row in 0..<m {
      for column in 0..<n {
        for inner in 0..<k {
          let left = a[transposeA ? inner * m + row : row * k + inner]
          let right = b[transposeB ? column * k + inner : inner * n + column]
          expected[row * n + column].add(Double(left) * Double(right))
        }
      }
    }
    return firstMismatch("product", c, expected)
  }
}

private final class ConvolutionPass {
  let handle: OpaquePointer
  private let shape: od_convolution_shape
  private let kind: od_convolution_kind
  private let operands: od_element_type
  private let withBias: Bool

  init(
    _ shape: od_convolution_shape, _ kind: od_convolution_kind,
    _ operands: od_element_type = OD_FLOAT32, withBias: Bool
  ) throws {
    var shape = shape
    var handle: OpaquePointer?
    try check(od_convolution_create(&shape, kind, operands, withBias ? 1 : 0, &handle))
    self.handle = try XCTUnwrap(handle)
    self.shape = shape
    self.kind = kind
    self.operands = operands
    self.withBias = withBias && kind != OD_BACKWARD_DATA
  }

  deinit { od_convolution_destroy(handle) }

  var name: String { String(cString: od_convolution_implementation(handle)) }

  /// Runs the pass on numbers that follow from `seed`; nil where it agrees with the plain loops.
  func mismatch(seed: UInt64) throws -> String? {
    var source = Numbers(seed: seed)
    func numbers(_ count: Int) -> [Float] {
      let values = source.array(count)
      return operands == OD_BFLOAT16 ? shortened(values) : values
    }
    switch kind {
    case OD_FORWARD:
      let (input, weights) = (numbers(inputCount), numbers(weightCount))
      let bias = withBias ? numbers(outputChannels) : nil
      var output = unwritten(outputCount)
      let preferred = try packed(weights)
      try withScratch {
        try check(od_convolution_forward(handle, operand(input), preferred, bias, &output, $0))
      }
      var expected = [PlainSum](repeating: PlainSum(), count: outputCount)
      forEachProduct { expected[$0].add(Double(input[$1]) * Double(weights[$2])) }
      if let bias {
        for index in expected.indices { expected[index].add(Double(bias[index % outputChannels])) }
      }
      return firstMismatch("output", output, expected)

    case OD_BACKWARD_DATA:
      let (gradient, weights) = (numbers(outputCount), numbers(weightCount))
      var inputGradient = unwritten(inputCount)
      let preferred = try packed(weights)
      try withScratch {
        try check(
          od_convolution_backward_data(
            handle, operand(gradient), preferred, &inputGradient, $0))
      }
      var expected = [PlainSum](repeating: PlainSum(), count: inputCount)
      forEachProduct { expected[$1].add(Double(gradient[$0]) * Double(weights[$2])) }
      return firstMismatch("input gradient", inputGradient, expected)

    default:
      let (input, gradient) = (numbers(inputCount), numbers(outputCount))
      let (weights, bias) = try weightGradients(input: input, outputGradient: gradient)
      var expected = [PlainSum](repeating: PlainSum(), count: weightCount)
      forEachProduct { expected[$2].add(Double(input[$1]) * Double(gradient[$0])) }
      if let mismatch = firstMismatch("weight gradient", weights, expected) { return mismatch }
      guard let bias else { return nil }
      var sums = [PlainSum](repeating: PlainSum(), count: outputChannels)
      for (index, value) in gradient.enumerated() {
        sums[index % outputChannels].add(Double(value))
      }
      return firstMismatch("bias gradient", bias, sums)
    }
  }

  private var outputChannels: Int { Int(shape.output_channels) }
  private var inputCount: Int {
    Int(shape.batch * shape.input_height * shape.input_width * shape.input_channels)
  }
  private var outputCount: Int {
    Int(shape.batch * shape.output_height * shape.output_width * shape.output_channels)
  }
  private var weightCount: Int {
    Int(shape.output_channels * shape.input_channels * shape.kernel_height * shape.kernel_width)
  }
  private var packedCount: Int { od_convolution_packed_count(handle) }

  /// The bytes of numbers as the pass multiplies them.
  private func operand(_ values: [Float]) -> [UInt8] {
    operands == OD_BFLOAT16 ? upperHalves(values) : values.withUnsafeBytes { Array($0) }
  }

  private func unwritten(_ count: Int) -> [Float] { [Float](repeating: .nan, count: count) }

  private func packed(_ weights: [Float]) throws -> [Float] {
    guard packedCount > 0 else { return weights }
    var result = unwritten(packedCount)
    try check(od_convolution_pack(handle, weights, &result))
    return result
  }

  private func weightGradients(
    input: [Float], outputGradient: [Float]
  ) throws -> (weights: [Float], bias: [Float]?) {
    var preferred = unwritten(packedCount > 0 ? packedCount : weightCount)
    var bias = unwritten(outputChannels)
    try withScratch { scratch in
      try bias.withUnsafeMutableBufferPointer { bias in
        try check(
          od_convolution_backward_weights(
            handle, operand(input), operand(outputGradient), &preferred,
            withBias ? bias.baseAddress : nil, scratch))
      }
    }
    var weights = preferred
    if packedCount > 0 {
      weights = unwritten(weightCount)
      try check(od_convolution_unpack(handle, preferred, &weights))
    }
    return (weights, withBias ? bias : nil)
  }

  private func withScratch(_ body: (UnsafeMutableRawPointer) throws -> Void) throws {
    let bytes = od_convolution_scratch_bytes(handle)
    let scratch = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    defer { scratch.deallocate() }
    scratch.initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes)
    try body(scratch)
  }

  /// Calls `body` with the places in output, input and weights of each product that the convolution
  /// sums.
  private func forEachProduct(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
    let (height, width) = (Int(shape.input_height), Int(shape.input_width))
    let (outputHeight, outputWidth) = (Int(shape.output_height), Int(shape.output_width))
    let (kernelHeight, kernelWidth) = (Int(shape.kernel_height), Int(shape.kernel_width))
    let inputChannels = Int(shape.input_channels)
    for example in 0..<Int(shape.batch) {
      for outputY in 0..<outputHeight {
        for outputX in 0..<outputWidth {
          for kernelY in 0..<kernelHeight {
            let y = outputY * Int(shape.stride_y) - Int(shape.pad_top) + kernelY
            guard y >= 0, y < height else { continue }
            for kernelX in 0..<kernelWidth {
              let x = outputX * Int(shape.stride_x) - Int(shape.pad_left) + kernelX
              guard x >= 0, x < width else { continue }
              let output = ((example * outputHeight + outputY) * outputWidth + outputX)
              let input = ((example * height + y) * width + x)
              for o in 0..<outputChannels {
                for i in 0..<inputChannels {
                  body(
                    output * outputChannels + o, input * inputChannels + i,
                    ((o * inputChannels + i) * kernelHeight + kernelY) * kernelWidth + kernelX)
                }
              }
            }
          }
        }
      }
    }
  }
}

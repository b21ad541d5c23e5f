import Glibc
import Tensors
import XCTest

/// Settings of the engine that hold for a while, and memory that others own.
final class EngineOptionTests: XCTestCase {
  private let x = RandomSource(seed: 1).stream("x").normal([6, 5])
  private let weights = Parameter(RandomSource(seed: 2).stream("w").normal([5, 4]))

  private func operations(_ body: () -> Void) -> [String] {
    Profiler.record(body).operations.map(\.name).filter { $0.hasSuffix("matrix product") }
  }

  func testAnInnerPrecisionHoldsInsideAndTheOuterOneAfterwards() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    func product() -> [String] {
      operations { withoutTape { _ = x.matrixProduct(weights.value) } }
    }
    withInferencePrecision(.bfloat16) {
      XCTAssertEqual(product(), ["bfloat16 matrix product"])
      withInferencePrecision(.float32) { XCTAssertEqual(product(), ["matrix product"]) }
      XCTAssertEqual(product(), ["bfloat16 matrix product"])
      withPrecision(.bfloat16) {
        XCTAssertEqual(product(), ["matrix product"], "of a training what is not recorded is whole")
      }
      XCTAssertEqual(product(), ["bfloat16 matrix product"])
    }
    XCTAssertEqual(product(), ["matrix product"])
    struct Failure: Error {}
    XCTAssertThrowsError(try withInferencePrecision(.bfloat16) { throw Failure() })
    XCTAssertEqual(product(), ["matrix product"], "after an error")
  }

  func testTrainingRoundsTheProductsOfATapeBackwardToo() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    let names = operations {
      withPrecision(.bfloat16) {
        _ = x.matrixProduct(weights.tensor).squared().sum().backward()
      }
    }
    XCTAssertEqual(names, ["bfloat16 matrix product", "bfloat16 matrix product"])
  }

  func testAMeasuredProductIsAProduct() {
    let (left, right) = (
      Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]), Tensor([1, 0, 2, -1, 0, 3], shape: [3, 2])
    )
    let output = Tensor.zeros([2, 2])
    for precision in Precision.allCases where precision.isSupported {
      Engine.measureMatrixProduct(left, right, into: output, precision: precision)
      XCTAssertEqual(output.floats, [5, 7, 14, 13], "\(precision)")
    }
  }

  func testNamesOfSettingsAreThoseOfRecipes() {
    XCTAssertEqual(Precision.allCases.map(\.rawValue), ["float32", "bfloat16"])
    XCTAssertTrue(Precision.float32.isSupported)
    XCTAssertEqual(
      [ElementType.float32, .int32, .bfloat16].map { "\($0.rawValue) \($0.byteCount)" },
      ["float32 4", "int32 4", "bfloat16 2"])
    XCTAssertTrue(["baseline", "avx2", "avx512"].contains(Engine.instructionSet))
  }

  /// The variables are read when the first product is computed, and here it has been.
  func testARefusedPrecisionNamesTheVariableThatHidesTheInstructions() {
    XCTAssertTrue(Precision.float32.isSupported)
    _ = Precision.bfloat16.isSupported
    let names = ["VAE_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"]
    let before = names.map { name in getenv(name).map { String(cString: $0) } }
    defer {
      for (name, value) in zip(names, before) {
        if let value { setenv(name, value, 1) } else { unsetenv(name) }
      }
    }
    for name in names { unsetenv(name) }
    let start =
      "precision bfloat16 needs AVX-512 BF16 instructions, which this processor lacks"
    XCTAssertEqual(Precision.bfloat16.refusal, "\(start): choose float32")
    for name in names.reversed() {
      setenv(name, "AVX2", 1)
      XCTAssertEqual(
        Precision.bfloat16.refusal, "\(start), or \(name) hides them: unset it or choose float32")
    }
  }

  // MARK: Costs

  private func cost(
    _ name: String, _ pass: OperationCost.Pass, _ body: () -> Void
  ) -> Double {
    Profiler.record(body).operations.filter { $0.name == name && $0.pass == pass }
      .reduce(0) { $0 + $1.flops }
  }

  func testProductsOfARasterCountTheTapsThatAreSeen() {
    // Three taps of the row above and two of the own row, of three channels.
    let products = 2.0 * 5 * 3 * 2 * 20
    let image = Parameter(.ones([1, 4, 5, 3]))
    let kernel = Parameter(.ones([2, 3, 2, 3]))
    func run(_ input: Tensor) {
      _ = input.rasterConvolution(
        weights: kernel.tensor, bias: .zeros([2]), seesOwnPosition: true
      ).sum().backward()
    }
    XCTAssertEqual(cost("raster convolution", .forward) { run(image.value) }, products)
    let backward = "raster convolution, gradients"
    XCTAssertEqual(cost(backward, .backward) { run(image.value) }, products)
    XCTAssertEqual(cost(backward, .backward) { run(image.tensor) }, 2 * products)
  }

  func testATransposedConvolutionCountsAsTheGradientThatItIs() {
    let z = Tensor.ones([1, 3, 4, 5])
    let kernel = Tensor.ones([5, 2, 3, 2])
    XCTAssertEqual(
      cost("convolution, input gradient", .forward) {
        _ = z.transposedConvolution(weights: kernel)
      }, 2.0 * 3 * 4 * 5 * 2 * 6)
  }

  func testAConvolutionIsShownByItsSizesEachInItsPlace() throws {
    let sizes = "[1, 6, 7, 8] → [1, 2, 6, 5], kernel 3×2, stride 2×1"
    let operations = Profiler.record {
      _ = Tensor.ones([1, 6, 7, 8]).convolution(weights: .ones([5, 8, 3, 2]), stride: (2, 1))
    }.operations
    let convolution = try XCTUnwrap(operations.first { $0.name == "convolution" })
    XCTAssertEqual(convolution.sizes, sizes)
    XCTAssertEqual(convolution.flops, 2.0 * 2 * 6 * 5 * 8 * 6)
    XCTAssertTrue(
      Engine.implementations.contains { $0.hasPrefix("convolution \(sizes) float32 kind ") },
      "\(Engine.implementations)")
    XCTAssertEqual(Engine.implementations, Engine.implementations.sorted())
  }

  func testAProductOfMostlyZerosCountsTheOthers() {
    let x = Tensor((0..<6400).map { $0 % 100 == 3 ? 1 : 0 }, shape: [64, 100])
    XCTAssertEqual(
      cost("sparse matrix product", .forward) {
        _ = x.dense(weights: .ones([100, 32]), bias: nil)
      }, 2.0 * 64 * 32)
  }

  // MARK: Memory

  func testMemoryOfOthersIsReadWhereItLiesAndLivesAsLongAsATensor() {
    final class Owner {
      let start = UnsafeMutablePointer<Float>.allocate(capacity: 6)
      init() { for place in 0..<6 { start[place] = Float(place) } }
      deinit { start.deallocate() }
    }
    weak var kept: Owner?
    var part: Tensor?
    do {
      let owner = Owner()
      kept = owner
      let whole = Tensor(borrowing: UnsafePointer(owner.start), shape: [3, 2], owner: owner)
      XCTAssertTrue(whole.isBorrowed)
      XCTAssertEqual(whole.address, UnsafeRawPointer(owner.start))
      part = whole.rows(1..<3)
      XCTAssertEqual(part?.address, UnsafeRawPointer(owner.start + 2))
      owner.start[3] = 9
    }
    XCTAssertEqual(part?.floats, [2, 9, 4, 5])
    XCTAssertNotNil(kept)
    part = nil
    XCTAssertNil(kept)
    XCTAssertFalse(Tensor([1]).isBorrowed)
  }

  func testViewsShareMemoryAndCopiesDoNot() {
    let whole = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    let (view, copy) = (whole.rows(2..<3), whole.rows(2..<3).copied())
    XCTAssertTrue(view.memoryOwner === whole.memoryOwner)
    XCTAssertFalse(copy.memoryOwner === whole.memoryOwner)
    XCTAssertEqual(view.address, whole.address + 4 * 4)
    view.writeAddress.storeBytes(of: Float(-1), as: Float.self)
    XCTAssertEqual(whole.floats, [1, 2, 3, 4, -1, 6])
    XCTAssertEqual(copy.floats, [5, 6])
  }

  func testMeansOfNothingAreZero() {
    XCTAssertEqual(Tensor.zeros([0]).mean().item, 0)
    XCTAssertEqual(Tensor.zeros([0, 2]).mean(axis: 0).floats, [0, 0])
    XCTAssertEqual(Tensor([2, 4, 9, 1, 1, 1], shape: [2, 3]).mean(axis: 1).floats, [5, 1])
  }

  func testWorkersDoEachNumberOnce() {
    for count in [0, 1, 4] {
      let numbers = Lock<[Int]>([])
      Workers.run(count) { number in numbers.withLock { $0.append(number) } }
      XCTAssertEqual(numbers.withLock { $0.sorted() }, Array(0..<count))
    }
  }
}

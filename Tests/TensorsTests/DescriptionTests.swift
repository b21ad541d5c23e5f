import Tensors
import XCTest

/// What is shown of tensors, shapes, memory and costs.
final class DescriptionTests: XCTestCase {
  func testATensorShowsItsShapeAndItsFirstEightNumbers() {
    XCTAssertEqual(
      Tensor([1, 2.5, -3, 0], shape: [2, 2]).description, "Tensor [2, 2] [1.0, 2.5, -3.0, 0.0]")
    XCTAssertEqual(
      Tensor((0..<8).map(Float.init)).description,
      "Tensor [8] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]")
    XCTAssertEqual(
      Tensor((0..<9).map(Float.init), shape: [3, 3]).description,
      "Tensor [3, 3] [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, …]")
    XCTAssertEqual(Tensor(indices: [4, -1]).description, "Tensor [2] [4, -1]")
    XCTAssertEqual(Tensor(7).description, "Tensor [] [7.0]")
  }

  func testAxesAreCountedFromEitherEnd() {
    let shape: Shape = [2, 3, 5]
    XCTAssertEqual([0, 1, 2, -1, -2, -3].map { shape[$0] }, [2, 3, 5, 5, 3, 2])
    XCTAssertEqual(shape.strides, [15, 5, 1])
    XCTAssertEqual(shape.count, 30)
    XCTAssertEqual(shape.replacing(axis: -2, with: 7), [2, 7, 5])
    XCTAssertEqual(shape.removingFirst, [3, 5])
    XCTAssertEqual(shape.description, "[2, 3, 5]")
  }

  func testShapesBroadcastFromTheLastAxisOn() {
    XCTAssertEqual(Shape.broadcast([3, 1], [4]), [3, 4])
    XCTAssertEqual(Shape.broadcast([4], [3, 1]), [3, 4])
    XCTAssertEqual(Shape.broadcast([2, 1, 5], [3, 1]), [2, 3, 5])
    XCTAssertEqual(Shape.broadcast([], [2]), [2])
    XCTAssertEqual(Shape.broadcast([1], [0]), [0])
    XCTAssertNil(Shape.broadcast([2], [3]))
    XCTAssertNil(Shape.broadcast([3, 2], [3]))
  }

  // MARK: Memory

  func testAmountsOfMemoryHaveThreeDigitsAndAUnitOfThousands() {
    for (bytes, text) in [
      (64, "0.1 kB"), (1500, "1.5 kB"), (123_456, "123 kB"), (999_999, "1000 kB"),
      (1_000_000, "1.0 MB"), (99_940_000, "99.9 MB"), (99_960_000, "100 MB"),
      (2_500_000_000, "2.5 GB"), (35_184_372_088_832, "35184 GB"),
    ] as [(Double, String)] {
      XCTAssertEqual(MemoryError.amount(bytes), text, "\(bytes)")
    }
  }

  func testAnErrorOfMemorySaysWhatIsShortForWhatAndWhatToDo() {
    var error = MemoryError(bytes: 1_500_000, purpose: "a picture")
    XCTAssertTrue(
      "\(error)".hasPrefix("out of memory: a picture needs 1.5 MB, and there is not as much"),
      "\(error)")
    XCTAssertTrue("\(error)".contains("smaller batches"), "\(error)")
    let sentence = "\(error)"
    error.outcome = "nothing was saved"
    XCTAssertEqual("\(error)", "\(sentence); nothing was saved")
    let reading = "\(MemoryError(bytes: 2_000_000_000, reading: "a/b"))"
    XCTAssertTrue(
      reading.hasPrefix("out of memory: reading a/b needs 2.0 GB, and there is"), reading)
    let threads = "\(MemoryError(threads: 12))"
    XCTAssertTrue(
      threads.hasPrefix("the system does not give this process 12 threads; compute with fewer"),
      threads)
    XCTAssertEqual(MemoryError(threads: 3).lack, .threads(3))
    XCTAssertEqual(MemoryError(bytes: 5, purpose: "x").lack, .memory(bytes: 5, purpose: "x"))
    XCTAssertEqual(MemoryError(bytes: 5, reading: "x").lack, .file(bytes: 5, path: "x"))
  }

  // MARK: Costs

  func testCallsOfTheSameSizesAreAddedUpAndOthersStandForThemselves() throws {
    let (a, b) = (Tensor.ones([3, 5]), Tensor.ones([5, 2]))
    let operations = Profiler.record {
      for _ in 0..<3 { _ = a.matrixProduct(b) }
      _ = b.matrixProduct(a, transposed: true, rightTransposed: true)
    }.operations.filter { $0.name == "matrix product" }
    XCTAssertEqual(Set(operations.map(\.sizes)), ["3×5 · 5×2", "2×5ᵀ · 5×3ᵀ"])
    let repeated = try XCTUnwrap(operations.first { $0.sizes == "3×5 · 5×2" })
    XCTAssertEqual(repeated.calls, 3)
    XCTAssertEqual(repeated.flops, 3 * 2 * 3 * 5 * 2)
    XCTAssertEqual(repeated.bytes, 3 * 4 * (15 + 10 + 6))
    XCTAssertEqual(repeated.pass, .forward)
    XCTAssertEqual(operations.first { $0.sizes != "3×5 · 5×2" }?.calls, 1)
  }

  func testWhatTakesTheMostTimeComesFirst() {
    let (large, small) = (Tensor.ones([1 << 16]), Tensor.ones([2]))
    let operations = Profiler.record {
      _ = small.squared()
      for _ in 0..<5 { _ = large.exp() }
      _ = small + small
    }.operations
    XCTAssertEqual(operations.map(\.seconds), operations.map(\.seconds).sorted(by: >))
    XCTAssertEqual(operations.count, 3)
  }

  func testAnOperationWithoutSizesOfItsOwnShowsItsLargestTensor() throws {
    let x = Tensor.ones([4, 3])
    let operations = Profiler.record {
      _ = x.sum(axis: 1)
      _ = Tensor(1).broadcast(to: [2, 7])
    }.operations
    XCTAssertEqual(operations.first { $0.name == "reduce" }?.sizes, "[4, 3]")
    XCTAssertEqual(operations.first { $0.name == "copy strided" }?.sizes, "[2, 7]")
  }
}

import Tensors
import XCTest

final class MemoryErrorTests: XCTestCase {
  private func assertThrows<Result>(
    refusing request: Int, _ body: () throws -> Result, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try Memory.refusing(request: request) { try withMemoryErrors(body) }, file: file, line: line
    ) {
      XCTAssertTrue($0 is MemoryError, "\($0)", file: file, line: line)
    }
    XCTAssertFalse(Memory.hasFailed, "the fault outlives its error", file: file, line: line)
  }

  func testARefusedTensorIsAnErrorOfTheClosure() {
    assertThrows(refusing: 1) { Tensor.zeros([100]) }
    assertThrows(refusing: 2) { (Tensor.ones([10]) + 1).floats }
  }

  func testNothingIsComputedAfterARefusal() throws {
    let parameter = Parameter(Tensor([1, 2, 3]))
    assertThrows(refusing: 1) {
      let sum = Tensor.ones([3]) + parameter.value
      // Elements that are not there read as zeros.
      XCTAssertEqual(sum.floats, [0, 0, 0])
      XCTAssertEqual(sum.item(at: 1), 0)
      parameter.value = sum
    }
    XCTAssertEqual(parameter.value.floats, [1, 2, 3])
  }

  func testATensorWithoutMemoryFailsWhereverItIsUsed() throws {
    var hollow = Tensor(0)
    _ = try? Memory.refusing(request: 1) { try withMemoryErrors { hollow = .ones([5]) } }
    for _ in 0..<2 {
      XCTAssertThrowsError(try withMemoryErrors { hollow + 1 }) { XCTAssertTrue($0 is MemoryError) }
    }
    XCTAssertEqual(try withMemoryErrors { (Tensor.ones([5]) + 1).floats }, [2, 2, 2, 2, 2])
  }

  func testAnErrorOfTheClosureGivesWayToTheCause() {
    struct Other: Error {}
    assertThrows(refusing: 1) {
      _ = Tensor.ones([5])
      throw Other()
    }
  }

  func testInnerClosuresKeepTheirFaultsToThemselves() throws {
    let kept = try withMemoryErrors {
      let before = Tensor.ones([3])
      _ = try? Memory.refusing(request: 1) { try withMemoryErrors { Tensor.ones([4]) } }
      return (before + 1).floats
    }
    XCTAssertEqual(kept, [2, 2, 2])
  }

  func testWorkingSpaceOfKernelsIsAskedFor() {
    // A sum of many blocks takes a place for each: the third request after tensor and result.
    let x = Tensor.ones([1 << 20])
    assertThrows(refusing: 1) { x.doubleSum }
  }

  func testALoopWrittenInSwiftDoesNotRunWithoutMemory() {
    let logits = Parameter(Tensor.ones([50, 10]))
    let indices = Tensor(indices: [Int32](repeating: 3, count: 50))
    assertEveryRefusalIsAnError("categorical log-density") {
      Tensor.categoricalLogDensity(indices, logits: logits.tensor).sum().backward()[logits]
    }
  }

  func testMoreThanThereIsIsRefusedBeforeTheSystemIsAsked() {
    let size = 1 << 45
    XCTAssertFalse(Memory.holds(Double(size)))
    XCTAssertThrowsError(try Memory.require(bytes: size, for: "a test")) {
      XCTAssertTrue("\($0)".contains("a test needs 35184 GB"), "\($0)")
    }
    XCTAssertThrowsError(try withMemoryErrors { Tensor.zeros([1 << 43]) })
  }

  func testAReserveIsKeptFree() throws {
    let all = Memory.Reserve(bytes: 1 << 50)
    XCTAssertThrowsError(try Memory.require(bytes: 1 << 20, for: "a test"))
    XCTAssertThrowsError(try Memory.checkReserve())
    // What the reserve is for may have it.
    try Memory.require(bytes: 1 << 20, for: "saving", usesReserve: true)
    withExtendedLifetime(all) {}
  }
}

extension Tensor {
  fileprivate func item(at index: Int) -> Float { withFloats { $0[index] } }
}

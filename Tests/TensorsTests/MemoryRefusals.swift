import Tensors
import XCTest

/// Asserts that work throws `MemoryError` whichever of its requests for memory is refused, and that no kernel
/// writes where there is no memory: what reads as zeros stays zeros.
func assertEveryRefusalIsAnError<Result>(
  _ what: String, file: StaticString = #filePath, line: UInt = #line, _ work: () throws -> Result
) {
  var request = 0
  var wasReached = true
  while wasReached {
    request += 1
    guard request < 1000 else {
      XCTFail("\(what) asks for memory without end", file: file, line: line)
      return
    }
    var error: (any Error)?
    wasReached =
      Memory.refusing(request: request) {
        do { _ = try withMemoryErrors(work) } catch let thrown { error = thrown }
      }.wasReached
    if wasReached {
      XCTAssertTrue(
        error is MemoryError, "\(what), request \(request): \(error.map { "\($0)" } ?? "no error")",
        file: file, line: line)
    } else {
      XCTAssertNil(error, "\(what) without a refusal", file: file, line: line)
    }
    var zeros: [Float] = []
    _ = try? Memory.refusing(request: 1) {
      try withMemoryErrors { zeros = Tensor.ones([16000]).floats }
    }
    XCTAssertTrue(
      zeros.allSatisfy { $0 == 0 },
      "\(what), request \(request), wrote to memory that is not its own",
      file: file, line: line)
  }
  XCTAssertGreaterThan(request, 1, "\(what) asks for no memory", file: file, line: line)
}

import Glibc
import XCTest

/// Asserts that work ends the process with a message, as a programming error does: in a child, so that the test goes on.
///
/// `precondition` does not pass: it begins its message otherwise in debug builds, and has none where the optimizer is on.
///
/// - Parameters:
///   - what: which work, for the test's own failure.
///   - words: that the message must have.
///   - work: what has to stop.
func assertStops(
  _ what: String, saying words: String = "", file: StaticString = #filePath, line: UInt = #line,
  _ work: () -> Void
) throws {
  // Swift hides fork, whose child may do little; that it ends is what is tested.
  let symbol = try XCTUnwrap(dlsym(dlopen(nil, RTLD_NOW), "fork"), file: file, line: line)
  let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
  var ends: [Int32] = [-1, -1]
  XCTAssertEqual(pipe(&ends), 0, file: file, line: line)
  let child = fork()
  if child == 0 {
    alarm(20)
    var none = rlimit()
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
    dup2(ends[1], STDERR_FILENO)
    close(ends[1])
    work()
    _exit(0)
  }
  close(ends[1])
  var said: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 4096)
  while case let count = read(ends[0], &piece, piece.count), count > 0 {
    said += piece.prefix(count)
  }
  close(ends[0])
  var status: Int32 = -1
  XCTAssertEqual(waitpid(child, &status, 0), child, file: file, line: line)
  XCTAssertTrue([SIGILL, SIGTRAP].contains(status & 0x7f), what, file: file, line: line)
  let message = String(decoding: said, as: UTF8.self)
  XCTAssertTrue(
    message.contains("Fatal error: ") && (words.isEmpty || message.contains(words)),
    "\(what): \(message)", file: file,
    line: line)
}

import Glibc
import XCTest

/// Asserts that work ends the process, as a programming error does: in a child, so that the test
/// goes on.
func assertStops(
  _ what: String, file: StaticString = #filePath, line: UInt = #line, _ work: () -> Void
) throws {
  // Swift hides fork, whose child may do little; that it ends is what is tested.
  let symbol = try XCTUnwrap(dlsym(dlopen(nil, RTLD_NOW), "fork"), file: file, line: line)
  let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
  let child = fork()
  if child == 0 {
    alarm(20)
    var none = rlimit()
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    for number in [SIGILL, SIGTRAP] { signal(number, SIG_DFL) }
    work()
    _exit(0)
  }
  var status: Int32 = -1
  XCTAssertEqual(waitpid(child, &status, 0), child, file: file, line: line)
  XCTAssertTrue([SIGILL, SIGTRAP].contains(status & 0x7f), what, file: file, line: line)
}

import FuzzTargets
import Glibc

/// The target that the environment names.
private let target: FuzzTarget = {
  let name = getenv("VAE_FUZZ_TARGET").map { String(cString: $0) }
  guard let found = FuzzTarget.all.first(where: { $0.name == name }) else {
    print("VAE_FUZZ_TARGET must be one of: \(FuzzTarget.all.map(\.name).joined(separator: " "))")
    exit(64)
  }
  return found
}()

/// What libFuzzer calls with each input; below zero keeps one out of the corpus.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard count <= target.longest else { return -1 }
  target.run(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}

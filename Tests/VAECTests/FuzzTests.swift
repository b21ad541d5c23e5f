import CDLPack
import CVAE
import VAEZoo
import XCTest

/// Random and hostile arguments to every function of the interface.
final class FuzzTests: XCTestCase {
  /// The same calls every time; `VAE_FUZZ_CALLS` asks for more, from further seeds. `VAE_FUZZ_LOG`
  /// names a file for the seed and number of the call under way, which a crash leaves there.
  func testNoArgumentCrashesTheLibraryOrLeaksATensor() throws {
    let asked = ProcessInfo.processInfo.environment["VAE_FUZZ_CALLS"].flatMap { Int($0) }
    let callsASeed = 20_000
    var unreached = try exportedFunctions()
    let before = MemoryPool.shared.statistics.bytesInUse
    for seed in 0..<UInt64(max(1, (asked ?? 100_000) / callsASeed)) {
      var fuzzer = Fuzzer(seed: seed)
      defer { fuzzer.finish() }
      for number in 0..<callsASeed {
        FuzzLog.write("seed \(seed), call \(number)")
        if let fault = fuzzer.call() {
          XCTFail("seed \(seed), call \(number): \(fault)")
          return
        }
      }
      unreached.subtract(fuzzer.reached)
    }
    XCTAssertEqual(unreached, [], "these functions never came to their end")
    XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before, "tensors outlive their handles")
  }
}

/// The functions of the interface.
private func exportedFunctions() throws -> Set<String> {
  let map = try String(contentsOfFile: Repository.path("include/abi/exports.map"), encoding: .utf8)
  let names = map.split(whereSeparator: { " \n;".contains($0) }).map(String.init)
  return Set(names.filter { $0.hasPrefix("vae_") })
}

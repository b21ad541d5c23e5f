import Foundation
import FuzzTargets
import XCTest

/// What fuzzers have found, and what is near it, is read or refused: see `Tests/Corpus/README.md`.
final class CorpusTests: XCTestCase {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Corpus").path

  /// The corpus of a target, by name.
  private func corpus(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = "\(Self.folder)/fuzz/\(target.name)"
    return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map {
      ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)"))))
    }
  }

  func testEachTargetReadsTheCorpusAsItDidWhenFuzzed() throws {
    for target in FuzzTarget.all {
      let corpus = try corpus(target)
      let taken = corpus.filter { target.run($0.bytes) }
      XCTAssertFalse(taken.isEmpty, "nothing of \(target.name) is taken, so that little is reached")
      XCTAssertLessThan(taken.count, corpus.count, "nothing of \(target.name) is refused")
    }
  }

  func testWhatLiesNearTheCorpusIsReadOrRefused() throws {
    for target in FuzzTarget.all {
      var random = Generator(state: 1)
      for (_, bytes) in try corpus(target) where !bytes.isEmpty {
        for count in 0..<min(bytes.count, 24) {
          target.run(Array(bytes.prefix(bytes.count * count / 24)))
          var changed = bytes
          for _ in 0...count % 4 {
            changed[Int.random(in: 0..<bytes.count, using: &random)] = .random(
              in: 0...255, using: &random)
          }
          target.run(changed)
        }
      }
    }
  }

  func testEmptyInputIsRefusedOrRead() {
    for target in FuzzTarget.all { target.run([]) }
  }

  /// The same numbers in every run: a linear congruence (D. E. Knuth, MMIX).
  private struct Generator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state ^ state >> 32
    }
  }
}

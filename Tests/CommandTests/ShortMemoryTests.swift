import Foundation
import XCTest

/// A command in little address space: status 71 with a message or success, never a signal.
final class ShortMemoryTests: CommandTestCase {
  func testATrainingInLittleMemoryEndsWithAMessage() throws {
    var refused = 0
    for limit in stride(from: 200, through: 1000, by: 80) {
      let arguments = [
        "train", "gaussian-vae", "--data", "shapes:32", "--out", path("run\(limit)"), "--epochs",
        "1",
        "--set", "hidden=4000", "--threads", "1",
      ]
      let command = try Command(arguments, memoryLimit: limit)
      // One that fits need not come to its end here.
      let outcome: Outcome
      do {
        outcome = try command.wait(timeout: 20)
      } catch is Command.TimeLimitExceeded {
        break
      }
      // Below the size of the program itself the system refuses to load it.
      guard outcome.status != 127 else { continue }
      XCTAssertTrue(
        [0, 71].contains(outcome.status), "\(limit) MB: \(outcome.status) \(outcome.err)")
      guard outcome.status == 71 else { continue }
      refused += 1
      XCTAssertTrue(outcome.err.contains("out of memory"), outcome.err)
      XCTAssertTrue(
        outcome.err.split(separator: "\n").last?.hasPrefix("vae-zoo: ") == true, outcome.err)
    }
    XCTAssertGreaterThan(refused, 0)
  }

  /// Each of its many convolutions is compiled.
  func testConvolutionsThatAreCompiledInLittleMemoryEndWithAMessage() throws {
    let pixels = (0..<64 * 144).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let data = try write(ArrayFile.npy([64, 12, 12], pixels), "data.npy")
    for limit in stride(from: 120, through: 200, by: 10) {
      let outcome = try Command(
        [
          "train", "very-deep-vae", "--data", data, "--out", path("run\(limit)"), "--epochs", "1",
          "--batch-size", "16",
          "--threads", "1", "--no-records",
        ], memoryLimit: limit
      ).wait()
      guard outcome.status != 127 else { continue }
      XCTAssertTrue(
        [0, 71].contains(outcome.status), "\(limit) MB: \(outcome.status) \(outcome.err)")
    }
  }

  /// A second thread takes a stack, and the C library much more for what it allocates.
  func testTwoThreadsInLittleMemoryEndWithAMessage() throws {
    let sample = [
      "sample", try TrainedRun.shared().run, "--count", "20000", "--out", path("s.npy"),
      "--threads", "2",
    ]
    var refused = 0
    for limit in stride(from: 80, through: 280, by: 20) {
      let outcome = try Command(sample, memoryLimit: limit).wait()
      // Below the size of the program itself the system refuses to load it.
      guard outcome.status != 127 else { continue }
      XCTAssertTrue(
        [0, 71].contains(outcome.status), "\(limit) MB: \(outcome.status) \(outcome.err)")
      guard outcome.status == 71 else { continue }
      refused += 1
      XCTAssertTrue(
        outcome.err.contains("out of memory") || outcome.err.contains("2 threads"), outcome.err)
    }
    XCTAssertGreaterThan(refused, 0)
  }
}

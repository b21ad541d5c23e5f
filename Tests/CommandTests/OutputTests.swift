import Foundation
import XCTest

/// Results that could not be written are an error, whatever wrote them.
final class OutputTests: CommandTestCase {
  private let training =
    "train gaussian-vae --data data --epochs 1 --batch-size 16 --threads 1 --set hidden=8 --set latent=2"

  func testResultsThatADiskHasNoRoomForAreAnError() throws {
    _ = try makeData()
    let begun = try Shell.run("\"$V\" \(training) --out run", in: folder)
    XCTAssertEqual(begun.status, 0, begun.err)
    for command in [
      "list", "list --json", "describe gaussian-vae", "describe gaussian-vae --json",
      "describe gaussian-vae --recipe", "--version", "--help", "", "train --help", "help train",
      "plugin", "--generate-completion-script bash", "\(training) --out run2",
      "\(training) --json --out run3", "evaluate run --data data --threads 1",
      "evaluate run --data data --threads 1 --json", "compare run run2",
    ] {
      let outcome = try Shell.run("\"$V\" \(command) > /dev/full", in: folder)
      XCTAssertEqual(outcome.status, 73, "\(command): \(outcome.err)")
      XCTAssertTrue(
        outcome.err.hasSuffix(
          "vae-zoo: standard output cannot be written: No space left on device\n"),
        "\(command): \(outcome.err)")
    }
    // A training goes on: its results are in the run too.
    for name in ["run2", "run3"] { XCTAssertTrue(exists(path("\(name)/model.safetensors"))) }
  }

  func testAFaultOfTheCommandKeepsItsStatusWhereOutputIsLostToo() throws {
    let outcome = try Shell.run("\"$V\" evaluate none --data shapes > /dev/full", in: folder)
    XCTAssertEqual(outcome.status, 66, outcome.err)
  }

  func testResultsThatNobodyReadsAnyMoreEndTheCommandQuietly() throws {
    for command in ["list", "describe gaussian-vae --recipe", "--help"] {
      for handling in ["", "trap '' PIPE; "] {
        // The reader has ended before anything is written.
        let outcome = try Shell.run(
          "\(handling)mkfifo p; exec 3<>p 4>p 3<&-; rm p; \"$V\" \(command) >&4", in: folder)
        XCTAssertEqual(outcome.status, 141, "\(handling)\(command): \(outcome.err)")
        XCTAssertEqual(outcome.err, "", "\(handling)\(command)")
      }
    }
  }
}

import Foundation
import XCTest

/// Runs that are stopped on the way end as if they had not been.
final class InterruptionTests: CommandTestCase {
  private static let epochs = 80

  /// A training of 1280 updates and 80 checkpoints.
  private func arguments(_ data: String, _ run: String) -> [String] {
    Small.train(data, run, ["--epochs", "\(Self.epochs)", "--batch-size", "4", "--json"])
  }

  private func assertSameResults(
    _ run: String, _ whole: String, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    for name in ["weights.safetensors", "optimizer.safetensors", "model.safetensors"] {
      XCTAssertEqual(
        try bytes("\(run)/\(name)"), try bytes("\(whole)/\(name)"), name, file: file, line: line)
    }
    XCTAssertEqual(
      Set(try FileManager.default.contentsOfDirectory(atPath: run)),
      Set(try FileManager.default.contentsOfDirectory(atPath: whole)), file: file, line: line)
    XCTAssertEqual(
      Set(try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")),
      Set(try FileManager.default.contentsOfDirectory(atPath: whole + "/checkpoints")),
      file: file, line: line)
    XCTAssertEqual(try metrics(run), try metrics(whole), file: file, line: line)
    for name in try FileManager.default.contentsOfDirectory(atPath: whole + "/records")
    where name.hasSuffix(".safetensors") {
      XCTAssertEqual(
        try bytes("\(run)/records/\(name)"), try bytes("\(whole)/records/\(name)"), name,
        file: file, line: line)
    }
  }

  /// The metrics of a run but for the time they took, and the checksum of it.
  private func metrics(_ run: String) throws -> [NSDictionary] {
    try String(contentsOfFile: run + "/metrics.jsonl", encoding: .utf8).split(separator: "\n").map {
      var record = try object(String($0))
      for name in ["seconds", "checksum"] { record[name] = nil }
      return record as NSDictionary
    }
  }

  func testAnInterruptedRunLeavesACheckpointAndContinuesBitForBit() throws {
    let data = try makeData(binary: true)
    try run(arguments(data, path("whole")))
    for (number, signal) in [SIGINT, SIGTERM].enumerated() {
      let name = path("interrupted\(number)")
      let command = try Command(arguments(data, name))
      while command.isRunning && command.outputSoFar.split(separator: "\n").count < 3 {
        usleep(1000)
      }
      command.send(signal)
      let outcome = try command.wait()
      XCTAssertEqual(outcome.status, 130, outcome.err)
      XCTAssertTrue(
        outcome.err.hasSuffix(
          "; continue with: vae-zoo train --out \(name) --resume --threads 1 --json\n"), outcome.err
      )
      let state = try object(String(contentsOfFile: name + "/state.json", encoding: .utf8))
      let step = try XCTUnwrap(state["step"] as? Int)
      XCTAssertTrue((48..<16 * Self.epochs).contains(step), "\(step)")
      XCTAssertTrue(outcome.err.contains("step \(step)"), outcome.err)
      XCTAssertFalse(exists(name + "/model.safetensors"))
      try run(["evaluate", name, "--data", data])
      // As the message says.
      try run(["train", "--out", name, "--resume", "--threads", "1", "--json"])
      try assertSameResults(name, path("whole"))
    }
  }

  func testACommandIsInterruptedWhileItOpensItsData() throws {
    // Zeros that take no room on the disk, and their time to be read.
    let (count, side) = (1 << 12, 512)
    var header = "{'descr': '|u1', 'fortran_order': False, 'shape': (\(count), \(side), \(side)), }"
    while (10 + header.utf8.count + 1) % 64 != 0 { header += " " }
    let size = header.utf8.count + 1
    var bytes = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 0xff), UInt8(size >> 8)]
    bytes += Array("\(header)\n".utf8)
    let data = try write(bytes, "large.npy")
    XCTAssertEqual(truncate(data, bytes.count + count * side * side), 0)
    let (_, trained) = try copyOfTrainedRun()
    for arguments in [
      Small.train(data, path("new"), []), ["evaluate", trained, "--data", data],
    ] {
      let command = try Command(arguments)
      while command.isRunning && command.bytesRead < 1 << 26 { usleep(1000) }
      XCTAssertTrue(command.isRunning, "the data are opened before anybody can interrupt it")
      command.send(SIGINT)
      let outcome = try command.wait()
      XCTAssertEqual(outcome.status, 130, outcome.err)
      // The command has ended itself.
      XCTAssertTrue(outcome.err.hasPrefix("vae-zoo: "), outcome.err)
    }
    XCTAssertFalse(exists(path("new")))
  }

  func testACommandIsInterruptedWhileItWaitsForARecipe() throws {
    XCTAssertEqual(mkfifo(path("recipe"), 0o600), 0)
    // A writer that is there and silent.
    let writer = open(path("recipe"), O_RDWR)
    defer { close(writer) }
    for arguments in [["train"], ["sweep", "--set", "beta=1,2"]] {
      let command = try Command(
        arguments + ["--recipe", path("recipe"), "--data", "shapes:32", "--out", path("run")])
      while command.isRunning && !command.hasOpen(path("recipe")) { usleep(1000) }
      command.send(SIGTERM)
      let outcome = try command.wait()
      XCTAssertEqual(outcome.status, 130, outcome.err)
    }
    XCTAssertFalse(exists(path("run")))
  }

  func testAnInterruptedExtensionHasNoExportOfTheShorterRun() throws {
    let (data, run) = try copyOfTrainedRun()
    let command = try Command(
      Small.train(data, run, ["--epochs", "1000", "--json", "--resume"]))
    while command.isRunning && command.outputSoFar.isEmpty { usleep(1000) }
    command.send(SIGINT)
    XCTAssertEqual(try command.wait().status, 130)
    XCTAssertFalse(exists(run + "/model.safetensors"))
  }

  func testKilledRunsResumeToTheWeightsOfAnUninterruptedOne() throws {
    let data = try makeData(binary: true)
    try run(arguments(data, path("whole")))
    let name = path("killed")
    var generator = Lehmer(seed: 25)
    var killed = 0
    for number in 0..<7 {
      let command = try Command(arguments(data, name) + ["--resume"])
      switch number % 3 {
      case 0:
        // While it starts or soon after.
        usleep(UInt32(generator.below(40_000)))
      case 1:
        let epochs = 1 + generator.below(8)
        while command.isRunning && command.outputSoFar.split(separator: "\n").count < epochs {
          usleep(500)
        }
        usleep(UInt32(generator.below(1000)))
      default:
        // While one of the next checkpoints is written, or just after.
        for _ in 0...generator.below(4) { waitForCheckpointWrite(name, while: command) }
        usleep(UInt32(generator.below(1000)))
      }
      if command.isRunning { command.send(SIGKILL) }
      let outcome = try command.wait()
      XCTAssertTrue([0, 137].contains(outcome.status), outcome.err)
      if outcome.status == 137 { killed += 1 }
    }
    XCTAssertEqual(killed, 7, "the run is too short to be killed on the way")
    try run(arguments(data, name) + ["--resume"])
    try assertSameResults(name, path("whole"))
  }

  /// Returns while a checkpoint is being written under its temporary name.
  private func waitForCheckpointWrite(_ run: String, while command: Command) {
    func isWriting() -> Bool {
      let names = try? FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
      return names?.contains { !$0.allSatisfy(\.isNumber) } ?? false
    }
    while command.isRunning && isWriting() { usleep(50) }
    while command.isRunning && !isWriting() { usleep(50) }
  }
}

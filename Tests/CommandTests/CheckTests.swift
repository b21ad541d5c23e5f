import Foundation
import XCTest

/// `check`: what is sound, what is damaged, and what has no checksums.
final class CheckTests: CommandTestCase {
  private func flip(_ file: String, at place: Int) throws {
    var content = try bytes(file)
    content[place < 0 ? content.count + place : place] ^= 4
    try Data(content).write(to: URL(fileURLWithPath: file))
  }

  func testARunIsSoundUntilAFileIsDamaged() throws {
    let run = try copyOfTrainedRun().run
    let outcome = try self.run(["check", run])
    XCTAssertEqual(outcome.err, "")
    XCTAssertEqual(outcome.lines.count, try fileCount(run))
    XCTAssertTrue(outcome.lines.allSatisfy { $0.hasPrefix("sound  ") }, outcome.out)
    for (file, word) in [
      ("checkpoints/12/weights.safetensors", "tensor \""), ("checkpoints/8/state.json", "checksum"),
      ("model.safetensors", "tensor \""), ("records/examples.safetensors", "tensor \""),
      ("recipe.json", "JSON"),
    ] {
      let path = "\(run)/\(file)"
      let content = try bytes(path)
      try flip(path, at: file.hasSuffix("json") ? content.count / 2 : -1)
      let outcome = try Command.run(["check", run])
      XCTAssertEqual(outcome.status, 65, file)
      let damaged = outcome.lines.filter { !$0.hasPrefix("sound") }
      XCTAssertEqual(damaged.count, 1, outcome.out)
      XCTAssertTrue(damaged.first?.hasPrefix("DAMAGED  \(file)") ?? false, outcome.out)
      if word != "JSON" { XCTAssertTrue(outcome.out.contains(word), outcome.out) }
      XCTAssertTrue(outcome.err.contains("vae-zoo: 1 file of \(run)"), outcome.err)
      try Data(content).write(to: URL(fileURLWithPath: path))
    }
    try FileManager.default.removeItem(atPath: "\(run)/checkpoints/8/optimizer.safetensors")
    let report = try object(try Command.run(["check", run, "--json"]).out)
    XCTAssertEqual(report["sound"] as? Bool, false)
    XCTAssertEqual(report["kind"] as? String, "run")
    XCTAssertEqual(report["damaged"] as? Int, 1)
    let lost = try XCTUnwrap(report["files"] as? [[String: Any]]).filter { $0["fault"] != nil }
    XCTAssertEqual(lost.first?["path"] as? String, "checkpoints/8/optimizer.safetensors")
  }

  /// The files of a run but for its lock.
  private func fileCount(_ run: String) throws -> Int {
    try FileManager.default.subpathsOfDirectory(atPath: run).count { name in
      let type = try FileManager.default.attributesOfItem(atPath: "\(run)/\(name)")[.type]
      return type as? FileAttributeType == .typeRegular && name != ".lock"
    }
  }

  func testADamagedLineIsNamedByCheckAndReportWhichDoesWithoutIt() throws {
    let run = try copyOfTrainedRun().run
    let file = run + "/metrics.jsonl"
    var lines = try String(contentsOfFile: file, encoding: .utf8).components(separatedBy: "\n")
    lines[1] = lines[1].replacingOccurrences(of: "\"step\": 8", with: "\"step\": 9")
    _ = try write(Array(lines.joined(separator: "\n").utf8), "run/metrics.jsonl")
    let outcome = try Command.run(["check", run])
    XCTAssertEqual(outcome.status, 65)
    XCTAssertTrue(outcome.out.contains("line 2 is left out"), outcome.out)
    let report = try self.run(["report", run])
    XCTAssertTrue(report.err.contains("\(file): line 2 is left out"), report.err)
  }

  func testFilesAreCheckedByWhatTheyAre() throws {
    let shared = try TrainedRun.shared()
    let images = TestImages(8)
    let array = try write(ArrayFile.npy(images, binary: true), "images.npy")
    for (file, state) in [
      (shared.model, "sound"), (shared.run + "/recipe.json", "sound"), (array, "unchecked"),
    ] {
      let outcome = try self.run(["check", file, "--json"])
      let report = try object(outcome.out)
      XCTAssertEqual(report["kind"] as? String, "file")
      XCTAssertEqual(report["sound"] as? Bool, true)
      let files = try XCTUnwrap(report["files"] as? [[String: Any]])
      XCTAssertEqual(files.map { $0["state"] as? String }, [state], file)
    }
    for content in [Array(try bytes(array).dropLast()), [], Array("text".utf8), Array("PK".utf8)] {
      let file = try write(content, "broken")
      let outcome = try Command.run(["check", file])
      XCTAssertEqual(outcome.status, 65)
      XCTAssertTrue(outcome.out.hasPrefix("DAMAGED  \(file)"), outcome.out)
    }
    // Archives have the checksums of ZIP.
    let archive = ArrayFile.npz([(name: "train", npy: ArrayFile.npy(images, binary: true))])
    let file = try write(archive, "images.npz")
    XCTAssertTrue(try self.run(["check", file]).out.hasPrefix("sound"))
    try flip(file, at: archive.count / 2)
    XCTAssertEqual(try Command.run(["check", file]).status, 65)
  }

  func testWhatIsNotThereOrNoRunIsRefused() throws {
    try assertRefused(["check", path("none")], status: 66, naming: [path("none")])
    try FileManager.default.createDirectory(
      atPath: path("empty"), withIntermediateDirectories: true)
    try assertRefused(["check", path("empty")], status: 65, naming: [path("empty"), "run folder"])
  }
}

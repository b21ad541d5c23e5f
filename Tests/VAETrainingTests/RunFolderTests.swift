import Foundation
import VAEFiles
import VAETraining
import XCTest

final class RunFolderTests: XCTestCase {
  private struct Crash: Error {}

  private func checkpointFiles(_ step: Int) -> [(name: String, bytes: [UInt8])] {
    let state =
      #"{"format": 1, "step": \#(step), "updates_per_epoch": 10, "finished": false, "threads": 2, "updates": {}, "#
      + #""epoch_so_far": {"updates": 0, "distortion": 0, "rate": 0, "seconds": 0, "terms": {}}}"#
    let tensors = Safetensors().encoded()
    return [
      (name: CheckpointFile.weights, bytes: tensors),
      (name: CheckpointFile.optimizer, bytes: tensors),
      (name: CheckpointFile.state, bytes: Array(state.utf8)),
    ]
  }

  private func folder() -> String { TrainingSupport.temporaryFolder(self) }

  func testACheckpointIsPublishedUnderItsStepWithLinksThroughLatest() throws {
    let path = folder()
    let run = try RunFolder.create(at: path, force: false, resume: false)
    XCTAssertNil(try run.storedCheckpoint())
    for step in [3, 20, 100] { try run.writeCheckpoint(step: step, files: checkpointFiles(step)) }
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: "\(path)/checkpoints").sorted(),
      ["100", "20"])
    let manager = FileManager.default
    XCTAssertEqual(
      try manager.destinationOfSymbolicLink(atPath: "\(path)/latest"), "checkpoints/100")
    XCTAssertEqual(
      try manager.destinationOfSymbolicLink(atPath: "\(path)/state.json"), "latest/state.json")
    XCTAssertEqual(try run.storedCheckpoint()?.step, 100)
    XCTAssertEqual(try RunFolder.open(path).storedCheckpoint()?.step, 100)
  }

  func testACrashAtAnyDiskOperationLeavesTheOldOrTheNewCheckpointWhole() throws {
    let counter = Counter()
    var operations = Int.max
    var crashAt = 0
    while crashAt < operations {
      let path = folder()
      try autoreleasing {
        let run = try RunFolder.create(at: path, force: false, resume: false)
        for step in [1, 2] { try run.writeCheckpoint(step: step, files: checkpointFiles(step)) }
        counter.restart(crashAt: crashAt)
        _ = DurableFiles.withChanges(announcedTo: { _ in if counter.isDue() { throw Crash() } }) {
          try? run.writeCheckpoint(step: 3, files: checkpointFiles(3))
        }
        if !counter.hasCrashed { operations = counter.count }
      }
      let resumed = try RunFolder.create(at: path, force: false, resume: true)
      let step = try XCTUnwrap(try resumed.storedCheckpoint()).step
      XCTAssertTrue(step == 2 || step == 3, "crash at operation \(crashAt) left step \(step)")
      try resumed.writeCheckpoint(step: 4, files: checkpointFiles(4))
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/checkpoints")
        .sorted()
      XCTAssertEqual(names, ["\(step)", "4"], "crash at operation \(crashAt)")
      XCTAssertFalse(
        try FileManager.default.contentsOfDirectory(atPath: path).contains { $0.contains(".tmp") })
      crashAt += 1
    }
    XCTAssertGreaterThan(operations, 8)
  }

  func testWhatExistsIsRefusedKeptOrReplacedAsAsked() throws {
    let path = folder()
    try RunFolder.create(at: path, force: false, resume: false).writeRecipe([1])
    XCTAssertThrowsError(try RunFolder.create(at: path, force: false, resume: false)) {
      XCTAssertEqual(($0 as? FileError)?.kind, .exists)
      XCTAssertTrue(
        "\($0)".contains("existing_run=resume") && "\($0)".contains("existing_run=replace"), "\($0)"
      )
    }
    XCTAssertEqual(
      try RunFolder.create(at: path, force: false, resume: true).recipeBytes(), [1])
    XCTAssertNil(try RunFolder.create(at: path, force: true, resume: false).recipeBytes())
  }

  func testForceLeavesAFolderThatIsNoRunAlone() throws {
    let path = folder()
    try DurableFiles.makeFolder(path)
    try DurableFiles.replace("\(path)/thesis.txt", with: [1, 2])
    for force in [false, true] {
      XCTAssertThrowsError(try RunFolder.create(at: path, force: force, resume: !force)) {
        XCTAssertEqual(($0 as? FileError)?.kind, .exists)
      }
    }
    XCTAssertEqual(try DurableFiles.read("\(path)/thesis.txt"), [1, 2])
  }

  func testTwoTrainingsOfOneRunAreRefused() throws {
    let path = folder()
    let first = try RunFolder.create(at: path, force: false, resume: false)
    XCTAssertThrowsError(try RunFolder.create(at: path, force: false, resume: true)) {
      XCTAssertTrue("\($0)".contains("another process"), "\($0)")
    }
    XCTAssertNoThrow(try RunFolder.open(path))
    withExtendedLifetime(first) {}
  }

  func testMetricsAreCutToTheCheckpointAndAHalfLineIsDropped() throws {
    let run = try RunFolder.create(at: folder(), force: false, resume: false)
    for step in [10, 20, 30] { try run.appendMetrics("{\"step\": \(step)}") }
    try Folder(opening: run.path).append("metrics.jsonl", Array("{\"step\": 4".utf8))
    try run.cutMetrics(toStep: 20)
    XCTAssertEqual(
      String(decoding: try DurableFiles.read("\(run.path)/metrics.jsonl"), as: UTF8.self),
      "{\"step\": 10}\n{\"step\": 20}\n")
  }

  func testACheckpointThatLostAFileIsRefusedNamingIt() throws {
    let run = try RunFolder.create(at: folder(), force: false, resume: false)
    try run.writeCheckpoint(step: 5, files: checkpointFiles(5))
    for name in [CheckpointFile.state, CheckpointFile.optimizer, CheckpointFile.weights] {
      try FileManager.default.removeItem(atPath: "\(run.path)/checkpoints/5/\(name)")
      XCTAssertThrowsError(try run.storedCheckpoint()) {
        XCTAssertTrue("\($0)".contains(name), "\($0)")
      }
    }
  }

  func testReplacingKeepsTheOldFileWhenTheDiskRefuses() throws {
    let path = folder()
    try DurableFiles.makeFolder(path)
    try DurableFiles.replace("\(path)/a", with: [1])
    try DurableFiles.withChanges(announcedTo: { if case .rename = $0 { throw Crash() } }) {
      XCTAssertThrowsError(try DurableFiles.replace("\(path)/a", with: [2]))
    }
    XCTAssertEqual(try DurableFiles.read("\(path)/a"), [1])
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: path), ["a"])
    XCTAssertThrowsError(try DurableFiles.replace("/dev/null", with: [2])) {
      XCTAssertTrue("\($0)".contains("it is not a file"), "\($0)")
    }
  }

  /// Runs a closure whose locals are gone afterwards, a run's lock among them.
  private func autoreleasing(_ body: () throws -> Void) rethrows { try body() }
}

import Foundation
import VAEFiles
import VAETraining
import XCTest

/// Runs that keep their checkpoints in a folder that the user named.
final class CheckpointDirTests: FilesTestCase {
  private var run: String { path("run") }
  private var scratch: String { path("scratch") }

  private func makeRun(_ steps: [Int] = [4, 8]) throws {
    let run = try RunFolder.create(at: run, checkpointDir: scratch)
    try run.writeRecipe(Array("{}".utf8))
    for step in steps { try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step)) }
  }

  /// The name of the run's folder in the one that the user named.
  private func place() throws -> String {
    let names = try names("scratch")
    XCTAssertEqual(names.count, 1)
    return "scratch/\(try XCTUnwrap(names.first))"
  }

  func testCheckpointsLieInAFolderOfTheirOwnAndReadersFindThem() throws {
    try makeRun()
    let place = try place()
    XCTAssertTrue(place.hasPrefix("scratch/run-"), place)
    XCTAssertEqual(try names(place), ["run.json", ".lock", "4", "8"])
    XCTAssertFalse(try names("run").contains("checkpoints"))
    let reader = try RunFolder.open(run)
    let newest = try XCTUnwrap(try reader.readLatestCheckpoint())
    XCTAssertEqual(try TestCheckpoint.version(newest.files, step: 8), 1)
    XCTAssertTrue(try text("run/weights.safetensors").hasPrefix("8 1 "))
  }

  func testAFolderThatCannotBeUsedLeavesNoRunBehind() throws {
    try Data().write(to: URL(fileURLWithPath: path("file")))
    for name in ["file", "missing/scratch", "file/scratch"] {
      assertFails(.unwritable, naming: [path(name)]) {
        try RunFolder.create(at: run, checkpointDir: path(name))
      }
      XCTAssertFalse(DurableFiles.exists(run))
    }
    _ = try RunFolder.create(at: run, checkpointDir: scratch + "/")
  }

  func testAFolderThatCannotBeUsedLeavesTheRunThatWouldBeReplaced() throws {
    try makeRun()
    try Data().write(to: URL(fileURLWithPath: path("file")))
    let before = try snapshot()
    assertFails(.unwritable, naming: [path("file")]) {
      try RunFolder.create(at: run, force: true, checkpointDir: path("file"))
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testARunIsContinuedOnlyWhereTheFolderIsNamedAgain() throws {
    try makeRun()
    let before = try snapshot()
    assertFails(
      .exists, naming: [run, try place(), "checkpoint_dir=\(try DurableFiles.absolute(scratch))"]
    ) { try RunFolder.create(at: run, resume: true) }
    XCTAssertEqual(try snapshot(), before)
    let resumed = try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
    try resumed.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
    XCTAssertEqual(try names(place()), ["run.json", ".lock", "8", "12"])
    XCTAssertEqual(try RunFolder.open(run).latestCheckpoint()?.step, 12)
  }

  func testAFolderThatHasMovedIsTakenUpWhereItIsNamed() throws {
    try makeRun()
    try FileManager.default.moveItem(atPath: scratch, toPath: path("other"))
    assertFails(.missing, naming: [run, "checkpoint_dir"]) {
      try RunFolder.open(run).latestCheckpoint()
    }
    _ = try RunFolder.create(at: run, resume: true, checkpointDir: path("other"))
    XCTAssertEqual(try RunFolder.open(run).latestCheckpoint()?.step, 8)
    XCTAssertTrue(try text("run/weights.safetensors").hasPrefix("8 1 "))
  }

  func testARunFolderLeadsNobodyToAFolderThatIsNotItsOwn() throws {
    try makeRun()
    let place = try place()
    try FileManager.default.moveItem(atPath: path(place), toPath: path("scratch/own"))
    let owner = try text("scratch/own/run.json")
    let id = String(try XCTUnwrap(owner.split(separator: "\"").dropFirst(3).first))
    // Of another run, with an owner of another number, without one, and with one that is a link.
    try write(owner.replacingOccurrences(of: id, with: "0\(id.dropFirst())x"), "\(place)/run.json")
    for prepare in [
      {}, { try FileManager.default.removeItem(atPath: self.path("\(place)/run.json")) },
      {
        XCTAssertEqual(
          symlink(self.path("scratch/own/run.json"), self.path("\(place)/run.json")), 0)
      },
    ] as [() throws -> Void] {
      try prepare()
      for step in [4, 8] {
        for file in TestCheckpoint.names { try write("precious", "\(place)/\(step)/\(file)") }
      }
      let before = try snapshot()
      assertFails(.malformed, naming: []) { try RunFolder.open(run).readLatestCheckpoint() }
      assertFails(.malformed, naming: []) {
        try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
      }
      XCTAssertEqual(try snapshot(), before)
      do {
        let replaced = try RunFolder.create(at: run, force: true, checkpointDir: scratch)
        XCTAssertTrue("\(replaced.notices)".contains("stay"), "\(replaced.notices)")
      }
      XCTAssertEqual(try text("\(place)/8/state.json"), "precious")
      // As it was.
      try FileManager.default.removeItem(atPath: run)
      for name in try names("scratch") where path("scratch/\(name)") != path(place) && name != "own"
      {
        try FileManager.default.removeItem(atPath: path("scratch/\(name)"))
      }
      try makeRecord(place, id)
    }
  }

  /// A run folder that tells of a place.
  private func makeRecord(_ place: String, _ id: String) throws {
    try write("{}", "run/recipe.json")
    try write(#"{"folder": "\#(path(place))", "run": "\#(id)"}"#, "run/checkpoints.json")
  }

  func testADamagedRecordIsNamed() throws {
    for text in [
      "", "{}", "[]", #"{"folder": "relative", "run": "1"}"#, #"{"folder": "/tmp", "run": ""}"#,
      #"{"folder": "/tmp\u0000", "run": "1"}"#,
    ] {
      try write("{}", "run/recipe.json")
      try write(text, "run/checkpoints.json")
      assertFails(.malformed, naming: ["run/checkpoints.json"]) {
        try RunFolder.open(run).latestCheckpoint()
      }
      for dir in [nil, scratch] {
        assertFails(.malformed, naming: ["run/checkpoints.json"]) {
          try RunFolder.create(at: run, resume: true, checkpointDir: dir)
        }
      }
    }
  }

  func testReplacingARunRemovesItsCheckpointsOnlyWhereTheirFolderIsNamed() throws {
    try makeRun()
    let old = try place()
    do {
      let run = try RunFolder.create(at: run, force: true)
      XCTAssertTrue("\(run.notices)".contains(old), "\(run.notices)")
      XCTAssertNil(try run.latestCheckpoint())
    }
    XCTAssertEqual(try names(old), ["run.json", ".lock", "4", "8"])
    try FileManager.default.removeItem(atPath: run)
    try FileManager.default.removeItem(atPath: scratch)

    try makeRun()
    let place = try place()
    try write("mine", "\(place)/4/thesis.txt")
    let replaced = try RunFolder.create(at: run, force: true, checkpointDir: scratch)
    XCTAssertTrue("\(replaced.notices)".contains("\(place) stays"), "\(replaced.notices)")
    XCTAssertEqual(try names(place), ["4"])
    XCTAssertEqual(try names("\(place)/4"), ["thesis.txt"])
    XCTAssertEqual(try names("scratch").count, 2)
    XCTAssertNil(try replaced.latestCheckpoint())
  }

  func testARunThatHasItsCheckpointsDoesNotMoveThem() throws {
    do {
      let run = try RunFolder.create(at: run)
      try run.writeRecipe([1])
      try run.writeCheckpoint(step: 4, files: TestCheckpoint.files(4))
    }
    let before = try snapshot()
    assertFails(.exists, naming: [run, "leave out checkpoint_dir"]) {
      try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testACopyOfARunIsNotTrainedBesideIt() throws {
    try makeRun()
    try FileManager.default.copyItem(atPath: run, toPath: path("copy"))
    let first = try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
    assertFails(.exists, naming: ["another process is training"]) {
      try RunFolder.create(at: path("copy"), resume: true, checkpointDir: scratch)
    }
    withExtendedLifetime(first) {}
  }

  func testAProcessKilledAtAnyChangeLeavesTheOldCheckpointOrTheNewOne() throws {
    var limit = 0
    var isWhole = false
    while !isWhole {
      try makeRun()
      isWhole = try SimulatedProcess(killedAfter: limit, losesPower: limit % 2 == 0).run {
        let run = try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
        try run.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
      }
      let found = try XCTUnwrap(try RunFolder.open(run).readLatestCheckpoint())
      XCTAssertTrue(found.step == 8 || found.step == 12)
      _ = try TestCheckpoint.version(found.files, step: found.step)
      let resumed = try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
      XCTAssertEqual(try resumed.latestCheckpoint()?.step, found.step)
      XCTAssertTrue(try names(place()).allSatisfy { !$0.hasPrefix(".tmp-") })
      try FileManager.default.removeItem(atPath: run)
      try FileManager.default.removeItem(atPath: scratch)
      limit += 1
    }
    XCTAssertGreaterThan(limit, 15)
  }

  func testAProcessKilledWhileItBeginsCanBeginAgain() throws {
    var limit = 0
    var isWhole = false
    while !isWhole {
      isWhole = try SimulatedProcess(killedAfter: limit).run {
        try makeRun([4])
      }
      let resumed = try RunFolder.create(at: run, resume: true, checkpointDir: scratch)
      try resumed.writeCheckpoint(step: 6, files: TestCheckpoint.files(6))
      XCTAssertEqual(try resumed.latestCheckpoint()?.step, 6)
      try FileManager.default.removeItem(atPath: run)
      try? FileManager.default.removeItem(atPath: scratch)
      limit += 1
    }
    XCTAssertGreaterThan(limit, 15)
  }
}

import Foundation
import Synchronization
import VAEFiles
import VAETraining
import XCTest

/// Writing, finding and reading checkpoints.
final class RunFolderCheckpointTests: FilesTestCase {
  private var run: String { path("run") }

  /// A run with checkpoints of the given steps.
  private func makeRun(_ steps: [Int]) throws -> RunFolder {
    let run = try RunFolder.create(at: run)
    try run.writeRecipe(Array("{}".utf8))
    for step in steps { try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step)) }
    return run
  }

  private func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: "\(run)/\(name)")
  }

  // MARK: The layout

  func testACheckpointIsPublishedWithItsLinks() throws {
    let run = try makeRun([0])
    XCTAssertEqual(
      try names("run"),
      Set([".lock", "recipe.json", "checkpoints", "latest"] + TestCheckpoint.names))
    XCTAssertEqual(try names("run/checkpoints"), ["0"])
    XCTAssertEqual(try linkTarget("run/latest"), "checkpoints/0")
    for name in TestCheckpoint.names {
      XCTAssertEqual(try linkTarget("run/\(name)"), "latest/\(name)")
      XCTAssertTrue(try text("run/\(name)").hasPrefix("0 1 \(name)"))
    }
    XCTAssertEqual(try run.latestCheckpoint()?.folder, path("run/checkpoints/0"))
  }

  func testTheNewestTwoAreKept() throws {
    let run = try makeRun([])
    for step in [2, 9, 10, 100] {
      try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step))
      XCTAssertTrue(try text("run/weights.safetensors").hasPrefix("\(step) 1 "))
    }
    XCTAssertEqual(try names("run/checkpoints"), ["10", "100"])
    for step in [10, 100] {
      XCTAssertEqual(try TestCheckpoint.version(try run.readCheckpoint(step), step: step), 1)
    }
    assertFails(.missing, naming: ["checkpoints/9"]) { try run.readCheckpoint(9) }
  }

  func testACheckpointOfTheSameStepReplacesTheOlder() throws {
    let run = try makeRun([4, 8])
    try run.writeCheckpoint(step: 8, files: TestCheckpoint.files(8, version: 2))
    XCTAssertEqual(try names("run/checkpoints"), ["4", "8"])
    XCTAssertEqual(try TestCheckpoint.version(try run.readCheckpoint(8), step: 8), 2)
  }

  func testACopyThatWasMadeWithoutRegardToLinksCanBeReadAndContinued() throws {
    for step in [8, 12] {
      _ = try makeRun([4, 8])
      for name in TestCheckpoint.names {
        try remove(name)
        try FileManager.default.copyItem(
          atPath: path("run/checkpoints/8/\(name)"), toPath: path("run/\(name)"))
      }
      try remove("latest")
      try FileManager.default.copyItem(
        atPath: path("run/checkpoints/8"), toPath: path("run/latest"))
      XCTAssertEqual(try RunFolder.open(run).latestCheckpoint()?.step, 8)
      let continued = try RunFolder.create(at: run, resume: true)
      if step == 12 { try continued.writeCheckpoint(step: 12, files: TestCheckpoint.files(12)) }
      XCTAssertEqual(try linkTarget("run/latest"), "checkpoints/\(step)")
      XCTAssertEqual(
        try linkTarget("run/state.json"), "latest/state.json")
      XCTAssertTrue(try text("run/state.json").hasPrefix("\(step) 1 "))
      XCTAssertEqual(try names("run").filter { $0.hasPrefix(".tmp-") }, [])
      try FileManager.default.removeItem(atPath: run)
    }
  }

  // MARK: Which one is the newest

  func testANewerCheckpointThanLatestLeadsToIsUsed() throws {
    _ = try makeRun([4, 8])
    try remove("latest")
    XCTAssertEqual(symlink("checkpoints/4", path("run/latest")), 0)
    XCTAssertEqual(try RunFolder.open(run).readLatestCheckpoint()?.step, 8)
    _ = try RunFolder.create(at: run, resume: true)
    XCTAssertEqual(try linkTarget("run/latest"), "checkpoints/8")
  }

  func testWithoutLatestTheNewestCompleteCheckpointIsUsed() throws {
    for target in [nil, "checkpoints/12", "checkpoints/x", "/elsewhere", "checkpoints/.aside-8"] {
      _ = try makeRun([4, 8])
      try remove("latest")
      if let target { XCTAssertEqual(symlink(target, path("run/latest")), 0) }
      XCTAssertEqual(try RunFolder.open(run).latestCheckpoint()?.step, 8, target ?? "none")
      _ = try RunFolder.create(at: run, resume: true)
      XCTAssertEqual(try linkTarget("run/latest"), "checkpoints/8")
      try FileManager.default.removeItem(atPath: run)
    }
  }

  func testTheOlderCheckpointStandsInForANewestThatIsGone() throws {
    _ = try makeRun([4, 8])
    try remove("checkpoints/8")
    XCTAssertEqual(try RunFolder.open(run).readLatestCheckpoint()?.step, 4)
    let resumed = try RunFolder.create(at: run, resume: true)
    XCTAssertTrue(try text("run/state.json").hasPrefix("4 1 "))
    try resumed.writeCheckpoint(step: 8, files: TestCheckpoint.files(8))
    XCTAssertEqual(try names("run/checkpoints"), ["4", "8"])
  }

  func testAFolderThatIsNotCompleteIsPassedOverWhereLatestDoesNotLeadToIt() throws {
    let run = try makeRun([4, 8])
    try write("", "run/checkpoints/12/weights.safetensors")
    XCTAssertEqual(try run.latestCheckpoint()?.step, 8)
    try write("", "run/checkpoints/1/weights.safetensors")
    try run.writeCheckpoint(step: 10, files: TestCheckpoint.files(10))
    XCTAssertEqual(
      try names("run/checkpoints"), ["8", "10", "12"], "those older than the newest two are removed"
    )
    try run.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
    XCTAssertEqual(try names("run/checkpoints"), ["10", "12"])
    XCTAssertEqual(try TestCheckpoint.version(try run.readCheckpoint(12), step: 12), 1)
  }

  func testANewestCheckpointThatHasLostAFileIsRefusedAndNothingChanges() throws {
    for name in TestCheckpoint.names {
      for keepsLatest in [true, false] {
        _ = try makeRun(keepsLatest ? [4, 8] : [8])
        try remove("checkpoints/8/\(name)")
        if !keepsLatest { try remove("latest") }
        let before = try snapshot()
        let words = ["\(run)/checkpoints/8/\(name)", "lost"]
        assertFails(.malformed, naming: words) { try RunFolder.open(run).latestCheckpoint() }
        assertFails(.malformed, naming: words) { try RunFolder.open(run).readLatestCheckpoint() }
        assertFails(.malformed, naming: words) { try RunFolder.create(at: run, resume: true) }
        XCTAssertEqual(try snapshot(), before)
        _ = try RunFolder.create(at: run, force: true)
        try FileManager.default.removeItem(atPath: run)
      }
    }
  }

  func testAFolderInPlaceOfAFileCountsAsALostFile() throws {
    _ = try makeRun([4])
    try remove("checkpoints/4/state.json")
    try makeFolder("run/checkpoints/4/state.json")
    assertFails(.malformed, naming: ["checkpoints/4/state.json"]) {
      try RunFolder.open(run).latestCheckpoint()
    }
  }

  func testNamesThatAreNoStepAreNoCheckpoint() throws {
    let run = try makeRun([4])
    for name in ["08", "+9", "-10", "11.5", "99999999999999999999", "twelve", ".tmp-13", "１４"] {
      for file in TestCheckpoint.names { try write("", "run/checkpoints/\(name)/\(file)") }
    }
    XCTAssertEqual(try run.latestCheckpoint()?.step, 4)
  }

  func testARunWhoseCheckpointsAreGoneHasNone() throws {
    _ = try makeRun([4])
    try remove("checkpoints")
    XCTAssertNil(try RunFolder.open(run).latestCheckpoint())
    let begun = try RunFolder.create(at: run, resume: true)
    XCTAssertNil(try begun.readLatestCheckpoint()?.step)
    try begun.writeCheckpoint(step: 2, files: TestCheckpoint.files(2))
    XCTAssertTrue(try text("run/state.json").hasPrefix("2 1 "))
  }

  // MARK: Readers beside a writer

  func testAReaderBesideAWriterAlwaysGetsOneWholeCheckpointAndNeverAnOlderOne() throws {
    let writer = try makeRun([0])
    let failure = Mutex<String?>(nil)
    let isDone = Mutex(false)
    let thread = Thread {
      do {
        for step in 1...150 {
          try writer.writeCheckpoint(step: step, files: TestCheckpoint.files(step))
          try writer.writeCheckpoint(step: step, files: TestCheckpoint.files(step, version: 2))
        }
      } catch {
        failure.withLock { $0 = "\(error)" }
      }
      isDone.withLock { $0 = true }
    }
    thread.start()
    defer { while !thread.isFinished { usleep(100) } }
    var newest = 0
    var isLast = false
    while !isLast {
      isLast = isDone.withLock { $0 }
      let checkpoint = try XCTUnwrap(try RunFolder.open(run).readLatestCheckpoint())
      _ = try TestCheckpoint.version(checkpoint.files, step: checkpoint.step)
      XCTAssertGreaterThanOrEqual(checkpoint.step, newest)
      newest = checkpoint.step
    }
    XCTAssertNil(failure.withLock { $0 })
    XCTAssertEqual(newest, 150)
  }
}

import Foundation
import VAEFiles
import VAETraining
import XCTest

/// Opening, refusing, replacing and locking runs, and their recipe and metrics.
final class RunFolderOpeningTests: FilesTestCase {
  private var run: String { path("run") }

  /// A run of two checkpoints with everything that belongs to one.
  @discardableResult
  private func makeRun() throws -> RunFolder {
    let run = try RunFolder.create(at: run)
    try run.writeRecipe(Array("{}".utf8))
    for step in [4, 8] {
      try run.appendMetrics("{\"step\": \(step)}")
      try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step))
    }
    try write("model", "run/model.safetensors")
    return run
  }

  // MARK: Reading

  func testOpeningWhatIsNoRunIsRefusedByKind() throws {
    try write("", "file")
    try write("", "thesis/chapter")
    try makeFolder("empty")
    try write("", "project/checkpoints/epoch1.pt")
    assertFails(.missing, naming: [run]) { try RunFolder.open(run) }
    assertFails(.missing, naming: [path("file/run")]) { try RunFolder.open(path("file/run")) }
    for name in ["file", "thesis", "empty", "project"] {
      assertFails(.malformed, naming: [path(name), "not a run folder"]) {
        try RunFolder.open(path(name))
      }
    }
  }

  func testReadersChangeNothingAndNeedNoLock() throws {
    let writer = try makeRun()
    try write("", "run/checkpoints/.tmp-12/weights.safetensors")
    let before = try snapshot()
    let reader = try RunFolder.open(run + "//")
    XCTAssertEqual(reader.path, run)
    XCTAssertEqual(try reader.latestCheckpoint()?.step, 8)
    XCTAssertEqual(try reader.recipeBytes(), Array("{}".utf8))
    for write in [
      { try reader.writeCheckpoint(step: 12, files: TestCheckpoint.files(12)) },
      { try reader.writeRecipe([]) }, { try reader.appendMetrics("{}") },
      { try reader.cutMetrics(toStep: 0) },
    ] as [() throws -> Void] {
      assertFails(.unwritable, naming: [run, "for reading"]) { try write() }
    }
    XCTAssertEqual(try snapshot(), before)
    XCTAssertEqual(writer.path, run)
  }

  // MARK: Creating

  func testANewRunBeginsWithoutRecipeMetricsOrCheckpoint() throws {
    for prepare in [{}, { try self.makeFolder("run") }] as [() throws -> Void] {
      try prepare()
      for resume in [false, true] {
        let run = try RunFolder.create(at: run, resume: resume)
        XCTAssertNil(try run.latestCheckpoint())
        XCTAssertNil(try run.readLatestCheckpoint()?.step)
        XCTAssertNil(try run.recipeBytes())
        try run.cutMetrics(toStep: 0)
        XCTAssertEqual(try names("run"), [".lock"])
        XCTAssertNil(try RunFolder.open(run.path).latestCheckpoint())
      }
      try FileManager.default.removeItem(atPath: run)
    }
  }

  func testAnExistingRunIsRefusedWithoutResumeOrForce() throws {
    try makeRun()
    let before = try snapshot()
    assertFails(
      .exists,
      naming: [
        run, "exists; use existing_run=resume to continue it or existing_run=replace to replace it",
      ]
    ) { try RunFolder.create(at: run) }
    XCTAssertEqual(try snapshot(), before)
  }

  func testResumingKeepsEverything() throws {
    try makeRun()
    let before = try snapshot()
    for force in [false, true] {
      let run = try RunFolder.create(at: run, force: force, resume: true)
      XCTAssertEqual(try run.latestCheckpoint()?.step, 8)
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testForceRemovesTheRunAndNothingElse() throws {
    try makeRun()
    try write("kept", "run/notes.txt")
    try write("kept", "outside/file")
    XCTAssertEqual(symlink("../outside", path("run/link")), 0)
    let run = try RunFolder.create(at: run, force: true)
    XCTAssertNil(try run.latestCheckpoint())
    XCTAssertEqual(
      try snapshot(),
      [
        "outside": "folder", "outside/file": "kept", "run": "folder", "run/.lock": "",
        "run/link": "→ ../outside", "run/notes.txt": "kept",
      ])
  }

  func testWhatIsNoRunIsLeftAlone() throws {
    try write("precious", "thesis/chapter")
    try write("precious", "project/checkpoints/epoch1.pt")
    try write("precious", "hidden/.tmp-notes")
    try write("precious", "mixed/recipe.json")
    try write("precious", "mixed/checkpoints/epoch1.pt")
    try write("precious", "file")
    XCTAssertEqual(symlink("nowhere", path("dangling")), 0)
    let before = try snapshot()
    for name in ["thesis", "project", "hidden", "mixed", "file", "dangling"] {
      assertFails(.exists, naming: [path(name)]) { try RunFolder.create(at: path(name)) }
      assertFails(.exists, naming: [path(name)]) {
        try RunFolder.create(at: path(name), force: true)
      }
      if name != "mixed" {
        assertFails(.exists, naming: [path(name)]) {
          try RunFolder.create(at: path(name), resume: true)
        }
      }
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testPlacesThatCannotBeWrittenAreNamedWithTheReason() throws {
    try write("", "file")
    try makeRun()
    try makeFolder("locked")
    for name in ["locked", "run", "run/checkpoints"] {
      XCTAssertEqual(chmod(path(name), 0o555), 0)
    }
    try withoutPrivileges {
      assertFails(.unwritable, naming: [path("locked/new"), "Permission denied"]) {
        try RunFolder.create(at: path("locked/new"))
      }
      for force in [false, true] {
        assertFails(.unwritable, naming: [run, "Permission denied"]) {
          try RunFolder.create(at: run, force: force, resume: !force)
        }
      }
      XCTAssertEqual(try RunFolder.open(run).readLatestCheckpoint()?.step, 8)
    }
    assertFails(.unwritable, naming: [path("a/run"), "folder"]) {
      try RunFolder.create(at: path("a/run"))
    }
    assertFails(.unwritable, naming: [path("file/run"), "Not a directory"]) {
      try RunFolder.create(at: path("file/run"))
    }
  }

  func testCheckpointsThatAreNoFolderAreNamed() throws {
    try makeRun()
    for name in ["checkpoints", "latest"] {
      try FileManager.default.removeItem(atPath: "\(run)/\(name)")
    }
    try write("mine", "run/checkpoints")
    assertFails(.unwritable, naming: ["\(run)/checkpoints"]) {
      try RunFolder.create(at: run, resume: true)
    }
    assertFails(.malformed, naming: ["\(run)/checkpoints"]) {
      try RunFolder.open(run).latestCheckpoint()
    }
    XCTAssertEqual(try text("run/checkpoints"), "mine")
  }

  func testLeftoversOfInterruptedWritesAreRemovedOnOpeningForWriting() throws {
    try makeRun()
    let before = try snapshot()
    try write("", "run/.tmp-recipe.json-1-0")
    try write("", "run/.tmp-checkpoints/4/weights.safetensors")
    try write("", "run/checkpoints/.tmp-12/weights.safetensors")
    try write("", "run/checkpoints/.tmp-old-0/state.json")
    _ = try RunFolder.create(at: run, resume: true)
    XCTAssertEqual(try snapshot(), before)
  }

  func testWhatAProcessLeavesThatIsKilledBeforeItsRecipeCountsAsNothing() throws {
    try write("", "run/.lock")
    try write("{", "run/.tmp-recipe.json-1-0")
    try makeFolder("run/checkpoints")
    _ = try RunFolder.create(at: run)
    XCTAssertEqual(try names("run"), [".lock", "checkpoints"])
  }

  // MARK: The lock

  func testTwoTrainingsOnOneRunAreRefused() throws {
    var run: RunFolder? = try makeRun()
    let before = try snapshot()
    for force in [false, true] {
      assertFails(.exists, naming: [self.run, "another process is training"]) {
        try RunFolder.create(at: self.run, force: force, resume: !force)
      }
    }
    XCTAssertEqual(try snapshot(), before)
    let copy = run
    run = nil
    assertFails(.exists, naming: ["another process"]) {
      try RunFolder.create(at: self.run, resume: true)
    }
    XCTAssertEqual(copy?.path, self.run)
  }

  func testARefusedLockHoldsNoFileOpen() throws {
    let run = try makeRun()
    let before = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    for _ in 0..<20 { XCTAssertThrowsError(try RunFolder.create(at: run.path, resume: true)) }
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count, before)
  }

  func testTheLockEndsWithTheProcessThatHadIt() throws {
    try makeRun()
    let holder = Process()
    holder.executableURL = URL(fileURLWithPath: "/bin/sh")
    holder.arguments = [
      "-c", "exec 9>\"$1\"; flock -n 9; echo locked; read line", "sh", run + "/.lock",
    ]
    let (input, output) = (Pipe(), Pipe())
    holder.standardInput = input
    holder.standardOutput = output
    try holder.run()
    XCTAssertEqual(output.fileHandleForReading.availableData, Data("locked\n".utf8))
    assertFails(.exists, naming: ["another process"]) {
      try RunFolder.create(at: run, resume: true)
    }
    XCTAssertEqual(kill(holder.processIdentifier, SIGKILL), 0)
    holder.waitUntilExit()
    _ = try RunFolder.create(at: run, resume: true)
  }

  // MARK: Recipe and metrics

  func testTheRecipeIsReplaced() throws {
    let run = try RunFolder.create(at: run)
    for text in ["{\"a\": 1}", "{}"] {
      try run.writeRecipe(Array(text.utf8))
      XCTAssertEqual(try run.recipeBytes(), Array(text.utf8))
    }
    XCTAssertEqual(try names("run"), [".lock", "recipe.json"])
  }

  func testAnAbsurdlyLargeRecipeIsRefused() throws {
    let run = try makeRun()
    XCTAssertEqual(truncate(run.path + "/recipe.json", 1 << 30), 0)
    assertFails(.unreadable, naming: ["recipe.json", "limit"]) { try run.recipeBytes() }
  }

  func testMetricsAreCutBackToAStep() throws {
    let run = try RunFolder.create(at: run)
    let lines = [4, 8, 8, 12].map { "{\"epoch\": 1, \"train\": {\"step\": 99}, \"step\": \($0)}" }
    for (step, kept) in [(100, 4), (12, 4), (11, 3), (8, 3), (7, 1), (4, 1), (3, 0), (0, 0)] {
      try? FileManager.default.removeItem(atPath: path("run/metrics.jsonl"))
      for line in lines { try run.appendMetrics(line) }
      try run.cutMetrics(toStep: step)
      XCTAssertEqual(
        try text("run/metrics.jsonl"), lines.prefix(kept).map { $0 + "\n" }.joined())
    }
  }

  func testALineThatWasCutShortIsDropped() throws {
    let run = try RunFolder.create(at: run)
    let whole = "{\"step\": 4}\n"
    for rest in [
      "{\"step\": 5}", "{", "{\"step\": ", "\0\0\0\0", "\n", "{\"epoch\": 1}\n", "[5]\n", "5\n",
      "{\"step\": \"5\"}\n", "{\"step\": 5.5}\n", "\u{0}\u{0}\n",
      String(repeating: "[", count: 100_000) + "\n",
    ] {
      try write(whole + rest, "run/metrics.jsonl")
      try run.cutMetrics(toStep: 100)
      XCTAssertEqual(try text("run/metrics.jsonl"), whole, rest.prefix(30).debugDescription)
    }
    try run.appendMetrics("{\"step\": 6}")
    XCTAssertEqual(try text("run/metrics.jsonl"), whole + "{\"step\": 6}\n")
  }

  func testADamagedLineBeforeASoundOneStaysAndIsNamed() throws {
    let run = try RunFolder.create(at: run)
    let lines = (1...4).map { JSON.Object.sealedStep($0) + "\n" }
    let damaged = lines[1].replacing("2", with: "3")
    try write(lines[0] + damaged + lines[2] + lines[3] + "{\"step\": ", "run/metrics.jsonl")
    var metrics = try run.readMetrics()
    XCTAssertEqual(metrics.objects.map { $0["step"] }, [.integer(1), .integer(3), .integer(4)])
    XCTAssertEqual(metrics.faults.count, 2)
    for (fault, word) in zip(metrics.faults, ["line 2 is left out", "line 5 is left out"]) {
      XCTAssertTrue(fault.hasPrefix("\(path("run/metrics.jsonl")): \(word)"), fault)
    }
    try run.cutMetrics(toStep: 3)
    XCTAssertEqual(try text("run/metrics.jsonl"), lines[0] + damaged + lines[2])
    metrics = try run.readMetrics()
    XCTAssertEqual(metrics.faults.count, 1)
    // One with a checksum is never followed by one without.
    try write(lines[0] + "{\"step\": 2}\n", "run/metrics.jsonl")
    XCTAssertEqual(try run.readMetrics().faults.count, 1)
    try write("{\"step\": 2}\n" + lines[2], "run/metrics.jsonl")
    XCTAssertEqual(try run.readMetrics().faults, [])
  }

  func testMetricsThatNeedNoCutAreLeftAsTheyAre() throws {
    let run = try makeRun()
    let process = SimulatedProcess()
    XCTAssertTrue(try process.run { try run.cutMetrics(toStep: 8) })
    XCTAssertEqual(process.changes, [])
  }
}

extension JSON.Object {
  /// A line of metrics.
  fileprivate static func sealedStep(_ step: Int) -> String {
    (["step": .integer(step)] as JSON.Object).sealedLine
  }
}

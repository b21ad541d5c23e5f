import Foundation
import VAEFiles
import VAETraining
import XCTest

/// Run folders that somebody sent, in which any name may be a link, a hard link, or a pipe.
final class RunFolderLinkTests: FilesTestCase {
  private var run: String { path("run") }

  /// Names of files in a run folder.
  private static let files =
    [
      "recipe.json", "metrics.jsonl", "model.safetensors", "report.html", ".lock",
      "checkpoints.json", "records/evaluations.jsonl", "records/sessions.jsonl",
      "records/examples.safetensors", "records/4.safetensors", ".tmp-recipe.json",
    ] + TestCheckpoint.names
    + ["4", "8"].flatMap { step in TestCheckpoint.names.map { "checkpoints/\(step)/\($0)" } }

  /// Names of folders in it.
  private static let folders = [
    "checkpoints", "checkpoints/4", "checkpoints/8", "checkpoints/12", "checkpoints/.tmp-12",
    "checkpoints/.aside-8", "records", "latest", ".tmp-checkpoints",
  ]

  private func makeRun() throws {
    let run = try RunFolder.create(at: run)
    try run.writeRecipe(Array("{}".utf8))
    for step in [4, 8] {
      try run.appendMetrics("{\"step\": \(step)}")
      try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step))
    }
    try run.appendSession("{\"step\": 0}")
    try run.appendEvaluation("{\"step\": 8}")
    try run.writeModel([1])
    try run.writeReport([2])
    for name in ["examples", "4", "8"] { try write("record", "run/records/\(name).safetensors") }
  }

  /// What is not the run's: files of every name, as a run has them, so that it could take them for
  /// its own.
  private func makeOutside() throws {
    for name in Self.files { try write("precious \(name)\n{\"step\": 99}\n", "outside/\(name)") }
    for name in ["examples", "4", "99"] { try write("precious", "outside/\(name).safetensors") }
    for file in TestCheckpoint.names {
      for step in [4, 8, 99] { try write("precious", "outside/\(step)/\(file)") }
    }
    for name in ["evaluations.jsonl", "sessions.jsonl", "thesis.txt"] {
      try write("{\"step\": 99}\n", "outside/\(name)")
    }
  }

  private func outside() throws -> [String: String] {
    try snapshot().filter { $0.key.hasPrefix("outside") }
  }

  /// Everything that writes to a run, by the command that does it. What fails does not keep the rest
  /// from being tried.
  private var commands: [(name: String, body: () -> Void)] {
    let readers: (RunFolder) -> [() throws -> Void] = { run in
      [
        { _ = try run.recipeBytes() }, { _ = try run.readMetrics() },
        { _ = try run.readSessions() }, { _ = try run.readEvaluations() },
        { _ = try run.recordedSteps() }, { _ = try run.readRecordedExamples() },
        { _ = try run.readRecord(4) }, { _ = try run.readLatestCheckpoint() },
        { _ = try run.readCheckpoint(4) },
      ]
    }
    let writers: (RunFolder) -> [() throws -> Void] = { run in
      [
        { try run.writeRecipe([3]) }, { try run.cutMetrics(toStep: 4) },
        { try run.cutRecords(toStep: 0) { _ in false } }, { try run.appendSession("{}") },
        { try run.appendMetrics("{\"step\": 12}") }, { try run.removeModel() },
        { try run.writeModel([4]) }, { try run.appendEvaluation("{\"step\": 8}") },
        { try run.writeReport([5]) },
      ]
        + [8, 12, 16, 20].map { step in
          { _ = try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step)) }
        }
    }
    func tryAll(_ run: RunFolder?, _ bodies: (RunFolder) -> [() throws -> Void]) {
      guard let run else { return }
      for body in bodies(run) { try? body() }
    }
    return [
      ("read", { tryAll(try? RunFolder.open(self.run), readers) }),
      (
        "evaluate and report",
        {
          tryAll(try? RunFolder.open(self.run)) { run in
            [{ try run.appendEvaluation("{\"step\": 8}") }, { try run.writeReport([5]) }]
          }
        }
      ),
      ("resume", { tryAll(try? RunFolder.create(at: self.run, resume: true), writers) }),
      ("force", { tryAll(try? RunFolder.create(at: self.run, force: true), writers) }),
    ]
  }

  /// Puts something in place of each name in turn, and runs each command on it.
  private func check(
    _ names: [String], _ put: (_ name: String, _ place: String) throws -> Void
  ) throws {
    try makeOutside()
    let before = try outside()
    for name in names {
      for command in commands {
        try makeRun()
        let place = path("run/\(name)")
        // A link of the run itself, which may lead nowhere, has no file to ask for.
        try? FileManager.default.removeItem(atPath: place)
        try put(name, place)
        command.body()
        XCTAssertEqual(try outside(), before, "\(command.name) with \(name)")
        if try outside() != before {
          try FileManager.default.removeItem(atPath: path("outside"))
          try makeOutside()
        }
        try FileManager.default.removeItem(atPath: run)
      }
    }
  }

  func testNoFileIsChangedThroughALink() throws {
    try check(Self.files) { name, place in
      XCTAssertEqual(symlink(self.path("outside/\(name)"), place), 0)
    }
  }

  func testNoFileIsMadeThroughALink() throws {
    try check(Self.files) { name, place in
      XCTAssertEqual(symlink(self.path("outside/new"), place), 0)
    }
  }

  func testNothingInAFolderIsChangedThroughALink() throws {
    try check(Self.folders) { _, place in
      XCTAssertEqual(symlink(self.path("outside"), place), 0)
    }
    try FileManager.default.removeItem(atPath: path("outside"))
    try check(Self.folders) { _, place in
      XCTAssertEqual(symlink(self.path("outside/8"), place), 0)
    }
  }

  func testNoFileIsChangedThroughAHardLink() throws {
    try check(Self.files) { name, place in
      XCTAssertEqual(link(self.path("outside/\(name)"), place), 0)
    }
  }

  func testAPipeInPlaceOfAFileKeepsNobodyWaiting() throws {
    try check(Self.files) { _, place in XCTAssertEqual(mkfifo(place, 0o600), 0) }
  }

  // MARK: What is said

  func testALinkIsNamedWithWhatToDo() throws {
    let operations: [(String, (RunFolder) throws -> Void)] = [
      ("recipe.json", { _ = try $0.recipeBytes() }),
      ("recipe.json", { try $0.writeRecipe([]) }),
      ("metrics.jsonl", { _ = try $0.readMetrics() }),
      ("metrics.jsonl", { try $0.cutMetrics(toStep: 4) }),
      ("metrics.jsonl", { try $0.appendMetrics("{}") }),
      ("records", { _ = try $0.recordedSteps() }),
      ("records", { try $0.appendEvaluation("{}") }),
      ("records/evaluations.jsonl", { try $0.appendEvaluation("{}") }),
      ("report.html", { try $0.writeReport([]) }),
      ("checkpoints", { _ = try $0.latestCheckpoint() }),
      ("checkpoints", { try $0.writeCheckpoint(step: 9, files: TestCheckpoint.files(9)) }),
      ("checkpoints/8/state.json", { _ = try $0.readCheckpoint(8) }),
    ]
    for (name, operation) in operations {
      try makeRun()
      let opened = try RunFolder.create(at: run, resume: true)
      try FileManager.default.moveItem(atPath: path("run/\(name)"), toPath: path("moved"))
      XCTAssertEqual(symlink(path("moved"), path("run/\(name)")), 0)
      assertFails(.malformed, naming: [path("run/\(name)"), "symbolic link", "in its place"]) {
        try operation(opened)
      }
      try FileManager.default.removeItem(atPath: run)
      try FileManager.default.removeItem(atPath: path("moved"))
    }
  }

  func testALockThatIsALinkIsRefused() throws {
    try makeRun()
    try FileManager.default.removeItem(atPath: path("run/.lock"))
    XCTAssertEqual(symlink(path("elsewhere"), path("run/.lock")), 0)
    assertFails(.malformed, naming: ["run/.lock", "symbolic link"]) {
      try RunFolder.create(at: run, resume: true)
    }
    XCTAssertFalse(DurableFiles.exists(path("elsewhere")))
  }

  func testCheckpointsThatAUserHasLinkedAreRefusedWithTheWayToKeepThemElsewhere() throws {
    try makeRun()
    try FileManager.default.moveItem(
      atPath: path("run/checkpoints"), toPath: path("scratch"))
    XCTAssertEqual(symlink("../scratch", path("run/checkpoints")), 0)
    let before = try snapshot()
    let words = ["run/checkpoints", "symbolic link", "checkpoint_dir"]
    assertFails(.malformed, naming: words) { try RunFolder.create(at: run, resume: true) }
    assertFails(.malformed, naming: words) { try RunFolder.open(run).readLatestCheckpoint() }
    assertFails(.exists, naming: ["run/checkpoints"]) { try RunFolder.create(at: run, force: true) }
    XCTAssertEqual(try snapshot(), before)
  }

  func testARunFolderThatAUserNamedByALinkIsFollowed() throws {
    try makeRun()
    XCTAssertEqual(symlink("run", path("link")), 0)
    let opened = try RunFolder.create(at: path("link") + "/", resume: true)
    try opened.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
    XCTAssertEqual(try names("run/checkpoints"), ["8", "12"])
  }

  // MARK: Only what the run itself wrote is removed

  func testFilesThatARunDidNotWriteStayWhereItsCheckpointIsPruned() throws {
    try makeRun()
    try write("mine", "run/checkpoints/4/thesis.txt")
    try write("mine", "run/checkpoints/4/notes/chapter")
    let run = try RunFolder.create(at: run, resume: true)
    XCTAssertEqual(
      try run.writeCheckpoint(step: 12, files: TestCheckpoint.files(12)),
      [path("run/checkpoints/4")])
    XCTAssertEqual(try names("run/checkpoints/4"), ["thesis.txt", "notes"])
    XCTAssertEqual(try text("run/checkpoints/4/notes/chapter"), "mine")
    XCTAssertEqual(
      try run.writeCheckpoint(step: 16, files: TestCheckpoint.files(16)), [], "it is said once")
    XCTAssertEqual(try text("run/checkpoints/4/thesis.txt"), "mine")
    XCTAssertEqual(try run.latestCheckpoint()?.step, 16)
  }

  func testFilesThatARunDidNotWriteStayWithACheckpointThatIsWrittenAgain() throws {
    try makeRun()
    try write("mine", "run/checkpoints/8/thesis.txt")
    let run = try RunFolder.create(at: run, resume: true)
    try run.writeCheckpoint(step: 8, files: TestCheckpoint.files(8, version: 2))
    XCTAssertEqual(try names("run/checkpoints"), ["4", "8"])
    XCTAssertEqual(try text("run/checkpoints/8/thesis.txt"), "mine")
    XCTAssertEqual(try TestCheckpoint.version(try run.readCheckpoint(8), step: 8), 2)
  }

  func testOpeningSaysWhatStays() throws {
    try makeRun()
    let run = try RunFolder.create(at: run, resume: true)
    try write("mine", "run/checkpoints/2/thesis.txt")
    for (name, bytes) in TestCheckpoint.files(2) {
      try write(String(decoding: bytes, as: UTF8.self), "run/checkpoints/2/\(name)")
    }
    XCTAssertEqual(run.notices, [])
    XCTAssertEqual(try names("run/checkpoints/2").count, 4)
    let path = run.path
    withExtendedLifetime(run) {}
    try reopened(path) { run in
      XCTAssertEqual(run.notices.count, 1)
      XCTAssertTrue("\(run.notices)".contains("checkpoints/2 stays"), "\(run.notices)")
    }
    XCTAssertEqual(try names("run/checkpoints/2"), ["thesis.txt"])
  }

  private func reopened(_ path: String, _ body: (RunFolder) -> Void) throws {
    let copy = self.path("copy")
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: copy, toPath: path)
    body(try RunFolder.create(at: path, resume: true))
  }

  func testReplacingARunIsRefusedWhereItsCheckpointsHoldOtherFiles() throws {
    for name in ["checkpoints/8/thesis.txt", "checkpoints/8/state.json/inner", "checkpoints/mine"] {
      try makeRun()
      try? FileManager.default.removeItem(atPath: path("run/checkpoints/8/state.json"))
      try write("mine", "run/\(name)")
      let before = try snapshot()
      assertFails(.exists, naming: ["run/checkpoints/", "does not belong to a run"]) {
        try RunFolder.create(at: run, force: true)
      }
      XCTAssertEqual(try snapshot(), before)
      try FileManager.default.removeItem(atPath: run)
    }
  }
}

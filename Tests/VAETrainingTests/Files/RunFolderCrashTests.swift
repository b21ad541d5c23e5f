import Foundation
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

/// Processes that are killed, lose their power, or are refused a change, at every single one.
final class RunFolderCrashTests: FilesTestCase {
  private var run: String { path("run") }

  /// Kills a process before each of its changes in turn, with and without losing what has not been
  /// synchronized.
  ///
  /// - Parameters:
  ///   - before: makes the run that the process finds.
  ///   - process: what it does.
  ///   - after: checks what it leaves; told whether it came to its end.
  private func killEverywhere(
    before: () throws -> Void, process: () throws -> Void,
    after: (_ isWhole: Bool, _ moment: String) throws -> Void
  ) throws {
    for losesPower in [false, true] {
      var isWhole = false
      var limit = 0
      while !isWhole {
        try before()
        let dying = SimulatedProcess(killedAfter: limit, losesPower: losesPower)
        isWhole = try dying.run(process)
        let last = dying.changes.last.map { "\($0)" } ?? "nothing"
        try after(isWhole, "\(losesPower ? "without power" : "killed") after \(last)")
        try FileManager.default.removeItem(atPath: run)
        limit += 1
      }
      XCTAssertGreaterThan(limit, 3, "the process must have changed something")
    }
  }

  private func makeRun(_ steps: [Int]) throws {
    let run = try RunFolder.create(at: run)
    try run.writeRecipe(Array("{}".utf8))
    for step in steps { try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step)) }
  }

  /// The step and version of the newest checkpoint, which must be whole; nil for none.
  private func newest(
    _ run: RunFolder, _ moment: String, file: StaticString = #filePath, line: UInt = #line
  ) throws -> [Int]? {
    guard let newest = try run.readLatestCheckpoint() else { return nil }
    return [
      newest.step,
      try TestCheckpoint.version(newest.files, step: newest.step, file: file, line: line),
    ]
  }

  /// What a run must look like once it is open for writing.
  private func assertClean(
    newest: [Int]?, _ moment: String, file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let top = try names("run")
    XCTAssertEqual(top.filter { $0.hasPrefix(".") }, [".lock"], moment, file: file, line: line)
    guard let newest else { return }
    let inside = try names("run/checkpoints")
    XCTAssertLessThanOrEqual(inside.count, 2, moment, file: file, line: line)
    XCTAssertEqual(inside.filter { Int($0) == nil }, [], moment, file: file, line: line)
    for name in TestCheckpoint.names {
      XCTAssertTrue(
        try text("run/\(name)").hasPrefix("\(newest[0]) \(newest[1]) \(name)"), moment, file: file,
        line: line)
    }
  }

  // MARK: Killed while writing a checkpoint

  /// The cases: steps that are there, the checkpoint that is written, and what may be found then.
  private func checkWriting(
    _ steps: [Int], step: Int, version: Int, old: [Int]?
  ) throws {
    var found: Set<[Int]?> = []
    var final: [String: String] = [:]
    try killEverywhere {
      try makeRun(steps)
    } process: {
      let run = try RunFolder.create(at: run, resume: true)
      try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step, version: version))
    } after: { isWhole, moment in
      let new = [step, version]
      let read = try newest(try RunFolder.open(run), moment)
      XCTAssertTrue(read == old || read == new, "\(read ?? []) \(moment)")
      if isWhole { XCTAssertEqual(read, new, moment) }
      found.insert(read)

      let resumed = try RunFolder.create(at: run, resume: true)
      XCTAssertEqual(try newest(resumed, moment), read, moment)
      try assertClean(newest: read, moment)
      try resumed.writeCheckpoint(step: step, files: TestCheckpoint.files(step, version: version))
      try resumed.writeCheckpoint(step: 99, files: TestCheckpoint.files(99))
      try assertClean(newest: [99, 1], moment)
      if final.isEmpty { final = try snapshot() }
      XCTAssertEqual(try snapshot(), final, moment)
    }
    XCTAssertEqual(found, [old, [step, version]], "both must have been found")
  }

  func testAKilledFirstCheckpointIsThereWholeOrNotAtAll() throws {
    try checkWriting([], step: 4, version: 1, old: nil)
  }

  func testAKilledCheckpointLeavesThePreviousOneOrTheNewOneWhole() throws {
    try checkWriting([4, 8], step: 12, version: 1, old: [8, 1])
  }

  func testAKilledCheckpointOfTheSameStepLeavesTheOldOneOrTheNewOneWhole() throws {
    try checkWriting([4, 8], step: 8, version: 2, old: [8, 1])
    try checkWriting([8], step: 8, version: 2, old: [8, 1])
  }

  func testAProcessKilledWhileItCleansUpAfterAnotherLosesNothing() throws {
    for limit in 0..<60 {
      var found: [Int]?
      try killEverywhere {
        try makeRun([4, 8])
        _ = try SimulatedProcess(killedAfter: limit).run {
          let run = try RunFolder.create(at: run, resume: true)
          try run.writeCheckpoint(step: 8, files: TestCheckpoint.files(8, version: 2))
        }
        found = try newest(try RunFolder.open(run), "before")
      } process: {
        _ = try RunFolder.create(at: run, resume: true)
        // Something to do also where there is nothing to clean.
        try DurableFiles.replace(path("run/metrics.jsonl"), with: [])
      } after: { _, moment in
        XCTAssertEqual(try newest(try RunFolder.open(run), moment), found, moment)
        let resumed = try RunFolder.create(at: run, resume: true)
        XCTAssertEqual(try newest(resumed, moment), found, moment)
        try assertClean(newest: found, moment)
      }
    }
  }

  func testACheckpointWhoseRemovalIsKilledAnywhereIsNoDamagedOne() throws {
    for note in [nil, "run/checkpoints/4/note.txt"] {
      try killEverywhere {
        try makeRun([4, 8])
        if let note { try Data("mine".utf8).write(to: URL(fileURLWithPath: path(note))) }
      } process: {
        let run = try RunFolder.create(at: run, resume: true)
        try run.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
      } after: { _, moment in
        // A checkpoint that `check` names has all its files, whatever else is in the folder.
        for file in try RunFolder.open(run).check(Registry()) where file.path.hasPrefix("checkp") {
          XCTAssertTrue(
            FileManager.default.fileExists(atPath: "\(run)/\(file.path)"), "\(file.path) \(moment)")
        }
        if let note { XCTAssertTrue(FileManager.default.fileExists(atPath: path(note)), moment) }
      }
    }
  }

  func testAKilledCheckpointLeavesABestOneThatIsWhole() throws {
    var found: Set<Int?> = []
    try killEverywhere {
      try makeRun([4])
      try RunFolder.create(at: run, resume: true).keepAsBest(4)
      for step in [8, 12] {
        try RunFolder.create(at: run, resume: true).writeCheckpoint(
          step: step, files: TestCheckpoint.files(step))
      }
    } process: {
      let run = try RunFolder.create(at: run, resume: true)
      try run.writeCheckpoint(step: 16, files: TestCheckpoint.files(16), isBest: true)
    } after: { isWhole, moment in
      let best = try RunFolder.open(run).bestStep
      found.insert(best)
      if isWhole { XCTAssertEqual(best, 16, moment) }
      for step in [best, try RunFolder.create(at: run, resume: true).bestStep] {
        let step = try XCTUnwrap(step, moment)
        XCTAssertTrue(step == 4 || step == 16, "\(step) \(moment)")
        let files = try RunFolder.open(run).readCheckpoint(step)
        XCTAssertEqual(try TestCheckpoint.version(files, step: step), 1, moment)
      }
      let steps = try RunFolder.open(run).checkpointSteps()
      XCTAssertTrue(
        steps == [4, 8, 12] || steps == [4, 12, 16] || steps == [12, 16], "\(steps) \(moment)")
    }
    XCTAssertEqual(found, [4, 16], "both must have been found")
  }

  // MARK: Killed elsewhere

  func testAKilledReplacementOfARunIsTheOldRunOrNoneAndNeverAMix() throws {
    var endings: Set<String> = []
    try killEverywhere {
      try makeRun([4, 8])
      try write("{\"step\": 8}\n", "run/metrics.jsonl")
    } process: {
      let run = try RunFolder.create(at: run, force: true)
      try run.writeRecipe(Array("{\"new\": 1}".utf8))
      try run.writeCheckpoint(step: 1, files: TestCheckpoint.files(1, version: 7))
    } after: { _, moment in
      let resumed = try RunFolder.create(at: run, resume: true)
      let recipe = try resumed.recipeBytes().map { String(decoding: $0, as: UTF8.self) }
      let checkpoint = try newest(resumed, moment)
      endings.insert("\(recipe ?? "none") \(checkpoint ?? [])")
      try assertClean(newest: checkpoint, moment)
    }
    XCTAssertEqual(
      endings, ["{} [8, 1]", "{} []", "none []", "{\"new\": 1} []", "{\"new\": 1} [1, 7]"])
  }

  func testAKilledBeginningCanBeBegunAgain() throws {
    try killEverywhere {
      try makeFolder("run")
    } process: {
      let run = try RunFolder.create(at: run)
      try run.writeRecipe(Array("{}".utf8))
      try run.writeCheckpoint(step: 1, files: TestCheckpoint.files(1))
    } after: { _, moment in
      let resumed = try RunFolder.create(at: run, resume: true)
      try assertClean(newest: try newest(resumed, moment), moment)
      let recipe = try resumed.recipeBytes()
      XCTAssertTrue(recipe == nil || recipe == Array("{}".utf8), moment)
    }
  }

  func testKilledMetricsLoseNothingUpToTheCheckpoint() throws {
    let lines = (1...5).map { "{\"step\": \($0), \"loss\": 106.51234567890123}\n" }
    try killEverywhere {
      try makeRun([])
      try write(lines[0...3].joined(), "run/metrics.jsonl")
    } process: {
      let run = try RunFolder.create(at: run, resume: true)
      try run.cutMetrics(toStep: 2)
      for line in lines[2...] { try run.appendMetrics(String(line.dropLast())) }
    } after: { isWhole, moment in
      if isWhole { XCTAssertEqual(try text("run/metrics.jsonl"), lines.joined()) }
      let resumed = try RunFolder.create(at: run, resume: true)
      try resumed.cutMetrics(toStep: 2)
      // Losing power during the cut may damage the last block; a killed process damages nothing.
      if !moment.hasPrefix("without power") {
        XCTAssertEqual(try text("run/metrics.jsonl"), lines[0...1].joined(), moment)
      } else {
        XCTAssertTrue(lines.joined().hasPrefix(try text("run/metrics.jsonl")), moment)
      }
    }
  }

  func testAnAppendedLineIsThereAfterAPowerFailure() throws {
    try makeRun([])
    let run = try RunFolder.create(at: run, resume: true)
    for step in 1...3 {
      let process = SimulatedProcess(losesPower: true)
      XCTAssertTrue(try process.run { try run.appendMetrics("{\"step\": \(step)}") })
      XCTAssertTrue(
        process.changes.contains(.synchronize(run.path + "/metrics.jsonl")), "\(process.changes)")
    }
  }

  // MARK: The order of changes

  func testEverythingIsOnTheDiskBeforeItIsPublishedAndEveryPublicationBeforeTheNext() throws {
    try makeRun([4, 8])
    let resumed = try RunFolder.create(at: run, resume: true)
    let process = SimulatedProcess()
    XCTAssertTrue(
      try process.run {
        try resumed.writeCheckpoint(step: 12, files: TestCheckpoint.files(12))
      })
    let (folder, temporary) = (run + "/checkpoints", run + "/checkpoints/.tmp-12")
    let files = TestCheckpoint.names.map { "\(temporary)/\($0)" }
    let old = "\(folder)/4"
    var expected: [DurableFiles.Change] = [.makeFolder(temporary)]
    for file in files { expected += [.create(file), .write(file), .synchronize(file)] }
    expected += [
      .synchronize(temporary), .rename(temporary, to: folder + "/12"), .synchronize(folder),
    ]
    let link = try XCTUnwrap(
      process.changes.lazy.compactMap { if case .link(let path) = $0 { path } else { nil } }.first)
    XCTAssertTrue(link.hasPrefix("\(run)/.tmp-"), link)
    expected += [.link(link), .rename(link, to: run + "/latest"), .synchronize(run)]
    let state = CheckpointFile.state
    expected += [.removeFile("\(old)/\(state)"), .synchronize(old)]
    for name in TestCheckpoint.names where name != state {
      expected.append(.removeFile("\(old)/\(name)"))
    }
    expected.append(.removeFolder(old))
    XCTAssertEqual(process.changes, expected)
  }

  // MARK: Refused changes

  func testACheckpointThatCannotBeWrittenLeavesThePreviousOneAndNoLeftovers() throws {
    for (step, version) in [(12, 1), (8, 2)] {
      var number = 0
      var isRefused = true
      while isRefused {
        try makeRun([4, 8])
        let run = try RunFolder.create(at: run, resume: true)
        do {
          try FailingDisk(failingAt: number).run {
            try run.writeCheckpoint(step: step, files: TestCheckpoint.files(step, version: version))
          }
          // What could not be removed does not stop the training.
          isRefused = try names("run/checkpoints") != (step == 12 ? ["8", "12"] : ["4", "8"])
        } catch let error as FileError {
          XCTAssertEqual(error.reason, FailingDisk.error.reason)
        }
        let moment = "at change \(number) of step \(step)"
        let read = try newest(try RunFolder.open(run.path), moment)
        XCTAssertTrue(read == [8, 1] || read == [step, version], "\(read ?? []) \(moment)")
        let inside = try names("run/checkpoints")
        XCTAssertFalse(inside.contains(".tmp-\(step)"), "leftover \(moment)")
        XCTAssertTrue(inside.contains("8"), "the checkpoint is back in its place \(moment)")
        try run.writeCheckpoint(step: 16, files: TestCheckpoint.files(16))
        XCTAssertEqual(try newest(run, moment), [16, 1])
        try FileManager.default.removeItem(atPath: run.path)
        number += 1
      }
      XCTAssertGreaterThan(number, 15)
    }
  }
}

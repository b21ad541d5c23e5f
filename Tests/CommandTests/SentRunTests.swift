import Foundation
import XCTest

/// Run folders that somebody sent, or whose checkpoints lie elsewhere, through the command.
final class SentRunTests: CommandTestCase {
  private var manager: FileManager { FileManager.default }

  /// Moves something of a run outside of it, and puts a link in its place.
  private func moveOut(_ name: String, of run: String) throws {
    try manager.moveItem(atPath: "\(run)/\(name)", toPath: path("outside"))
    try manager.createSymbolicLink(
      atPath: "\(run)/\(name)", withDestinationPath: path("outside"))
  }

  func testEvaluatingWritesNothingThroughALink() throws {
    let (data, run) = try copyOfTrainedRun()
    try self.run(["evaluate", run, "--data", data, "--split", "test", "--threads", "1"])
    try moveOut("records/evaluations.jsonl", of: run)
    let before = try bytes(path("outside"))
    let outcome = try self.run([
      "evaluate", run, "--data", data, "--split", "test", "--threads", "1",
    ])
    XCTAssertTrue(outcome.err.contains("symbolic link"), outcome.err)
    XCTAssertEqual(try bytes(path("outside")), before)
  }

  func testResumingWritesNothingThroughALink() throws {
    let (data, original) = try copyOfTrainedRun()
    for name in ["metrics.jsonl", "recipe.json", "checkpoints", "records"] {
      let run = path("sent")
      try manager.copyItem(atPath: original, toPath: run)
      try manager.createDirectory(atPath: path("elsewhere"), withIntermediateDirectories: false)
      try manager.moveItem(atPath: "\(run)/\(name)", toPath: path("elsewhere/\(name)"))
      try manager.createSymbolicLink(
        atPath: "\(run)/\(name)", withDestinationPath: "../elsewhere/\(name)")
      let before = try snapshot(path("elsewhere"))
      let advice = name == "checkpoints" ? ["--checkpoint-dir"] : []
      try assertRefused(
        Small.train(data, run, ["--epochs", "5", "--resume"]), status: 65,
        naming: ["\(run)/\(name)", "symbolic link"] + advice)
      XCTAssertEqual(try snapshot(path("elsewhere")), before)
      try manager.removeItem(atPath: path("elsewhere"))
      try manager.removeItem(atPath: run)
    }
  }

  func testAReportInARunFolderIsNotWrittenThroughALinkAndOneThatIsNamedIs() throws {
    let (_, run) = try copyOfTrainedRun()
    let page = try write(Array("mine".utf8), "page.html")
    try manager.createSymbolicLink(atPath: "\(run)/report.html", withDestinationPath: page)
    try assertRefused(
      ["report", run], status: 65, naming: ["\(run)/report.html", "symbolic link"])
    XCTAssertEqual(try bytes(page), Array("mine".utf8))
    try self.run(["report", run, "--out", "\(run)/report.html"])
    XCTAssertGreaterThan(try bytes(page).count, 1000)
    XCTAssertEqual(try manager.destinationOfSymbolicLink(atPath: "\(run)/report.html"), page)
  }

  func testEventsInARunFolderAreNotWrittenThroughALink() throws {
    let (data, run) = try copyOfTrainedRun()
    try manager.createDirectory(atPath: path("outside"), withIntermediateDirectories: false)
    try manager.createSymbolicLink(
      atPath: "\(run)/events", withDestinationPath: path("outside"))
    try assertRefused(
      Small.train(data, run, ["--epochs", "5", "--resume", "--tensorboard", "\(run)/events"]),
      status: 65, naming: ["\(run)/events", "symbolic link"])
    XCTAssertEqual(try manager.contentsOfDirectory(atPath: path("outside")), [])
    // One that the user named elsewhere is followed.
    try manager.createSymbolicLink(
      atPath: path("link"), withDestinationPath: path("outside"))
    try self.run(
      Small.train(data, run, ["--epochs", "5", "--resume", "--tensorboard", path("link")]))
    XCTAssertEqual(try manager.contentsOfDirectory(atPath: path("outside")).count, 1)
  }

  func testCheckpointsInANamedFolderGiveTheSameRunAndAreFoundByEveryCommand() throws {
    let data = try makeData(binary: true)
    let place = ["--checkpoint-dir", path("scratch")]
    try run(Small.train(data, path("plain"), ["--epochs", "3"]))
    try run(Small.train(data, path("run"), ["--epochs", "2"] + place))
    try assertRefused(
      Small.train(data, path("run"), ["--epochs", "3", "--resume"]), status: 73,
      naming: ["only a folder that is named", "--checkpoint-dir"])
    try run(Small.train(data, path("run"), ["--epochs", "3", "--resume"] + place))
    for name in ["weights.safetensors", "optimizer.safetensors", "model.safetensors"] {
      XCTAssertEqual(try bytes(path("run/\(name)")), try bytes(path("plain/\(name)")), name)
    }
    XCTAssertFalse(exists(path("run/checkpoints")))
    XCTAssertEqual(try manager.contentsOfDirectory(atPath: path("scratch")).count, 1)
    let evaluations = try ["run", "plain"].map { name in
      try run(["evaluate", path(name), "--data", data, "--json", "--threads", "1"]).out
    }
    XCTAssertEqual(evaluations[0], evaluations[1])
    try run(["sample", path("run"), "--count", "4", "--out", path("s.png")])
    try run(["report", path("run")])
    XCTAssertTrue(exists(path("run/report.html")))
  }

  func testAFileOfTheUserInACheckpointStaysAndThatIsSaid() throws {
    let (data, run) = try copyOfTrainedRun()
    let oldest = try XCTUnwrap(
      try manager.contentsOfDirectory(atPath: "\(run)/checkpoints").compactMap { Int($0) }.min())
    let thesis = "\(run)/checkpoints/\(oldest)/thesis.txt"
    XCTAssertTrue(manager.createFile(atPath: thesis, contents: Data("mine".utf8)))
    let outcome = try self.run(Small.train(data, run, ["--epochs", "6", "--resume"]))
    XCTAssertTrue(outcome.err.contains("checkpoints/\(oldest) stays"), outcome.err)
    XCTAssertEqual(try bytes(thesis), Array("mine".utf8))
    XCTAssertEqual(
      try manager.contentsOfDirectory(atPath: "\(run)/checkpoints/\(oldest)"), ["thesis.txt"])
  }

  func testSavingOverAFileKeepsItsModeAndSavingThroughALinkWritesToWhatItLeadsTo() throws {
    let (_, run) = try copyOfTrainedRun()
    let picture = try write([1], "there.png")
    XCTAssertEqual(chmod(picture, 0o640), 0)
    try manager.createSymbolicLink(atPath: path("s.png"), withDestinationPath: picture)
    try self.run(["sample", run, "--count", "4", "--out", path("s.png")])
    XCTAssertGreaterThan(try bytes(picture).count, 100)
    let mode = try manager.attributesOfItem(atPath: picture)[.posixPermissions] as? Int
    XCTAssertEqual(mode, 0o640)
    XCTAssertEqual(try manager.destinationOfSymbolicLink(atPath: path("s.png")), picture)
  }
}

import Foundation
import XCTest

/// `report`, `compare`, and what `train` keeps for them.
final class ReportTests: CommandTestCase {
  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  // MARK: report

  func testAReportIsOneFileOfARealRun() throws {
    let run = try TrainedRun.shared().run
    let outcome = try self.run(["report", run, "--out", path("page.html")])
    XCTAssertEqual(outcome.out, "")
    let size = Double(try bytes(path("page.html")).count) / 1e6
    XCTAssertEqual(
      outcome.err, "wrote \(path("page.html")), \(String(format: "%.1f", size)) MB\n")
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["page.html"])
    let page = try text(path("page.html"))
    for words in [
      "Learning curves", "Rate and distortion", "Through training", "Rate of each unit",
      "vae-zoo train gaussian-vae", "gaussian-vae: run", "12 steps, finished",
    ] {
      XCTAssertTrue(page.contains(words), words)
    }
  }

  func testAReportGoesIntoTheRunFolderUnlessToldOtherwise() throws {
    let (_, run) = try copyOfTrainedRun()
    try self.run(["report", run])
    XCTAssertTrue(try text("\(run)/report.html").hasPrefix("<!DOCTYPE html>"))
  }

  func testAnEvaluationIsInTheNextReport() throws {
    let (data, run) = try copyOfTrainedRun()
    try? FileManager.default.removeItem(atPath: "\(run)/records/evaluations.jsonl")
    try self.run(["report", run])
    XCTAssertTrue(try text("\(run)/report.html").contains("has not been evaluated"))
    let outcome = try self.run(["evaluate", run, "--data", data, "--json", "--threads", "1"])
    try self.run(["report", run])
    let page = try text("\(run)/report.html")
    XCTAssertFalse(page.contains("has not been evaluated"))
    let rate = try number(try object(outcome.out), "rate")
    XCTAssertTrue(page.contains(String(format: "%.2f ±", rate)))
  }

  func testWhatCannotBeWrittenIsRefusedAndNothingIsLeft() throws {
    let run = try TrainedRun.shared().run
    try assertRefused(
      ["report", run, "--out", path("page.pdf")], status: 64, naming: ["page.pdf", ".html"])
    try assertRefused(
      ["report", run, "--out", path("missing/page.html")], status: 73, naming: ["missing/page.html"]
    )
    let folder = try write([1], "page.html/file")
    try assertRefused(
      ["report", run, "--out", path("page.html")], status: 73, naming: [path("page.html")])
    XCTAssertEqual(try bytes(folder), [1])
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: self.folder), ["page.html"])
  }

  func testWhatIsNoRunIsRefused() throws {
    try assertRefused(["report", path("missing")], status: 66, naming: [path("missing")])
    let data = try TrainedRun.shared().data
    try assertRefused(["report", data], status: 65, naming: [data])
  }

  func testADamagedRecordIsRefusedNamingIt() throws {
    let (_, run) = try copyOfTrainedRun()
    let record = "\(run)/records/0.safetensors"
    try Data(try bytes(record).prefix(100)).write(to: URL(fileURLWithPath: record))
    try assertRefused(["report", run], status: 65, naming: [record])
    XCTAssertFalse(exists("\(run)/report.html"))
  }

  // MARK: train

  func testTrainingWithoutRecordsGivesTheSameModelAndAReportThatSaysSo() throws {
    let shared = try TrainedRun.shared()
    try run(TrainedRun.arguments(data: shared.data, run: path("run")) + ["--no-records"])
    XCTAssertEqual(try bytes(path("run/model.safetensors")), try bytes(shared.model))
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: path("run/records")), ["sessions.jsonl"])
    let outcome = try run(["report", path("run")])
    XCTAssertTrue(outcome.err.contains("has no records"), outcome.err)
    XCTAssertTrue(try text(path("run/report.html")).contains("This run has no records"))
  }

  func testThePageIsThereWhenTrainingEnds() throws {
    let data = try makeData(binary: true)
    try run(Small.train(data, path("run"), ["--epochs", "2", "--report"]))
    let page = try text(path("run/report.html"))
    XCTAssertTrue(page.contains("8 steps, finished"))
    XCTAssertFalse(page.contains("data-live>"))
  }

  func testEventsForTensorBoardAreOneFileASession() throws {
    let data = try makeData(binary: true)
    let arguments = Small.train(data, path("run"), ["--tensorboard", path("logs")])
    try run(arguments + ["--epochs", "1"])
    try run(arguments + ["--epochs", "2", "--resume"])
    let names = try FileManager.default.contentsOfDirectory(atPath: path("logs"))
    XCTAssertEqual(names.count, 2)
    XCTAssertTrue(names.allSatisfy { $0.contains("tfevents") }, "\(names)")
    for name in names {
      let content = String(decoding: try bytes(path("logs/\(name)")), as: UTF8.self)
      for tag in ["elbo/train", "elbo/test", "rate/batch", "latents/active_units"] {
        XCTAssertTrue(content.contains(tag), tag)
      }
    }
  }

  func testAFolderForEventsThatCannotBeMadeIsRefusedBeforeTheRunIsBegun() throws {
    let data = try makeData(binary: true)
    let file = try write([1], "file")
    for folder in [file, "\(file)/logs", path("missing/logs")] {
      try assertRefused(
        Small.train(data, path("run"), ["--tensorboard", folder]), status: 73, naming: [folder])
      XCTAssertFalse(exists(path("run")))
    }
  }

  func testTheRunKeepsTheCommandThatMadeIt() throws {
    let line = try XCTUnwrap(
      try text(TrainedRun.shared().run + "/records/sessions.jsonl").split(separator: "\n").first)
    let session = try object(String(line))
    let shared = try TrainedRun.shared()
    let arguments = TrainedRun.arguments(data: shared.data, run: shared.run)
    XCTAssertEqual(
      session["command"] as? String, "vae-zoo " + arguments.joined(separator: " "))
  }

  // MARK: compare

  func testAComparisonIsATableAndAPage() throws {
    let shared = try TrainedRun.shared()
    try run(Small.train(shared.data, path("other"), ["--epochs", "2", "--set", "beta=4"]))
    let outcome = try run(["compare", shared.run, path("other"), "--out", path("page.html")])
    XCTAssertEqual(outcome.lines.count, 3)
    XCTAssertTrue(outcome.lines[0].contains("−ELBO"), outcome.out)
    XCTAssertTrue(outcome.lines[2].hasPrefix("other "), outcome.out)
    for (line, run) in zip(outcome.lines.dropFirst(), [shared.run, path("other")]) {
      let metrics = try text("\(run)/metrics.jsonl").split(separator: "\n")
      let last = try object(String(XCTUnwrap(metrics.last)))
      let valid = try XCTUnwrap(last["valid"] as? [String: Any])
      let numbers = [
        "\(metrics.count)", String(format: "%.2f", -(try number(valid, "elbo"))),
        String(format: "%.2f", try number(valid, "distortion")),
        String(format: "%.2f", try number(valid, "rate")),
      ]
      XCTAssertEqual(Array(line.split(separator: " ").map(String.init)[2..<6]), numbers, line)
    }
    XCTAssertTrue(try text(path("page.html")).contains("objective.beta"))
    try assertRefused(["compare", shared.run], status: 64, naming: ["two runs"])
    try assertRefused(
      ["compare", shared.run, path("missing")], status: 66, naming: [path("missing")])
  }
}

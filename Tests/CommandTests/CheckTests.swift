import Foundation
import VAEFiles
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
      // A flip in a JSON text may hit what makes it one.
      let words = file.hasSuffix("json") ? ["checksum", "JSON"] : [word]
      XCTAssertTrue(words.contains { outcome.out.contains($0) }, outcome.out)
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

  func testLinesOfMetricsThatAreMissingOrMovedAreFound() throws {
    let run = try copyOfTrainedRun().run
    let file = run + "/metrics.jsonl"
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(
      String.init)
    XCTAssertEqual(lines.count, 3)
    for (kept, words) in [
      ([], "where the line of epoch 1 should be, the file ends"),
      ([0, 1], "where the line of epoch 3 should be, the file ends"),
      ([1, 2], "where the line of epoch 1 should be, stands that of epoch 2"),
      ([1, 0, 2], "where the line of epoch 1 should be, stands that of epoch 2"),
      ([0, 0, 1, 2], "where the line of epoch 2 should be, stands that of epoch 1"),
      (nil, "the run has lost this file"),
    ] as [([Int]?, String)] {
      if let kept {
        _ = try write(Array(kept.map { lines[$0] + "\n" }.joined().utf8), "run/metrics.jsonl")
      } else {
        try FileManager.default.removeItem(atPath: file)
      }
      let outcome = try Command.run(["check", run])
      XCTAssertEqual(outcome.status, 65, outcome.out)
      XCTAssertTrue(
        outcome.out.contains("DAMAGED  metrics.jsonl") && outcome.out.contains(words), outcome.out)
    }
    _ = try write(Array(lines.map { $0 + "\n" }.joined().utf8), "run/metrics.jsonl")
    try self.run(["check", run])
  }

  func testAStateWithAnAbsurdEpochEndsNoCheck() throws {
    let run = try copyOfTrainedRun().run
    let file = run + "/checkpoints/12/state.json"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    for epoch in ["100000000000", "9223372036854775807", "-9223372036854775808"] {
      let changed = text.replacingOccurrences(of: "\"epoch\": 3", with: "\"epoch\": \(epoch)")
      XCTAssertNotEqual(changed, text)
      _ = try write(Array(changed.utf8), "run/checkpoints/12/state.json")
      XCTAssertEqual(try Command.run(["check", run]).status, 65)
    }
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
    XCTAssertEqual(
      try self.run(["check", array]).err,
      "1 file without checksums, of which only the form was checked\n")
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

  // MARK: What is as it was written, and cannot be used

  /// A model file of which a part is changed, with the checksums that belong to it.
  private func changed(
    _ file: String, recipe: (inout JSON.Object) -> Void = { _ in },
    tensors: (_ name: String, inout [Float]) -> String? = { name, _ in name }
  ) throws -> [UInt8] {
    let old = try Safetensors(parsing: bytes(file), path: file)
    var new = Safetensors()
    for entry in old.entries {
      var values = try old.floats(entry.name, shape: entry.shape)
      if let name = tensors(entry.name, &values) { new.add(name, shape: entry.shape, values) }
    }
    new.metadata = old.metadata
    if let text = old.metadata["vae_zoo_recipe"] {
      var object = try XCTUnwrap(JSON(parsing: Array(text.utf8), source: "recipe").object)
      recipe(&object)
      new.metadata["vae_zoo_recipe"] = JSON.object(object).line
    }
    return new.sealed()
  }

  private func report(_ path: String) throws -> (files: [[String: Any]], report: [String: Any]) {
    let outcome = try Command.run(["check", path, "--json"])
    let report = try object(outcome.out)
    XCTAssertEqual(outcome.status, report["sound"] as? Bool == true ? 0 : 65)
    return (try XCTUnwrap(report["files"] as? [[String: Any]]), report)
  }

  func testWeightsThatAreNoNumbersAreCountedByTensor() throws {
    let run = try copyOfTrainedRun().run
    let files = [
      "model.safetensors", "checkpoints/12/weights.safetensors",
      "checkpoints/12/optimizer.safetensors",
    ]
    for file in files {
      var named: [String] = []
      let content = try changed(
        "\(run)/\(file)",
        tensors: { name, values in
          guard (4..<1000).contains(values.count), named.count < 2 else { return name }
          values[0] = .nan
          values[values.count - 1] = -.nan
          if named.isEmpty { values[1] = .infinity }
          named.append(
            "\(named.isEmpty ? "2 NaN and 1 infinite" : "2 NaN") of the \(values.count) numbers of tensor \"\(name)\""
          )
          return name
        })
      try Data(content).write(to: URL(fileURLWithPath: "\(run)/\(file)"))
      let fault = try XCTUnwrap(report(run).files.first { $0["path"] as? String == file })
      XCTAssertEqual(fault["state"] as? String, "unusable", file)
      XCTAssertEqual(named.count, 2)
      for words in named {
        XCTAssertTrue((fault["fault"] as? String)?.contains(words) ?? false, "\(fault)")
      }
    }
    let text = try Command.run(["check", run])
    XCTAssertEqual(text.lines.filter { $0.hasPrefix("UNUSABLE  ") }.count, 3, text.out)
    XCTAssertEqual(
      text.err, "vae-zoo: 3 files of \(run) unusable, though as it was written; see above\n")
    let (_, counts) = try report(run)
    XCTAssertEqual(counts["unusable"] as? Int, 3)
    XCTAssertEqual(counts["damaged"] as? Int, 0)
    XCTAssertEqual(
      try report(run + "/model.safetensors").files.first?["state"] as? String, "unusable")
  }

  func testWeightsMustBeThoseOfTheRecipesModel() throws {
    let shared = try TrainedRun.shared()
    var first: String?
    let content = try changed(
      shared.model,
      tensors: { name, _ in
        guard first == nil || first == name else { return name }
        first = name
        return name + "s"
      })
    let file = try write(content, "other.safetensors")
    let fault = try XCTUnwrap(report(file).files.first)
    XCTAssertEqual(fault["state"] as? String, "unusable")
    let name = try XCTUnwrap(first)
    for words in ["it has no tensor \"\(name)\"", "it has a tensor \"\(name)s\""] {
      XCTAssertTrue((fault["fault"] as? String)?.contains(words) ?? false, "\(fault)")
    }
    let widened = try changed(
      shared.model,
      recipe: { recipe in
        var prior = recipe["prior"]?.object ?? [:]
        prior["latent"] = .integer(7)
        recipe["prior"] = .object(prior)
      })
    let words = try report(write(widened, "wide.safetensors")).files.first?["fault"] as? String
    XCTAssertTrue(words?.contains("not F32 of shape") ?? false, words ?? "")
  }

  func testARecipeOfWhichNoModelCanBeMadeIsUnusableWhereverItStands() throws {
    let shared = try TrainedRun.shared()
    func huge(_ recipe: inout JSON.Object) {
      var data = recipe["data"]?.object ?? [:]
      data["height"] = .integer(8192)
      data["width"] = .integer(8192)
      recipe["data"] = .object(data)
      var encoder = recipe["encoder"]?.object ?? [:]
      encoder["hidden"] = .array([.integer(4096)])
      recipe["encoder"] = .object(encoder)
    }
    func impossible(_ recipe: inout JSON.Object) {
      recipe["encoder"] = .object(["name": .text("no-such-encoder")])
    }
    for (number, change) in [huge, impossible].enumerated() {
      let model = try write(changed(shared.model, recipe: change), "\(number).safetensors")
      XCTAssertEqual(try report(model).files.first?["state"] as? String, "unusable")
      // Whatever opens it says which file that is.
      try assertRefused(["sample", model, "--out", path("x.png")], status: 64, naming: [model])
      let source = shared.run + "/recipe.json"
      var object = try SealedObject(parsing: bytes(source), source: source).object
      change(&object)
      let recipe = try write(Array(object.sealedDocument.utf8), "\(number).json")
      let found = try XCTUnwrap(report(recipe).files.first)
      XCTAssertEqual(found["state"] as? String, "unusable")
      XCTAssertTrue((found["fault"] as? String)?.contains(recipe) ?? false, "\(found)")
    }
  }

  func testWhatIsNotThereOrNoRunIsRefused() throws {
    try assertRefused(["check", path("none")], status: 66, naming: [path("none")])
    try FileManager.default.createDirectory(
      atPath: path("empty"), withIntermediateDirectories: true)
    try assertRefused(["check", path("empty")], status: 65, naming: [path("empty"), "run folder"])
  }
}

import Foundation
import VAEFiles
import XCTest

/// Run folders and exported models that are damaged, incomplete, or cannot be written.
final class BadRunTests: CommandTestCase {
  private func evaluation(_ model: String) throws -> [String] {
    ["evaluate", model, "--data", try TrainedRun.shared().data]
  }

  // MARK: Places where no run can be

  func testARunFolderThatCannotBeWrittenIsRefusedNamingIt() throws {
    let data = try TrainedRun.shared().data
    let file = try write([1], "file")
    for run in ["\(file)/run", "/proc/vae-zoo-run", "/dev/null/run"] {
      for option in [[], ["--resume"], ["--force"]] {
        try assertRefused(
          TrainedRun.arguments(data: data, run: run) + option, status: 73, naming: [run])
      }
    }
    XCTAssertEqual(try bytes(file), [1])
  }

  func testCheckpointsThatCannotBeWrittenStopTrainingNamingThem() throws {
    let (data, run) = try copyOfTrainedRun()
    for name in ["checkpoints", "latest"] {
      try FileManager.default.removeItem(atPath: "\(run)/\(name)")
    }
    _ = try write([1], "run/checkpoints")
    let outcome = try Command.run(TrainedRun.arguments(data: data, run: run) + ["--resume"])
    XCTAssertEqual(outcome.status, 73, outcome.err)
    let line = try XCTUnwrap(outcome.err.split(separator: "\n").last)
    XCTAssertTrue(line.hasPrefix("vae-zoo: ") && line.contains("\(run)/checkpoints"), String(line))
    XCTAssertEqual(try bytes("\(run)/checkpoints"), [1])
  }

  func testAMissingRunIsRefusedNamingIt() throws {
    for name in ["missing", "missing.safetensors"] {
      try assertRefused(evaluation(path(name)), status: 66, naming: [path(name)])
      try assertRefused(
        ["sample", path(name), "--out", path("samples.png")], status: 66, naming: [path(name)])
    }
  }

  func testAFolderOrFileThatIsNoRunIsRefused() throws {
    let data = try TrainedRun.shared().data
    try assertRefused(evaluation(data), status: 65, naming: [data])
    let file = try write([1], "file")
    try assertRefused(evaluation(file), status: 65, naming: [file])
  }

  // MARK: Lost files

  func testALostFileIsRefusedNamingItAndNothingIsChanged() throws {
    let names = ["weights.safetensors", "optimizer.safetensors", "state.json"]
    for name in ["recipe.json"] + names.map({ "checkpoints/12/\($0)" }) {
      let (data, run) = try copyOfTrainedRun()
      try FileManager.default.removeItem(atPath: "\(run)/\(name)")
      let before = try snapshot(run)
      let file = (name as NSString).lastPathComponent
      try assertRefused(evaluation(run), status: 65, naming: [run, file])
      try assertRefused(
        ["sample", run, "--out", path("samples.png")], status: 65, naming: [run, file])
      if name != "recipe.json" {
        try assertRefused(
          Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65, naming: [run, file])
      }
      XCTAssertEqual(try snapshot(run), before, name)
      XCTAssertFalse(exists(path("samples.png")))
      try FileManager.default.removeItem(atPath: run)
    }
  }

  func testTheOlderCheckpointStandsInForALostOne() throws {
    let (data, run) = try copyOfTrainedRun()
    try FileManager.default.removeItem(atPath: "\(run)/checkpoints/12")
    try self.run(evaluation(run))
    let outcome = try self.run(TrainedRun.arguments(data: data, run: run) + ["--resume"])
    XCTAssertTrue(outcome.err.contains("step 8"), outcome.err)
    XCTAssertEqual(
      try bytes(run + "/weights.safetensors"),
      try bytes(try TrainedRun.shared().run + "/weights.safetensors"))
  }

  func testARunThatLostItsCheckpointsIsRefusedNamingTheRemedy() throws {
    let run = try copyOfTrainedRun().run
    try FileManager.default.removeItem(atPath: "\(run)/checkpoints")
    try assertRefused(evaluation(run), status: 65, naming: [run, "--resume"])
  }

  // MARK: Damaged weights

  /// Damage by name, each made from the file's content.
  private func damages(_ file: SafetensorsFile, _ bytes: [UInt8]) throws -> [String: [UInt8]] {
    let (first, second) = (file.names[0], file.names[1])
    func changed(_ change: (inout SafetensorsFile) throws -> Void) throws -> [UInt8] {
      var copy = file
      try change(&copy)
      return try copy.encoded()
    }
    let entry = try XCTUnwrap(file.header[first] as? [String: Any])
    let offsets = try XCTUnwrap(entry["data_offsets"] as? [Int])
    let count = (offsets[1] - offsets[0]) / 4
    let other = try XCTUnwrap(file.header[second] as? [String: Any])
    var notFinite = file
    notFinite.data.replaceSubrange(
      offsets[0]..<offsets[0] + 4, with: ArrayFile.littleEndian(Float.nan.bitPattern))
    return [
      "empty": [],
      "a header of which seven bytes of length are there": Array(bytes.prefix(7)),
      "a huge header": SafetensorsFile.length(1 << 62) + bytes.dropFirst(8),
      "a negative header": SafetensorsFile.length(-1) + bytes.dropFirst(8),
      "a header longer than the file": SafetensorsFile.length(bytes.count) + bytes.dropFirst(8),
      "a header that is no JSON": SafetensorsFile.length(16) + Array("{\"a\": \"unfinishe".utf8),
      "a header that is a list": SafetensorsFile.length(2) + Array("[]".utf8),
      "truncated data": bytes.dropLast(1),
      "data behind the last tensor": bytes + [0],
      "offsets out of range": try changed {
        try $0.set(first, "data_offsets", [$0.data.count, $0.data.count + 4 * count])
      },
      "huge offsets": try changed {
        try $0.set(first, "data_offsets", [Int.max - 4 * count, Int.max])
      },
      "negative offsets": try changed { try $0.set(first, "data_offsets", [-4 * count, 0]) },
      "offsets in the wrong order": try changed {
        try $0.set(first, "data_offsets", [offsets[1], offsets[0]])
      },
      "overlapping offsets": try changed {
        let start = try XCTUnwrap((other["data_offsets"] as? [Int])?.first)
        try $0.set(first, "data_offsets", [start, start + 4 * count])
      },
      "offsets of another size than the shape": try changed {
        try $0.set(first, "data_offsets", [offsets[0], offsets[1] - 4])
      },
      "a wrong type": try changed { try $0.set(first, "dtype", "I32") },
      "a wrong type of another size": try changed { try $0.set(first, "dtype", "F64") },
      "an unknown type": try changed { try $0.set(first, "dtype", "Q7") },
      "a shape that overflows": try changed {
        try $0.set(first, "shape", [Int.max, Int.max, 4])
      },
      "another shape": try changed { try $0.set(first, "shape", [count, 1, 1]) },
      "a lost tensor": try changed {
        $0.header[first] = nil
        $0.header["padding"] = ["dtype": "F32", "shape": [count], "data_offsets": offsets]
      },
      "values that are not finite": try notFinite.encoded(),
    ]
  }

  func testDamagedExportedModelsAreRefusedNamingTheFile() throws {
    let content = try SafetensorsFile(try bytes(try TrainedRun.shared().model)).unsealed()
    for (name, damaged) in try damages(try SafetensorsFile(content), content) {
      let file = try write(damaged, "\(name).safetensors")
      try assertRefused(
        ["sample", file, "--count", "2", "--out", path("samples.npy")], status: 65, naming: [file])
      XCTAssertFalse(exists(path("samples.npy")), name)
    }
  }

  func testDamagedWeightsOfARunAreRefusedNamingTheFileAndResumingChangesNothing() throws {
    let (data, run) = try copyOfTrainedRun()
    // As version 0.1 wrote it, so that it is not the checksum alone that refuses.
    try unseal("\(run)/checkpoints/12")
    let file = "\(run)/checkpoints/12/weights.safetensors"
    let content = try bytes(file)
    for (name, damaged) in try damages(try SafetensorsFile(content), content) {
      try Data(damaged).write(to: URL(fileURLWithPath: file))
      let before = try snapshot(run)
      try assertRefused(evaluation(run), status: 65, naming: [run, "weights.safetensors"])
      try assertRefused(
        Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65,
        naming: [run, "weights.safetensors"])
      XCTAssertEqual(try snapshot(run), before, name)
    }
  }

  func testDamagedOptimizerAndStateAreRefusedOnResumingNamingTheFile() throws {
    for name in ["optimizer.safetensors", "state.json"] {
      let (data, run) = try copyOfTrainedRun()
      let file = "\(run)/checkpoints/12/\(name)"
      let content = try bytes(file)
      for damaged in [[], Array(content.prefix(content.count / 2)), Array("{}".utf8)] {
        try Data(damaged).write(to: URL(fileURLWithPath: file))
        let before = try snapshot(run)
        try assertRefused(
          Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65, naming: [run, name])
        XCTAssertEqual(try snapshot(run), before, name)
      }
      try FileManager.default.removeItem(atPath: run)
    }
  }

  // MARK: Damaged numbers

  /// The state of the run's last checkpoint with another value of a member, whose names are joined
  /// by dots.
  private func state(of run: String, setting member: String, to value: Any?) throws -> [UInt8] {
    func changed(_ object: [String: Any], _ names: ArraySlice<String>) throws -> [String: Any] {
      let name = try XCTUnwrap(names.first)
      var copy = object
      copy[name] =
        names.count == 1
        ? value : try changed(XCTUnwrap(object[name] as? [String: Any]), names.dropFirst())
      return copy
    }
    let names = member.split(separator: ".").map(String.init)
    let state = try object(
      String(decoding: bytes("\(run)/checkpoints/12/state.json"), as: UTF8.self))
    let json = try JSONSerialization.data(withJSONObject: changed(state, names[...]))
    // With the checksum that belongs to it, so that it is the number that is refused.
    let sealed = try XCTUnwrap(JSON(parsing: [UInt8](json), source: "state").object).sealedDocument
    return Array(sealed.utf8)
  }

  func testNumbersInTheStateOutOfBoundsAreRefusedNamingFileMemberAndValue() throws {
    let (data, run) = try copyOfTrainedRun()
    let file = "\(run)/checkpoints/12/state.json"
    let content = try bytes(file)
    let counts: [Any?] = [nil, Int.max, Int.min, (1 << 53) + 1, -1, 0.5, 1e300, "12", NSNull()]
    let sums: [Any?] = [nil, 1e308, -1e308, "12", NSNull()]
    let extremes: [(member: String, values: [Any?])] = [
      ("step", counts + [0, 11, 13]),
      ("updates_per_epoch", counts + [0]),
      ("threads", counts + [0]),
      ("epoch", counts + [0, 2, 4]),
      ("generator", [nil, 1, NSNull()]),
      ("generator.kind", [nil, 1, "mt19937", NSNull()]),
      ("generator.step", counts + [0, 11, 13]),
      ("updates.model", counts),
      ("epoch_so_far.updates", counts + [5]),
      ("epoch_so_far.distortion", sums),
      ("epoch_so_far.rate", sums),
      ("epoch_so_far.seconds", sums + [-1]),
      ("epoch_so_far.terms", [nil, 1, NSNull()]),
      ("epoch_so_far.terms.some", Array(sums.dropFirst())),
    ]
    for (member, values) in extremes {
      for value in values {
        try Data(state(of: run, setting: member, to: value)).write(to: URL(fileURLWithPath: file))
        let before = try snapshot(run)
        var words = ["checkpoints/12/state.json", "\"\(member)\""]
        if let value = value as? Int { words.append("\(value)") }
        if value == nil && member == "updates.model" { words[1] = "model" }
        if let value = value as? String, value != "12" { words.append(value) }
        try assertRefused(
          Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65, naming: words)
        XCTAssertEqual(try snapshot(run), before, member)
        try Data(content).write(to: URL(fileURLWithPath: file))
      }
    }
  }

  func testACheckpointUnderAnotherStepThanItsOwnIsRefused() throws {
    for step in [Int.max, Int.max - 1, 1 << 53, 13] {
      let (data, run) = try copyOfTrainedRun()
      try FileManager.default.moveItem(
        atPath: "\(run)/checkpoints/12", toPath: "\(run)/checkpoints/\(step)")
      let words = ["checkpoints/\(step)/state.json", "\"step\" is 12", "step \(step)"]
      try assertRefused(evaluation(run), status: 65, naming: words)
      try assertRefused(
        Small.train(data, run, ["--epochs", "4", "--resume"]), status: 65, naming: words)
      try FileManager.default.removeItem(atPath: run)
    }
  }

  func testASafetensorsFileWithoutARecipeIsRefused() throws {
    let weights = try bytes(try TrainedRun.shared().run + "/weights.safetensors")
    let file = try write(weights, "weights.safetensors")
    try assertRefused(evaluation(file), status: 65, naming: [file, "recipe"])
  }
}

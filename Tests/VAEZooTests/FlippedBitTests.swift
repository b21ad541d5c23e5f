import Foundation
import VAEZoo
import XCTest

/// A thousand flipped bits all over a small run: each is refused, or reported where lines are read.
final class FlippedBitTests: XCTestCase {
  private func makeRun(in folder: String) throws -> String {
    let images = RandomSource(seed: 3).stream("images").uniform([48, 5, 4, 1])
    let data = try write(images, "images.npy", in: folder)
    let run = "\(folder)/run"
    let request = TrainingRequest(
      .variant("gaussian-vae"),
      settings: [
        ("hidden", "6"), ("latent", "2"), ("training.epochs", "2"), ("training.batch_size", "16"),
        ("training.average_decay", "0.5"),
      ], data: data, run: run)
    XCTAssertEqual(try TrainingSession(request, registry: .builtIn).train(), .finished)
    let model = try TrainedModel.open(run, registry: .builtIn)
    XCTAssertEqual(model.notices, [])
    let split = try model.data(data).split(named: "train")
    let result = try XCTUnwrap(model.evaluate(split))
    try model.keep(result, split: "train", data: data, seed: 0)
    return run
  }

  /// What reads a file of a run, as whatever uses the run does; throws or gives sentences where it is
  /// damaged.
  private func read(_ file: String, of run: String, _ checkpoint: [String: [UInt8]]) throws
    -> [String]
  {
    let (path, folder) = ("\(run)/\(file)", try RunFolder.open(run))
    let bytes = try DurableFiles.read(path)
    switch file {
    case "recipe.json":
      let recipe = try folder.recipeBytes() ?? []
      _ = try Registry.builtIn.recipe(parsing: recipe, source: path)
    case "metrics.jsonl": return try folder.readMetrics().faults
    case "records/sessions.jsonl": return try folder.readSessions().faults
    case "records/evaluations.jsonl": return try folder.readEvaluations().faults
    case "records/examples.safetensors": _ = try folder.readRecordedExamples()
    case "model.safetensors":
      return try TrainedModel.open(path, registry: .builtIn).notices.map(\.description)
    case _ where file.hasPrefix("records/"): _ = try TrainingRecord(parsing: bytes, source: path)
    default:
      // A file of a checkpoint; its folder is named by the step.
      let parts = file.split(separator: "/").map(String.init)
      var files = checkpoint
      files[parts[2]] = bytes
      let stored = try StoredCheckpoint(
        files: files, step: XCTUnwrap(Int(parts[1])), source: "\(run)/checkpoints/\(parts[1])")
      return stored.isSealed ? [] : ["without checksums"]
    }
    return []
  }

  func testEveryFlippedBitOfARunIsFound() throws {
    let folder = try makeTemporaryFolder()
    let run = try makeRun(in: folder)
    let sound = try StoredFiles.check(run, registry: .builtIn)
    XCTAssertTrue(sound.isSound)
    XCTAssertEqual(sound.count(.unchecked), 0, "\(sound.files)")
    let names = sound.files.map(\.path)
    for name in [
      "recipe.json", "model.safetensors", "metrics.jsonl", "checkpoints/6/weights.safetensors",
      "checkpoints/6/optimizer.safetensors", "checkpoints/6/state.json", "records/sessions.jsonl",
      "records/evaluations.jsonl", "records/examples.safetensors", "records/0.safetensors",
    ] { XCTAssertTrue(names.contains(name), name) }
    var random = RandomSource(seed: 16).stream("flips").generator()
    var found = 0
    for number in 0..<1000 {
      let name = names[Int(random.next() % UInt64(names.count))]
      let path = "\(run)/\(name)"
      let content = try DurableFiles.read(path)
      // Every other one near the start, where headers are.
      let room = number % 2 == 0 ? content.count : min(content.count, 1500)
      let (place, bit) = (Int(random.next() % UInt64(room)), UInt8(random.next() % 8))
      var flipped = content
      flipped[place] ^= 1 << bit
      var checkpoint: [String: [UInt8]] = [:]
      if name.hasPrefix("checkpoints/") {
        let step = try XCTUnwrap(Int(name.split(separator: "/")[1]))
        checkpoint = try RunFolder.open(run).readCheckpoint(step)
      }
      try Data(flipped).write(to: URL(fileURLWithPath: path))
      let what = "bit \(bit) of byte \(place) of \(name)"
      do {
        let reported = try read(name, of: run, checkpoint)
        XCTAssertFalse(reported.isEmpty, what)
        found += reported.isEmpty ? 0 : 1
      } catch {
        XCTAssertTrue("\(error)".contains("\(run)/"), "\(what): \(error)")
        found += 1
      }
      if number % 25 == 0 {
        let report = try StoredFiles.check(run, registry: .builtIn)
        XCTAssertEqual(report.files.filter { $0.state == .damaged }.map(\.path), [name], what)
      }
      try Data(content).write(to: URL(fileURLWithPath: path))
    }
    XCTAssertEqual(found, 1000)
    XCTAssertEqual(try StoredFiles.check(run, registry: .builtIn), sound)
  }
}

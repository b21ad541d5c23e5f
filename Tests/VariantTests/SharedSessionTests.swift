import Communication
import Foundation
import VAEZoo
import XCTest

/// Trainings with a run folder that several processes make together: here threads, of which the first one alone
/// has the folder.
final class SharedSessionTests: XCTestCase {
  private var folder = ""

  override func setUpWithError() throws {
    folder = NSTemporaryDirectory() + "shared-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws { try FileManager.default.removeItem(atPath: folder) }

  private static func session(
    _ run: String, existing: TrainingRequest.Existing = .refuse, examples: Int = 48,
    _ communicator: any Communicator = SoloCommunicator()
  ) throws -> TrainingSession {
    try TrainingSession.together(communicator) {
      let data = SmallModels.data(train: examples)
      var recipe = try SmallModels.recipe("gaussian-vae", data: data)
      try SmallModels.registry.apply(
        [("training.epochs", "1"), ("training.batch_size", "16")], to: &recipe)
      return try TrainingSession(
        model: SmallModels.registry.model(recipe, seed: 3), recipe: recipe, data: data, run: run,
        existing: existing, communicator: communicator)
    }
  }

  func testARunIsReplacedOnlyWhereAllRanksAgree() throws {
    let run = folder + "/run"
    _ = try Self.session(run).train()
    let before = try FileManager.default.subpathsOfDirectory(atPath: run).sorted()
    XCTAssertTrue(before.contains("model.safetensors"))
    for (examples, text) in [(50, "another number of training examples"), (3, "rank 1 failed")] {
      let errors = Ranks.errors(2) { communicator in
        _ = try Self.session(
          run, existing: .replace, examples: communicator.rank == 1 ? examples : 48, communicator)
      }
      XCTAssertTrue(errors[0]?.contains(text) ?? false, "\(errors)")
      XCTAssertNotNil(errors[1])
      XCTAssertEqual(try FileManager.default.subpathsOfDirectory(atPath: run).sorted(), before)
    }
    XCTAssertEqual(
      Ranks.errors(2) { _ = try Self.session(run, existing: .replace, $0).train() }, [nil, nil])
  }

  /// 300 images, of which one may have another number.
  private func images(changing image: Int?) throws -> DataSource {
    var values = RandomSource(seed: 1).stream("x").uniform([300, 4, 4, 1]).floats
    if let image { values[image * 16 + 5] = 0.5 }
    let path = folder + "/\(image.map(String.init) ?? "all").npy"
    try Data(NPYWriter.bytes(Tensor(values, shape: [300, 4, 4, 1]))).write(
      to: URL(fileURLWithPath: path))
    return try DataSource.open(path)
  }

  func testRanksOfWhichOneHasAnotherNumberInOneImageOfTrainingOrHeldOutRefuse() throws {
    for apart in [false, true] {
      let whole = try images(changing: nil)
      let held = try XCTUnwrap(whole.settingApart(0.5).validation)
      let kept = try whole.settingApart(0.5).train
      // Where the image stands in either part does not matter: the same are set apart on both ranks.
      let other = try (0..<300).first { number in
        let changed = try images(changing: number).settingApart(0.5)
        let split = try apart ? XCTUnwrap(changed.validation) : changed.train
        let before = apart ? held : kept
        let rows = Array(0..<before.count)
        return number > 40 && split.batch(rows).floats != before.batch(rows).floats
      }
      let sources = [whole, try images(changing: other)]
      let run = folder + "/run"
      let errors = Ranks.errors(2) { communicator in
        _ = try TrainingSession.together(communicator) {
          let data = try sources[communicator.rank].settingApart(0.5)
          let recipe = try SmallModels.recipe("gaussian-vae", data: data)
          return try TrainingSession(
            model: SmallModels.registry.model(recipe, seed: 3), recipe: recipe, data: data,
            run: run, existing: .refuse, communicator: communicator)
        }
      }
      for error in errors {
        XCTAssertTrue(error?.contains("checksum of the data") == true, "\(errors)")
      }
    }
  }

  func testACommunicatorThatWrongsOneRankWhileRanksCompareEndsAll() throws {
    let members = InProcessCommunicator.group(of: 2)
    let run = folder + "/run"
    let errors = Ranks.errors(
      2,
      members: [
        members[0],
        // What this one has said arrives as something else.
        AlteringCommunicator(members[1]) { if $0.count > 100 { $1[$0.count + 3] ^= 1 } },
      ]
    ) { _ = try Self.session(run, existing: .refuse, $0) }
    XCTAssertTrue(errors[1]?.contains("other bytes than it has sent") == true, "\(errors)")
    XCTAssertTrue(errors[0]?.contains("other bytes than it has sent") == true, "\(errors)")
  }

  func testWhatTheFirstRankCannotWriteEndsAll() throws {
    let run = folder + "/run"
    let errors = Ranks.errors(2) { communicator in
      let session = try Self.session(run, communicator)
      if communicator.rank == 0 {
        // In the place of a file.
        try FileManager.default.createDirectory(
          atPath: run + "/records/sessions.jsonl", withIntermediateDirectories: true)
      }
      _ = try session.train()
    }
    XCTAssertNotNil(errors[0])
    XCTAssertTrue(errors[1]?.contains("rank 0 failed") ?? false, "\(errors)")
  }
}

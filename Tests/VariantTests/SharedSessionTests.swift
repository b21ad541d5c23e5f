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

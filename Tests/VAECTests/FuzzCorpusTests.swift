import CVAE
import VAEFiles
import XCTest

/// What once stopped the process, or might have, from `Tests/Corpus`: see the README there.
final class FuzzCorpusTests: CTestCase {
  private static let folder = Repository.path("Tests/Corpus")

  /// The files of one kind, by name.
  private func files(_ kind: String) throws -> [(name: String, path: String)] {
    let folder = "\(Self.folder)/\(kind)"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    XCTAssertFalse(names.isEmpty, "\(folder) is empty")
    return names.map { (name: $0, path: "\(folder)/\($0)") }
  }

  /// The lines of a file but for empty ones and those that begin with '#'.
  private func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
      .split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func assertHolds(_ outcome: ModelTrial.Outcome, _ name: String) {
    if case .broken(let fault) = outcome { XCTFail("\(name): \(fault)") }
  }

  /// Makes a call that may fail, but not by a defect.
  @discardableResult
  private func attempt(_ name: String, _ body: (ErrorSlot) -> vae_status) -> vae_status {
    var error: OpaquePointer?
    let status = body(&error)
    XCTAssertEqual(vae_error_status(error), status, name)
    let message = String(cString: vae_error_message(error))
    XCTAssertNotEqual(status, VAE_ERR_INTERNAL, "\(name): \(message)")
    XCTAssertEqual(message.isEmpty, status == VAE_OK, name)
    vae_error_free(error)
    return status
  }

  func testRecipesAreRefusedOrWork() throws {
    for (name, path) in try files("recipes") {
      assertHolds(ModelTrial.run(recipe: try bytes(path), .init()), name)
      let colors = ModelTrial.Images(height: 5, width: 3, channels: 3, range: VAE_RANGE_BYTES)
      assertHolds(ModelTrial.run(recipe: try bytes(path), colors), name)
    }
  }

  /// What is too long for a file.
  func testRecipesThatNestDeeplyAreRefused() {
    for (opening, closing) in [("[", "]"), (#"{"a":"#, "}")] {
      for depth in [500, 100_000, 1_000_000] {
        let nested =
          String(repeating: opening, count: depth) + "1" + String(repeating: closing, count: depth)
        let inside = #"{"format":1,"variant":"gaussian-vae","prior":"# + nested + "}"
        for text in [nested, String(nested.prefix(depth)), inside] {
          assertHolds(ModelTrial.run(recipe: Array(text.utf8), .init()), "\(depth) of \(opening)")
        }
      }
    }
  }

  func testModelFilesAreRefused() throws {
    for (name, path) in try files("models") {
      assertHolds(ModelTrial.run(model: try bytes(path), .init()), name)
      attempt(name) { error in
        var model: OpaquePointer?
        defer { vae_model_free(model) }
        return vae_model_load(path, &model, error)
      }
    }
  }

  func testDataFilesAreRefusedOrRead() throws {
    for (name, path) in try files("data") {
      var data: OpaquePointer?
      attempt(name) { vae_data_open(path, &data, $0) }
      guard let data else { continue }
      var images: OpaquePointer?
      attempt(name) { vae_data_images(data, "train", 0, 1, &images, $0) }
      vae_array_free(images)
      vae_data_free(data)
    }
  }

  func testTensorsAreRefusedOrRead() throws {
    let model = try makeModel()
    for line in try lines("tensors.txt") {
      let fields = line.split(separator: " ", omittingEmptySubsequences: true).map { field in
        field == "-" ? [] : field.split(separator: ",").map { Int($0) ?? 0 }
      }
      guard fields.count == 3, let offset = fields[2].first else {
        XCTFail("tensors.txt has a line that is none: \(line)")
        continue
      }
      // In the middle of memory of the test's own, so that both directions have some.
      let (numbers, middle) = (1 << 14, 1 << 13)
      let tensor = CTensor(
        Self.pixels(numbers / 16), VAE_FLOAT32, shape: fields[0],
        strides: fields[1].isEmpty ? nil : fields[1], first: middle)
      tensor.view.byte_offset = UInt64(bitPattern: Int64(offset))
      for body in [
        { (error: ErrorSlot) -> vae_status in
          var data: OpaquePointer?
          defer { vae_data_free(data) }
          return vae_data_from_tensors(tensor.pointer, nil, VAE_RANGE_AUTO, &data, error)
        },
        { error in
          var result: OpaquePointer?
          defer { vae_array_free(result) }
          return vae_reconstruct(model, tensor.pointer, 1, &result, error)
        },
      ] { attempt(line, body) }
    }
  }

  func testRunsAreRefusedOrGoOn() throws {
    let folder = try temporaryFolder()
    let data = try makeData(train: images(16), test: images(4, seed: 2))
    /// Begins a run or goes on with it.
    func train(_ path: String, epochs: Int64, existing: Int32) throws {
      let model = try makeModel()
      var trainer: OpaquePointer?
      var options = trainerOptions(epochs: epochs, batchSize: 4)
      options.existing_run = existing
      path.withCString { run in
        options.run = run
        attempt(path) { vae_trainer_create(model, data, &options, &trainer, $0) }
      }
      if trainer != nil { attempt(path) { vae_trainer_fit(trainer, nil, nil, nil, $0) } }
      vae_trainer_free(trainer)
    }
    try train("\(folder)/fresh", epochs: 2, existing: VAE_RUN_REFUSE)
    for (number, line) in try lines("runs.txt").enumerated() {
      let parts = line.components(separatedBy: " | ")
      guard parts.count == 3 else {
        XCTFail("runs.txt has a line that is none: \(line)")
        continue
      }
      // As damage, and as what somebody has made with the checksum that belongs to it.
      for isSealed in [false, true] {
        let run = "\(folder)/\(number)-\(isSealed)"
        try FileManager.default.copyItem(atPath: "\(folder)/fresh", toPath: run)
        let file = "\(run)/\(parts[0])"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        XCTAssertTrue(text.contains(parts[1]), "\(parts[0]) has no \(parts[1]): \(text)")
        let changed = text.replacingOccurrences(of: parts[1], with: parts[2])
        try (isSealed ? sealedAnew(changed, isLines: file.hasSuffix("l")) : changed)
          .write(toFile: file, atomically: false, encoding: .utf8)
        attempt(line) { error in
          var model: OpaquePointer?
          defer { vae_model_free(model) }
          return vae_model_load(run, &model, error)
        }
        try train(run, epochs: 3, existing: VAE_RUN_RESUME)
      }
    }
  }

  /// A text, or each of its lines, with the checksum that belongs to it, where it is JSON.
  private func sealedAnew(_ text: String, isLines: Bool) -> String {
    func object(_ text: some StringProtocol) -> JSON.Object? {
      try? JSON(parsing: Array(text.utf8), source: "text").object
    }
    guard isLines else { return object(text)?.sealedDocument ?? text }
    return text.split(separator: "\n").map { (object($0)?.sealedLine ?? String($0)) + "\n" }
      .joined()
  }

  func testSequencesOfCallsHold() throws {
    for line in try lines("seeds.txt") {
      let words = line.split(separator: " ")
      guard words.count == 3, let seed = UInt64(words[1]), let count = Int(words[2]) else {
        XCTFail("seeds.txt has a line that is none: \(line)")
        continue
      }
      switch words[0] {
      case "calls":
        var fuzzer = Fuzzer(seed: seed)
        defer { fuzzer.finish() }
        for number in 0..<count {
          guard let fault = fuzzer.call() else { continue }
          XCTFail("\(line), call \(number): \(fault)")
          break
        }
      case "recipes":
        var fuzzer = RecipeFuzzer(seed: seed)
        for number in 0..<count {
          let recipe = fuzzer.recipe().line
          assertHolds(
            ModelTrial.run(recipe: Array(recipe.utf8), fuzzer.images()), "\(line), recipe \(number)"
          )
        }
      // Of the plug-in tests.
      case "descriptions", "host": break
      default: XCTFail("seeds.txt has a kind that is none: \(line)")
      }
    }
  }
}

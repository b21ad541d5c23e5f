import CVAE
import Glibc
import XCTest

/// Paths are bytes, and weights come from files that have them for names.
final class PathTests: CTestCase {
  /// A path in a folder of the test that is no UTF-8.
  private func latin(_ name: String) throws -> [CChar] {
    let folder = try temporaryFolder()
    return folder.utf8.map(CChar.init(bitPattern:)) + [0x2f, CChar(bitPattern: 0xe9)]
      + name.utf8.map(CChar.init(bitPattern:)) + [0]
  }

  func testPathsNeedBeNoUTF8() throws {
    let model = try makeModel()
    let file = try latin(".safetensors")
    try succeed { vae_model_save(model, file, $0) }
    XCTAssertEqual(access(file, F_OK), 0, "the file has the name that it was given")
    let report = try text { vae_check_json(file, $0, $1, $2, $3) }
    XCTAssertTrue(report.contains("\"sound\": true"), report)
    let loaded = try made(freedBy: vae_model_free) { vae_model_load(file, $0, $1) }
    XCTAssertEqual(try tensors(of: loaded), try tensors(of: model))

    let run = try latin("run")
    let data = try makeData(train: images(16))
    var options = trainerOptions(epochs: 1)
    try run.withUnsafeBufferPointer { run in
      options.run = run.baseAddress
      let trainer = try made(freedBy: vae_trainer_free) {
        vae_trainer_create(model, data, &options, $0, $1)
      }
      try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
    }
    XCTAssertEqual(access(run, F_OK), 0)
    XCTAssertEqual(
      try tensors(of: made(freedBy: vae_model_free) { vae_model_load(run, $0, $1) }),
      try tensors(of: model))
  }

  func testMessagesShowBytesOfNoTextByTheirNumbers() throws {
    let none = try latin("none")
    refuse(VAE_ERR_NOT_FOUND, #"/\xe9none"#) { error in
      var model: OpaquePointer?
      return vae_model_load(none, &model, error)
    }
    refuse(VAE_ERR_NOT_FOUND, #"/\xe9none"#) { error in
      var data: OpaquePointer?
      return vae_data_open(none, &data, error)
    }
  }

  // MARK: Weights of another model

  func testAModelBeginsWithTheWeightsOfAFile() throws {
    let first = try makeModel()
    let file = try latin(".safetensors")
    try succeed { vae_model_save(first, file, $0) }
    let settings = CSettings(Self.small + [("beta", "3")])
    var options = modelOptions()
    options.seed = 77
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    let next = try "gaussian-vae".withCString { name in
      try file.withUnsafeBufferPointer { file in
        options.variant = name
        options.from_weights = file.baseAddress
        return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
      }
    }
    XCTAssertEqual(try tensors(of: next), try tensors(of: first))
    let recipe = try text { vae_model_recipe_json(next, $0, $1, $2, $3) }
    XCTAssertTrue(recipe.contains(#""origin":"#), recipe)
    // Trained at once: nothing is initialised by data first.
    let data = try makeData(train: images(16))
    var training = trainerOptions(epochs: 1)
    let trainer = try made(freedBy: vae_trainer_free) {
      vae_trainer_create(next, data, &training, $0, $1)
    }
    try succeed { vae_trainer_fit(trainer, nil, nil, nil, $0) }
  }

  func testWeightsThatDoNotFitAreRefusedByName() throws {
    let file = try latin(".safetensors")
    let first = try makeModel()
    try succeed { vae_model_save(first, file, $0) }
    let settings = CSettings([("hidden", "8"), ("latent", "3")])
    var options = modelOptions()
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    "gaussian-vae".withCString { name in
      file.withUnsafeBufferPointer { file in
        options.variant = name
        options.from_weights = file.baseAddress
        refuse(VAE_ERR_DATA, "of shape") { error in
          var model: OpaquePointer?
          return vae_model_create(&options, &model, error)
        }
      }
    }
  }
}

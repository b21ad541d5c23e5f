import Foundation
import VAEZoo
import XCTest

/// Models as files of other programs: what is refused, since those have no such network.
final class WeightExportTests: XCTestCase {
  private let registry = Registry.builtIn

  private func message(
    _ variant: String, _ form: String, _ settings: [(key: String, value: String)]
  ) throws -> String {
    var recipe = try registry.recipe(for: variant)
    recipe.data = DataDescription(
      height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255")
    let small =
      variant == "autoencoder-tiny"
      ? [(key: "encoder.channels", value: "4"), (key: "decoder.channels", value: "4")]
      : [
        (key: "encoder.level_channels", value: "4,4,4,4"),
        (key: "decoder.level_channels", value: "4,4,4,4"), (key: "norm_groups", value: "2"),
      ]
    try registry.apply(small + settings, to: &recipe)
    let model = TrainedModel(
      model: try registry.model(recipe, seed: 6), recipe: recipe, source: "memory")
    do {
      _ = try WeightExport(model, form: form, registry: registry)
      return ""
    } catch let error as RecipeError {
      return "\(error.message)"
    }
  }

  func testWhatOtherProgramsDoNotHaveIsNamed() throws {
    for (variant, form, settings, expected) in [
      ("autoencoder-kl", "diffusers", [], ""),
      ("autoencoder-kl", "taesd", [], "written as diffusers or ldm"),
      ("autoencoder-kl", "ldm", [("decoder.blocks", "2")], "must have one more"),
      ("autoencoder-kl", "ldm", [("decoder.norm_groups", "4")], "norm_groups of encoder"),
      ("autoencoder-kl", "ldm", [("decoder.level_channels", "4,4,4,8")], "from the other end"),
      ("autoencoder-kl", "diffusers", [("likelihood.link", "sigmoid")], "likelihood.link=identity"),
      (
        "autoencoder-kl", "diffusers", [("likelihood", "categorical")], "likelihood.link=identity"
      ),
      ("autoencoder-tiny", "taesd", [("decoder.latent_magnitude", "2")], "latent_magnitude is 2"),
      (
        "autoencoder-tiny", "diffusers", [("decoder.latent_magnitude", "5")],
        "latent_magnitude is 5"
      ),
      ("autoencoder-tiny", "diffusers", [("encoder.mixing_channels", "8")], "mixes channels"),
      ("autoencoder-tiny", "taesd", [("encoder.mixing_channels", "8")], ""),
    ] as [(String, String, [(String, String)], String)] {
      let found = try message(variant, form, settings.map { (key: $0.0, value: $0.1) })
      XCTAssertTrue(
        expected.isEmpty ? found.isEmpty : found.contains(expected), "\(variant): \(found)")
    }
  }

  func testFilesThatThisProgramHasOrThatAreDividedAreSaidToBeSo() throws {
    let folder = try makeTemporaryFolder()
    let path = ForeignReference.path("tiny-diffusers")
    let model = try WeightImport(ForeignWeights.open(path), size: 8, registry: registry).model
    try model.save(to: "\(folder)/model.safetensors")
    XCTAssertThrowsError(
      try WeightImport(
        ForeignWeights.open("\(folder)/model.safetensors"), registry: registry)
    ) { XCTAssertTrue("\($0)".contains("a model of this program already"), "\($0)") }
    for number in 1...2 {
      try DurableFiles.replace(
        "\(folder)/diffusion_pytorch_model-0000\(number)-of-00002.safetensors",
        with: Safetensors().encoded())
    }
    XCTAssertThrowsError(try ForeignWeights.open(folder)) {
      XCTAssertTrue("\($0)".contains("divided among"), "\($0)")
    }
  }

  func testKeysOfAConfigThatNobodyReadsAreNamed() throws {
    let folder = try makeTemporaryFolder()
    let path = ForeignReference.path("kl-plain")
    let name = "diffusion_pytorch_model.safetensors"
    try DurableFiles.replace("\(folder)/\(name)", with: DurableFiles.read("\(path)/\(name)"))
    let bytes = try DurableFiles.read("\(path)/config.json")
    var config = try XCTUnwrap(JSON(parsing: bytes, source: path).object)
    XCTAssertEqual(try WeightImport(ForeignWeights.open(path), registry: registry).notices, [])
    config["layers_per_block"] = .number(1.0)
    config["patch_size"] = .integer(2)
    try DurableFiles.replace("\(folder)/config.json", with: Array(JSON.object(config).line.utf8))
    let notices = try WeightImport(ForeignWeights.open(folder), registry: registry).notices
    XCTAssertEqual(notices.count, 1)
    XCTAssertTrue("\(notices)".contains("patch_size"), "\(notices)")
  }
}

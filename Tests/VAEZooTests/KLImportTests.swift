import Foundation
import VAEZoo
import XCTest

/// Autoencoders of latent diffusion under the names of diffusers and of latent diffusion.
final class KLImportTests: XCTestCase {
  private let registry = Registry.builtIn

  private func imported(
    _ path: String, _ settings: [(key: String, value: String)] = []
  ) throws -> TrainedModel {
    try WeightImport(
      ForeignWeights.open(path), size: 8, settings: settings, registry: registry
    ).model
  }

  private func message(
    _ path: String, _ settings: [(key: String, value: String)] = []
  ) throws -> String {
    var found = ""
    XCTAssertThrowsError(try imported(path, settings)) { found = "\($0)" }
    return found
  }

  /// What a checkpoint does not say.
  private let answers = [
    (key: "prior.scaling_factor", value: "0.18215"), (key: "norm_groups", value: "2"),
  ]

  func testLatentsAndPicturesAreThoseOfDiffusers() throws {
    for (folder, name, settings) in [
      ("kl-plain", "plain", []), ("kl-bare", "bare", []), ("kl-attending", "attending", []),
      ("kl-checkpoint", "plain", answers), ("kl-checkpoint/model.safetensors", "plain", answers),
    ] {
      let trained = try imported(ForeignReference.path(folder), settings)
      let coder = try PictureCoder(trained)
      let image = try ForeignReference.tensor("\(name).image", in: "kl")
      try ForeignReference.assertEqual(
        try coder.encode(image), ForeignReference.tensor("\(name).mean", in: "kl"), "\(folder) mean"
      )
      try ForeignReference.assertEqual(
        try coder.decode(ForeignReference.tensor("\(name).mean", in: "kl")),
        ForeignReference.tensor("\(name).decoded", in: "kl"), "\(folder) picture"
      )
      try ForeignReference.assertEqual(
        try coder.encode(ForeignReference.tensor("\(name).odd.image", in: "kl")),
        ForeignReference.tensor("\(name).odd.mean", in: "kl"),
        "\(folder) odd sides")
      let context = Context(mode: .evaluation, random: RandomSource(seed: 0), examples: [0])
      let posterior = try XCTUnwrap(
        withoutTape { trained.model.encoder.encode(image, context) } as? DiagonalGaussian)
      try ForeignReference.assertEqual(
        posterior.logVariance,
        ForeignReference.tensor("\(name).log_variance", in: "kl").flattened(),
        "\(folder) log-variance")
    }
  }

  func testPicturesInTilesAreThoseOfDiffusers() throws {
    for (name, side, size) in [
      ("plain", 8, "20x26"), ("plain", 8, "8x20"), ("plain", 8, "14x6"), ("plain", 8, "8x8"),
      ("attending", 16, "40x28"),
    ] {
      let label = "\(name).\(size)"
      func tiled(_ what: String) throws -> Tensor {
        try ForeignReference.tensor("\(label).\(what)", in: "kl-tiled")
      }
      let trained = try imported(ForeignReference.path("kl-\(name)"))
      let coder = try PictureCoder(trained, PictureComputation(tile: side))
      let image = try tiled("image")
      let encoding = try coder.encoding(of: image)
      try ForeignReference.assertEqual(XCTUnwrap(encoding.mean), tiled("mean"), "\(label) mean")
      try ForeignReference.assertEqual(
        XCTUnwrap(encoding.variance).log(), tiled("log_variance"), "\(label) log-variance")
      var fractions: [Double] = []
      let picture = try coder.decode(tiled("mean")) { fractions.append($0) }
      try ForeignReference.assertEqual(picture, tiled("decoded"), "\(label) picture")
      XCTAssertEqual(fractions, fractions.sorted(), label)
      let whole = try PictureCoder(trained).decode(tiled("mean")).floats
      XCTAssertEqual(whole == picture.floats, size == "8x8", "\(label): tiles are not the whole")
    }
  }

  func testSettingsInPlaceOfWhatTheConfigSaysAreNamed() throws {
    func notices(_ settings: [(key: String, value: String)]) throws -> [String] {
      try WeightImport(
        ForeignWeights.open(ForeignReference.path("kl-plain")), settings: settings,
        registry: .builtIn
      ).notices.map(\.description)
    }
    XCTAssertEqual(try notices([]), [])
    let found = try notices([(key: "prior.scaling_factor", value: "0.125")])
    XCTAssertEqual(found.count, 1)
    XCTAssertTrue(
      found[0].contains(#""prior.scaling_factor" is "0.125" as you say, in place of"#), "\(found)")
  }

  func testAPointerOfGitLFSIsCalledThat() throws {
    let path = try makeTemporaryFolder() + "/weights.safetensors"
    try DurableFiles.replace(
      path, with: Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n".utf8))
    XCTAssertThrowsError(try ForeignWeights.open(path)) {
      XCTAssertTrue("\($0)".contains("git lfs pull"), "\($0)")
    }
  }

  func testTilesThatDoNotBeginAtPlacesAreRefusedWithOneThatDoes() throws {
    let trained = try imported(ForeignReference.path("kl-plain"))
    for (side, near) in [(12, 16), (1, 8), (0, 8)] {
      XCTAssertThrowsError(try PictureCoder(trained, PictureComputation(tile: side))) {
        XCTAssertTrue("\($0)".contains("a multiple of 8, such as tile=\(near)"), "\($0)")
      }
    }
  }

  func testTheRecipeFollowsFromTensorsAndConfig() throws {
    let recipe = try WeightImport(
      ForeignWeights.open(ForeignReference.path("kl-bare")), registry: registry
    ).model.recipe
    XCTAssertEqual(recipe.variant, "autoencoder-kl")
    XCTAssertEqual(recipe.data?.height, 16, "sample_size")
    XCTAssertEqual(recipe.part(.encoder).values["level_channels"], .integers([6, 4]))
    XCTAssertEqual(recipe.part(.decoder).values["level_channels"], .integers([4, 6]))
    XCTAssertEqual(recipe.part(.encoder).values["middle_attention"], .flag(false))
    XCTAssertEqual(recipe.part(.decoder).values["latent_convolution"], .flag(false))
    XCTAssertEqual(recipe.part(.prior).values["scaling_factor"], .number(0.3611))
    XCTAssertEqual(recipe.part(.prior).values["shift_factor"], .number(0.1159))
    let attending = try imported(ForeignReference.path("kl-attending")).recipe
    XCTAssertEqual(attending.part(.encoder).values["attention"], .integers([0, 0, 1]))
    XCTAssertEqual(attending.part(.decoder).values["attention"], .integers([1, 0, 0]))
    XCTAssertEqual(attending.part(.decoder).values["blocks"], .integer(3))
  }

  func testWhatCannotBeKnownIsAskedFor() throws {
    let found = try message(ForeignReference.path("kl-checkpoint"))
    XCTAssertTrue(found.contains("0.18215 for Stable Diffusion 1"), found)
    XCTAssertTrue(found.contains("prior.scaling_factor=NUMBER"), found)
    let groups = try message(ForeignReference.path("kl-checkpoint"), [answers[0]])
    XCTAssertTrue(groups.contains("encoder.norm_groups is 32, which does not divide the 4"), groups)
  }

  func testAConfigThatContradictsTheTensorsIsRefused() throws {
    let folder = try makeTemporaryFolder()
    let name = "diffusion_pytorch_model.safetensors"
    try DurableFiles.replace(
      "\(folder)/\(name)", with: DurableFiles.read(ForeignReference.path("kl-plain/\(name)")))
    let source = ForeignReference.path("kl-plain/config.json")
    let config = try XCTUnwrap(JSON(parsing: DurableFiles.read(source), source: source).object)
    for (key, value) in [
      ("block_out_channels", JSON.array([.integer(4)])), ("layers_per_block", .integer(2)),
      ("latent_channels", .integer(16)), ("use_quant_conv", .bool(false)),
      ("mid_block_add_attention", .bool(false)), ("act_fn", .text("gelu")),
      ("norm_num_groups", .integer(0)), ("sample_size", .text("large")),
      ("latents_mean", .array([.number(1)])), ("shift_factor", .text("none")),
    ] {
      var changed = config
      changed[key] = value
      try DurableFiles.replace("\(folder)/config.json", with: Array(JSON.object(changed).line.utf8))
      let found = try message(folder)
      XCTAssertTrue(found.contains(key), "\(key): \(found)")
    }
    // A key that is left out has the default of the class, which these tensors are not of.
    var short = config
    short["layers_per_block"] = nil
    short["block_out_channels"] = nil
    try DurableFiles.replace("\(folder)/config.json", with: Array(JSON.object(short).line.utf8))
    XCTAssertTrue(try message(folder).contains("leaves block_out_channels at [64]"))
  }

  func testMissingAndForeignTensorsAreNamed() throws {
    let folder = try makeTemporaryFolder()
    let path = ForeignReference.path("kl-plain/diffusion_pytorch_model.safetensors")
    let file = try Safetensors(parsing: DurableFiles.read(path), path: path)
    var changed = Safetensors()
    for entry in file.entries where entry.name != "decoder.up_blocks.1.resnets.1.norm2.bias" {
      changed.add(entry.name, shape: entry.shape, try file.convertedFloats(entry))
    }
    changed.add("bn.running_mean", shape: [2], [Float(0), 1])
    try DurableFiles.replace("\(folder)/model.safetensors", with: changed.encoded())
    let found = try message(folder, answers)
    XCTAssertTrue(found.contains("missing \"decoder.up_blocks.1.resnets.1.norm2.bias\""), found)
    XCTAssertTrue(found.contains("left over, with no place in it, \"bn.running_mean\""), found)
  }
}

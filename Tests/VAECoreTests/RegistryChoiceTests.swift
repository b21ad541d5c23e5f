import GaussianVAE
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// Variants with architectures, short names and defaults of their own.
final class RegistryChoiceTests: XCTestCase {
  /// A variant that is as unlike the first one as a composition can be.
  private struct Custom: Variant {
    let name = "custom"
    let summary = "a summary"
    let reference = ""
    var composition: Composition {
      Composition(
        encoder: Composition.Choice("mlp", ["hidden": .integers([9, 8])]),
        prior: Composition.Choice("standard-normal", ["latent": .integer(5)]),
        decoder: Composition.Choice("conv", ["channels": .integers([7])]),
        likelihoodOfBytes: "categorical",
        objective: Composition.Choice("elbo", ["beta": .number(4)]),
        training: ["batch_size": .integer(32), "epochs": .integer(3)],
        trainingPerElement: ["skip_norm": 2, "clip_norm": 0.25])
    }
    var architectures: [String: [Role: String]] {
      [
        "small": [.encoder: "mlp", .decoder: "conv"],
        "large": [.encoder: "resnet", .decoder: "mlp", .objective: "importance-weighted"],
      ]
    }
    var shorthands: [String: [String]] {
      ["width": ["encoder.hidden", "decoder.channels"], "latent": ["prior.latent"]]
    }
  }

  private let registry: Registry = {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    registry.register(Custom())
    return registry
  }()

  private func recipe(
    _ settings: [(key: String, value: String)] = [], _ variant: String = "custom",
    data: DataDescription? = nil
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: variant)
    recipe.data = data
    try registry.apply(settings, to: &recipe)
    return recipe
  }

  func testAVariantsDefaultsStandWhereItsOwnPartsDo() throws {
    let own = try recipe()
    XCTAssertEqual(own.part(.encoder).values["hidden"], .integers([9, 8]))
    XCTAssertEqual(own.part(.encoder).values["activation"], .text("relu"))
    XCTAssertEqual(own.part(.objective).values["beta"], .number(4))
    XCTAssertEqual(own.training["batch_size"], .integer(32))
    XCTAssertEqual(own.training["learning_rate"], .number(0.001))
    // Another part has its own defaults, and one that comes back those of the variant.
    let other = try recipe([("encoder.name", "conv")])
    XCTAssertEqual(other.part(.encoder).values["channels"], .integers([32, 64, 128]))
    var back = other
    try registry.apply([("encoder.name", "mlp")], to: &back)
    XCTAssertEqual(back, own)
    // One that stays keeps what was said of it.
    var same = try recipe([("beta", "2")])
    try registry.apply([("objective.name", "elbo"), ("decoder.name", "mlp")], to: &same)
    XCTAssertEqual(same.part(.objective).values["beta"], .number(2))
    XCTAssertEqual(same.part(.decoder).name, "mlp")
  }

  func testAnArchitectureChoosesTheRolesThatItNames() throws {
    let large = try recipe([("architecture", "large")])
    XCTAssertEqual(
      Role.allCases.map { large.part($0).name },
      ["resnet", "standard-normal", "mlp", "auto", "importance-weighted"])
    XCTAssertEqual(registry.architectures(of: Custom()), ["large", "small"])
    XCTAssertEqual(try registry.architecture(of: Custom()), "small")
    XCTAssertEqual(try registry.architecture(of: GaussianVAEVariant()), "mlp")
    XCTAssertEqual(registry.architectures(of: GaussianVAEVariant()), ["mlp", "conv", "resnet"])
    XCTAssertThrowsError(try recipe([("architecture", "conv")])) {
      XCTAssertEqual(
        "\($0)", "architecture cannot be conv for custom: there are: large, small")
    }
    // A part by its own name wins over an architecture, wherever it stands.
    for settings in [
      [("encoder.name", "conv"), ("architecture", "large")],
      [("architecture", "large"), ("encoder.name", "conv")],
    ] {
      let made = try recipe(settings.map { (key: $0.0, value: $0.1) })
      XCTAssertEqual(made.part(.encoder).name, "conv")
      XCTAssertEqual(made.part(.decoder).name, "mlp")
    }
  }

  func testShortNamesOfAVariantReachThePlacesThatItNames() throws {
    let made = try recipe([("width", "3,4"), ("latent", "2")])
    XCTAssertEqual(made.part(.encoder).values["hidden"], .integers([3, 4]))
    XCTAssertEqual(made.part(.decoder).values["channels"], .integers([3, 4]))
    XCTAssertEqual(made.part(.prior).values["latent"], .integer(2))
    let names = try registry.shortNames(of: Custom())
    XCTAssertEqual(
      names.map(\.name),
      [
        "hidden", "latent", "activation", "sigma", "beta", "warmup_epochs", "free_bits",
        "importance_samples", "channels", "width",
      ])
    let width = try XCTUnwrap(names.last)
    XCTAssertEqual(width.paths, ["encoder.hidden", "decoder.channels"])
    let plain = try registry.shortNames(of: GaussianVAEVariant())
    func short(_ name: String) throws -> ShortName {
      try XCTUnwrap(plain.first { $0.name == name })
    }
    XCTAssertEqual(try short("hidden").paths, ["encoder.hidden", "decoder.hidden"])
    XCTAssertEqual(try short("hidden").default, .integers([400]))
    XCTAssertEqual(try short("latent").paths, ["prior.latent"])
    XCTAssertEqual(try short("latent").default, .integer(20))
    XCTAssertEqual(try short("beta").default, .number(1))
    // Convolutions have another one, and only some parts have these at all.
    XCTAssertNil(try short("activation").default)
    XCTAssertEqual(try short("sigma").paths, [])
    XCTAssertEqual(try short("importance_samples").paths, [])
    XCTAssertEqual(try short("importance_samples").declaration.default, .integer(5))
  }

  func testAllKeysThatCanBeSetAreListedOnce() throws {
    let keys = registry.validKeys(in: try recipe())
    XCTAssertEqual(Set(keys).count, keys.count)
    XCTAssertEqual(
      keys.prefix(15),
      [
        "architecture", "likelihood", "hidden", "latent", "activation", "beta", "warmup_epochs",
        "free_bits", "channels", "width", "encoder.name", "prior.name", "decoder.name",
        "likelihood.name", "objective.name",
      ])
    XCTAssertTrue(keys.contains("decoder.upsampling") && keys.contains("training.shards"))
    XCTAssertFalse(keys.contains("decoder.hidden") || keys.contains("sigma"))
  }

  func testTheLikelihoodThatDataDecideForIsTheVariantsForBytes() throws {
    func likelihood(
      _ range: ValueRange, _ rule: String, _ columns: [TableColumn] = [],
      _ variant: String = "custom"
    ) throws -> String {
      var data = DataDescription(height: 2, width: 3, channels: 1, range: range, rule: rule)
      if !columns.isEmpty { data.columns = TableColumns(columns) }
      return try recipe([], variant, data: data).part(.likelihood).name
    }
    XCTAssertEqual(try likelihood(.unit, "bytes/255"), "categorical")
    XCTAssertEqual(try likelihood(.unit, "bytes/255", [], "gaussian-vae"), "gaussian")
    XCTAssertEqual(try likelihood(.unit, "floats"), "gaussian")
    XCTAssertEqual(try likelihood(.real, "floats"), "gaussian")
    XCTAssertEqual(try likelihood(.binary, "bytes/255"), "bernoulli")
    let real = TableColumn(name: "a", kind: .real)
    XCTAssertEqual(try likelihood(.real, "table", [real]), "gaussian")
    XCTAssertEqual(
      try likelihood(.real, "table", [real, TableColumn(name: "b", kind: .count)]), "mixed")
    XCTAssertEqual(
      try likelihood(.real, "table", [TableColumn(name: "a", kind: .real, points: [0])]), "mixed")
  }

  func testAKeyOfAnotherPartIsSaidToBelongToIt() {
    func refusal(_ key: String, _ variant: String = "gaussian-vae") -> String {
      do {
        _ = try recipe([(key, "1")], variant)
        return "none"
      } catch {
        return "\(error)"
      }
    }
    XCTAssertEqual(
      refusal("encoder.channels"),
      "encoder.channels belongs to architecture conv or resnet; choose it with architecture=conv")
    XCTAssertEqual(
      refusal("importance_samples"),
      "importance_samples belongs to objective importance-weighted; choose it with objective.name=importance-weighted"
    )
    XCTAssertEqual(
      refusal("decoder.head"),
      "decoder.head belongs to decoder pixelcnn; choose it with decoder.name=pixelcnn")
    XCTAssertEqual(
      refusal("prior.ridge"),
      "prior.ridge belongs to prior fitted-mixture or fitted-class-mixture; choose it with prior.name=fitted-mixture"
    )
  }

  // MARK: What the data choose

  func testLimitsOfATrainingGrowWithTheNumbersOfAnExampleUnlessTheyAreSaid() throws {
    let data = DataDescription(height: 2, width: 3, channels: 4, range: .unit, rule: "floats")
    var open = try recipe(data: data)
    XCTAssertEqual(
      open.chooseTraining(examples: 1000, isTable: false).map(\.description),
      ["chosen for 24 numbers an example, as nobody has: clip_norm 6, skip_norm 48"])
    XCTAssertEqual(open.training["clip_norm"], .number(6))
    XCTAssertEqual(open.training["skip_norm"], .number(48))
    var said = try recipe([("training.clip_norm", "1")], data: data)
    _ = said.chooseTraining(examples: 1000, isTable: false)
    XCTAssertEqual(said.training["clip_norm"], .number(1))
    XCTAssertEqual(said.training["skip_norm"], .number(48))
  }

  func testWhatTheRowsOfATableChooseIsSaidWithWhatChoosesOtherwise() throws {
    var table = try recipe()
    // Of 100 rows 8 are a batch: 12 updates an epoch, and 5000 are wanted in 100 epochs at most.
    XCTAssertEqual(
      table.chooseTraining(examples: 100, isTable: true).map(\.description),
      [
        "chosen for 100 rows, as nobody has: batch_size 8, epochs 100; training.epochs and training.batch_size choose "
          + "others"
      ])
    var images = try recipe()
    XCTAssertEqual(
      images.chooseTraining(examples: 1, isTable: false).map(\.description),
      [
        "chosen for 1 training example, as nobody has: batch_size 1; training.epochs and training.batch_size choose "
          + "others"
      ])
    // 32 rows 16 times are enough for the variant's own batch; 40,000 make 1250 updates.
    var large = try recipe()
    _ = large.chooseTraining(examples: 40_000, isTable: true)
    XCTAssertEqual(large.training["batch_size"], .integer(32))
    XCTAssertEqual(large.training["epochs"], .integer(4))
    for (rows, size) in [(255, 8), (256, 16), (511, 16), (512, 32), (5000, 32), (6, 6)] {
      var recipe = try recipe()
      _ = recipe.chooseTraining(examples: rows, isTable: true)
      XCTAssertEqual(recipe.training["batch_size"], .integer(size), "\(rows)")
    }
    // A further stage has epochs of its own.
    let data = DataDescription(height: 2, width: 3, channels: 4, range: .unit, rule: "floats")
    var stage = try registry.recipe(ofStage: "flow", after: recipe(data: data), origin: "a")
    _ = stage.chooseTraining(examples: 100, isTable: true)
    XCTAssertEqual(stage.training["epochs"], .integer(100))
    var decoder = try registry.recipe(ofStage: "decoder", after: recipe(data: data), origin: "a")
    _ = decoder.chooseTraining(examples: 100, isTable: true)
    XCTAssertEqual(decoder.training["epochs"], .integer(3))
  }
}

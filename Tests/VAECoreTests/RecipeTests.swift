import GaussianVAE
import NeuralNetworks
import Tensors
import VAEFiles
import VAERecipes
import XCTest

final class RecipeTests: XCTestCase {
  private let binary = DataDescription(
    height: 28, width: 28, channels: 1, range: .binary, rule: "binary")
  private let unit = DataDescription(
    height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255")

  private var registry: Registry {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }

  private func recipe(
    _ settings: [(key: String, value: String)] = [], data: DataDescription? = nil
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = data
    try registry.apply(settings, to: &recipe)
    return recipe
  }

  private func assertInvalid(
    _ settings: [(key: String, value: String)], _ words: String..., line: UInt = #line
  ) {
    XCTAssertThrowsError(try recipe(settings, data: binary), line: line) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid, line: line)
      for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)", line: line) }
    }
  }

  func testBatchSizeAndEpochsSuitTheRowsOfATableUnlessSomebodyHasChosenThem() throws {
    func chosen(
      _ recipe: Recipe, _ examples: Int, isTable: Bool = true
    ) -> [HyperparameterValue] {
      var recipe = recipe
      let before = recipe.training
      let notice = recipe.chooseTraining(examples: examples, isTable: isTable)
      XCTAssertEqual(notice.isEmpty, recipe.training == before, "\(examples)")
      let training = recipe.training
      return [training["batch_size"], training["epochs"]]
    }
    let open = try recipe()
    for (rows, batch, epochs) in [
      (1, 1, 100), (5, 5, 100), (80, 8, 100), (569, 32, 100), (2048, 128, 100),
      (20_000, 128, 33), (64_000, 128, 10), (1_000_000, 128, 10),
    ] {
      XCTAssertEqual(chosen(open, rows), [.integer(batch), .integer(epochs)], "\(rows)")
    }
    XCTAssertEqual(chosen(open, 60_000, isTable: false), [.integer(128), .integer(10)])
    // Nobody has chosen a batch that there is not.
    XCTAssertEqual(chosen(open, 80, isTable: false), [.integer(80), .integer(10)])
    let said = try recipe([(key: "training.epochs", value: "10")])
    XCTAssertEqual(chosen(said, 569), [.integer(32), .integer(10)])
    let both = try recipe([
      (key: "training.batch_size", value: "128"), (key: "training.epochs", value: "3"),
    ])
    XCTAssertEqual(chosen(both, 80), [.integer(128), .integer(3)])
    // A recipe with all its values is one that somebody has made.
    let stored = try registry.recipe(parsing: Array(open.json.line.utf8), source: "r.json")
    XCTAssertEqual(chosen(stored, 569), [.integer(128), .integer(10)])
  }

  func testARecipeComesBackFromItsJSON() throws {
    let prepared = DataDescription(
      height: 8, width: 8, channels: 3, range: .unit, rule: "bytes/255",
      preparation: "size=8 crop")
    for (settings, data) in [
      ([], unit), ([], prepared),
      (
        [
          (key: "architecture", value: "conv"), (key: "likelihood", value: "gaussian"),
          (key: "sigma", value: "0.1"),
        ], unit
      ),
    ] {
      let recipe = try recipe(settings, data: data)
      let text = Array(recipe.json.document.utf8)
      let read = try registry.recipe(parsing: text, source: "r.json")
      XCTAssertEqual(read, recipe)
      XCTAssertEqual(read.json.document, recipe.json.document)
    }
  }

  func testShorthandsReachEveryPartTheyApplyToAndMirrorTheDecoder() throws {
    let made = try recipe(
      [
        (key: "hidden", value: "512,256"), (key: "latent", value: "7"),
        (key: "activation", value: "elu"),
        (key: "beta", value: "2.5"), (key: "training.epochs", value: "3"),
      ], data: binary)
    XCTAssertEqual(made.part(.encoder).values["hidden"], .integers([512, 256]))
    XCTAssertEqual(made.part(.decoder).values["hidden"], .integers([256, 512]))
    XCTAssertEqual(made.part(.prior).values["latent"], .integer(7))
    XCTAssertEqual(made.part(.decoder).values["activation"], .text("elu"))
    XCTAssertEqual(made.part(.objective).values["beta"], .number(2.5))
    XCTAssertEqual(TrainingOptions(made.training).epochs, 3)
  }

  func testListsMayStandInBracketsAsInJSON() throws {
    for (text, list) in [
      ("[512,256]", [512, 256]), ("[ 512, 256 ]", [512, 256]), ("[8]", [8]), ("[]", []), ("", []),
    ] {
      let made = try recipe([(key: "encoder.hidden", value: text)], data: binary)
      XCTAssertEqual(made.part(.encoder).values["hidden"], .integers(list), text)
    }
    for text in ["[8", "8]", "[[8]]", "[8],[9]", "[,]"] {
      assertInvalid([(key: "encoder.hidden", value: text)], "encoder.hidden", text)
    }
  }

  func testTheAutomaticLikelihoodFollowsTheData() throws {
    XCTAssertEqual(try recipe(data: binary).part(.likelihood).name, "bernoulli")
    XCTAssertEqual(try recipe(data: unit).part(.likelihood).name, "gaussian")
    XCTAssertEqual(try recipe().part(.likelihood).name, "auto")
  }

  func testBernoulliOnGreyDataIsRefusedWithTheRemedy() throws {
    let recipe = try recipe([(key: "likelihood", value: "bernoulli")], data: unit)
    XCTAssertThrowsError(try registry.model(recipe, seed: 0)) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData)
      XCTAssertTrue(
        "\(error)".contains("training.binarize=threshold") && "\(error)".contains("gaussian"),
        "\(error)")
    }
  }

  func testUnknownNamesAreRefusedNamingWhatMayBeMeant() {
    assertInvalid(
      [(key: "latnet", value: "3")],
      "there is no hyper-parameter latnet; did you mean latent? the description of gaussian-vae lists all"
    )
    assertInvalid([(key: "epochs", value: "3")], "did you mean training.epochs?")
    assertInvalid([(key: "momentun", value: "3")], "did you mean training.momentum?")
    assertInvalid([(key: "x", value: "3")], "there is no hyper-parameter x; the description")
    assertInvalid(
      [(key: "architecture", value: "cnn")], "architecture cannot be cnn", "mlp", "conv", "resnet")
    assertInvalid([(key: "likelihood", value: "poisson")], "bernoulli", "gaussian", "auto")
    assertInvalid(
      [(key: "sigma", value: "1")],
      "sigma belongs to likelihood gaussian, laplace, logistic, log-cosh or multiscale-gaussian; choose it with "
        + "likelihood=gaussian")
    XCTAssertThrowsError(try registry.recipe(for: "vae")) {
      XCTAssertTrue(
        "\($0)".contains("there is no variant vae; did you mean gaussian-vae?"), "\($0)")
    }
    XCTAssertThrowsError(try registry.recipe(for: "")) {
      XCTAssertTrue("\($0)".contains("there is no variant without a name;"), "\($0)")
    }
  }

  func testValuesOutOfRangeOrOfTheWrongTypeAreRefusedWithWhatIsAllowed() {
    assertInvalid([(key: "latent", value: "0")], "latent cannot be 0", "integer", "1…65536")
    assertInvalid([(key: "latent", value: "2.5")], "latent cannot be 2.5")
    assertInvalid([(key: "hidden", value: "3,x")], "hidden cannot be 3,x", "list of integers")
    assertInvalid([(key: "beta", value: "-1")], "beta cannot be -1")
    assertInvalid([(key: "beta", value: "nan")], "beta cannot be nan")
    assertInvalid([(key: "training.drop_last", value: "yes")], "true, false")
  }

  func testAbsurdSizesAreRefusedBeforeAnythingIsAllocated() throws {
    for settings in [
      [(key: "hidden", value: "65536,65536")],
      [(key: "architecture", value: "conv"), (key: "channels", value: "4096,4096,4096")],
    ] {
      let before = MemoryPool.shared.statistics.systemAllocations
      XCTAssertThrowsError(try registry.model(recipe(settings, data: binary), seed: 0)) {
        XCTAssertTrue("\($0)".contains("beyond the limit"), "\($0)")
      }
      XCTAssertEqual(MemoryPool.shared.statistics.systemAllocations, before)
    }
  }

  func testWhereRecipesDifferEveryValueIsSaid() {
    let values: [(JSON?, JSON?, String)] = [
      (.text("a"), .text(""), "x a, not empty"), (.integer(4), .integer(5), "x 4, not 5"),
      (nil, .text("b"), "x unset, not b"),
    ]
    for (old, new, words) in values {
      XCTAssertEqual(Recipe.differences(old, new, path: "x"), [words])
    }
    XCTAssertEqual(Recipe.differences(.text("a"), .text("a"), path: "x"), [])
  }

  func testMalformedRecipesAreErrorsAndNoCrash() {
    let texts = [
      "", "[]", "{", "{\"format\": 2, \"variant\": \"gaussian-vae\"}", "{\"format\": 1}",
      "{\"format\": 1, \"variant\": 3}", String(repeating: "[", count: 100_000),
      String(repeating: "{\"a\":", count: 100_000),
      "{\"format\": 1, \"variant\": \"gaussian-vae\", \"encoder\": [1]}",
      "{\"format\": 1, \"variant\": \"gaussian-vae\", \"data\": {\"height\": -1}}",
    ]
    for text in texts {
      XCTAssertThrowsError(try registry.recipe(parsing: Array(text.utf8), source: "r.json"), text) {
        XCTAssertTrue("\($0)".contains("r.json"), "\($0)")
      }
    }
  }

  func testPathsOfWeightsAreTheNamesThatCheckpointsPromise() throws {
    let model = try registry.model(recipe(data: binary), seed: 0)
    XCTAssertEqual(
      model.parameters.map(\.path),
      [
        "encoder.layers.0.weights", "encoder.layers.0.bias", "encoder.head.weights",
        "encoder.head.bias", "decoder.layers.0.weights", "decoder.layers.0.bias",
        "decoder.head.weights", "decoder.head.bias",
      ])
    XCTAssertEqual(
      model.parameterCount, 784 * 400 + 400 + 400 * 40 + 40 + 20 * 400 + 400 + 400 * 784 + 784)
  }

  func testWeightsFollowTheSeed() throws {
    func weights(_ seed: Int) throws -> [Float] {
      try registry.model(recipe(data: unit), seed: seed).parameters[0].parameter.value.floats
    }
    XCTAssertEqual(try weights(1), try weights(1))
    XCTAssertNotEqual(try weights(1), try weights(2))
  }
}

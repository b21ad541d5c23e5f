import GaussianVAE
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// The stages that all variants share, and what becomes of a recipe that has one more.
final class FurtherStageTests: XCTestCase {
  private var registry: Registry {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }

  private func first(_ settings: [(key: String, value: String)] = []) throws -> Recipe {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 4, width: 5, channels: 1, range: .binary, rule: "binary")
    try registry.apply(
      [
        ("latent", "7"), ("training.epochs", "33"), ("training.learning_rate", "0.5"),
        ("training.schedule", "cosine"), ("training.average_decay", "0.75"),
        ("training.patience", "2"), ("training.batch_size", "9"),
      ] + settings, to: &recipe)
    return recipe
  }

  func testAStageHasThePriorTheTrainingAndThePathsThatAreItsOwn() throws {
    let before = try first()
    for (name, prior, changes) in [
      ("mixture", "fitted-mixture", ["epochs": .integer(1), "average_decay": .number(0)]),
      (
        "class-mixture", "fitted-class-mixture",
        ["epochs": .integer(1), "average_decay": .number(0)]
      ),
      (
        "flow", "flow",
        [
          "epochs": .integer(100), "patience": .integer(5), "learning_rate": .number(0.001),
          "schedule": .text("constant"), "holdout": .number(0.1),
        ]
      ),
      (
        "two-stage", "second-stage",
        [
          "epochs": .integer(200), "patience": .integer(10), "learning_rate": .number(0.0005),
          "schedule": .text("constant"), "holdout": .number(0.1),
        ]
      ),
    ] as [(String, String, [String: HyperparameterValue])] {
      let next = try registry.recipe(ofStage: name, after: before, origin: "runs/a")
      XCTAssertEqual(next.part(.prior).name, prior)
      XCTAssertEqual(next.part(.prior).values["latent"], .integer(7), name)
      for role in Role.allCases where role != .prior {
        XCTAssertEqual(next.part(role), before.part(role), name)
      }
      for declaration in TrainingOptions.hyperparameters {
        XCTAssertEqual(
          next.training[declaration.name],
          changes[declaration.name] ?? before.training[declaration.name],
          "\(name): \(declaration.name)")
      }
      XCTAssertEqual(next.stages.count, 2)
      XCTAssertEqual(next.stages[0], .whole)
      XCTAssertEqual(
        next.stage,
        Stage(name: name, trains: ["prior."], data: .latents, origin: "runs/a", goesOn: false))
    }
  }

  func testAStageOfTheDecoderTrainsWhatMakesImagesAndGoesOn() throws {
    let before = try first()
    let next = try registry.recipe(ofStage: "decoder", after: before, origin: "runs/a")
    XCTAssertEqual(next.parts, before.parts)
    XCTAssertEqual(next.training, before.training)
    XCTAssertEqual(
      next.stage,
      Stage(
        name: "decoder", trains: ["decoder.", "likelihood.", "objective."], data: .images,
        origin: "runs/a", goesOn: true))
    let paths = ["encoder.a", "prior.a", "decoder.a", "likelihood.a", "objective.a"]
    XCTAssertEqual(paths.map(next.stage.includes), [false, false, true, true, true])
    XCTAssertEqual(paths.map(Stage.whole.includes), [true, true, true, true, true])
  }

  func testExamplesThatWereHeldOutStayAsManyInALaterStage() throws {
    let before = try first([("training.holdout", "0.25")])
    let next = try registry.recipe(ofStage: "flow", after: before, origin: "a")
    XCTAssertEqual(TrainingOptions(next.training).holdout, 0.25)
  }

  func testALaterStageKeepsWhatItsPartSharesWithTheFormerOne() throws {
    var mixture = try registry.recipe(ofStage: "mixture", after: first(), origin: "a")
    try registry.apply(
      [("prior.components", "3"), ("prior.ridge", "0.5")], to: &mixture)
    let classes = try registry.recipe(ofStage: "class-mixture", after: mixture, origin: "b")
    XCTAssertEqual(classes.part(.prior).values["components"], .integer(3))
    XCTAssertEqual(classes.part(.prior).values["ridge"], .number(0.5))
    XCTAssertEqual(classes.stages.map(\.name), ["model", "mixture", "class-mixture"])
    XCTAssertEqual(classes.stages.map(\.origin), [nil, "a", "b"])
    let flow = try registry.recipe(ofStage: "flow", after: mixture, origin: "b")
    XCTAssertEqual(flow.part(.prior).values["latent"], .integer(7))
    XCTAssertEqual(flow.part(.prior).values["flow_steps"], .integer(4))
  }

  func testStagesOfLatentsThatTheyAreNotForAreRefusedAndNotListed() throws {
    let registry = registry
    let variant = try registry.variant("gaussian-vae")
    func names(_ latents: LatentSpace) -> [String] {
      registry.furtherStages(of: variant, latents: latents).map(\.name)
    }
    XCTAssertEqual(
      names(.units(3)), ["mixture", "class-mixture", "flow", "two-stage", "decoder"])
    XCTAssertEqual(names(.map(LatentMap(height: 1, width: 2, channels: 3))), ["decoder"])
    XCTAssertEqual(names(.hierarchy([[2], [3]])), ["decoder"])
    XCTAssertEqual(names(.none), [])
    var map = try registry.recipe(for: "gaussian-vae")
    map.data = try first().data
    try registry.apply([("prior.name", "standard-normal-map")], to: &map)
    XCTAssertThrowsError(try registry.recipe(ofStage: "flow", after: map, origin: "a")) {
      XCTAssertTrue(
        "\($0)".contains(
          "stage flow is for one layer of real units, but the prior standard-normal-map of this model has a map of "
        ),
        "\($0)")
    }
    XCTAssertThrowsError(try registry.recipe(ofStage: "flaw", after: first(), origin: "a")) {
      XCTAssertTrue(
        "\($0)".contains(
          "gaussian-vae has no stage flaw; there are: mixture, class-mixture, flow, two-stage, decoder"
        ),
        "\($0)")
    }
  }

  func testStagesComeBackFromTheRecipeAndNonsenseIsRefused() throws {
    let registry = registry
    let mixture = try registry.recipe(ofStage: "mixture", after: first(), origin: "runs/a")
    let next = try registry.recipe(ofStage: "decoder", after: mixture, origin: "runs/b")
    let read = try registry.recipe(parsing: Array(next.json.line.utf8), source: "r.json")
    XCTAssertEqual(read.stages, next.stages)
    XCTAssertEqual(
      next.stage.json.line,
      #"{"name": "decoder", "trains": ["decoder.", "likelihood.", "objective."], "data": "images", "#
        + #""origin": "runs/b", "goes_on": true}"#)
    XCTAssertEqual(
      Stage.whole.json.line, #"{"name": "model", "trains": [], "data": "images"}"#)
    for stages in [
      "[]", "3", #"[{"name": "a", "trains": [], "data": "videos"}]"#,
      #"[{"name": "a", "trains": [3], "data": "images"}]"#,
      #"[{"name": "a", "trains": [], "data": "images", "goes_on": 1}]"#,
    ] {
      let text = #"{"format": 1, "variant": "gaussian-vae", "stages": \#(stages)}"#
      XCTAssertThrowsError(try registry.recipe(parsing: Array(text.utf8), source: "r.json"), stages)
    }
  }

  func testOnlyAWholeModelBeginsWithTheWeightsOfAnother() throws {
    var whole = try first()
    XCTAssertNoThrow(try whole.checkTakesWeights())
    whole.begin(withWeightsOf: "model.safetensors")
    XCTAssertEqual(whole.stages.map(\.origin), ["model.safetensors"])
    XCTAssertEqual(whole.stage.name, "model")
    var stage = try registry.recipe(ofStage: "flow", after: whole, origin: "runs/a")
    stage.begin(withWeightsOf: "other.safetensors")
    XCTAssertEqual(stage.stages.map(\.origin), ["model.safetensors", "runs/a"])
    XCTAssertThrowsError(try stage.checkTakesWeights()) {
      XCTAssertEqual(
        "\($0)",
        "stage flow begins with the weights of the run that it follows, and with no others")
    }
  }

  // MARK: Sizes of other weights

  private struct Other: Variant {
    let name = "other"
    let summary = ""
    let reference = ""
    var composition: Composition {
      Composition(
        encoder: Composition.Choice("conv", ["channels": .integers([9])]),
        prior: "standard-normal", decoder: "mlp", objective: "importance-weighted")
    }
  }

  func testARecipeForWeightsHasTheirSizesUnlessSomebodySaysOthers() throws {
    var registry = registry
    registry.register(Other())
    let other = try first([("hidden", "11,12"), ("beta", "3")])
    var recipe = try registry.recipe(for: "other")
    recipe.data = other.data
    try registry.apply([], to: &recipe)
    let sized = try registry.withSizes(
      of: other, recipe, settings: [("decoder.activation", "tanh")])
    // Networks for one layer of units suit both variants; what the training is for stays that of the recipe.
    XCTAssertEqual(sized.part(.encoder).name, "mlp")
    XCTAssertEqual(sized.part(.encoder).values["hidden"], .integers([11, 12]))
    XCTAssertEqual(sized.part(.prior).values["latent"], .integer(7))
    XCTAssertEqual(sized.part(.decoder).values["hidden"], .integers([12, 11]))
    XCTAssertEqual(sized.part(.decoder).values["activation"], .text("tanh"))
    XCTAssertEqual(sized.part(.likelihood).name, "bernoulli")
    XCTAssertEqual(sized.part(.objective).name, "importance-weighted")
    XCTAssertEqual(sized.variant, "other")
    XCTAssertEqual(sized.training, recipe.training)
  }

  func testAVariantIsCalledByItsTypeInPrograms() {
    struct SparseVAEVariant: Variant {
      let name = "sparse"
      let summary = ""
      let reference = ""
      var composition: Composition {
        Composition(encoder: "mlp", prior: "standard-normal", decoder: "mlp")
      }
    }
    XCTAssertEqual(SparseVAEVariant().className, "SparseVAE")
    XCTAssertEqual(Other().className, "Other")
    XCTAssertEqual(GaussianVAEVariant().className, "GaussianVAE")
  }
}

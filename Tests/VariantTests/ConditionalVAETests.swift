import ConditionalVAE
import Foundation
import VAEZoo
import XCTest

/// The conditional variational autoencoder against the unconditional one, and its own limits.
final class ConditionalVAETests: XCTestCase {
  private let registry = SmallModels.registry

  private func model(
    _ variant: String = "conditional-vae", data: DataSource,
    _ settings: [(key: String, value: String)] = [], seed: Int = 3
  ) throws -> Model {
    try registry.model(SmallModels.recipe(variant, data: data, settings), seed: seed)
  }

  private func parameters(_ model: Model) -> [String: Parameter] {
    Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter) })
  }

  /// The weights of the unconditional model in the conditional one, with zeros for the condition.
  private func copyWeights(of plain: Model, to told: Model) throws {
    let width = SmallModels.condition.width
    let own = parameters(told)
    for (path, parameter) in plain.parameters {
      let name = path.replacingOccurrences(of: "encoder.", with: "encoder.network.")
        .replacingOccurrences(of: "decoder.", with: "decoder.network.")
      let target = try XCTUnwrap(own[path] ?? own[name], path)
      guard target.shape != parameter.shape else {
        target.value = parameter.value.copied()
        continue
      }
      XCTAssertEqual(target.shape[0], parameter.shape[0] + width, path)
      target.value = .concatenated(
        [parameter.value, .zeros([width, parameter.shape[1]])], axis: 0)
    }
  }

  func testWhereTheWeightsOfTheConditionAreZeroItIsTheUnconditionalModel() throws {
    let data = SmallModels.data()
    let plain = try SmallModels.trained(
      SmallModels.recipe("gaussian-vae", data: data), data: data, epochs: 3)
    let x = Examples(data.train).batch(Array(0..<8), SmallModels.context(8))
    for prior in ["standard-normal", "conditional-normal"] {
      let told = try model(data: data, [(key: "prior.name", value: prior)])
      try copyWeights(of: plain, to: told)
      var request = DrawRequest()
      request.samples = 2
      let (a, b) = withoutTape {
        (
          plain.evaluate(x, request, SmallModels.context(8)),
          told.evaluate(x, request, SmallModels.context(8))
        )
      }
      for (first, second) in [(a.rate, b.rate), (a.distortion, b.distortion)] {
        for (p, q) in zip(first.floats, second.floats) { XCTAssertEqual(p, q, accuracy: 2e-4) }
      }
    }
  }

  func testTheRateGoesToZeroWhereTheConditionSaysAllThereIsToSay() throws {
    // Three images, each the only one of its class.
    struct ClassStore: ExampleStore {
      let count = 96
      let shape = ImageShape(height: 4, width: 4, channels: 1)
      func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
        for (row, index) in indices.enumerated() {
          for pixel in 0..<16 { destination[row * 16 + pixel] = pixel % 3 == index % 3 ? 1 : 0 }
        }
      }
    }
    let split = DataSplit(
      name: "train", store: ClassStore(), labels: (0..<96).map { Int32($0 % 3) })
    let data = DataSource(
      name: "classes", valueRange: .binary, rule: "binary", isDiscrete: true, train: split)
    var rates: [String: Double] = [:]
    for variant in ["gaussian-vae", "conditional-vae"] {
      let model = try model(variant, data: data)
      let trainer = try Trainer(
        model: model, data: data, options: SmallModels.options(epochs: 250, batchSize: 32))
      _ = try trainer.train()
      let result = try XCTUnwrap(
        Evaluator(
          model: model, examples: Examples(split, condition: model.condition), seed: 1
        ).run())
      rates[variant] = result.rate.mean
      XCTAssertLessThan(result.distortion.mean, 0.5, variant)
    }
    XCTAssertLessThan(try XCTUnwrap(rates["conditional-vae"]), 0.05)
    // Without it, which of the three it is has to be said: log 3.
    XCTAssertGreaterThan(try XCTUnwrap(rates["gaussian-vae"]), 0.9)
  }

  func testGradientsAreThoseOfFiniteDifferences() throws {
    let data = SmallModels.data()
    let model = try model(data: data, [(key: "prior.name", value: "conditional-normal")])
    let x = Examples(data.train).batch(Array(0..<6), SmallModels.context(6))
    for (number, (_, parameter)) in model.parameters.enumerated() {
      // The prior begins at zero, where its deviations would not be tried.
      parameter.value =
        parameter.value
        + RandomSource(seed: UInt64(number)).stream("test").uniform(parameter.shape)
        .scaled(by: 0.2, shift: -0.1)
    }
    try assertGradientsAreSlopes(of: model, step: 0.002, accuracy: 0.02) {
      let context = SmallModels.context(6, .training)
      let evaluation = model.evaluate(x, DrawRequest(), context)
      return model.objective.phases[0].loss(ForwardPass(model, evaluation, context)).value
    }
  }

  func testThePriorOfAClassIsAGaussianWithAClosedDivergence() throws {
    let prior = ConditionalNormalPrior(units: 2, conditionWidth: 3, random: RandomSource(seed: 1))
    let head = parametersOf(prior)
    // Class by class: means, then log-variances.
    head["head.weights"]?.value = Tensor(
      [1, -2, 0.5, 0, 0, 3, 0, -1, 2, 2, 1, 1], shape: [3, 4])
    let space = SmallModels.condition
    var context = SmallModels.context(2)
    context.condition = space.rows(labels: [0, 1])
    let q = DiagonalGaussian(
      mean: Tensor([0.5, 0.5, 1, 1], shape: [2, 2]),
      logVariance: Tensor([0, 0.2, -0.3, 0], shape: [2, 2]))
    let found = try XCTUnwrap(prior.divergence(of: q, context)).perExample.floats
    func divergence(_ m: Double, _ l: Double, _ mean: Double, _ log: Double) -> Double {
      0.5 * (log - l + (exp(l) + (m - mean) * (m - mean)) / exp(log) - 1)
    }
    let expected = [
      divergence(0.5, 0, 1, 0.5) + divergence(0.5, 0.2, -2, 0),
      divergence(1, -0.3, 0, 0) + divergence(1, 0, 3, -1),
    ]
    for (a, b) in zip(found, expected) { XCTAssertEqual(Double(a), b, accuracy: 1e-5 * abs(b)) }
    let units = try XCTUnwrap(prior.divergence(of: q, context)?.perUnit).sum(axis: 1).floats
    for (a, b) in zip(units, found) { XCTAssertEqual(a, b, accuracy: 1e-4) }
    // Noise and draws are each other's inverse, and the density is that of the draw.
    let noise = [Tensor([0.3, -1, 2, 0.1], shape: [2, 2])]
    let z = prior.draw(noise: noise, context).layers.map(\.sample)
    for (a, b) in zip(prior.noise(of: z, context)[0].floats, noise[0].floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    let density = prior.logDensity(of: z[0], context).floats
    let logs = [0.5 + 0, 0 - 1.0]
    for (row, value) in density.enumerated() {
      let squares = noise[0].floats[2 * row..<2 * row + 2].reduce(0) { $0 + Double($1 * $1) }
      XCTAssertEqual(
        Double(value), -0.5 * (squares + logs[row]) - log(2 * .pi), accuracy: 1e-5)
    }
  }

  func testADrawOfThePriorIsThatOfTheConditionOfItsExample() throws {
    let prior = ConditionalNormalPrior(units: 2, conditionWidth: 3, random: RandomSource(seed: 1))
    var context = SmallModels.context(2)
    context.condition = SmallModels.condition.rows(labels: [2, 0])
    let noise = Tensor([1, -1, 0.5, 2, 0, 3, -2, 1], shape: [4, 2])
    // It begins as the standard normal, whatever the condition.
    XCTAssertEqual(prior.draw(noise: [noise], context).layers[0].sample.floats, noise.floats)
    let head = parametersOf(prior)
    head["head.weights"]?.value = Tensor(
      [1, -2, 0, 2, 9, 9, 9, 9, 10, 20, 2 * log(3), 0], shape: [3, 4])
    head["head.bias"]?.value = Tensor([0, 0, 0, 0.5])
    // Row k · N + n: label 2 has means of 10 and 20 and deviations of 3 and e^¼, label 0 of 1 and −2, 1 and e^(5/4).
    let (low, high) = (exp(Float(0.25)), exp(Float(1.25)))
    let expected: [Float] = [
      13, 20 - low, 1.5, -2 + 2 * high, 10, 20 + 3 * low, -1, -2 + high,
    ]
    let draw = prior.draw(noise: [noise], context)
    XCTAssertEqual(draw.rowCount, 4)
    for (a, b) in zip(draw.layers[0].sample.floats, expected) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    for (a, b) in zip(prior.noise(of: [draw.layers[0].sample], context)[0].floats, noise.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-5)
    }
    let still = prior.draw(temperature: 0, context).layers[0].sample.floats
    XCTAssertEqual(still, [10, 20, 1, -2])
  }

  /// A grid of codes is told the condition in the vector of each place by convolutions, and once by perceptrons.
  func testADecoderOfCodesHasRoomForTheCondition() throws {
    let data = SmallModels.data(height: 4, width: 6, isBinary: false)
    for (name, size, inputs) in [
      ("conditional-conv", "decoder.channels", 4 + 3),
      ("conditional-mlp", "decoder.hidden", 24 + 3),
    ] {
      let model = try model(
        "vq-vae", data: data,
        [
          (key: "decoder.name", value: name), (key: "levels", value: "1"),
          (key: size, value: "5"),
        ])
      let weights = try XCTUnwrap(
        model.decoder.parameters.first { $0.path.hasSuffix("weights") }
      ).parameter
      XCTAssertTrue(weights.shape.dimensions.contains(inputs), "\(name): \(weights.shape)")
    }
  }

  private func parametersOf(_ module: any Module) -> [String: Parameter] {
    Dictionary(uniqueKeysWithValues: module.parameters.map { ($0.path, $0.parameter) })
  }

  func testDrawsOfAnExampleAreToldItsOwnCondition() throws {
    // Row k · N + n belongs to example n, also with several draws.
    let data = SmallModels.data()
    let model = try model(data: data)
    let x = Examples(data.train).batch([0, 1], SmallModels.context(2))
    var request = DrawRequest()
    request.samples = 3
    let both = withoutTape { model.evaluate(x, request, SmallModels.context(2)) }
    var context = SmallModels.context(2)
    context.examples = [1]
    context.condition = SmallModels.condition.rows(labels: [1])
    let second = withoutTape { model.evaluate(x.rows(1..<2), request, context) }
    for draw in 0..<3 {
      XCTAssertEqual(
        both.distortion.floats[2 * draw + 1], second.distortion.floats[draw], accuracy: 1e-4)
    }
  }

  func testEveryArchitectureIsTold() throws {
    let data = SmallModels.data()
    for name in ["mlp", "conv", "resnet"] {
      var recipe = try registry.recipe(for: "conditional-vae")
      recipe.data = try data.description(binarization: .none)
      try registry.apply([(key: "architecture", value: name)], to: &recipe)
      try SmallModels.shrink(&recipe)
      let condition = try data.condition(of: recipe, isTold: true, known: nil)
      recipe.data?.condition = condition
      let model = try registry.model(recipe, seed: 1)
      var context = SmallModels.context(3)
      let first = model.sample(context).floats
      context.condition = SmallModels.condition.rows(labels: [2, 0, 1])
      XCTAssertNotEqual(model.sample(context).floats, first, name)
    }
  }

  // MARK: What is refused

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was refused"
    } catch {
      return "\(error)"
    }
  }

  func testWhatIsNotToldIsRefusedByName() throws {
    let data = SmallModels.data()
    var recipe = try SmallModels.recipe("conditional-vae", data: data)
    recipe.data?.condition = nil
    XCTAssertTrue(
      message { _ = try registry.model(recipe, seed: 1) }.contains("encoder conditional-mlp"))
    var plain = try SmallModels.recipe("gaussian-vae", data: data)
    plain.data?.condition = SmallModels.condition
    XCTAssertTrue(
      message { _ = try registry.model(plain, seed: 1) }.contains("none of encoder mlp"))
    let unlabelled = DataSource(
      name: "bare", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(name: "train", store: data.train.store))
    XCTAssertTrue(
      message { _ = try unlabelled.condition(of: recipe, isTold: true, known: nil) }.contains(
        "bare has neither labels"))
    let model = try model(data: data)
    let refusal = message {
      _ = try Trainer(model: model, data: unlabelled, options: SmallModels.options())
    }
    XCTAssertTrue(refusal.contains("a label of 3 classes"), refusal)
    let outside = DataSource(
      name: "wide", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(
        name: "train", store: data.train.store,
        labels: (0..<Int32(data.train.count)).map { $0 % 4 }))
    let other = message {
      _ = try Trainer(model: model, data: outside, options: SmallModels.options())
    }
    XCTAssertTrue(other.contains("label 3 is not in 0…2"), other)
    let below = DataSource(
      name: "below", valueRange: .binary, rule: "binary", isDiscrete: true,
      train: DataSplit(
        name: "train", store: data.train.store,
        labels: [Int32](repeating: -1, count: data.train.count)))
    XCTAssertTrue(message { _ = try below.conditionSpace() }.contains("label -1"))
  }

  func testASampleIsAskedForByNumberOrName() throws {
    let data = SmallModels.data()
    var recipe = try SmallModels.recipe("conditional-vae", data: data)
    recipe.data?.condition = ConditionSpace(classes: 3, names: ["cat", "dog", "owl"])
    let trained = TrainedModel(
      model: try registry.model(recipe, seed: 1), recipe: recipe, source: "the model")
    let dog = try trained.condition(parsing: "label=dog")
    XCTAssertEqual(dog.floats, [0, 1, 0])
    XCTAssertEqual(try trained.condition(parsing: "label=1").floats, dog.floats)
    // Where names are numbers, a number is a name.
    recipe.data?.condition = ConditionSpace(classes: 3, names: ["3", "7", "a,b"])
    let digits = TrainedModel(
      model: try registry.model(recipe, seed: 1), recipe: recipe, source: "digits")
    XCTAssertEqual(try digits.condition(parsing: "label=7").floats, [0, 1, 0])
    XCTAssertEqual(try digits.condition(parsing: "label=a,b").floats, [0, 0, 1])
    XCTAssertTrue(
      message { _ = try digits.condition(parsing: "label=0") }.contains("no class 0"))
    XCTAssertEqual(
      try trained.sample(count: 2, seed: 5, condition: dog).floats,
      try trained.sample(
        count: 2, seed: 5, condition: SmallModels.condition.rows(labels: [1, 1])
      ).floats)
    // Without a condition the classes come in turn.
    let turn = SmallModels.condition.rows(labels: [0, 1, 2, 0])
    XCTAssertEqual(
      try trained.sample(count: 4, seed: 5).floats,
      try trained.sample(count: 4, seed: 5, condition: turn).floats)
    for (text, reason) in [
      ("label=3", "3 is not in 0…2"), ("label=cow", "no class"), ("attributes=1", "attributes"),
      ("label=0.5,1", "not a label of 3 classes"), ("label=", "no class"),
    ] {
      let found = message { _ = try trained.condition(parsing: text) }
      XCTAssertTrue(found.contains(reason), found)
      XCTAssertFalse(found.contains("\n"), found)
    }
    XCTAssertTrue(
      message { _ = try trained.decode([.zeros([2, 2])]) }.contains("of which nothing is given"))
    XCTAssertTrue(
      message { _ = try trained.sample(count: 3, condition: .zeros([2, 3])) }
        .contains("has the shape [2, 3]"))
    let plain = TrainedModel(
      model: try model("gaussian-vae", data: data),
      recipe: try SmallModels.recipe("gaussian-vae", data: data), source: "plain")
    XCTAssertTrue(
      message { _ = try plain.condition(parsing: "label=1") }.contains("told no condition"))
    XCTAssertTrue(
      message { _ = try plain.sample(count: 1, condition: dog) }.contains("told no condition"))
  }

  func testClassesAreToldByTheirNamesWhateverTheirNumbers() throws {
    let store = SmallModels.data().train.store
    let split = DataSplit(
      name: "test", store: store, labels: (0..<Int32(store.count)).map { $0 % 2 },
      classes: ["owl", "cat"])
    let space = ConditionSpace(classes: 3, names: ["cat", "dog", "owl"])
    XCTAssertEqual(try KnownConditions(of: split, space).rows([0, 1]).floats, [0, 0, 1, 1, 0, 0])
    let other = DataSplit(
      name: "test", store: store, labels: split.labels, classes: ["owl", "cow"])
    XCTAssertTrue(message { _ = try KnownConditions(of: other, space) }.contains("class cow"))
  }

  func testAClassWithoutANameIsCalledByItsNumberOnEitherSide() throws {
    let store = SmallModels.data().train.store
    func split(_ labels: [Int32], _ classes: [String] = []) -> DataSplit {
      DataSplit(
        name: "test", store: store, labels: (0..<store.count).map { labels[$0 % labels.count] },
        classes: classes)
    }
    // Names that say no more than the numbers are none.
    XCTAssertEqual(ConditionSpace(classes: 3, names: ["0", "1", "2"]), ConditionSpace(classes: 3))
    // A model with names, data without: label 7 is the class "7".
    let named = ConditionSpace(classes: 2, names: ["3", "7"])
    XCTAssertEqual(
      try KnownConditions(of: split([7, 3]), named).rows([0, 1]).floats, [0, 1, 1, 0])
    // The reverse: the class "2" of a folder is label 2.
    let bare = ConditionSpace(classes: 3)
    XCTAssertEqual(
      try KnownConditions(of: split([0, 1], ["2", "0"]), bare).rows([0, 1]).floats,
      [0, 0, 1, 1, 0, 0])
    for (split, space, words) in [
      (split([0, 1]), named, ["class 0 and 1", "(3, 7)"]),
      (split([0, 1], ["cat", "2"]), bare, ["class cat", "a label of 3 classes"]),
      (split([0, 3]), bare, ["label 3 is not in 0…2"]),
      (split([0, -1]), named, ["class 0 and -1"]),
    ] {
      let found = message { _ = try KnownConditions(of: split, space) }
      for word in words { XCTAssertTrue(found.contains(word), found) }
      XCTAssertFalse(found.contains("\n"), found)
    }
    XCTAssertTrue(
      message {
        _ = try DataSource(
          name: "folder", valueRange: .binary, rule: "binary", isDiscrete: true,
          train: split([0, 1], ["cat", "cat"])
        ).conditionSpace()
      }.contains(
        "the name cat twice"))
  }

  func testARecipeWithNamesThatCannotBeIsRefused() throws {
    var recipe = try SmallModels.recipe("conditional-vae", data: SmallModels.data())
    recipe.data?.condition = ConditionSpace(classes: 3, names: ["a", "b", "c"])
    for (names, words) in [("\"a\",\"a\",\"c\"", "twice"), ("\"a\",\"\",\"c\"", "empty name")] {
      let text = recipe.json.line.replacing("\"a\", \"b\", \"c\"", with: names)
      XCTAssertTrue(
        message { _ = try registry.recipe(parsing: Array(text.utf8), source: "r") }.contains(words))
    }
  }

  func testARowOfALabelIsSharesOfItsClasses() throws {
    let space = ConditionSpace(classes: 2)
    XCTAssertNil(space.misfit(row: [0.25, 0.75]))
    for row in [[0, 0], [0.5, 0.6], [1.5, -0.5], [2, 0]] as [[Float]] {
      XCTAssertNotNil(space.misfit(row: row), "\(row)")
    }
    let store = SmallModels.data().train.store
    let table = try ConditionTable(
      name: "test_conditions", kind: .vector, width: 2,
      values: (0..<store.count).flatMap { $0 == 1 ? [0.5, 0.6] : [1, 0] as [Float] })
    let found = message {
      _ = try KnownConditions(of: DataSplit(name: "test", store: store, conditions: table), space)
    }
    XCTAssertTrue(found.contains("test_conditions says of example 1"), found)
  }

  func testAVariantOfConditionsWithoutAPartThatIsToldIsRefused() throws {
    let data = SmallModels.data()
    var recipe = try SmallModels.recipe("conditional-vae", data: data)
    recipe.data?.condition = nil
    try registry.apply(
      [(key: "encoder.name", value: "mlp"), (key: "decoder.name", value: "mlp")], to: &recipe)
    let found = message { _ = try registry.model(recipe, seed: 1) }
    XCTAssertTrue(found.contains("none of encoder mlp, prior"), found)
    XCTAssertTrue(found.contains("encoder.name=conditional-mlp"), found)
    try registry.apply([(key: "encoder.name", value: "conditional-mlp")], to: &recipe)
    recipe.data?.condition = SmallModels.condition
    let notice = try XCTUnwrap(registry.conditionNotice(of: recipe)).description
    XCTAssertTrue(notice.contains("the same for every y"), notice)
    try registry.apply([(key: "decoder.name", value: "conditional-mlp")], to: &recipe)
    XCTAssertNil(registry.conditionNotice(of: recipe))
  }

  func testWeightsOfAnotherModelKeepTheirClasses() throws {
    func trained(_ names: [String]) throws -> TrainedModel {
      var recipe = try SmallModels.recipe("conditional-vae", data: SmallModels.data())
      recipe.data?.condition = ConditionSpace(classes: 3, names: names)
      return TrainedModel(
        model: try registry.model(recipe, seed: 1), recipe: recipe, source: "the model")
    }
    let first = try trained(["a", "b", "c"])
    XCTAssertNoThrow(try trained(["a", "b", "c"]).withWeights(of: first, as: "other"))
    let found = message { _ = try trained(["a", "c", "b"]).withWeights(of: first, as: "other") }
    XCTAssertTrue(found.contains("(a, b, c)") && found.contains("(a, c, b)"), found)
  }

  func testAWayIsToldOneConditionWhereItIsGiven() throws {
    let data = SmallModels.data()
    let trained = TrainedModel(
      model: try model(data: data), recipe: try SmallModels.recipe("conditional-vae", data: data),
      source: "the model")
    func way(_ condition: Tensor?) throws -> Tensor {
      try trained.interpolate(
        data.train, pairs: [(0, 1)], path: .linear, steps: 3, condition: condition)[0].images
    }
    let two = SmallModels.condition.rows(labels: [2])
    XCTAssertNotEqual(try way(two).floats, try way(nil).floats)
    XCTAssertTrue(message { _ = try way(.zeros([1, 4])) }.contains("has the shape [1, 4]"))
  }

  func testAttributesAndVectorsAreToldAsTheyAre() throws {
    let store = SmallModels.data().train.store
    for kind in [ConditionSpace.Kind.attributes, .vector] {
      let values = (0..<store.count * 2).map { Float($0 % 3 == 0 ? 1 : 0) }
      let table = try ConditionTable(name: "train", kind: kind, width: 2, values: values)
      let data = DataSource(
        name: "table", valueRange: .binary, rule: "binary", isDiscrete: true,
        train: DataSplit(name: "train", store: store, conditions: table))
      var recipe = try SmallModels.recipe("conditional-vae", data: data)
      let condition = try data.condition(of: recipe, isTold: true, known: nil)
      recipe.data?.condition = condition
      XCTAssertEqual(recipe.data?.condition, ConditionSpace(kind, width: 2))
      let read = try registry.recipe(
        parsing: Array(recipe.json.line.utf8), source: "recipe")
      XCTAssertEqual(read.data, recipe.data)
      let model = try SmallModels.trained(recipe, data: data, epochs: 1)
      let trained = TrainedModel(model: model, recipe: recipe, source: "the model")
      XCTAssertTrue(
        message { _ = try trained.sample(count: 2) }.contains("of which nothing is given"))
      XCTAssertTrue(
        try trained.sample(count: 2, condition: Tensor([1, 0], shape: [1, 2])).isFinite)
    }
    XCTAssertTrue(
      message {
        _ = try ConditionTable(name: "x", kind: .attributes, width: 1, values: [0, 0.5])
      }.contains("x[1, 0] is 0.5"))
  }

  func testARecipeKeepsItsConditionAndAnOldOneHasNone() throws {
    var recipe = try SmallModels.recipe("conditional-vae", data: SmallModels.data())
    recipe.data?.condition = ConditionSpace(classes: 3, names: ["a", "b", "c"])
    let text = recipe.json.line
    XCTAssertEqual(try registry.recipe(parsing: Array(text.utf8), source: "r"), recipe)
    let plain = try SmallModels.recipe("gaussian-vae", data: SmallModels.data())
    XCTAssertFalse(plain.json.line.contains("condition"))
    for (bad, part) in [
      (#""kind":"labels""#, "data.condition"), (#""width":0"#, "data.condition"),
      (#""names":["a"]"#, "data.condition.names"),
    ] {
      let key = String(bad.prefix { $0 != ":" })
      let spaced = text.replacingOccurrences(of: ": ", with: ":").replacingOccurrences(
        of: ", ", with: ",")
      let start = try XCTUnwrap(spaced.range(of: key + ":", options: .backwards))
      let names = spaced[start.upperBound...].hasPrefix("[")
      let end = try XCTUnwrap(
        spaced[start.upperBound...].firstIndex { names ? $0 == "]" : ",}".contains($0) })
      let changed =
        spaced[..<start.lowerBound] + bad + spaced[(names ? spaced.index(after: end) : end)...]
      let found = message {
        _ = try registry.recipe(parsing: Array(String(changed).utf8), source: "r")
      }
      XCTAssertTrue(found.contains(part), found)
    }
  }
}

import GaussianVAE
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// Values of recipes as text and as JSON, and what they mean to a training.
final class RecipeValueTests: XCTestCase {
  func testValuesAreShownAsTheyAreSaid() {
    let values: [(HyperparameterValue, String, String)] = [
      (.integer(-3), "-3", "-3"), (.number(2), "2", "2"), (.number(0.25), "0.25", "0.25"),
      (.number(1e-5), "1e-05", "1e-05"), (.text("tanh"), "tanh", "\"tanh\""),
      (.flag(false), "false", "false"), (.integers([8, 4]), "8,4", "[8, 4]"),
      (.integers([]), "", "[]"),
    ]
    for (value, text, json) in values {
      XCTAssertEqual("\(value)", text)
      XCTAssertEqual(value.json.line, json)
    }
  }

  func testEveryKindOfSettingSaysItsTypeAndWhatItTakes() {
    let kinds: [(Hyperparameter.Kind, String, String)] = [
      (.integer(2...9), "integer", "2…9"), (.number(-0.5...1e3), "number", "-0.5…1000"),
      (.choice(["a", "b"]), "choice", "a, b"),
      (.numberOrChoice(0...2.5, ["x", "y"]), "number or choice", "0…2.5, x, y"),
      (.integers(count: 1...3, each: 4...5), "list of integers", "1 to 3 numbers in 4…5"),
      (.flag, "flag", "true, false"), (.text(limit: 7), "text", "at most 7 bytes"),
    ]
    for (kind, type, range) in kinds {
      let setting = Hyperparameter("s", kind, default: .integer(1), help: "")
      XCTAssertEqual(setting.typeName, type)
      XCTAssertEqual(setting.rangeText, range)
    }
  }

  func testValuesAtTheEndsOfTheirRangeAreTakenAndThoseBeyondAreRefusedFromTextAndJSON() throws {
    let whole = Hyperparameter("n", .integer(2...9), default: .integer(2), help: "")
    let list = Hyperparameter(
      "l", .integers(count: 1...2, each: 4...5), default: .integers([4]), help: "")
    let either = Hyperparameter(
      "e", .numberOrChoice(0.5...2, ["x"]), default: .text("x"), help: "")
    let word = Hyperparameter("t", .text(limit: 4), default: .text(""), help: "")
    let taken: [(Hyperparameter, String, JSON, HyperparameterValue)] = [
      (whole, "2", .integer(2), .integer(2)), (whole, "9", .integer(9), .integer(9)),
      (list, "4", .integer(4), .integers([4])),
      (list, "5,4", .array([.integer(5), .integer(4)]), .integers([5, 4])),
      (either, "0.5", .number(0.5), .number(0.5)), (either, "2", .integer(2), .number(2)),
      (either, "x", .text("x"), .text("x")), (word, "abcd", .text("abcd"), .text("abcd")),
      (word, "éé", .text("éé"), .text("éé")),
    ]
    for (setting, text, json, value) in taken {
      XCTAssertEqual(try setting.value(parsing: text, path: "p"), value)
      XCTAssertEqual(try setting.value(of: json, path: "p"), value)
    }
    let refused: [(Hyperparameter, String, JSON, String)] = [
      (whole, "1", .integer(1), "it takes an integer: 2…9"),
      (whole, "10", .integer(10), "it takes an integer: 2…9"),
      (whole, "3.0", .number(3.5), "it takes an integer: 2…9"),
      (list, "", .array([]), "it takes a list of integers: 1 to 2 numbers in 4…5"),
      (list, "4,4,4", .array([.integer(4), .integer(4), .integer(4)]), "1 to 2 numbers in 4…5"),
      (list, "4,6", .array([.integer(4), .integer(6)]), "1 to 2 numbers in 4…5"),
      (list, "4,x", .array([.integer(4), .text("x")]), "1 to 2 numbers in 4…5"),
      (either, "0.4", .number(0.4), "it takes a number from 0.5 to 2, or x"),
      (either, "y", .text("y"), "it takes a number from 0.5 to 2, or x"),
      (word, "ééa", .text("ééa"), "it takes a text: at most 4 bytes"),
      (word, "a\0", .text("a\0"), "it takes a text: at most 4 bytes"),
    ]
    for (setting, text, json, words) in refused {
      for attempt in [
        { try setting.value(parsing: text, path: "p.q") },
        { try setting.value(of: json, path: "p.q") },
      ] {
        XCTAssertThrowsError(try attempt(), text) {
          XCTAssertTrue("\($0)".hasPrefix("p.q cannot be "), "\($0)")
          XCTAssertTrue("\($0)".hasSuffix(words), "\($0)")
        }
      }
    }
  }

  func testSettingsByNameReplaceDefaultsAndAnUnknownOneIsRefusedWithTheNearest() throws {
    let options = try TrainingOptions(
      [(key: "batch_size", value: "9"), (key: "schedule", value: "cosine")], of: "this training")
    XCTAssertEqual(options.batchSize, 9)
    XCTAssertEqual(options.schedule, .cosine)
    XCTAssertEqual(options.epochs, 10)
    XCTAssertEqual(options.json.object?["batch_size"]?.integer, 9)
    XCTAssertEqual(options.json.object?["schedule"]?.text, "cosine")
    XCTAssertThrowsError(
      try TrainingOptions([(key: "batchsize", value: "9")], of: "this training")
    ) {
      XCTAssertTrue(
        "\($0)".hasPrefix(
          "this training has no setting batchsize; did you mean batch_size? there are: epochs, batch_size, "
        ),
        "\($0)")
    }
  }

  func testTheRuleOfATrainingHasTheNumbersThatAreSaid() {
    var options = TrainingOptions()
    XCTAssertEqual(options.rule, .adam(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0))
    options.beta1 = 0.5
    options.beta2 = 0.75
    options.epsilon = 0.125
    options.momentum = 0.25
    options.weightDecay = 0.0625
    XCTAssertEqual(
      options.rule, .adam(beta1: 0.5, beta2: 0.75, epsilon: 0.125, weightDecay: 0.0625))
    options.optimizer = .adamw
    XCTAssertEqual(
      options.rule, .adamW(beta1: 0.5, beta2: 0.75, epsilon: 0.125, weightDecay: 0.0625))
    options.optimizer = .sgd
    XCTAssertEqual(options.rule, .sgd(momentum: 0.25, isNesterov: false, weightDecay: 0.0625))
  }

  func testAScheduleIsCountedInUpdatesFromTheEndOfTheWarmUp() {
    var options = TrainingOptions()
    options.scheduleEpochs = 2.5
    options.scheduleFactor = 0.25
    func schedule(_ kind: TrainingOptions.ScheduleKind, warmUp: Int) -> Schedule {
      options.schedule = kind
      options.warmupUpdates = warmUp
      return options.learningRateSchedule(updatesPerEpoch: 3, updates: 40)
    }
    XCTAssertEqual(schedule(.constant, warmUp: 0), .constant)
    XCTAssertEqual(schedule(.constant, warmUp: 7), .warmUp(updates: 7, then: .constant))
    XCTAssertEqual(schedule(.step, warmUp: 0), .step(interval: 8, factor: 0.25))
    XCTAssertEqual(schedule(.cosine, warmUp: 0), .cosine(total: 40, floor: 0.25))
    XCTAssertEqual(
      schedule(.cosine, warmUp: 7), .warmUp(updates: 7, then: .cosine(total: 33, floor: 0.25)))
    options.scheduleEpochs = 0.01
    XCTAssertEqual(schedule(.step, warmUp: 0), .step(interval: 1, factor: 0.25))
  }

  func testATrainingThatNobodyHasSaidAnythingOfHasTheDocumentedDefaults() {
    let options = TrainingOptions()
    XCTAssertEqual(
      options.json.line,
      #"{"epochs": 10, "batch_size": 128, "learning_rate": 0.001, "seed": 0, "binarize": "none", "#
        + #""dequantize": "none", "optimizer": "adam", "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-08, "#
        + #""momentum": 0, "weight_decay": 0, "schedule": "constant", "schedule_epochs": 10, "#
        + #""schedule_factor": 0.1, "warmup_updates": 0, "clip_norm": 0, "skip_norm": 0, "average_decay": 0, "#
        + #""drop_last": true, "precision": "float32", "holdout": 0, "keep_best": true, "patience": 0, "shards": 0}"#
    )
  }

  // MARK: Differences

  func testDifferencesAreSaidMemberByMemberAndOfAnotherPartItsNameAlone() {
    func object(_ members: JSON.Object) -> JSON { .object(members) }
    let old = object([
      "same": .integer(1), "number": .number(0.5), "gone": .bool(true),
      "part": object(["name": .text("a"), "size": .integer(3)]),
      "inner": object(["name": .text("c"), "size": .integer(3), "text": .text("")]),
    ])
    let new = object([
      "inner": object(["name": .text("c"), "size": .integer(4), "text": .text("x")]),
      "same": .integer(1), "number": .number(0.25), "fresh": .text("y"),
      "part": object(["name": .text("b"), "width": .integer(9)]),
    ])
    XCTAssertEqual(
      Recipe.differences(old, new, path: "r"),
      [
        "r.inner.size 3, not 4", "r.inner.text empty, not x", "r.number 0.5, not 0.25",
        "r.fresh unset, not y", "r.part.name a, not b", "r.gone true, not unset",
      ])
  }

  func testWhatARecipesPartsDifferByIsSaidOfTheOtherFirst() throws {
    let registry = registry
    func recipe(_ settings: [(key: String, value: String)]) throws -> Recipe {
      var recipe = try registry.recipe(for: "gaussian-vae")
      recipe.data = binary
      try registry.apply(settings, to: &recipe)
      return recipe
    }
    let one = try recipe([("latent", "3"), ("beta", "2")])
    let other = try recipe([("latent", "5"), ("beta", "2"), ("decoder.hidden", "9")])
    XCTAssertEqual(
      one.partDifferences(from: other), ["prior.latent 5, not 3", "decoder.hidden [9], not [400]"])
    XCTAssertEqual(
      one.partDifferences(from: other, in: [.decoder]), ["decoder.hidden [9], not [400]"])
    XCTAssertEqual(one.partDifferences(from: one), [])
  }

  // MARK: Data

  private let binary = DataDescription(
    height: 4, width: 5, channels: 1, range: .binary, rule: "binary")

  private var registry: Registry {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }

  func testOnlyBytesBetweenZeroAndOneAreBytes() {
    func holds(_ range: ValueRange, _ rule: String) -> Bool {
      DataDescription(height: 2, width: 3, channels: 4, range: range, rule: rule).holdsBytes
    }
    XCTAssertTrue(holds(.unit, "bytes/255"))
    XCTAssertFalse(
      holds(.binary, "bytes/255") || holds(.real, "bytes/255") || holds(.unit, "floats"))
    XCTAssertEqual(
      DataDescription(height: 2, width: 3, channels: 4, range: .unit, rule: "").elements, 24)
  }

  /// Everything that a data part may hold, and nothing as it is by default.
  private var table: DataDescription {
    let columns = TableColumns([
      TableColumn(
        name: "mass", kind: .real, centre: 3.5, scale: 2, points: [-1, 0.5], decimals: 2),
      TableColumn(name: "same", kind: .real, centre: 7, isConstant: true),
      TableColumn(name: "word", kind: .category, names: ["a", "b", "c"]),
      TableColumn(name: "flag", kind: .yesNo, names: ["no", "yes"]),
      TableColumn(name: "size", kind: .positive, centre: 1, scale: 0.5, points: [2]),
      TableColumn(name: "many", kind: .count, centre: 0.25, scale: 4),
      TableColumn(
        name: "code", kind: .real, centre: 1, scale: 4, points: [1, 9], isContinuous: false),
    ])
    var data = DataDescription(
      height: 1, width: columns.elementCount, channels: 1, range: .real, rule: "table",
      condition: ConditionSpace(classes: 2, names: ["cat", "dog"]), columns: columns,
      labelColumn: "kind")
    data.missing = true
    return data
  }

  func testADataPartComesBackWithItsColumnsConditionAndLabels() throws {
    let registry = registry
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = table
    let read = try registry.recipe(parsing: Array(recipe.json.line.utf8), source: "r.json")
    XCTAssertEqual(read.data, table)
    XCTAssertEqual(read.data?.columns, table.columns)
    XCTAssertEqual(read.data?.condition, table.condition)
    XCTAssertEqual(read.data?.labelColumn, "kind")
    XCTAssertEqual(read.data?.missing, true)
    XCTAssertEqual(
      table.columns?.json.array?[0].line,
      #"{"name": "mass", "type": "real", "centre": 3.5, "scale": 2.0, "points": [-1.0, 0.5], "decimals": 2}"#
    )
    XCTAssertEqual(
      table.columns?.json.array?[6].line,
      #"{"name": "code", "type": "real", "centre": 1.0, "scale": 4.0, "points": [1.0, 9.0], "continuous": false}"#
    )
  }

  private func refusal(_ data: String) -> String {
    let text = #"{"format": 1, "variant": "gaussian-vae", "data": \#(data)}"#
    do {
      _ = try registry.recipe(parsing: Array(text.utf8), source: "r.json")
      return "none"
    } catch {
      return error.message.description
    }
  }

  func testADataPartThatCannotBeIsRefusedByWhatIsWrong() {
    func image(_ members: String = "", size: String = #""height": 4, "width": 5, "channels": 1"#)
      -> String
    {
      "{\(size), \"range\": \"unit\", \"rule\": \"floats\"\(members)}"
    }
    func rows(_ columns: String, _ members: String = "", width: Int = 1, range: String = "real")
      -> String
    {
      #"{"height": 1, "width": \#(width), "channels": 1, "range": "\#(range)", "rule": "table", "#
        + #""columns": [\#(columns)]\#(members)}"#
    }
    let real = #"{"name": "x", "type": "real"}"#
    XCTAssertEqual(refusal(image()), "none")
    XCTAssertEqual(refusal(rows(real)), "none")
    for (data, words) in [
      (image(#", "colour": 3"#), "there is no recipe member data.colour; there are: height, width"),
      (
        image(size: #""height": 0, "width": 5, "channels": 1"#),
        "data.height must be a whole number in 1…1048576"
      ),
      (
        image(size: #""height": 4, "width": 1048577, "channels": 1"#),
        "data.width must be a whole number"
      ),
      (image(size: #""height": 4, "width": 5"#), "data.channels must be a whole number"),
      (
        image(size: #""height": 65536, "width": 1024, "channels": 2"#),
        "images of 134217728 numbers are beyond the limit of 67108864"
      ),
      (
        #"{"height": 4, "width": 5, "channels": 1, "range": "wide", "rule": "floats"}"#,
        "data.range must be one of binary, unit, real"
      ),
      (#"{"height": 4, "width": 5, "channels": 1, "range": "unit"}"#, "data.rule must be a string"),
      (image(#", "preparation": 3"#), "data.preparation must be a string"),
      (image(#", "missing": 1"#), "data.missing is 1, but must be true or false"),
      (
        image(#", "label_column": "x""#),
        "data.label_column must be the name of a column of a table"
      ),
      (image(#", "condition": {"kind": "label"}"#), "data.condition is"),
      (
        image(#", "condition": {"kind": "label", "width": 2, "names": ["a"]}"#),
        "data.condition.names is not a list of 2 names"
      ),
      (
        image(#", "condition": {"kind": "label", "width": 2, "names": ["a", "a"]}"#),
        "data.condition.names have the name a twice"
      ),
      (rows(real, #", "label_column": "x""#), "and none of data.columns"),
      (rows(real, width: 2), "data.columns are of rows of 1 numbers, but data are of 1x2x1"),
      (rows(real, range: "unit"), "data.range is unit, but that of a table is real"),
      (rows("\(real), \(real)", width: 2), "data.columns has the column \"x\" twice"),
      (rows(""), "data.columns is no list of 1 to 65536 columns"),
    ] {
      let found = refusal(data)
      XCTAssertTrue(found.contains(words), "\(words): \(found)")
    }
  }

  func testAColumnThatCannotBeIsRefusedByWhatIsWrong() {
    func column(_ members: String) -> String {
      refusal(
        #"{"height": 1, "width": 1, "channels": 1, "range": "real", "rule": "table", "columns": [{"name": "x", \#(members)}]}"#
      )
    }
    for (members, words) in [
      (#""type": "number""#, "data.columns[0] is no column"),
      (#""type": "real", "scale": 0"#, ".centre and .scale must be numbers, the scale above zero"),
      (#""type": "real", "centre": "a""#, ".centre and .scale must be numbers"),
      (
        #""type": "real", "names": ["a"]"#,
        ".names are 1, but a category has 1 to 1000, yes-no 2, and a number none"
      ),
      (#""type": "category""#, ".names are 0, but"),
      (#""type": "yes-no", "names": ["a"]"#, ".names are 1, but"),
      (#""type": "category", "names": ["a", "a"]"#, ".names have the name a twice"),
      (#""type": "count", "points": [1]"#, ".points must be at most 32 rising numbers"),
      (#""type": "positive", "points": [0]"#, ".points must be at most 32 rising numbers"),
      (#""type": "real", "points": [1, 1]"#, ".points must be at most 32 rising numbers"),
      (#""type": "real", "points": ["a"]"#, ".points is no list of numbers"),
      (#""type": "real", "decimals": 13"#, ".decimals must be a whole number in 0…12"),
      (#""type": "real", "continuous": 1"#, ".continuous must be true or false"),
      (#""type": "positive", "constant": true"#, ".constant is for a real column without points"),
    ] {
      let found = column(members)
      XCTAssertTrue(found.contains(words), "\(words): \(found)")
    }
  }
}

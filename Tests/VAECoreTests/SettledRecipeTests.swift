import GaussianVAE
import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// How a recipe and data come together: in which order, and what the data are asked for.
final class SettledRecipeTests: XCTestCase {
  /// What data were asked for.
  private final class Diary {
    var entries: [String] = []
  }

  /// Data that note what they are asked for.
  private struct Data: DescribedData {
    let diary: Diary
    var found: DataDescription

    func description(_ options: TrainingOptions) -> DataDescription {
      diary.entries.append("description \(options.binarize.rawValue)")
      return found
    }

    func standardized(by recorded: TableColumns?, _ options: TrainingOptions) -> Data {
      diary.entries.append("standardized \(recorded.map { "\($0.count)" } ?? "anew")")
      return self
    }

    func asVectors(in range: ValueRange) -> Data {
      diary.entries.append("vectors \(range.rawValue)")
      return self
    }

    func counted() -> Data {
      diary.entries.append("counted")
      return self
    }

    func condition(
      of recipe: Recipe, isTold: Bool, known: ConditionSpace?
    ) -> ConditionSpace? {
      diary.entries.append("condition \(isTold) \(known?.width ?? 0)")
      return isTold || known != nil ? ConditionSpace(classes: 4) : nil
    }
  }

  private let registry: Registry = {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }()

  private func description(
    _ range: ValueRange = .unit, columns: TableColumns? = nil, condition: ConditionSpace? = nil
  ) -> DataDescription {
    DataDescription(
      height: 1, width: 2, channels: 1, range: range, rule: "floats", condition: condition,
      columns: columns)
  }

  private let columns = TableColumns([
    TableColumn(name: "a", kind: .real), TableColumn(name: "b", kind: .real),
  ])

  private func settled(
    _ settings: [(key: String, value: String)] = [], known: DataDescription? = nil,
    weights: DataDescription? = nil, found: DataDescription? = nil
  ) throws -> (recipe: Recipe, diary: [String], opened: DataDescription?) {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = known
    let diary = Diary()
    var opened: DataDescription?
    let result = try registry.settled(recipe, settings, weights: weights) { before in
      opened = before
      diary.entries.append("open")
      return Data(diary: diary, found: found ?? description())
    }
    return (result.recipe, diary.entries, opened)
  }

  func testNewDataAreTakenAsTheyAreAndDecideTheLikelihood() throws {
    let (recipe, diary, opened) = try settled([("latent", "3"), ("sigma", "0.5")])
    XCTAssertEqual(
      diary, ["open", "standardized anew", "description none", "condition false 0"])
    XCTAssertNil(opened)
    XCTAssertEqual(recipe.part(.likelihood).name, "gaussian")
    XCTAssertEqual(recipe.part(.likelihood).values["sigma"], .number(0.5))
    XCTAssertEqual(recipe.part(.prior).values["latent"], .integer(3))
    XCTAssertEqual(recipe.data, description())
    let binary = try settled(found: description(.binary))
    XCTAssertEqual(binary.recipe.part(.likelihood).name, "bernoulli")
  }

  func testVectorsThatBecomeBinaryOrBytesAreNoRowsOfATable() throws {
    let binarized = try settled([("training.binarize", "threshold")])
    XCTAssertEqual(
      binarized.diary,
      ["open", "vectors unit", "standardized anew", "description threshold", "condition false 0"])
    let dequantized = try settled([("training.dequantize", "uniform")])
    XCTAssertTrue(dequantized.diary.contains("vectors unit"))
  }

  func testVectorsForAModelLieInItsRangeUnlessItHasColumns() throws {
    for (known, wanted) in [(ValueRange.binary, "unit"), (.unit, "unit"), (.real, "real")] {
      let (_, diary, opened) = try settled(known: description(known))
      XCTAssertTrue(diary.contains("vectors \(wanted)"), "\(known): \(diary)")
      XCTAssertEqual(opened, description(known))
    }
    let table = try settled(
      known: description(.real, columns: columns), found: description(.real, columns: columns))
    XCTAssertEqual(
      table.diary, ["open", "standardized 2", "description none", "condition false 0"])
  }

  func testColumnsOfWeightsAreThoseThatDataAreReadBy() throws {
    let own = description(.real, columns: columns)
    let three = TableColumns(columns.columns + [TableColumn(name: "c", kind: .real)])
    let weights = description(.real, columns: three)
    let table = try settled(known: own, weights: weights, found: own)
    XCTAssertEqual(table.opened, weights)
    XCTAssertTrue(table.diary.contains("standardized 3"))
    // Weights without columns leave the data's own, and their range decides.
    let plain = try settled(known: own, weights: description(.binary), found: own)
    XCTAssertEqual(plain.opened, own)
    XCTAssertTrue(plain.diary.contains("vectors unit"))
    XCTAssertTrue(plain.diary.contains("standardized 2"))
  }

  func testNumbersAreCountedForLikelihoodsOfCountsAlone() throws {
    let counts = TableColumns([
      TableColumn(name: "a", kind: .count), TableColumn(name: "b", kind: .count),
    ])
    let found = description(.real, columns: counts)
    let taken = try settled([("likelihood", "negative-binomial")], found: found)
    XCTAssertEqual(
      taken.diary,
      ["open", "counted", "standardized anew", "description none", "condition false 0"])
    XCTAssertFalse(try settled([("likelihood", "mixed")], found: found).diary.contains("counted"))
    // The last of several likelihoods is the one.
    XCTAssertFalse(
      try settled(
        [("likelihood", "negative-binomial"), ("likelihood", "mixed")], found: found
      ).diary.contains("counted"))
    // Columns on record say what they are.
    XCTAssertFalse(
      try settled(
        [("likelihood", "negative-binomial")], known: found, found: found
      ).diary.contains("counted"))
  }

  func testAConditionThatIsKnownIsThatOfTheWeightsBeforeThatOfTheRecipe() throws {
    let own = description(condition: ConditionSpace(classes: 2))
    let recipe = try settled(known: own)
    XCTAssertEqual(recipe.diary.last, "condition false 2")
    XCTAssertEqual(recipe.recipe.data?.condition, ConditionSpace(classes: 4))
    let weights = try settled(
      known: own, weights: description(condition: ConditionSpace(classes: 3)))
    XCTAssertEqual(weights.diary.last, "condition false 3")
    let told = try settled([("prior.name", "fitted-class-mixture"), ("latent", "2")])
    XCTAssertEqual(told.diary.last, "condition true 0")
    XCTAssertEqual(told.recipe.data?.condition, ConditionSpace(classes: 4))
    XCTAssertNil(try settled().recipe.data?.condition)
  }

  func testWhatCannotBeIsRefusedBeforeTheDataAreOpened() throws {
    for (settings, words) in [
      ([("latnet", "3")], "did you mean latent?"), ([("latent", "0")], "latent cannot be 0"),
      ([("training.epochs", "-1")], "training.epochs cannot be -1"),
      ([("likelihood", "bernoulli"), ("sigma", "1")], "sigma belongs to likelihood"),
      // What one of the likelihoods takes that data may decide for is refused for its value alone.
      ([("sigma", "0")], "sigma cannot be 0"),
    ] as [([(key: String, value: String)], String)] {
      let diary = Diary()
      XCTAssertThrowsError(
        try registry.settled(try registry.recipe(for: "gaussian-vae"), settings) { _ in
          diary.entries.append("open")
          return Data(diary: diary, found: description())
        }
      ) { XCTAssertTrue("\($0)".contains(words), "\($0)") }
      XCTAssertEqual(diary.entries, [], words)
    }
  }

  func testALikelihoodIsLeftToTheDataUntilSomebodyChoosesOne() throws {
    let recipe = try registry.recipe(for: "gaussian-vae")
    XCTAssertTrue(registry.leavesLikelihoodToData(recipe, settings: []))
    XCTAssertTrue(
      registry.leavesLikelihoodToData(
        recipe, settings: [("likelihood", "laplace"), ("likelihood.name", "auto")]))
    XCTAssertFalse(
      registry.leavesLikelihoodToData(
        recipe, settings: [("likelihood.name", "auto"), ("likelihood", "laplace")]))
    XCTAssertTrue(registry.chooseLikelihood([("latent", "3"), ("likelihood.name", "laplace")]))
    XCTAssertFalse(registry.chooseLikelihood([("likelihood.sigma", "3"), ("prior.name", "flow")]))
    XCTAssertTrue(Registry.concernsTraining("training.epochs"))
    XCTAssertFalse(
      Registry.concernsTraining("trainings.epochs") || Registry.concernsTraining("epochs"))
  }

  // MARK: Tables and likelihoods

  private func refusal(_ columns: [TableColumn], _ likelihood: String) throws -> String {
    let all = TableColumns(columns)
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 1, width: all.elementCount, channels: 1, range: .real, rule: "table", columns: all)
    try registry.apply([(key: "likelihood", value: likelihood)], to: &recipe)
    do {
      _ = try registry.plan(recipe)
      return "none"
    } catch {
      return "\(error)"
    }
  }

  func testOneDensityOfAllNumbersIsRefusedForColumnsThatHaveMoreThanNumbers() throws {
    let real = TableColumn(name: "r", kind: .real)
    for likelihood in ["gaussian", "laplace", "student-t"] {
      XCTAssertEqual(try refusal([real, real.named("s")], likelihood), "none", likelihood)
      let start =
        "likelihood \(likelihood) is one density of all numbers of a column, but the column "
      let end = "choose likelihood=mixed, "
      let count = try refusal([real, TableColumn(name: "c", kind: .count)], likelihood)
      XCTAssertTrue(
        count.hasPrefix(start + "\"c\" is count; " + end + "take it for real by "), count)
      let points = try refusal(
        [TableColumn(name: "p", kind: .real, points: [2.5, 3])], likelihood)
      XCTAssertTrue(
        points.hasPrefix(
          start + "\"p\" has points at which mass gathers, such as 2.5; " + end
            + "or leave it out by "),
        points)
      let codes = try refusal(
        [TableColumn(name: "k", kind: .real, points: [1, 2, 3], isContinuous: false)], likelihood)
      XCTAssertTrue(
        codes.hasPrefix(
          start + "\"k\" has 3 different values and no others, such as codes; " + end
            + "or leave it out by "), codes)
    }
    XCTAssertTrue(
      try refusal([real], "categorical").hasPrefix(
        "likelihood categorical is a probability of levels, but the data are a table; choose likelihood=gaussian"
      ))
    XCTAssertTrue(
      try refusal([TableColumn(name: "c", kind: .count)], "bernoulli").hasSuffix(
        "choose likelihood=mixed"))
    XCTAssertEqual(try refusal([TableColumn(name: "c", kind: .count)], "mixed"), "none")
    XCTAssertEqual(
      try refusal([TableColumn(name: "c", kind: .count)], "negative-binomial"), "none")
    let other = try refusal([TableColumn(name: "c", kind: .count), real], "negative-binomial")
    XCTAssertTrue(
      other.contains(
        "likelihood negative-binomial is for rows of counts [N, columns], but the column \"r\" is real"
      ),
      other)
  }

  // MARK: Sizes

  func testABuildCountsParametersWholeAndBuffersByAQuarter() throws {
    var build = BuildContext(data: description(), random: RandomSource(seed: 1))
    build.part = "encoder mlp"
    let limit = BuildContext.parameterLimit
    XCTAssertEqual(limit, 268_435_456)
    XCTAssertNoThrow(try build.checkSize(parameters: [[limit / 2], [limit / 2]], remedy: "x"))
    XCTAssertNoThrow(try build.checkSize(parameters: [], buffers: [[4 * limit]], remedy: "x"))
    for (parameters, buffers, count) in [
      ([[limit], [1]], [], "\(limit + 1)"), ([], [[4 * limit + 4]], "\(4 * limit + 4)"),
      ([[limit / 2]], [[2 * limit + 4]], "\(2 * limit + 4)"),
      ([[1 << 31, 1 << 31]], [], "over 10^18"),
    ] as [([Shape], [Shape], String)] {
      XCTAssertThrowsError(
        try build.checkSize(parameters: parameters, buffers: buffers, remedy: "prior.latent")
      ) {
        XCTAssertEqual(
          "\($0)",
          "encoder mlp of \(count) parameters is beyond the limit of \(limit); choose smaller prior.latent"
        )
      }
    }
  }

  func testTheTermOfFeaturesHasTheLayersAndWeightsThatAreSaid() throws {
    var build = BuildContext(data: description(), random: RandomSource(seed: 1))
    build.part = "objective perceptual"
    var options = FeatureTerm.Options(featureWeight: 2.5)
    XCTAssertThrowsError(try options.termIfNamed(build)) {
      XCTAssertTrue("\($0)".contains("which objective.feature_weight is about"), "\($0)")
    }
    options = FeatureTerm.Options()
    XCTAssertNil(try options.termIfNamed(build))
    options.file.network = "net.safetensors"
    options.file.networkSHA256 = String(repeating: "A1", count: 32)
    options.featureWeight = 2.5
    let usual = try options.term(build)
    XCTAssertEqual(usual.network.layers, ["relu1_1", "relu2_2", "relu3_2"])
    XCTAssertEqual(usual.network.sha256, String(repeating: "a1", count: 32))
    XCTAssertEqual(usual.comparison.measure, .normalized)
    XCTAssertEqual(usual.comparison.weights, [])
    XCTAssertEqual(usual.weight, 2.5)
    options.layers = "b,a"
    options.layerWeights = "2,0.5"
    options.comparison = .squared
    let term = try XCTUnwrap(options.termIfNamed(build))
    XCTAssertEqual(term.network.layers, ["b", "a"])
    XCTAssertEqual(term.comparison.weights, [2, 0.5])
    XCTAssertEqual(term.comparison.measure, .squared)
    XCTAssertFalse(term.network.usesHeads)
    for (layers, weights, words) in [
      ("a,", "", "not \"a,\""), ("a,a", "", "not \"a,a\""), ("a,b", "1", "for each of 2 layers"),
      ("a", "-1", "for each of 1 layer"), ("a", "x", "for each of 1 layer"),
    ] {
      (options.layers, options.layerWeights) = (layers, weights)
      XCTAssertThrowsError(try options.term(build)) {
        XCTAssertTrue("\($0)".contains(words), "\($0)")
      }
    }
    options.comparison = .lpips
    for (layers, weights, name) in [("a", "", "layers"), ("", "1", "layer_weights")] {
      (options.layers, options.layerWeights) = (layers, weights)
      XCTAssertThrowsError(try options.term(build)) {
        XCTAssertTrue("\($0)".contains("leave objective.\(name) empty"), "\($0)")
      }
    }
    (options.layers, options.layerWeights) = ("", "")
    XCTAssertTrue(try options.term(build).network.usesHeads)
  }
}

extension TableColumn {
  /// The same under another name.
  fileprivate func named(_ name: String) -> TableColumn { TableColumn(name: name, kind: kind) }
}

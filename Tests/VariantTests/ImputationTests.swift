import Foundation
import VAEZoo
import XCTest

/// Values that are filled in by a model.
final class ImputationTests: XCTestCase {
  /// Rows of numbers.
  private struct Rows: ExampleStore {
    let values: [[Float]]
    var count: Int { values.count }
    var shape: ImageShape { ImageShape(height: 1, width: values[0].count, channels: 1) }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for (column, value) in values[index].enumerated() {
          destination[row * values[index].count + column] = value
        }
      }
    }
  }

  /// The same in double precision.
  private struct DoubleRows: ExampleStore {
    let values: [[Double]]
    var count: Int { values.count }
    var shape: ImageShape { ImageShape(height: 1, width: values[0].count, channels: 1) }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (place, value) in indices.flatMap({ values[$0] }).enumerated() {
        destination[place] = Float(value)
      }
    }

    func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>) {
      for (place, value) in indices.flatMap({ values[$0] }).enumerated() {
        destination[place] = value
      }
    }
  }

  private static let columns = TableColumns([
    TableColumn(name: "a", kind: .real, centre: 10, scale: 2),
    TableColumn(name: "b", kind: .real, centre: -5, scale: 3),
    TableColumn(name: "c", kind: .real),
  ])

  private func split(_ rows: [[Float]], columns: TableColumns = columns) -> DataSplit {
    DataSplit(name: "train", store: TableStore(Rows(values: rows), columns: columns))
  }

  private func source(_ rows: [[Float]], columns: TableColumns = columns) -> DataSource {
    DataSource(
      name: "rows", valueRange: .real, rule: "table", isDiscrete: false,
      train: split(rows, columns: columns))
  }

  /// x = W z + ½ ε of the standardized columns, by default with W = (1, 2, 0), and an encoder as it was drawn.
  private func linearModel(
    columns: TableColumns = columns, weights: [Float] = [1, 2, 0],
    settings: [(key: String, value: String)] = [("likelihood.sigma", "0.5")]
  ) throws -> TrainedModel {
    let rows = [[Float]]([[1, 2, 3], [2, 3, 4]]).map { Array($0.prefix(columns.count)) }
    let data = source(rows, columns: columns)
    var recipe = try SmallModels.recipe(
      "missing-vae", data: data, [(key: "latent", value: "1")] + settings)
    for role in [Role.encoder, .decoder] {
      recipe.parts[role]?.values["hidden"] = .integers([])
    }
    let model = try SmallModels.registry.model(recipe, seed: 3)
    for (path, parameter) in model.parameters where path.hasPrefix("decoder") {
      parameter.value =
        path.hasSuffix("weights")
        ? Tensor(weights, shape: parameter.shape) : .zeros(parameter.shape)
    }
    return TrainedModel(model: model, recipe: recipe, source: "memory")
  }

  /// Rows with a = 12, one deviation above the mean, b missing, and c any number.
  private func rows(_ count: Int) -> [[Float]] {
    (0..<count).map { [12, .nan, Float($0) / 100] }
  }

  /// Of two draws of z from N(0, 1) with weights in proportion to p(a|z) the mean of (w + v)² / (w² + v²), by the
  /// rectangle rule.
  func testEffectiveDrawsAreThoseOfTheWeightsWhicheverOfThemIsTheLargest() throws {
    let model = try linearModel()
    for (path, parameter) in model.model.parameters where path.hasPrefix("encoder") {
      parameter.value = .zeros(parameter.shape)
    }
    var options = ImputationOptions()
    options.samples = 2
    let found = try XCTUnwrap(model.impute(split(rows(4000)), options)?.effectiveDraws)
    let points = (-120...120).map { place -> (share: Double, weight: Double) in
      let z = Double(place) / 20
      return (exp(-z * z / 2), exp(-2 * (1 - z) * (1 - z)))
    }
    var (sum, whole) = (0.0, 0.0)
    for (share, w) in points {
      for (other, v) in points {
        whole += share * other
        sum += share * other * (w + v) * (w + v) / (w * w + v * v)
      }
    }
    XCTAssertEqual(found, sum / whole, accuracy: 0.03)
  }

  func testMeansAndDrawsAreThoseOfTheConditionalDistributionOfALinearModel() throws {
    let model = try linearModel()
    var options = ImputationOptions()
    options.samples = 100_000
    // z given a has the mean 1 / (1 + ¼) = 0.8 and the variance 0.2, so that b has 1.6 and 0.8 + 0.25.
    let one = try XCTUnwrap(model.impute(split(rows(1)), options))
    XCTAssertEqual(one.values.floats[1], -5 + 3 * 1.6, accuracy: 0.1)
    XCTAssertEqual([one.values.floats[0], one.values.floats[2]], [12, 0])
    XCTAssertEqual(one.missing.floats, [0, 1, 0])
    XCTAssertGreaterThan(try XCTUnwrap(one.effectiveDraws), 100)
    options.samples = 200
    options.drawing = true
    let count = 500
    let drawn = try XCTUnwrap(model.impute(split(rows(count)), options)).values.floats
    let values = (0..<count).map { (Double(drawn[3 * $0 + 1]) + 5) / 3 }
    let mean = values.reduce(0, +) / Double(count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    XCTAssertEqual(mean, 1.6, accuracy: 4 * (1.05 / Double(count)).squareRoot())
    XCTAssertEqual(variance, 1.05, accuracy: 4 * 1.05 * (2 / Double(count)).squareRoot())
  }

  func testARowIsFilledInAlikeBesideAnyOthersAndHiddenTruthsChangeNothing() throws {
    let model = try linearModel()
    var options = ImputationOptions()
    options.samples = 50
    for drawing in [false, true] {
      options.drawing = drawing
      let all = try XCTUnwrap(model.impute(split(rows(90)), options)).values
      let some = try XCTUnwrap(
        model.impute(split([rows(90)[77], rows(90)[4]]), options)
      ).values
      for (place, row) in [77, 4].enumerated() {
        let (one, other) = (some.floats[3 * place + 1], all.floats[3 * row + 1])
        XCTAssertEqual(one, other, accuracy: 1e-4)
      }
    }
  }

  func testTheErrorIsThatOfTheMissingCellsInDeviationsOfTheirColumns() throws {
    let model = try linearModel()
    let torn = split([[12, .nan, 1], [.nan, -5, 2]])
    var options = ImputationOptions()
    options.samples = 100
    let found = try XCTUnwrap(
      model.impute(torn, options, truth: split([[12, -2, 1], [14, -5, 2]])))
    let values = found.values.floats
    let errors = [(values[1] + 2) / 3, (values[3] - 14) / 2].map(Double.init)
    let error = try XCTUnwrap(found.error)
    XCTAssertEqual(
      try XCTUnwrap(error.rmse),
      ((errors[0] * errors[0] + errors[1] * errors[1]) / 2).squareRoot(), accuracy: 1e-4)
    // The truths are one and two deviations from the means.
    XCTAssertEqual(try XCTUnwrap(error.rmseOfMeans), 2.5.squareRoot(), accuracy: 1e-5)
    XCTAssertEqual(error.columns.map(\.name), ["a", "b"])
    XCTAssertEqual(error.numberCount, 2)
    XCTAssertNil(error.wrongShare)
  }

  func testTheMeanOfAPositiveColumnIsOneInItsOwnUnits() throws {
    let columns = TableColumns([
      TableColumn(name: "a", kind: .real, centre: 10, scale: 2),
      TableColumn(name: "b", kind: .positive),
    ])
    let model = try linearModel(
      columns: columns, weights: [1, 1], settings: [("likelihood.components", "1")])
    var options = ImputationOptions()
    options.samples = 40_000
    let found = try XCTUnwrap(
      model.impute(
        split([[12, .nan]], columns: columns), options,
        truth: split([[12, exp(1)]], columns: columns)))
    // z given a has the mean ½ and the variance ½, so that log b has ½ and 1½, with σ = 1.
    let mean = exp(0.5 + 1.5 / 2)
    XCTAssertEqual(Double(found.values.floats[1]), mean, accuracy: 0.05 * mean)
    // The error is one of logarithms, and the mean of log-normal numbers of these columns e^½.
    let error = try XCTUnwrap(found.error)
    XCTAssertEqual(
      try XCTUnwrap(error.rmse), abs(log(Double(found.values.floats[1])) - 1), accuracy: 1e-5)
    XCTAssertEqual(try XCTUnwrap(error.rmseOfMeans), 0.5, accuracy: 1e-6)
  }

  func testExamplesThatAreKnownAlikeGetTheSameMeansAndEachItsOwnDraw() throws {
    let model = try linearModel()
    var options = ImputationOptions()
    options.samples = 50
    for (drawing, different) in [(false, 1), (true, 40)] {
      options.drawing = drawing
      let rows = [[Float]](repeating: [12, .nan, 3], count: 40)
      let all = try XCTUnwrap(model.impute(split(rows), options)).values.floats
      let values = stride(from: 1, to: all.count, by: 3).map { all[$0] }
      XCTAssertEqual(Set(values).count, different)
      let alone = try XCTUnwrap(model.impute(split([rows[0]]), options)).values.floats[1]
      XCTAssertEqual(alone, values[0], accuracy: 1e-4)
    }
  }

  func testTheErrorOfLargeNumbersHasTheirDigits() throws {
    let columns = TableColumns([
      TableColumn(name: "a", kind: .real, centre: 10, scale: 2),
      TableColumn(name: "b", kind: .real, centre: 1e9, scale: 0.5),
      TableColumn(name: "c", kind: .real),
    ])
    func rows(_ b: Double) -> DataSplit {
      DataSplit(
        name: "train",
        store: TableStore(DoubleRows(values: [[12, b, 0]]), columns: columns))
    }
    let model = try linearModel(columns: columns)
    var options = ImputationOptions()
    options.samples = 50
    let found = try XCTUnwrap(model.impute(rows(.nan), options, truth: rows(1e9 + 0.25)))
    let filled = try XCTUnwrap(found.rows)
    let error = try XCTUnwrap(found.error)
    XCTAssertEqual(
      try XCTUnwrap(error.rmse), abs(filled[1] - (1e9 + 0.25)) / 0.5, accuracy: 1e-6)
    XCTAssertEqual(try XCTUnwrap(error.rmseOfMeans), 0.5, accuracy: 1e-6)
  }

  func testKnownValuesOfVectorsKeepTheDigitsThat32BitFloatsDoNotHave() throws {
    let columns = TableColumns(
      (0..<3).map { TableColumn(name: "\($0)", kind: .real, centre: 10, scale: 2) })
    let model = try linearModel(columns: columns)
    var options = ImputationOptions()
    options.samples = 10
    for (known, isExact) in [(12.1, true), (12.5, false)] {
      let store = TableStore(
        DoubleRows(values: [[known, .nan, 3]]), columns: columns, isNamed: false)
      let found = try XCTUnwrap(
        model.impute(DataSplit(name: "train", store: store), options))
      XCTAssertNil(found.namedRows)
      XCTAssertEqual(found.exactRows?[0], isExact ? known : nil)
    }
  }

  func testEveryKindOfColumnIsFilledInWithAValueThatItCanHave() throws {
    let kinds = TableColumns(
      RowStore.columns.columns + [
        TableColumn(name: "few", kind: .real, points: [1, 2, 7], isContinuous: false)
      ])
    let rows: [[Float]] = (0..<60).map { row in
      let known: [Float] = [
        Float(row % 7) - 1.5, Float(1 + row % 5), Float(row % 4), Float(row % 3), Float(row % 2),
        [1, 2, 7][row % 3],
      ]
      return known.enumerated().map { ($0 + row) % 3 == 0 ? .nan : $1 }
    }
    let data = source(rows, columns: kinds)
    let recipe = try SmallModels.recipe("missing-vae", data: data)
    let model = TrainedModel(
      model: try SmallModels.trained(recipe, data: data, epochs: 2), recipe: recipe,
      source: "memory")
    var options = ImputationOptions()
    options.samples = 20
    for drawing in [false, true] {
      options.drawing = drawing
      let found = try XCTUnwrap(model.impute(data.train, options))
      XCTAssertEqual(found.missingCount, 120)
      for (place, value) in found.values.floats.enumerated() {
        let given = rows[place / 6][place % 6]
        if !given.isNaN { XCTAssertEqual(value, given) }
        XCTAssertNil(kinds.columns[place % 6].misfit(Double(value)), "\(place % 6): \(value)")
      }
    }
  }

  func testErrorsOfImagesAreMeasuredWithAllDigitsOfTheTruth() throws {
    let data = DataSource(
      name: "vectors", valueRange: .real, rule: "floats", isDiscrete: false,
      train: DataSplit(name: "train", store: Rows(values: [[1, 2, 3], [2, 1, 0]])))
    let recipe = try SmallModels.recipe("missing-vae", data: data)
    let model = TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 1), recipe: recipe, source: "memory")
    var options = ImputationOptions()
    options.samples = 20
    func error(_ truth: Double) throws -> Double {
      let torn = DataSplit(name: "train", store: Rows(values: [[1, .nan, 3]]))
      let whole = DataSplit(name: "train", store: DoubleRows(values: [[1, truth, 3]]))
      return try XCTUnwrap(model.impute(torn, options, truth: whole)?.error?.rmse)
    }
    XCTAssertEqual(try error(1e8 + 1) - error(1e8), 1, accuracy: 1e-6)
  }

  func testWhatNobodyCanFillInIsSaidOrRefusedInOneLine() throws {
    let model = try linearModel()
    var options = ImputationOptions()
    options.samples = 20
    let whole = try XCTUnwrap(model.impute(split([[12, -2, 1]]), options))
    XCTAssertEqual(whole.values.floats, [12, -2, 1])
    XCTAssertTrue(whole.notices.map(\.description).joined().contains("nothing is missing"))
    XCTAssertNil(whole.effectiveDraws)
    let empty = try XCTUnwrap(
      model.impute(split([[12, -2, 1], [.nan, .nan, .nan]]), options))
    XCTAssertTrue(empty.values.isFinite)
    XCTAssertTrue(
      empty.notices.map(\.description).joined().contains("nothing is known of 1 example"))
    func refusal(_ words: [String], _ body: () throws -> Void) {
      XCTAssertThrowsError(try body()) { error in
        let message = (error as? RecipeError)?.description ?? "\(error)"
        XCTAssertFalse(message.contains("\n"))
        for word in words { XCTAssertTrue(message.contains(word), "\(word): \(message)") }
      }
    }
    refusal(["truth", "1 example", "2 examples"]) {
      _ = try model.impute(split(rows(2)), options, truth: split(rows(1)))
    }
    refusal(["truth", "row 1 (counting from 0), column \"a\" is 12, but 12.5", "the same order"]) {
      _ = try model.impute(
        split(rows(2)), options, truth: split([[12, -2, 0], [12.5, -2, 0.01]]))
    }
    // What nobody knows, or what differs by its precision alone, is no other example's.
    let short = Double(Float(0.1))
    func wide(_ c: Double, _ b: Double) -> DataSplit {
      DataSplit(
        name: "train", store: TableStore(DoubleRows(values: [[12, b, c]]), columns: Self.columns))
    }
    _ = try model.impute(wide(0.1, .nan), options, truth: wide(short, -2))
    _ = try model.impute(wide(0.1, .nan), options, truth: wide(.nan, -2))
    refusal(["column \"c\" is 0.1, but 0.1000001"]) {
      _ = try model.impute(wide(0.1, .nan), options, truth: wide(0.1000001, -2))
    }
    let recipe = try SmallModels.recipe("gaussian-vae", data: source(rows(2)))
    let plain = TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 1), recipe: recipe, source: "plain")
    refusal(["plain", "encoder mlp", "missing-vae", "masked-mlp"]) {
      _ = try plain.impute(split(rows(2)), options)
    }
    XCTAssertNil(try model.impute(split(rows(2)), options, progress: { _ in false }))
  }
}

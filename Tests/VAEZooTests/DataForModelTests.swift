import Foundation
import VAEZoo
import XCTest

/// Data opened for a model that exists.
final class DataForModelTests: XCTestCase {
  private func recipe(
    height: Int = 7, width: Int = 5, range: ValueRange, rule: String
  ) throws -> Recipe {
    var recipe = try Registry.builtIn.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: height, width: width, channels: 1, range: range, rule: rule)
    return recipe
  }

  private func open(
    _ path: String, _ recipe: Recipe, binarization: TrainingOptions.Binarization = .none
  ) throws -> DataSource {
    var options = TrainingOptions(recipe.training)
    options.binarize = binarization
    return try DataSource.open(path, for: recipe, options: options)
  }

  /// An IDX folder whose images all hold one byte.
  private func writeBytes(_ value: UInt8, in folder: String) throws -> String {
    let path = "\(folder)/bytes-\(value)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 5]
    try Data(header + [UInt8](repeating: value, count: 4 * 35))
      .write(to: URL(fileURLWithPath: path + "/train-images-idx3-ubyte"))
    return path
  }

  private func assertUnsuitable(
    naming words: [String], line: UInt = #line, _ body: () throws -> DataSource
  ) {
    XCTAssertThrowsError(_ = try body(), line: line) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .unsuitableData, "\(error)", line: line)
      for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)", line: line) }
    }
  }

  func testBytesAreReadByTheRuleOfTraining() throws {
    let path = try writeBytes(1, in: try makeTemporaryFolder())
    let alone = try DataSource.open(path)
    XCTAssertEqual(alone.rule, "binary")
    XCTAssertEqual(alone.train.batch([0]).floats.first, 1)
    let given = try open(path, try recipe(range: .unit, rule: "bytes/255"))
    XCTAssertEqual(given.rule, "bytes/255")
    XCTAssertEqual(try XCTUnwrap(given.train.batch([0]).floats.first), 1 / 255, accuracy: 1e-7)
  }

  func testAnotherSizeIsRefusedNamingBoth() throws {
    let path = try writeBytes(1, in: try makeTemporaryFolder())
    let recipe = try recipe(height: 6, width: 4, range: .binary, rule: "binary")
    assertUnsuitable(naming: [path, "7x5x1", "6x4x1"]) { try open(path, recipe) }
  }

  func testValuesBeyondTheModelsRangeAreRefused() throws {
    let folder = try makeTemporaryFolder()
    let grey = try write(Tensor.ones([4, 7, 5, 1]) * 0.5, "grey.npy", in: folder)
    let real = try write(Tensor.ones([4, 7, 5, 1]) * 3, "real.npy", in: folder)
    let unit = try recipe(range: .unit, rule: "floats")
    assertUnsuitable(naming: [real, "outside 0 to 1", "between 0 and 1"]) { try open(real, unit) }
    XCTAssertEqual(try open(grey, unit).valueRange, .unit)
    let any = try recipe(range: .real, rule: "floats")
    for path in [grey, real] { XCTAssertNoThrow(try open(path, any)) }
  }

  func testGreyValuesAreTakenByABinaryModelThatMakesThemBinary() throws {
    let grey = try write(
      Tensor.ones([4, 7, 5, 1]) * 0.7, "grey.npy", in: try makeTemporaryFolder())
    let recipe = try recipe(range: .binary, rule: "floats")
    assertUnsuitable(naming: [grey]) { try open(grey, recipe) }
    XCTAssertNoThrow(try open(grey, recipe, binarization: .threshold))
  }

  func testBytesOfBlackAndWhiteAreThoseOfTheModelsRule() throws {
    let folder = try makeTemporaryFolder()
    func source(_ bytes: [UInt8]) throws -> DataSource {
      let path = "\(folder)/bytes.npy"
      let file = NPYWriter.bytes(bytes + [UInt8](repeating: 0, count: 33), shape: [1, 7, 5])
      try DurableFiles.replace(path, with: file)
      return try DataSource.open(path)
    }
    func model(_ range: ValueRange, _ rule: String) throws -> TrainedModel {
      var recipe = try recipe(range: range, rule: rule)
      try Registry.builtIn.apply([(key: "likelihood", value: "gaussian")], to: &recipe)
      return TrainedModel(
        model: try Registry.builtIn.model(recipe, seed: 1), recipe: recipe, source: "memory")
    }
    let (ones, white) = (try source([1, 0]), try source([255, 0]))
    XCTAssertEqual([ones.rule, white.rule], ["binary", "binary/255"])
    for (rule, fitting, other) in [("binary", ones, white), ("binary/255", white, ones)] {
      let model = try model(.binary, rule)
      XCTAssertEqual(try model.fitting(fitting).rule, rule)
      XCTAssertThrowsError(try model.fitting(other)) {
        XCTAssertEqual(($0 as? RecipeError)?.kind, .unsuitableData)
        XCTAssertTrue(
          "\($0)".contains(
            "bytes of rule \(other.rule), but the model was trained on rule \(rule)"),
          "\($0)")
      }
      // Floats of zero and one have no scale.
      let floats = try write(Tensor.ones([4, 7, 5, 1]), "ones.npy", in: folder)
      XCTAssertNoThrow(try model.fitting(DataSource.open(floats)))
    }
    for source in [ones, white] {
      XCTAssertNoThrow(try model(.unit, "bytes/255").fitting(source))
    }
  }

  func testAModelOfBytesTakesNoFloatsBetweenTheirLevels() throws {
    let folder = try makeTemporaryFolder()
    let levels = try write(Tensor.ones([4, 7, 5, 1]) * (51.0 / 255), "levels.npy", in: folder)
    let others = try write(Tensor.ones([4, 7, 5, 1]) * 0.3, "others.npy", in: folder)
    let recipe = try recipe(range: .unit, rule: "bytes/255")
    var options = TrainingOptions(recipe.training)
    func open(_ path: String, takesLevels: Bool) throws -> DataSource {
      try DataSource.open(path, for: recipe, options: options, takesLevels: takesLevels)
    }
    for takesLevels in [false, true] {
      XCTAssertNoThrow(try open(levels, takesLevels: takesLevels))
    }
    XCTAssertNoThrow(try open(others, takesLevels: false))
    assertUnsuitable(naming: ["others.npy[0, 0, 0, 0] is 0.3, but the model takes bytes"]) {
      try open(others, takesLevels: true)
    }
    options.dequantize = .uniform
    assertUnsuitable(naming: ["others.npy"]) { try open(others, takesLevels: false) }
    XCTAssertNoThrow(try open(levels, takesLevels: false))
  }

  func testARecipeThatKnowsNoDataIsRefused() throws {
    let recipe = try Registry.builtIn.recipe(for: "gaussian-vae")
    XCTAssertThrowsError(try open("shapes", recipe)) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .malformed)
    }
  }

  func testOfOtherDataAsManyAreHeldOutAsInTrainingAndNoneOfThemLeftOut() throws {
    let path = try write(
      Tensor.ones([40, 7, 5, 1]) * 0.5, "forty.npy", in: try makeTemporaryFolder())
    for (holdout, held) in [("0.25", 10), ("0.1", 4), ("0", nil)] as [(String, Int?)] {
      var recipe = try recipe(range: .unit, rule: "floats")
      try Registry.builtIn.apply(
        [(key: "likelihood", value: "gaussian"), (key: "training.holdout", value: holdout)],
        to: &recipe)
      let model = TrainedModel(
        model: try Registry.builtIn.model(recipe, seed: 1), recipe: recipe, source: "memory")
      for isWhole in [false, true] {
        let data = try model.withSplits(DataSource.open(path), isWhole: isWhole)
        XCTAssertEqual(data.train.count, 40, holdout)
        XCTAssertEqual(data.validation?.count, held, holdout)
        XCTAssertFalse(data.notices.contains { "\($0)".contains("was trained on") })
      }
    }
  }
}

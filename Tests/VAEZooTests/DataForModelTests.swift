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

  func testARecipeThatKnowsNoDataIsRefused() throws {
    let recipe = try Registry.builtIn.recipe(for: "gaussian-vae")
    XCTAssertThrowsError(try open("shapes", recipe)) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .malformed)
    }
  }
}

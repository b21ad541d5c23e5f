import VAEZoo
import XCTest

final class VariantDescriptionTests: XCTestCase {
  private let registry = Registry.builtIn

  private func describe(
    _ name: String, _ settings: [(key: String, value: String)] = []
  ) throws -> (description: VariantDescription, recipe: Recipe) {
    var recipe = try registry.recipe(for: name)
    try registry.apply(settings, to: &recipe)
    let description = try VariantDescription(
      registry.variant(name), recipe: recipe, registry: registry)
    return (description, recipe)
  }

  func testEveryValueOfTheRecipeIsListedOnceWithItsDefault() throws {
    for entry in registry.entries {
      let (description, recipe) = try describe(entry.variant.name)
      let items = description.sections.flatMap(\.hyperparameters)
      var expected: [String: HyperparameterValue] = [:]
      for (role, part) in recipe.parts {
        for (name, value) in part.values.values { expected["\(role).\(name)"] = value }
      }
      for (name, value) in recipe.training.values { expected["training.\(name)"] = value }
      XCTAssertEqual(items.count, expected.count)
      XCTAssertEqual(
        Dictionary(items.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first }),
        expected)
    }
  }

  func testAPartByItsOwnNameWinsOverAnArchitectureWhereverItStands() throws {
    let conv = (key: "architecture", value: "conv")
    let mlp = (key: "encoder.name", value: "mlp")
    for settings in [[conv, mlp], [mlp, conv]] {
      let recipe = try describe("gaussian-vae", settings).recipe
      XCTAssertEqual(recipe.part(.encoder).name, "mlp")
      XCTAssertEqual(recipe.part(.decoder).name, "conv")
    }
  }

  func testEveryListedNameCanBeSet() throws {
    for entry in registry.entries {
      let (description, original) = try describe(entry.variant.name)
      for item in description.sections.flatMap(\.hyperparameters) {
        var recipe = original
        try registry.apply([(key: item.name, value: item.value.description)], to: &recipe)
        XCTAssertEqual(recipe, original, item.name)
      }
      for name in description.shorthands {
        XCTAssertTrue(registry.validKeys(in: original).contains(name), name)
      }
    }
  }

  func testAVariantsDefaultsAreShownInPlaceOfTheComponents() throws {
    let (description, _) = try describe("gaussian-vae")
    let items = description.sections.flatMap(\.hyperparameters)
    XCTAssertEqual(items.first { $0.name == "prior.latent" }?.value, .integer(20))
    XCTAssertEqual(items.first { $0.name == "encoder.hidden" }?.value, .integers([400]))
  }

  func testEveryOtherComponentIsOfferedByTheKeyThatChoosesIt() throws {
    let (description, original) = try describe("gaussian-vae")
    XCTAssertTrue(description.sections.contains { $0.alternatives.contains("conv") })
    for section in description.sections {
      for name in section.alternatives {
        var recipe = original
        try registry.apply([(key: section.switchName, value: name)], to: &recipe)
        XCTAssertNotEqual(recipe, original, "\(section.switchName)=\(name)")
      }
    }
  }

  func testOtherComponentsAreDescribedWithTheirHyperparameters() throws {
    let (description, _) = try describe(
      "gaussian-vae",
      [(key: "architecture", value: "conv"), (key: "likelihood", value: "gaussian")])
    let names = Set(description.sections.flatMap(\.hyperparameters).map(\.name))
    XCTAssertTrue(
      names.isSuperset(of: ["encoder.channels", "decoder.channels", "likelihood.sigma"]))
    XCTAssertFalse(names.contains("encoder.hidden"))
  }

  func testJSONHasTheDocumentedMembers() throws {
    let (description, _) = try describe("gaussian-vae")
    let object = try XCTUnwrap(description.json.object)
    XCTAssertEqual(
      object.members.map(\.name),
      [
        "name", "summary", "reference", "stages", "parts", "architecture", "architectures",
        "shorthands",
        "keywords", "hyperparameters", "metrics", "shapes",
      ])
    guard case .array(let items) = object["hyperparameters"] else {
      return XCTFail("hyperparameters must be a list")
    }
    XCTAssertEqual(items.count, description.sections.flatMap(\.hyperparameters).count)
    for item in items {
      let members = item.object?.members.map(\.name) ?? []
      XCTAssertEqual(
        members.filter { $0 != "chosen_by_data" }, ["name", "type", "default", "range", "help"])
    }
  }
}

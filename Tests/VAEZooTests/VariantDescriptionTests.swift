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

  func testPartsSayWhatElseCanFillThemAndWhetherTheyAreToldAnything() throws {
    let (description, recipe) = try describe("conditional-vae")
    XCTAssertEqual(
      description.sections.map(\.part), Role.allCases.map(\.rawValue) + ["training"])
    for (role, section) in zip(Role.allCases, description.sections) {
      let own = recipe.part(role).name
      let known = registry.components(role)
      XCTAssertEqual(section.component, own)
      XCTAssertEqual(section.switchName, "\(role.rawValue).name")
      XCTAssertFalse(section.alternatives.contains(own))
      XCTAssertEqual(
        Set(section.alternatives + [own]),
        Set(known.map(\.name) + (role == .likelihood ? ["auto"] : [])))
      guard own != "auto" else { continue }
      let summary = try XCTUnwrap(known.first { $0.name == own }?.summary)
      XCTAssertEqual(section.title, "\(role.rawValue) \(own): \(summary)")
    }
    let told = description.sections.filter(\.usesCondition).map(\.part)
    XCTAssertTrue(told.contains("decoder"), "\(told)")
    XCTAssertFalse(told.contains("likelihood") || told.contains("training"), "\(told)")
    XCTAssertEqual(
      try describe("gaussian-vae").description.sections.filter(\.usesCondition).count, 0)
    guard case .array(let parts)? = description.json.object?["parts"] else {
      return XCTFail("parts must be a list")
    }
    XCTAssertEqual(parts.count, Role.allCases.count)
    for (part, section) in zip(parts, description.sections) {
      XCTAssertEqual(part.object?["role"]?.text, section.part)
      XCTAssertEqual(part.object?["name"]?.text, section.component)
      XCTAssertEqual(part.object?["uses_condition"]?.bool, section.usesCondition)
      XCTAssertEqual(
        part.object?["alternatives"], .array(section.alternatives.map { .text($0) }))
    }
  }

  func testTheDataMayChooseEpochsAndTheSizeOfBatchesAlone() throws {
    let object = try XCTUnwrap(describe("gaussian-vae").description.json.object)
    guard case .array(let items)? = object["hyperparameters"] else {
      return XCTFail("hyperparameters must be a list")
    }
    let open = items.filter { $0.object?["chosen_by_data"]?.bool == true }
      .compactMap { $0.object?["name"]?.text }
    XCTAssertEqual(Set(open), ["training.batch_size", "training.epochs"])
    let latent = try XCTUnwrap(items.first { $0.object?["name"]?.text == "prior.latent" }?.object)
    XCTAssertEqual(latent["default"]?.integer, 20)
    XCTAssertEqual(latent["type"]?.text, "integer")
    XCTAssertEqual(object["name"]?.text, "gaussian-vae")
    XCTAssertEqual(object["summary"]?.text, try registry.variant("gaussian-vae").summary)
    XCTAssertEqual(object["reference"]?.text, try registry.variant("gaussian-vae").reference)
  }

  func testTheRegistryListsVariantsAndComponentsWithWhatTheyAre() throws {
    guard case .array(let variants) = registry.variantsJSON else {
      return XCTFail("variants must be a list")
    }
    XCTAssertEqual(variants.count, registry.entries.count)
    for (listed, entry) in zip(variants, registry.entries) {
      XCTAssertEqual(listed.object?["name"]?.text, entry.variant.name)
      XCTAssertEqual(listed.object?["class"]?.text, entry.variant.className)
      XCTAssertEqual(listed.object?["summary"]?.text, entry.variant.summary)
      XCTAssertEqual(listed.object?["origin"]?.text, "built-in")
    }
    var masked: [String] = []
    for role in Role.allCases {
      guard case .array(let listed) = registry.componentsJSON(role) else {
        return XCTFail("components must be a list")
      }
      for (item, component) in zip(listed, registry.components(role)) {
        let object = try XCTUnwrap(item.object)
        XCTAssertEqual(object["name"]?.text, component.name)
        XCTAssertEqual(object["summary"]?.text, component.summary)
        XCTAssertEqual(object["origin"]?.text, component.origin)
        XCTAssertEqual(object["uses_condition"]?.bool, component.usesCondition, component.name)
        XCTAssertEqual(object["uses_mask"]?.bool, component.usesMask, component.name)
        if component.usesMask { masked.append(role.rawValue) }
        guard case .array(let settings)? = object["hyperparameters"] else {
          return XCTFail("hyperparameters must be a list")
        }
        XCTAssertEqual(
          settings.map { $0.object?["name"]?.text }, component.hyperparameters.map(\.name))
        XCTAssertEqual(
          settings.map { $0.object?["default"] }, component.hyperparameters.map(\.default.json))
        XCTAssertEqual(
          settings.map { $0.object?["help"]?.text }, component.hyperparameters.map(\.help))
        XCTAssertEqual(
          settings.map { $0.object?["range"]?.text }, component.hyperparameters.map(\.rangeText))
      }
    }
    XCTAssertEqual(Set(masked), ["encoder"])
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

import CVAE
import VAEZoo
import XCTest

final class RegistryTests: CTestCase {
  func testVariantsAreThoseOfTheRegistry() throws {
    let list = try XCTUnwrap(
      json(text { vae_list_variants_json($0, $1, $2, $3) }) as? [[String: Any]])
    let names = list.compactMap { $0["name"] as? String }
    XCTAssertEqual(names, Registry.builtIn.entries.map(\.variant.name))
    XCTAssertTrue(list.allSatisfy { $0["origin"] as? String == "built-in" })
    XCTAssertTrue(list.allSatisfy { ($0["summary"] as? String)?.isEmpty == false })
  }

  func testEveryRoleListsItsComponentsWithHyperparameters() throws {
    for role in Role.allCases {
      let list = try XCTUnwrap(
        json(text { vae_list_components_json(role.rawValue, $0, $1, $2, $3) }) as? [[String: Any]])
      XCTAssertEqual(
        list.filter { $0["origin"] as? String != InProcessPlugin.origin }
          .compactMap { $0["name"] as? String },
        Registry.builtIn.components(role).map(\.name))
      for component in list {
        let parameters = try XCTUnwrap(component["hyperparameters"] as? [[String: Any]])
        XCTAssertTrue(parameters.allSatisfy { $0["help"] != nil && $0["range"] != nil })
      }
    }
    var needed = 1
    refuse(VAE_ERR_INVALID_ARGUMENT, "encoder, prior") {
      vae_list_components_json("driver", nil, 0, &needed, $0)
    }
    XCTAssertEqual(needed, 0, "a failure leaves a length")
  }

  func testADescriptionIsThatOfTheCommandLine() throws {
    let registry = Registry.builtIn
    for entry in registry.entries {
      let name = entry.variant.name
      let expected = try VariantDescription(
        entry.variant, recipe: registry.recipe(for: name), registry: registry)
      // Another test may have added a part to those of the process.
      let description = try text { vae_describe_json(name, $0, $1, $2, $3) }
        .replacingOccurrences(of: ", \"\(InProcessPlugin.componentName)\"", with: "")
      XCTAssertEqual(description, expected.json.line)
    }
  }

  func testAKeywordSetToItsDefaultChangesNoRecipeAndNoneIsWithoutUse() throws {
    let registry = Registry.builtIn
    for entry in registry.entries {
      let name = entry.variant.name
      let own = try registry.recipe(for: name)
      let description = try XCTUnwrap(
        json(text { vae_describe_json(name, $0, $1, $2, $3) }) as? [String: Any])
      let stages = try XCTUnwrap(description["stages"] as? [[String: String]], name)
      let expected = try VariantDescription(entry.variant, recipe: own, registry: registry)
        .furtherStages.map(\.name)
      XCTAssertTrue(
        expected.contains("prior") == ["vq-vae", "vqgan", "vq-model"].contains(name), name)
      if name == "gaussian-vae" {
        XCTAssertEqual(
          expected, ["mixture", "class-mixture", "flow", "two-stage", "decoder"])
      }
      XCTAssertEqual(stages.compactMap { $0["name"] }, expected, name)
      XCTAssertTrue(stages.allSatisfy { $0["summary"]?.isEmpty == false })
      let architectures = try XCTUnwrap(description["architectures"] as? [String])
      let architecture = try XCTUnwrap(description["architecture"] as? String)
      XCTAssertTrue(architectures.contains(architecture))
      for shortName in try registry.shortNames(of: entry.variant) {
        if let value = shortName.default {
          var recipe = own
          try registry.apply([(key: shortName.name, value: value.description)], to: &recipe)
          XCTAssertEqual(recipe, own, "\(name): \(shortName.name)")
        }
        for path in shortName.paths {
          let pieces = path.split(separator: ".").map(String.init)
          let role = try XCTUnwrap(Role(rawValue: pieces[0]))
          XCTAssertNotNil(own.part(role).values.values[pieces[1]], path)
        }
      }
      let keywords = try XCTUnwrap(description["keywords"] as? [[String: Any]])
      let names = keywords.compactMap { $0["name"] as? String }
      let shorthands = try XCTUnwrap(description["shorthands"] as? [String])
      XCTAssertTrue(
        Set(shorthands).isSubset(of: names + ["architecture", "likelihood"]),
        "\(name): \(shorthands) against \(names)")
      let roles = try XCTUnwrap(description["parts"] as? [[String: Any]]).compactMap {
        $0["role"] as? String
      }
      XCTAssertEqual(roles, Role.allCases.map(\.rawValue))
    }
    let ladder = try registry.shortNames(of: registry.variant("ladder-vae"))
    let latent = try XCTUnwrap(ladder.first { $0.name == "latent" })
    XCTAssertNil(latent.default, "perceptrons and convolutions have other latents")
    XCTAssertEqual(latent.paths, ["prior.latent"])
    let beta = try registry.shortNames(of: registry.variant("beta-vae"))
    XCTAssertEqual(beta.first { $0.name == "beta" }?.default, .number(4))
    XCTAssertEqual(beta.first { $0.name == "capacity" }?.paths, [])
  }

  func testARecipeHoldsWhatWasSet() throws {
    let settings = CSettings([("latent", "3"), ("latent", "7"), ("training.epochs", "4")])
    let line = try text {
      vae_recipe_json("beta-vae", settings.pointer, settings.count, $0, $1, $2, $3)
    }
    let recipe = try Registry.builtIn.recipe(parsing: Array(line.utf8), source: "test")
    XCTAssertEqual(recipe.part(.prior).values["latent"], .integer(7), "later settings win")
    XCTAssertEqual(recipe.training["epochs"], .integer(4))
  }

  func testUnknownNamesAndValuesAreRefusedNamingWhatThereIs() {
    var needed = 0
    refuse(VAE_ERR_RECIPE, "gaussian-vae") { vae_describe_json("no-vae", nil, 0, &needed, $0) }
    refuse(VAE_ERR_RECIPE, "latent") {
      let settings = CSettings([("latents", "3")])
      return vae_recipe_json("beta-vae", settings.pointer, 1, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_RECIPE, "65536") {
      let settings = CSettings([("latent", "99999999")])
      return vae_recipe_json("beta-vae", settings.pointer, 1, nil, 0, &needed, $0)
    }
  }

  func testHostileTextsAreRefused() {
    var needed = 0
    let invalid: [CChar] = [CChar(bitPattern: 0xc3), 0x28, 0]
    refuse(VAE_ERR_INVALID_ARGUMENT, "variant is NULL") {
      vae_describe_json(nil, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "not valid UTF-8") {
      vae_describe_json(invalid, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "needed is NULL") {
      vae_describe_json("iwae", nil, 0, nil, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "settings is NULL") {
      vae_recipe_json("iwae", nil, 1, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "setting_count") {
      vae_recipe_json("iwae", nil, -1, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "settings[0].value is NULL") {
      let settings = CSettings([("latent", "3")])
      settings.pointer.pointee.value = nil
      return vae_recipe_json("iwae", settings.pointer, 1, nil, 0, &needed, $0)
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "settings[0].key is not valid UTF-8") { error in
      invalid.withUnsafeBufferPointer { invalid in
        let settings = CSettings([("latent", "3")])
        settings.pointer.pointee.key = invalid.baseAddress
        return vae_recipe_json("iwae", settings.pointer, 1, nil, 0, &needed, error)
      }
    }
  }

  func testALengthOfAllBitsIsALargeBuffer() throws {
    // A size_t of SIZE_MAX, which Swift sees as −1.
    var buffer = [CChar](repeating: 0, count: 1 << 16)
    var needed = 0
    try succeed { vae_list_variants_json(&buffer, -1, &needed, $0) }
    XCTAssertEqual(strlen(buffer) + 1, needed)
  }
}

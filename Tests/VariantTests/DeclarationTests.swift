import VAEZoo
import XCTest

/// What all components declare, and what variants change of it.
final class DeclarationTests: XCTestCase {
  private let registry = Registry.builtIn

  private var parts: [(title: String, hyperparameters: [Hyperparameter])] {
    Role.allCases.flatMap { role in
      registry.components(role).map { ("\(role) \($0.name)", $0.hyperparameters) }
    } + [("training", TrainingOptions.hyperparameters)]
  }

  func testEveryDeclaredDefaultIsAllowedAndEveryNameIsDeclaredOnce() throws {
    for (title, hyperparameters) in parts {
      XCTAssertEqual(
        Set(hyperparameters.map(\.name)).count, hyperparameters.count, "\(title) repeats a name")
      for declaration in hyperparameters {
        let path = "\(title) \(declaration.name)"
        XCTAssertEqual(
          try declaration.value(of: declaration.default.json, path: path), declaration.default, path
        )
        XCTAssertNotNil(
          declaration.name.wholeMatch(of: /[a-z][a-z0-9]*(_[a-z0-9]+)*/), "\(path) is no snake_case"
        )
        XCTAssertFalse(declaration.help.isEmpty, "\(path) has no help")
      }
    }
  }

  func testTrainingOptionsFromARecipeAreTheDefaults() {
    XCTAssertEqual(
      TrainingOptions(HyperparameterValues(defaultsOf: TrainingOptions.hyperparameters)),
      TrainingOptions())
  }

  func testNoVariantRepeatsADefault() throws {
    func check(
      _ defaults: [String: HyperparameterValue], _ declarations: [Hyperparameter], _ place: String
    ) {
      for (name, value) in defaults {
        let own = declarations.first { $0.name == name }
        XCTAssertNotNil(own, "\(place).\(name) is not declared")
        XCTAssertNotEqual(own?.default, value, "\(place).\(name) is \(value) already")
      }
    }
    for entry in registry.entries {
      let composition = entry.variant.composition
      for (role, choice) in composition.choices {
        check(
          choice.defaults, try registry.component(role, choice.name).hyperparameters,
          "\(entry.variant.name): \(role)")
      }
      check(
        composition.training, TrainingOptions.hyperparameters, "\(entry.variant.name): training")
      let latents: [LatentSpace] = [
        .units(4), .codes(CodeGrid(height: 2, width: 2, codeCount: 4, vectorSize: 2)),
      ]
      for stage in entry.variant.furtherStages + registry.stages {
        for (role, choice) in latents.compactMap(stage.parts).flatMap({ $0 }) {
          check(
            choice.defaults, try registry.component(role, choice.name).hyperparameters,
            "\(entry.variant.name), stage \(stage.name): \(role)")
        }
      }
    }
  }
}

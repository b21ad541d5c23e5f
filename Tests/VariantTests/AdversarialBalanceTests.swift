import VAEZoo
import XCTest

/// What is said where a discriminator has won, for every variant that has one.
final class AdversarialBalanceTests: XCTestCase {
  private let data = SmallModels.data(isBinary: false)

  func testEveryGameSaysThatItIsWonAndAdvisesSettingsThatItHas() throws {
    for variant in ["vqgan", "vae-gan", "wae-gan", "adversarial-autoencoder"] {
      let recipe = try SmallModels.recipe(variant, data: data)
      let objective = try SmallModels.registry.model(recipe, seed: 3).objective
      func concern(_ discriminator: Double) -> String? {
        objective.concern(about: [
          (name: "generator_loss", value: 4), (name: "discriminator_loss", value: discriminator),
        ]).map { "\($0)" }
      }
      XCTAssertNil(concern(0.3), variant)
      XCTAssertNil(objective.concern(about: [(name: "generator_loss", value: 4)]), variant)
      let said = try XCTUnwrap(concern(0.001), variant)
      XCTAssertTrue(said.contains("0.001"), said)
      let names = try SmallModels.registry.component(.objective, recipe.part(.objective).name)
        .hyperparameters.map { "objective.\($0.name)" }
      let advised = said.split(whereSeparator: { " ,=".contains($0) }).map(String.init)
        .filter { $0.hasPrefix("objective.") }
      XCTAssertEqual(advised.count, 3, said)
      XCTAssertTrue(Set(advised).isSubset(of: names), "\(variant): \(advised) of \(names)")
    }
  }
}

import Foundation
import GaussianVAE
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// Frozen networks that recipes name by a file and its hash.
final class FrozenRecipeTests: XCTestCase {
  private let registry: Registry = {
    var registry = Registry.sharedComponents
    registry.register(GaussianVAEVariant())
    return registry
  }()

  /// A file of these bytes, and its hash.
  private func file(_ text: String) throws -> (path: String, hash: String) {
    let path = NSTemporaryDirectory() + "frozen-" + UUID().uuidString
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return (path, SHA256.text(SHA256.hash(of: Array(text.utf8))))
  }

  /// A recipe whose objective compares features, of this network.
  private func recipe(_ network: String, _ hash: String) throws -> Recipe {
    var recipe = try registry.recipe(for: "gaussian-vae")
    recipe.data = DataDescription(
      height: 4, width: 5, channels: 1, range: .binary, rule: "binary")
    try registry.apply(
      [
        ("objective.name", "adversarial"), ("objective.network", network),
        ("objective.network_sha256", hash),
      ], to: &recipe)
    return recipe
  }

  private func recorded(_ recipe: Recipe, before old: Recipe) throws -> HyperparameterValue {
    var recipe = recipe
    try registry.recordNetworks(in: &recipe, before: old)
    return recipe.part(.objective).values["network_sha256"]
  }

  func testTheHashOfANetworkThatIsNamedAloneIsTakenDown() throws {
    let (path, hash) = try file("a network")
    let plain = try registry.recipe(for: "gaussian-vae")
    XCTAssertEqual(try recorded(recipe(path, ""), before: plain), .text(hash))
    XCTAssertEqual(try recorded(recipe("", ""), before: plain), .text(""))
    XCTAssertThrowsError(try recorded(recipe("/nowhere/net", ""), before: plain)) {
      XCTAssertTrue("\($0)".contains("it does not exist"), "\($0)")
    }
  }

  func testANetworkInPlaceOfAnotherMustBeTheSameUnlessItsHashIsSaid() throws {
    let (first, second, same) = try (file("first"), file("second"), file("first"))
    let old = try recipe(first.path, first.hash)
    // Only the path has changed.
    XCTAssertEqual(
      try recorded(recipe(same.path, first.hash), before: old), .text(first.hash))
    XCTAssertThrowsError(try recorded(recipe(second.path, first.hash), before: old)) {
      let text = "\($0)"
      XCTAssertTrue(text.contains("its SHA-256 is \(second.hash)"), text)
      XCTAssertTrue(text.contains("that of the recipe's is \(first.hash)"), text)
      XCTAssertTrue(text.contains("objective.network_sha256=\(second.hash)"), text)
    }
    // Path and hash have changed, or neither: whether they belong together is found out where it is opened.
    XCTAssertEqual(
      try recorded(recipe("/nowhere/net", second.hash), before: old), .text(second.hash))
    let gone = try recipe("/nowhere/net", first.hash)
    XCTAssertEqual(try recorded(gone, before: gone), .text(first.hash))
  }

  func testNetworksAreLookedForWhereTheyLieNow() throws {
    let located = try Registry.locatingNetworks(in: recipe("net", "ab")) { "/run/" + $0 }
    XCTAssertEqual(located.part(.objective).values["network"], .text("/run/net"))
    XCTAssertEqual(located.part(.objective).values["network_sha256"], .text("ab"))
    let none = try Registry.locatingNetworks(in: recipe("", "")) { "/run/" + $0 }
    XCTAssertEqual(none.part(.objective).values["network"], .text(""))
  }

  func testTheSameNetworkMayLieElsewhere() throws {
    func part(_ network: String, _ hash: String) throws -> JSON? {
      try recipe(network, hash).json.object?["objective"]
    }
    let stripped = try Registry.withoutPath(ofSameNetwork: part("a", "12"), as: part("b", "12"))
    XCTAssertNil(stripped?.object?["network"])
    XCTAssertEqual(stripped?.object?["network_sha256"]?.text, "12")
    for (own, other) in [("12", "34"), ("", ""), ("12", "")] {
      let kept = try Registry.withoutPath(ofSameNetwork: part("a", own), as: part("b", other))
      XCTAssertEqual(kept?.object?["network"]?.text, "a", "\(own) \(other)")
    }
  }

  func testAPlanWithoutANetworkHasOneInItsPlace() throws {
    let stand = registry.withStandInNetworks(try recipe("", ""))
    XCTAssertEqual(stand.part(.objective).values["network"], .text("network.safetensors"))
    XCTAssertEqual(
      stand.part(.objective).values["network_sha256"], .text(String(repeating: "0", count: 64)))
    let own = try recipe("mine", "12")
    XCTAssertEqual(registry.withStandInNetworks(own), own)
  }

  func testANetworkIsIdentifiedByItsFileItsHashAndItsLayers() {
    let file = FrozenNetworkFile(
      "net", sha256: "AB", layers: ["b", "a"], imageShape: [4, 5, 1], range: .unit)
    XCTAssertEqual(
      file.identity.json.line, #"{"path": "net", "sha256": "ab", "layers": ["b", "a"]}"#)
  }
}

import Foundation
import VAEZoo
import XCTest

/// Finding and loading shared objects.
final class LoadingTests: PluginTestCase {
  func testTheExampleBringsItsComponentsAndItsVariant() throws {
    let file = try example()
    let plugin = try Plugin.load(file)
    XCTAssertEqual(plugin.name, "mixture")
    XCTAssertEqual(
      plugin.componentTitles, ["prior mixture", "likelihood laplace", "variant mixture-vae"])
    let registry = try registry(file)
    let entry = try XCTUnwrap(registry.entries.first { $0.variant.name == "mixture-vae" })
    XCTAssertEqual(entry.origin, try Plugin.load(file).origin)
    XCTAssertTrue(entry.origin.hasSuffix("/mixture.so"), entry.origin)
    let prior = try registry.component(.prior, "mixture")
    XCTAssertEqual(prior.hyperparameters.map(\.name), ["latent", "components", "spread"])
    XCTAssertEqual(
      prior.hyperparameters.map(\.kind),
      [
        .integer(1...1024), .integer(1...1024), .number(0...100),
      ])
    XCTAssertEqual(registry.plugInOrigins, [entry.origin])
  }

  func testAFileThatIsMissingIsAnErrorOfThatKind() {
    XCTAssertThrowsError(try Plugin.load("/nowhere/x.so")) {
      XCTAssertEqual(($0 as? PluginError)?.kind, .missing)
      assert("\($0)", names: "/nowhere/x.so")
    }
  }

  func testAFileThatIsNoSharedObjectIsRefused() throws {
    let path = "\(folder)/text.so"
    try "not a library".write(toFile: path, atomically: true, encoding: .utf8)
    assert(message { _ = try Plugin.load(path) }, names: path, "cannot be loaded")
    assert(message { _ = try Plugin.load(folder) }, names: folder, "cannot be loaded")
  }

  func testALibraryWithoutTheEntryIsRefused() throws {
    let path = try compile(text: "int something(void);\nint something(void) { return 1; }")
    assert(
      message { _ = try Plugin.load(path) }, names: path, "vae_plugin_entry", "VAE_PLUGIN_EXPORT")
  }

  func testALibraryWithSymbolsThatNobodyHasIsRefused() throws {
    let path = try compile(
      text: """
        extern int nobody_has_this(void);
        VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *host) {
          return (const void *)(size_t)nobody_has_this() ? NULL : (const void *)host;
        }
        """)
    assert(message { _ = try Plugin.load(path) }, names: path, "nobody_has_this")
  }

  func testALibraryOfAnotherMajorVersionIsRefused() throws {
    let path = try compile(
      text: """
        VAE_PLUGIN_EXPORT const vae_plugin *vae_plugin_entry(const vae_host *host) {
          static const vae_plugin plugin = {sizeof plugin, 9 * 65536, "x", "1", "", NULL, 0, NULL, 0};
          return host->struct_size ? &plugin : NULL;
        }
        """)
    assert(message { _ = try Plugin.load(path) }, names: path, "version 9.0")
  }

  func testASearchPathNamesFilesAndFoldersOfThem() throws {
    let file = try example()
    for name in ["b.so", "a.so", "c.txt"] {
      try "x".write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    XCTAssertEqual(
      Plugin.files(in: "\(folder):\(file)::\(folder)/absent"),
      ["\(folder)/a.so", "\(folder)/b.so", "\(folder)/mixture.so", file, "\(folder)/absent"])
    XCTAssertEqual(Plugin.files(in: ""), [])
  }

  func testABadPluginOfTheSearchPathIsAReasonAndOneAskedForAnError() throws {
    let file = try example()
    let bad = "\(folder)/bad.so"
    try "x".write(toFile: bad, atomically: true, encoding: .utf8)
    let (registry, skipped) = try Registry.withPlugins([file], searchPath: folder)
    XCTAssertEqual(registry.plugInOrigins.count, 1)
    XCTAssertEqual(skipped.count, 1)
    assert("\(skipped)", names: bad)
    XCTAssertThrowsError(try Registry.withPlugins([bad]))
  }

  func testNothingIsLoadedUnlessItIsAskedFor() {
    XCTAssertEqual(Registry.builtIn.plugInOrigins, [])
  }

  // MARK: Recipes

  func testARecipeNamesTheFilesOfItsParts() throws {
    let registry = try registry(example())
    let origin = registry.plugInOrigins[0]
    var recipe = try registry.recipe(for: "gaussian-vae")
    XCTAssertEqual(recipe.plugIns, [])
    XCTAssertNil(recipe.json.object?["plugins"])
    try registry.apply([(key: "likelihood", value: "laplace")], to: &recipe)
    let hash = try SHA256.text(SHA256.hash(ofFile: origin))
    XCTAssertEqual(
      recipe.json.object?["plugins"],
      .array([.object(["file": .text(origin), "sha256": .text(hash)])]))
    let variant = try registry.recipe(for: "mixture-vae")
    XCTAssertEqual(variant.plugIns, [RecordedPlugIn(origin: origin, sha256: hash)])
    let bytes = Array(variant.json.document.utf8)
    XCTAssertEqual(try registry.recipe(parsing: bytes, source: "r.json").json, variant.json)
  }

  func testARecipeWhosePluginIsMissingSaysWhich() throws {
    let registry = try registry(example())
    let origin = registry.plugInOrigins[0]
    let whole = Array(try registry.recipe(for: "mixture-vae").json.document.utf8)
    assert(
      message { _ = try Registry.builtIn.recipe(parsing: whole, source: "r.json") },
      names: "r.json", "variant mixture-vae", "prior mixture", origin,
      "load_plugin: \(origin)", "SHA-256 \(try SHA256.text(SHA256.hash(ofFile: origin)))",
      "if you trust it")
    var recipe = try registry.recipe(for: "gaussian-vae")
    try registry.apply([(key: "prior.name", value: "mixture")], to: &recipe)
    let part = Array(recipe.json.document.utf8)
    assert(
      message { _ = try Registry.builtIn.recipe(parsing: part, source: "r.json") },
      names: "prior mixture", origin)
    // What a program brings itself is no file to load.
    var json = try XCTUnwrap(recipe.json.object)
    let file = JSON.object([
      "file": .text(origin), "sha256": .text(String(repeating: "0", count: 64)),
    ])
    for others in [[], [file]] {
      json["plugins"] = .array([.object(["name": .text("acme/vae.so")])] + others)
      let named = Array(JSON.object(json).line.utf8)
      let said = message { _ = try Registry.builtIn.recipe(parsing: named, source: "r.json") }
      assert(said, names: "prior mixture", "acme/vae.so is no file but part of a program")
      XCTAssertFalse("\(said)".contains("load_plugin"), "\(said)")
    }
    for malformed: JSON in [
      .text("x"), .array([.integer(1)]), .array([.object(["file": .text(origin)])]),
      .array([.object(["file": .text(origin), "sha256": .text("0g")])]),
    ] {
      json["plugins"] = malformed
      let bytes = Array(JSON.object(json).line.utf8)
      assert(
        message { _ = try registry.recipe(parsing: bytes, source: "r.json") },
        names: "plugins", "list of files")
    }
  }

  func testARecipeOfAnEarlierVersionNamesFilesAlone() throws {
    let registry = try registry(example())
    let origin = registry.plugInOrigins[0]
    var json = try XCTUnwrap(registry.recipe(for: "mixture-vae").json.object)
    json["plugins"] = .array([.text(origin)])
    let bytes = Array(JSON.object(json).line.utf8)
    let recipe = try registry.recipe(parsing: bytes, source: "r.json")
    XCTAssertEqual(recipe.notices, [], "nothing is on record that could differ")
    XCTAssertEqual(recipe.plugIns.map(\.origin), [origin])
    assert(
      message { _ = try Registry.builtIn.recipe(parsing: bytes, source: "r.json") },
      names: "load_plugin: \(origin)")
  }

  func testAnotherBuildOfAPluginIsTakenWithANotice() throws {
    let recipe = Array(try registry(example()).recipe(for: "mixture-vae").json.document.utf8)
    XCTAssertEqual(
      try registry(example()).recipe(parsing: recipe, source: "r.json").notices, [],
      "the same bytes again")
    let other = try compile(
      ["plugin.c", "mixture_prior.c", "laplace_likelihood.c"].map { "Examples/plugin-c/\($0)" },
      "other.so", flags: ["-O3", "-g"])
    let found = try registry(other).recipe(parsing: recipe, source: "r.json")
    XCTAssertEqual(found.notices.count, 1)
    let notice = found.notices.first?.description ?? ""
    for word in try [
      "r.json", "other.so", "another build", SHA256.text(SHA256.hash(ofFile: other)),
      SHA256.text(SHA256.hash(ofFile: "\(folder)/mixture.so")),
    ] {
      XCTAssertTrue(notice.contains(word), "\(word) in \(notice)")
    }
  }

  func testARecipeThatNamesAPluginWithoutUsingItIsTakenWithANotice() throws {
    let registry = try registry(example())
    let hash = String(repeating: "0", count: 64)
    let other = JSON.object(["file": .text("other.so"), "sha256": .text(hash)])
    for (variant, count) in [("gaussian-vae", 1), ("mixture-vae", 2)] {
      var json = try XCTUnwrap(registry.recipe(for: variant).json.object)
      let own: [JSON] = if case .array(let own)? = json["plugins"] { own } else { [] }
      XCTAssertEqual(own.count, count - 1)
      json["plugins"] = .array(own + [other])
      let recipe = try registry.recipe(
        parsing: Array(JSON.object(json).line.utf8), source: "r.json")
      XCTAssertEqual(recipe.notices.count, 1, "\(recipe.notices)")
      let notice = recipe.notices.first?.description ?? ""
      for word in ["r.json", "other.so", hash, "uses nothing of it"] {
        XCTAssertTrue(notice.contains(word), "\(word) in \(notice)")
      }
      XCTAssertEqual(recipe.plugIns.count, count - 1)
    }
  }

  func testARecipeMayMeanAPluginsPartByANameThatWasBuiltInLater() throws {
    let registry = Registry.builtIn
    let other = JSON.object([
      "file": .text("other.so"), "sha256": .text(String(repeating: "0", count: 64)),
    ])
    func json(_ likelihood: String) throws -> [UInt8] {
      var recipe = try registry.recipe(for: "gaussian-vae")
      try registry.apply([(key: "likelihood.name", value: likelihood)], to: &recipe)
      var json = try XCTUnwrap(recipe.json.object)
      json["plugins"] = .array([other])
      return Array(JSON.object(json).line.utf8)
    }
    // No plug-in could ever bring one of this name.
    XCTAssertNoThrow(try registry.recipe(parsing: json("gaussian"), source: "r.json"))
    XCTAssertThrowsError(try registry.recipe(parsing: json("laplace"), source: "r.json")) { error in
      for word in ["r.json", "other.so", "the likelihood laplace", "built in as well"] {
        XCTAssertTrue("\(error)".contains(word), "\(word) in \(error)")
      }
    }
  }

  func testAPluginThatMovedServesItsRecipes() throws {
    let file = try example()
    let recipe = Array(try registry(file).recipe(for: "mixture-vae").json.document.utf8)
    let moved = "\(folder)/moved.so"
    try FileManager.default.moveItem(atPath: file, toPath: moved)
    let found = try registry(moved).recipe(parsing: recipe, source: "r.json")
    XCTAssertTrue(found.plugIns[0].origin.hasSuffix("/moved.so"))
    XCTAssertEqual(found.notices, [], "it is the same file elsewhere")
  }
}

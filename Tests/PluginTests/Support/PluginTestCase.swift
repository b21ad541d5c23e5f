import CVAE
import Foundation
import VAEZoo
import XCTest

/// A test with a folder, a C compiler, and images to make models for.
class PluginTestCase: XCTestCase {
  private(set) var folder = ""

  /// Files of the repository.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  override func setUpWithError() throws {
    folder = NSTemporaryDirectory() + "vae-plugins-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(atPath: folder)
  }

  /// A shared object of some C sources, relative to the repository.
  func compile(_ sources: [String], _ name: String = "plugin.so", flags: [String] = []) throws
    -> String
  {
    let output = "\(folder)/\(name)"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["clang", "-std=c11", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-shared", "-fPIC"]
      + ["-fvisibility=hidden", "-I\(Self.root)/include"] + flags
      + sources.map { $0.hasPrefix("/") ? $0 : "\(Self.root)/\($0)" } + ["-lm", "-o", output]
    try process.run()
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 0, "clang \(sources)")
    return output
  }

  /// A shared object of a C text that follows the include of the header.
  func compile(text: String, _ name: String = "plugin.so") throws -> String {
    let source = "\(folder)/\(name).c"
    try "#include <vae_plugin.h>\n\(text)\n".write(
      toFile: source, atomically: true, encoding: .utf8)
    return try compile([source], name)
  }

  /// The example, built as its own Makefile does.
  func example() throws -> String {
    try compile(
      ["plugin.c", "mixture_prior.c", "laplace_likelihood.c"].map { "Examples/plugin-c/\($0)" },
      "mixture.so")
  }

  func registry(_ files: String...) throws -> Registry {
    try Registry.withPlugins(files).registry
  }

  /// What data of small binary images are.
  static let data = DataDescription(
    height: 4, width: 4, channels: 1, range: .binary, rule: "binary")

  /// A model of small parts with some settings.
  func model(
    _ settings: [(key: String, value: String)], _ registry: Registry,
    data: DataDescription = data, variant: String = "gaussian-vae"
  ) throws -> Model {
    try registry.model(recipe(settings, registry, data: data, variant: variant), seed: 1)
  }

  func recipe(
    _ settings: [(key: String, value: String)], _ registry: Registry,
    data: DataDescription = data, variant: String = "gaussian-vae"
  ) throws -> Recipe {
    var recipe = try registry.recipe(for: variant)
    recipe.data = data
    let parts = settings.filter { $0.key.hasSuffix(".name") || $0.key == "likelihood" }
    try registry.apply(parts, to: &recipe)
    try registry.apply(settings, to: &recipe)
    return recipe
  }

  func context(_ count: Int, mode: Context.Mode = .evaluation, seed: UInt64 = 1) -> Context {
    Context(
      mode: mode, random: RandomSource(seed: seed), examples: (0..<count).map(UInt64.init))
  }

  /// Images of zeros and ones.
  func images(_ count: Int) -> Tensor {
    RandomSource(seed: 3).stream("images").uniform([count, 4, 4, 1]).isAbove(0.5)
  }

  /// The message that a body fails with.
  func message(
    _ body: () throws -> Void, file: StaticString = #filePath, line: UInt = #line
  ) -> String {
    do {
      try body()
    } catch {
      let message = "\(error)"
      XCTAssertFalse(message.contains("\n"), "one line: \(message)", file: file, line: line)
      return message
    }
    XCTFail("nothing is refused", file: file, line: line)
    return ""
  }

  func assert(
    _ message: String, names words: String..., file: StaticString = #filePath, line: UInt = #line
  ) {
    for word in words {
      XCTAssertTrue(message.contains(word), "\(word) in: \(message)", file: file, line: line)
    }
  }
}

import Foundation
import VAEZoo
import XCTest

/// Every two components either make a model together or are refused with a reason by the rules of
/// the parts. What is found is the table in `docs/composition.md`. Every variant is trained, and of
/// the pairs a sample: to train all of them takes the square of the time of the parts.
final class CompositionTests: XCTestCase {
  private let registry = SmallModels.registry
  /// The parts of every variant.
  private lazy var variants = registry.entries.map { entry in
    entry.variant.composition.choices.mapValues(\.name)
  }
  /// What `refusal` has found, by the names of the parts: completions of different pairs are often the same.
  private var refusals: [[String]: String?] = [:]

  private struct Place: Hashable {
    let role: Role
    let name: String
    var title: String { "\(role.rawValue) `\(name)`" }
  }

  private enum Outcome {
    /// The parts of the model that was made.
    case works([Role: String])
    case refused(String)
  }

  private var places: [Place] {
    Role.allCases.flatMap { role in
      registry.components(role).map { Place(role: role, name: $0.name) }
    }
  }

  /// Parts for the roles that a pair leaves open: those of every variant first, since they belong
  /// together, then all others. Each is asked for only when those before make no model.
  private func completions(of pair: [Place]) -> some Sequence<[Role: String]> {
    let chosen = Dictionary(uniqueKeysWithValues: pair.map { ($0.role, $0.name) })
    // A variant that has one of the two says best what it lacks with the other.
    func isNear(_ names: [Role: String]) -> Bool { pair.contains { names[$0.role] == $0.name } }
    let bases = variants.filter(isNear) + variants.filter { !isNear($0) }
    func names(_ role: Role) -> [String] { registry.components(role).map(\.name) }
    // A role that the pair fills need not be varied.
    let priors = chosen[.prior].map { [$0] } ?? names(.prior) + ["standard-normal", "none"]
    let encoders = chosen[.encoder].map { [$0] } ?? names(.encoder)
    let decoders = chosen[.decoder].map { [$0] } ?? names(.decoder)
    let ofPriorsAndEncoders = bases.lazy.flatMap { base in
      priors.lazy.flatMap { prior in
        encoders.lazy.map { base.merging([.prior: prior, .encoder: $0]) { $1 } }
      }
    }
    let ofDecoders = bases.lazy.flatMap { base in
      decoders.lazy.map { base.merging([.decoder: $0]) { $1 } }
    }
    return [AnySequence(bases), AnySequence(ofPriorsAndEncoders), AnySequence(ofDecoders)].lazy
      .joined().map { $0.merging(chosen) { $1 } }
  }

  private func recipe(_ names: [Role: String], data: DataSource) throws -> Recipe {
    let settings = Role.allCases.compactMap { role in
      names[role].map { (key: "\(role.rawValue).name", value: $0) }
    }
    return try SmallModels.recipe("gaussian-vae", data: data, settings)
  }

  /// Binary images for a Bernoulli likelihood, a table for one of columns or of counts, grey images for the others.
  private func data(for names: [Role: String]) -> DataSource {
    let likelihood = names[.likelihood] ?? "auto"
    if likelihood == "mixed" { return SmallModels.table(train: 40, test: 8) }
    if likelihood.hasSuffix("negative-binomial") { return SmallModels.counts(train: 40, test: 8) }
    return SmallModels.data(
      isBinary: likelihood == "auto" || likelihood == "bernoulli", train: 40, test: 8)
  }

  /// Why parts for all roles make no model, nil where they make one.
  private func refusal(_ names: [Role: String]) throws -> String? {
    let key = Role.allCases.map { names[$0] ?? "" }
    if let known = refusals[key] { return known }
    var reason: String?
    do {
      _ = try registry.plan(try recipe(names, data: data(for: names)))
    } catch let error as RecipeError where error.kind == .invalid {
      reason = "\(error)"
    }
    refusals.updateValue(reason, forKey: key)
    return reason
  }

  /// The first completion of a pair that makes a model, or why the first of all makes none.
  private func outcome(_ pair: [Place]) throws -> Outcome {
    var reason: String?
    for names in completions(of: pair) {
      guard let refusal = try refusal(names) else { return .works(names) }
      reason = reason ?? refusal
    }
    return .refused(reason ?? "")
  }

  /// Every two parts of different roles.
  private var pairs: [(Place, Place)] {
    places.enumerated().flatMap { number, first in
      places.dropFirst(number + 1).filter { $0.role != first.role }.map { (first, $0) }
    }
  }

  /// Trains twenty updates, and draws.
  private func assertTrains(_ names: [Role: String]) throws {
    let data = data(for: names)
    let model = try registry.model(try recipe(names, data: data), seed: 3)
    let trainer = try Trainer(
      model: model, data: data, options: SmallModels.options(epochs: 10, batchSize: 20))
    XCTAssertEqual(trainer.totalSteps, 20)
    XCTAssertEqual(try trainer.train(), .finished)
    let drawn = model.sample(SmallModels.context(2))
    XCTAssertTrue(drawn.floats.allSatisfy(\.isFinite), "\(names)")
  }

  func testTheTableOfCompositionsIsTrue() throws {
    let rows = try pairs.map { ($0, $1, try outcome([$0, $1])) }
    let document = Self.document(places, rows)
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/composition.md").path
    if ProcessInfo.processInfo.environment["VAE_WRITE_DOCS"] == "1" {
      try document.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let stored = try String(contentsOfFile: path, encoding: .utf8)
    XCTAssertTrue(
      stored == document,
      "docs/composition.md no longer says what holds; write it with VAE_WRITE_DOCS=1 make test")
  }

  func testEveryVariantTrains() throws {
    for entry in registry.entries {
      try assertTrains(entry.variant.composition.choices.mapValues(\.name))
    }
  }

  /// Another sample with each version, the same one until then.
  func testASampleOfThePairsThatWorkTrains() throws {
    let order = pairs.map { pair in
      (pair: pair, place: Self.hash("\(VAEZooVersion.text) \(pair.0.title) \(pair.1.title)"))
    }.sorted { $0.place < $1.place }
    var trained = 0
    for (pair, _) in order where trained < 40 {
      guard case .works(let names) = try outcome([pair.0, pair.1]) else { continue }
      try assertTrains(names)
      trained += 1
    }
    XCTAssertEqual(trained, 40)
  }

  /// FNV-1a of a text, its bits mixed once more: texts that differ in their last letters alone lie far apart.
  private static func hash(_ text: String) -> UInt64 {
    let sum = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return (sum ^ (sum >> 33)) &* 0xff51_afd7_ed55_8ccd
  }

  /// Ways of filling all five places in which every two parts of different roles come together once at least: each
  /// begins with two that have not met, and takes of every other role the part that meets most others anew.
  private var pairwiseCover: [[Place]] {
    var open = Set(pairs.map { Set([$0, $1]) })
    var cover: [[Place]] = []
    for (first, second) in pairs where open.contains([first, second]) {
      var chosen = [first, second]
      for role in Role.allCases where !chosen.contains(where: { $0.role == role }) {
        func gain(_ place: Place) -> Int { chosen.count { open.contains([$0, place]) } }
        let best = places.filter { $0.role == role }.max { gain($0) < gain($1) }
        chosen += [best].compactMap(\.self)
      }
      for one in chosen {
        for other in chosen where other != one { open.remove([one, other]) }
      }
      cover.append(chosen)
    }
    return cover
  }

  /// A way of filling all five places plans a model or is refused by name; none stops the program.
  func testFullCompositionsAreMadeOrRefusedWithAReason() throws {
    var counts = (made: 0, refused: 0)
    for parts in pairwiseCover {
      let names = Dictionary(uniqueKeysWithValues: parts.map { ($0.role, $0.name) })
      XCTAssertEqual(names.count, Role.allCases.count)
      do {
        // Its parts and their shapes; weights would take most of the time and change nothing.
        _ = try registry.plan(try recipe(names, data: data(for: names)))
        counts.made += 1
      } catch let error as RecipeError {
        XCTAssertEqual(error.kind, .invalid, "\(names): \(error)")
        XCTAssertFalse("\(error)".isEmpty)
        counts.refused += 1
      }
    }
    XCTAssertGreaterThan(counts.made, 50)
    XCTAssertGreaterThan(counts.refused, 200)
  }

  private static func document(_ places: [Place], _ rows: [(Place, Place, Outcome)]) -> String {
    var reasons: [String] = []
    var lines = [
      "# Which parts go together",
      "",
      "Made by `VAE_WRITE_DOCS=1 make test` from the rules of the parts themselves, and held to by `make test`: *works* means that",
      "a model with both parts is made; a number is the reason why the two are refused, below. The tests train every variant",
      "and 40 of the pairs that work for 20 updates and draw from them, another 40 with each version.",
    ]
    for (number, row) in Role.allCases.enumerated() {
      for column in Role.allCases.dropFirst(number + 1) {
        let columns = places.filter { $0.role == column }
        lines += [
          "", "## \(row.rawValue.capitalized) and \(column.rawValue)", "",
          "| | " + columns.map { "`\($0.name)`" }.joined(separator: " | ") + " |",
          "|---|" + columns.map { _ in "---|" }.joined(),
        ]
        for place in places where place.role == row {
          let cells = columns.map { other -> String in
            guard let found = rows.first(where: { $0.0 == place && $0.1 == other }) else {
              return ""
            }
            switch found.2 {
            case .works: return "works"
            case .refused(let reason):
              let index = reasons.firstIndex(of: reason) ?? reasons.count
              if index == reasons.count { reasons.append(reason) }
              return "\(index + 1)"
            }
          }
          lines.append("| `\(place.name)` | " + cells.joined(separator: " | ") + " |")
        }
      }
    }
    lines += ["", "## Reasons", ""]
    lines += reasons.enumerated().map { "\($0.offset + 1). \($0.element)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

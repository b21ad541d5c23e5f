import VAEZoo
import XCTest

/// What is said before a training whose numbers cannot be compared with those of others.
final class LikelihoodNoticeTests: XCTestCase {
  /// The notice of a variant for binary data, and whether its likelihood gives probabilities; nil where no model of it
  /// can be planned for such data.
  private func notice(
    _ name: String, _ settings: [(key: String, value: String)] = []
  ) throws -> (text: String?, isDiscrete: Bool)? {
    let registry = SmallModels.registry
    let recipe = try registry.recipe(for: name)
    var settled = recipe
    try SmallModels.shrink(&settled)
    var data = DataDescription(height: 32, width: 32, channels: 1, range: .binary, rule: "binary")
    if registry.usesCondition(recipe) { data.condition = SmallModels.condition }
    data.missing = registry.usesMask(recipe)
    try registry.resolveLikelihood(of: &settled, for: data)
    try registry.apply(settings, to: &settled)
    guard let model = try? registry.plan(settled) else { return nil }
    let notice = LikelihoodNotice(
      of: TrainedModel(model: model, recipe: settled, source: "run"), recipe, settings: settings,
      registry: registry)
    if let notice { XCTAssertTrue(notice.isOfScales) }
    return (notice?.text.description, model.likelihood.isDiscrete)
  }

  func testEveryVariantThatHasADensityOfBinaryDataByDefaultSaysItAndNoOther() throws {
    var densities: [String] = []
    let names = SmallModels.registry.entries.map(\.variant.name)
    for name in names {
      guard let found = try notice(name) else { continue }
      if found.isDiscrete {
        XCTAssertNil(found.text, name)
        continue
      }
      densities.append(name)
      let text = try XCTUnwrap(found.text, name)
      XCTAssertTrue(text.contains("the default of \(name)"), text)
      XCTAssertTrue(text.contains("compared with probabilities"), text)
    }
    for name in ["vq-vae", "log-cosh-vae", "multiscale-vae", "two-stage-vae", "vae-gan"] {
      XCTAssertTrue(densities.contains(name), "\(name) is none of \(densities)")
    }
    XCTAssertGreaterThan(names.count, densities.count + 10)
  }

  func testTheOptionThatMakesNumbersComparableIsNamedWhereThereIsOne() throws {
    for name in ["vq-vae", "two-stage-vae"] {
      let text = try XCTUnwrap(notice(name)?.text)
      XCTAssertTrue(text.contains("likelihood=bernoulli"), text)
    }
    // What somebody has chosen needs no word.
    for choice in ["gaussian", "bernoulli"] {
      XCTAssertNil(try XCTUnwrap(notice("vq-vae", [("likelihood", choice)])).text, choice)
    }
  }
}

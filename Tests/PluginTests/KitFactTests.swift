import VAEPluginKit
import VAEZoo
import XCTest

/// What the kit for plug-ins in Swift tells components, and passes on of what they say.
final class KitFactTests: PluginTestCase {
  private func registry() throws -> Registry {
    var registry = Registry.builtIn
    try registry.register(.inProcess({ KitFacts.plugin.entry($0) }, name: "kit-facts"))
    return registry
  }

  private func data(
    _ range: ValueRange, told condition: ConditionSpace? = nil
  ) -> DataDescription {
    var data = DataDescription(
      height: 5, width: 6, channels: 3, range: range,
      rule: range == .binary ? "binary" : "floats")
    data.condition = condition
    return data
  }

  override func tearDownWithError() throws {
    KitFacts.making = { _, _ in }
    try super.tearDownWithError()
  }

  func testAFactoryIsToldOfTheModel() throws {
    for (range, name) in [(.binary, "binary"), (.unit, "unit"), (.real, "real")]
      as [(ValueRange, String)]
    {
      _ = try model(
        [(key: "decoder.name", value: "kit-facts"), (key: "prior.latent", value: "7")],
        registry(), data: data(range))
      let told = try XCTUnwrap(KitFacts.told)
      XCTAssertEqual(told.range, name)
      XCTAssertEqual(told.image, [5, 6, 3])
      XCTAssertEqual([told.latentSize, told.parametersPerPixel, told.conditionWidth], [7, 3, 0])
    }
    _ = try model([(key: "prior.name", value: "kit-closed")], registry(), data: data(.unit))
    XCTAssertEqual(KitFacts.told?.latentSize, 0)
    XCTAssertEqual(KitFacts.told?.image, [5, 6, 3])
  }

  func testAPartThatUsesTheConditionIsToldItAndOthersDoNotListen() throws {
    let registry = try registry()
    XCTAssertTrue(try registry.component(.decoder, "kit-told").usesCondition)
    XCTAssertFalse(try registry.component(.decoder, "kit-facts").usesCondition)
    let space = ConditionSpace(classes: 4)
    let model = try model(
      [(key: "decoder.name", value: "kit-told")], registry, data: data(.binary, told: space))
    XCTAssertEqual(KitFacts.told?.conditionWidth, 4)
    var context = context(2)
    context.condition = space.rows(labels: [3, 1])
    let x = RandomSource(seed: 1).stream("x").uniform([2, 5, 6, 3]).isAbove(0.5)
    _ = model.evaluate(x, DrawRequest(), context).distortion
    try model.checkParts()
    XCTAssertEqual(KitFacts.condition, [0, 0, 0, 1, 0, 1, 0, 0])
  }

  func testAClosedFormIsThatOfMeansAndLogVariances() throws {
    let prior = try model(
      [(key: "prior.name", value: "kit-closed"), (key: "prior.latent", value: "3")], registry()
    ).prior
    let gaussian = DiagonalGaussian(
      head: Tensor([0.5, 1, 2, -1, 0.25, 3, 4, 5, 6, -2, -3, 0.5], shape: [2, 6]))
    let rate = prior.draw(from: gaussian, DrawRequest(), context(2)).layers[0].rate
    XCTAssertNil((prior as? any FalliblePart)?.takeFault())
    let (means, logVariances) = (gaussian.means.floats, gaussian.logVariance.floats)
    for row in 0..<2 {
      let expected = (row * 3..<row * 3 + 3).reduce(Float(0)) {
        $0 + 100 * means[$1] - logVariances[$1]
      }
      XCTAssertEqual(rate.floats[row], expected, accuracy: 1e-3)
    }
    let draw = prior.draw(temperature: 0.375, context(2)).layers[0].sample
    XCTAssertEqual(draw.floats, [Float](repeating: 0.375, count: 6))
    XCTAssertEqual(draw.shape, [2, 3])
  }

  func testALikelihoodHasItsNumbersItsNoiseAndItsKind() throws {
    let registry = try registry()
    var kit = Registry.builtIn
    try kit.register(.inProcess({ KitPlugin.plugin.entry($0) }, name: "kit"))
    XCTAssertTrue(
      try model([(key: "likelihood.name", value: "kit")], kit).likelihood.isDiscrete)
    let model = try model([(key: "likelihood.name", value: "kit-density")], registry)
    let likelihood = model.likelihood
    XCTAssertFalse(likelihood.isDiscrete)
    XCTAssertEqual(likelihood.parametersPerPixel(channels: 1), 2)
    let x = images(2)
    let parameters = Tensor((0..<64).map { Float($0 % 7) }, shape: [2, 4, 4, 2])
    let density = likelihood.logDensity(x, parameters: parameters, context(2)).floats
    for row in 0..<2 {
      let (pixels, numbers) = (
        x.floats[row * 16..<row * 16 + 16], parameters.floats[row * 32..<row * 32 + 32]
      )
      XCTAssertEqual(
        density[row], 10 * pixels.reduce(0, +) - numbers.reduce(0, +), accuracy: 1e-3)
    }
    let noise = likelihood.noise([4, 4, 1], context(2))
    XCTAssertTrue(noise.floats.allSatisfy { 0 < $0 && $0 < 1 })
    let drawn = likelihood.sample(parameters, noise: noise).floats
    let means = likelihood.mean(parameters).floats
    XCTAssertEqual(means, (0..<32).map { Float((2 * $0 + 1) % 7) })
    for (index, value) in drawn.enumerated() {
      XCTAssertEqual(value, means[index] - 2 * noise.floats[index], accuracy: 1e-5)
    }
    try model.checkParts()
  }

  func testRangesAreThoseOfTheDeclarations() throws {
    let registry = try registry()
    func make(_ key: String, _ value: String, _ part: (String, String)) throws {
      _ = try model(
        [(key: part.0, value: part.1), (key: key, value: value)], registry)
    }
    let (prior, decoder) = (("prior.name", "kit-closed"), ("decoder.name", "kit-facts"))
    for value in ["2", "6"] { try make("prior.latent", value, prior) }
    for value in ["1", "7"] {
      assert(
        message { try make("prior.latent", value, prior) },
        names: "prior.latent cannot be \(value)")
    }
    for value in ["-1", "2"] { try make("decoder.rate", value, decoder) }
    for value in ["-1.01", "2.01"] {
      assert(
        message { try make("decoder.rate", value, decoder) },
        names: "decoder.rate cannot be \(value)")
    }
    for value in ["2,9", "5"] { try make("decoder.sizes", value, decoder) }
    for value in ["1", "3,10"] {
      assert(
        message { try make("decoder.sizes", value, decoder) },
        names: "decoder.sizes cannot be \(value)")
    }
    let recipe = try recipe([(key: "decoder.name", value: "kit-facts")], registry)
    XCTAssertEqual(recipe.part(.decoder).values["rate"], .number(0.5))
    XCTAssertEqual(recipe.part(.decoder).values["sizes"], .integers([3]))
  }

  func testWhatAFactoryAsksForWronglyIsItsReason() throws {
    let registry = try registry()
    func refusal(_ making: @escaping (Build, Arguments) throws -> Void) -> String {
      KitFacts.making = making
      return message { _ = try model([(key: "decoder.name", value: "kit-facts")], registry) }
    }
    assert(
      refusal { _ = try $1.integer("nothing") },
      names: "decoder kit-facts", "nothing, which is not among its hyper-parameters")
    assert(refusal { _ = try $1.integer("rate") }, names: "rate as an integer, which it is not")
    assert(refusal { _ = try $1.number("sizes") }, names: "sizes as a number")
    assert(refusal { _ = try $1.flag("rate") }, names: "rate as a flag")
    assert(refusal { _ = try $1.choice("rate") }, names: "rate as a choice")
    assert(refusal { _ = try $1.integers("rate") }, names: "rate as a list of integers")
    assert(
      refusal { build, _ in _ = try build.parameter("p", shape: [2, 3], values: [1, 2, 3]) },
      names: "3 numbers do not fill p of shape [2, 3]")
  }

  func testParametersBeginByTheirInitializersAndAreOfTheirKinds() throws {
    KitFacts.making = { build, _ in
      _ = try build.parameter("constant", shape: [3], .constant(-2.5), .notDecayed)
      _ = try build.parameter("normal", shape: [40, 50], .normal(0.25))
      _ = try build.parameter("uniform", shape: [40, 50], .uniform(0.75))
      _ = try build.parameter("lecun", shape: [20, 90], .lecunUniform)
      _ = try build.parameter("glorot", shape: [20, 90], .glorotUniform)
      _ = try build.parameter("he", shape: [20, 90], .heNormal)
      _ = try build.parameter("stored", shape: [2], values: [4, -5], [.buffer, .notDecayed])
    }
    let decoder = try model([(key: "decoder.name", value: "kit-facts")], registry()).decoder
    let found = Dictionary(
      uniqueKeysWithValues: decoder.parameters.map { ($0.path, $0.parameter) })
    XCTAssertEqual(found["constant"]?.value.floats, [-2.5, -2.5, -2.5])
    XCTAssertEqual(found.filter { !$0.value.isDecayed }.map(\.key), ["constant"])
    XCTAssertEqual(decoder.buffers.map(\.path), ["stored"])
    XCTAssertEqual(decoder.buffers.first?.buffer.value.floats, [4, -5])
    for (path, deviation, isBounded) in [
      ("normal", 0.25, false), ("uniform", 0.75 / 3.0.squareRoot(), true),
      ("lecun", (1 / 60.0).squareRoot(), true), ("glorot", (2 / 110.0).squareRoot(), true),
      ("he", (2 / 20.0).squareRoot(), false),
    ] {
      let values = try XCTUnwrap(found[path], path).value.floats.map { Double($0) }
      let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      XCTAssertEqual(square.squareRoot(), deviation, accuracy: 0.06 * deviation, path)
      let largest = (values.map { abs($0) }.max() ?? 0) / deviation
      XCTAssertEqual(largest < 1.74, isBounded, path)
    }
  }

  func testTheEntryGivesAHostOneDescriptionAndAnOlderOneNone() throws {
    XCTAssertNil(KitFacts.plugin.entry(nil))
    let first = try XCTUnwrap(description())
    XCTAssertEqual(try description(), first)
    XCTAssertEqual(String(cString: first.pointee.name), "kit-facts")
    XCTAssertEqual(String(cString: first.pointee.version), "2.5")
    XCTAssertEqual(String(cString: first.pointee.summary), "notes what it is told")
    XCTAssertEqual(first.pointee.component_count, 4)
    enum Older {
      nonisolated(unsafe) static var hasDescription = true
    }
    XCTAssertThrowsError(
      try VAEZoo.Plugin.inProcess(
        { host in
          guard var table = host?.pointee else { return nil }
          table.struct_size -= 8
          Older.hasDescription = KitFacts.plugin.entry(&table) != nil
          return nil
        }, name: "older"))
    XCTAssertFalse(Older.hasDescription)
  }

  /// The description that the plug-in gives the host of this process.
  private func description() throws -> PluginDescription? {
    enum Given {
      nonisolated(unsafe) static var description: PluginDescription?
    }
    _ = try VAEZoo.Plugin.inProcess(
      { host in
        Given.description = KitFacts.plugin.entry(host)
        return Given.description
      }, name: "kit-facts")
    return Given.description
  }
}

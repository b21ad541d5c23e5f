import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

final class PixelCNNDecoderTests: XCTestCase {
  private let random = RandomSource(seed: 5)

  private func build(
    _ latents: LatentSpace, height: Int = 6, width: Int = 5, channels: Int = 1,
    parametersPerPixel: Int? = nil, couplesChannels: Bool = false
  ) -> BuildContext {
    var build = BuildContext(
      data: DataDescription(
        height: height, width: width, channels: channels, range: .binary, rule: "binary"),
      random: RandomSource(seed: 9))
    build.latents = latents
    build.parametersPerPixel = parametersPerPixel ?? channels
    build.couplesChannels = couplesChannels
    return build
  }

  private func decoder(
    _ build: BuildContext, _ conditioning: PixelCNNDecoder.Conditioning = .map, kernel: Int = 3,
    channels: Int = 8
  ) throws -> PixelCNNDecoder {
    var sizes = GatedPixelCNN.Sizes(inputs: 1, outputs: 1)
    (sizes.channels, sizes.layers, sizes.kernel, sizes.head) = (channels, 2, kernel, 8)
    let decoder = try PixelCNNDecoder(
      sizes, conditioning: conditioning, conditionChannels: 4, build)
    // Weights four times as large make logits that matter.
    for (_, parameter) in decoder.parameters where parameter.shape.rank > 1 {
      parameter.value = parameter.value * 2
    }
    return decoder
  }

  private func draw(_ latents: Tensor?, rows: Int) -> LatentDraw {
    LatentDraw(
      layers: latents.map { [LatentLayer(sample: $0, rate: .zeros([rows]))] } ?? [], rowCount: rows)
  }

  private func assertDrawsAgree(
    _ decoder: PixelCNNDecoder, _ draw: LatentDraw, _ likelihood: any Likelihood,
    shape: Shape, accuracy: Float = 0, line: UInt = #line
  ) {
    for seed in 0..<3 {
      let context = RandomSource(seed: UInt64(seed)).context(draw.rowCount)
      let quick = decoder.sample(draw, from: likelihood, context)
      let slow = decoder.drawnByFullPasses(draw, likelihood, shape: shape, context)
      XCTAssertEqual(quick.shape, slow.shape, line: line)
      for (a, b) in zip(quick.floats, slow.floats) {
        XCTAssertEqual(a, b, accuracy: accuracy, line: line)
      }
      XCTAssertGreaterThan(Set(quick.floats).count, 1, "the draws say nothing", line: line)
    }
  }

  func testCachedDrawsAreTheImagesThatFullPassesDraw() throws {
    let z = random.stream("z").normal([3, 4])
    for conditioning in PixelCNNDecoder.Conditioning.allCases {
      for kernel in [3, 5] {
        let decoder = try decoder(build(.units(4)), conditioning, kernel: kernel)
        assertDrawsAgree(decoder, draw(z, rows: 3), BernoulliLikelihood(), shape: [6, 5, 1])
      }
    }
    assertDrawsAgree(
      try decoder(build(.none)), draw(nil, rows: 4), BernoulliLikelihood(), shape: [6, 5, 1])
  }

  func testCachedDrawsOfChannelsInOrderAreThoseOfFullPasses() throws {
    let decoder = try decoder(build(.none, height: 4, width: 4, channels: 3))
    assertDrawsAgree(decoder, draw(nil, rows: 3), BernoulliLikelihood(), shape: [4, 4, 3])
  }

  func testCachedDrawsWithSeveralParametersAChannelAreThoseOfFullPasses() throws {
    for couples in [false, true] {
      let likelihood = TwoParameterLikelihood(couplesChannels: couples)
      let decoder = try decoder(
        build(
          .none, height: 4, width: 4, channels: 3, parametersPerPixel: 6, couplesChannels: couples))
      assertDrawsAgree(
        decoder, draw(nil, rows: 2), likelihood, shape: [4, 4, 3], accuracy: 1e-4)
    }
  }

  func testCachedDrawsOfAPlainStackAreThoseOfFullPasses() {
    for groups in [1, 3] {
      let decoder = PixelCNNDecoder(
        PixelNetworks.plain(inputs: groups, outputs: groups, groups: groups), height: 5, width: 6,
        channels: groups)
      assertDrawsAgree(
        decoder, draw(nil, rows: 4), BernoulliLikelihood(), shape: [5, 6, groups])
    }
  }

  func testManyDrawsAtOnceAreThoseOfEachDrawAlone() throws {
    let x = random.stream("x").uniform([2, 6, 5, 1]).isAbove(0.5)
    let z = random.stream("z").normal([6, 4])
    for conditioning in PixelCNNDecoder.Conditioning.allCases {
      let decoder = try decoder(build(.units(4)), conditioning)
      let together = decoder.decode(draw(z, rows: 6), target: x, random.context(2))
      XCTAssertEqual(together.shape, [6, 6, 5, 1])
      for sample in 0..<3 {
        let rows = 2 * sample..<2 * sample + 2
        let alone = decoder.decode(draw(z.rows(rows), rows: 2), target: x, random.context(2))
        for (a, b) in zip(together.rows(rows).floats, alone.floats) {
          XCTAssertEqual(a, b, accuracy: 1e-5)
        }
      }
    }
    let without = try decoder(build(.none))
    let together = without.decode(draw(nil, rows: 6), target: x, random.context(2)).floats
    let alone = without.decode(draw(nil, rows: 2), target: x, random.context(2)).floats
    XCTAssertEqual(together, alone + alone + alone)
  }

  func testGradientsOfManyDrawsAddUpOverThem() throws {
    let decoder = try decoder(build(.units(4)))
    let x = random.stream("x").uniform([2, 6, 5, 1]).isAbove(0.5)
    let z = random.stream("z").normal([4, 4])
    func gradients(_ z: Tensor) -> Gradients {
      decoder.decode(draw(z, rows: z.shape[0]), target: x, random.context(2)).sum().backward()
    }
    let together = gradients(z)
    var apart = gradients(z.rows(0..<2))
    apart.add(gradients(z.rows(2..<4)))
    for (path, parameter) in decoder.parameters {
      let (a, b) = (
        try XCTUnwrap(together[parameter], path).floats, try XCTUnwrap(apart[parameter]).floats
      )
      let scale = b.reduce(1) { max($0, abs($1)) }
      for (p, q) in zip(a, b) { XCTAssertEqual(p, q, accuracy: 1e-4 * scale, path) }
    }
  }

  func testEveryParameterLearns() throws {
    for latents in [
      LatentSpace.none, .units(4), .hierarchy([[4], [2]]),
      .codes(CodeGrid(height: 3, width: 3, codeCount: 8, vectorSize: 4)),
    ] {
      let decoder = try decoder(build(latents))
      let shape = latents.decoderInputShape
      let x = random.stream("x").uniform([2, 6, 5, 1]).isAbove(0.5)
      let z = random.stream("z").normal(Shape([2] + shape.dimensions))
      let parameters = decoder.decode(
        draw(latents == .none ? nil : z, rows: 2), target: x, random.context(2, .training))
      let loss = -BernoulliLikelihood().logDensity(x, parameters: parameters, random.context(2))
      let gradients = loss.sum().backward()
      for (path, parameter) in decoder.parameters {
        let gradient = try XCTUnwrap(gradients[parameter], "\(path) with \(latents.phrase)")
        XCTAssertTrue(gradient.isFinite, path)
        XCTAssertGreaterThan(gradient.doubleSumOfSquares, 0, "\(path) with \(latents.phrase)")
      }
    }
  }

  func testTheHeadBeginsAtTheMeanOfTheData() throws {
    let decoder = try decoder(build(.none))
    for (_, parameter) in decoder.parameters { parameter.value = .zeros(parameter.shape) }
    let logits = random.stream("logits").normal([6, 5, 1])
    decoder.begin(at: logits)
    let output = decoder.decode(
      draw(nil, rows: 1), target: .zeros([1, 6, 5, 1]), random.context(1))
    let mean = Float(logits.doubleSum / 30)
    for value in output.floats { XCTAssertEqual(value, mean, accuracy: 1e-5) }
  }

  // MARK: What does not fit

  private func assertRefused(
    _ build: BuildContext, conditioning: PixelCNNDecoder.Conditioning = .map, kernel: Int = 3,
    channels: Int = 8, naming words: String..., line: UInt = #line
  ) {
    XCTAssertThrowsError(
      try decoder(build, conditioning, kernel: kernel, channels: channels), line: line
    ) { error in
      XCTAssertEqual((error as? RecipeError)?.kind, .invalid, line: line)
      for word in words { XCTAssertTrue("\(error)".contains(word), "\(error)", line: line) }
    }
  }

  func testDataWithoutNeighboursAreRefused() {
    assertRefused(
      build(.none, height: 1, width: 9), naming: "PixelCNN", "without a spatial output", "1×9")
    assertRefused(build(.none, height: 9, width: 1), naming: "without a spatial output")
  }

  func testLatentsThatDoNotFitTheImageAreRefusedNamingTheSizesThatWould() {
    let grid = CodeGrid(height: 4, width: 4, codeCount: 8, vectorSize: 4)
    assertRefused(build(.codes(grid)), naming: "4×4", "6×5", "3×3")
  }

  func testAMapOfLatentsCannotBeABias() {
    let grid = CodeGrid(height: 3, width: 3, codeCount: 8, vectorSize: 4)
    assertRefused(
      build(.codes(grid)), conditioning: .bias, naming: "vector", "3×3", "decoder.condition=map")
  }

  func testKernelsWithoutACentreAndTooFewFeaturesAreRefused() {
    assertRefused(build(.none), kernel: 4, naming: "decoder.kernel", "odd")
    assertRefused(build(.none, channels: 3), channels: 2, naming: "2 channels", "3 channels")
  }

  func testANetworkBeyondMemoryIsRefusedBeforeAnyWeightIsMade() throws {
    var registry = Registry.sharedComponents
    registry.register(WithoutLatents())
    var recipe = try registry.recipe(for: "without-latents")
    recipe.data = build(.none).data
    try registry.apply(
      [
        (key: "decoder.channels", value: "4096"), (key: "decoder.layers", value: "64"),
        (key: "decoder.kernel", value: "15"),
      ], to: &recipe)
    let before = MemoryPool.shared.statistics.systemAllocations
    XCTAssertThrowsError(try registry.model(recipe)) {
      XCTAssertTrue("\($0)".contains("decoder pixelcnn of "), "\($0)")
      XCTAssertTrue("\($0)".contains("beyond the limit"), "\($0)")
      XCTAssertTrue("\($0)".contains("decoder.channels"), "\($0)")
    }
    XCTAssertEqual(MemoryPool.shared.statistics.systemAllocations, before)
  }

  private struct WithoutLatents: Variant {
    let name = "without-latents"
    let summary = "for these tests"
    let reference = "none"
    let composition = Composition(encoder: "none", prior: "none", decoder: "pixelcnn")
  }

  private func model(_ settings: [(key: String, value: String)]) throws -> Model {
    var registry = Registry.sharedComponents
    registry.register(WithoutLatents(), origin: "tests")
    var recipe = try registry.recipe(for: "without-latents")
    recipe.data = build(.none).data
    try registry.apply(settings, to: &recipe)
    return try registry.model(recipe, seed: 1)
  }

  private struct BringsAPrior: Variant {
    let name = "brings-a-prior"
    let summary = "for these tests"
    let reference = "none"
    let composition = Composition(encoder: "mlp", prior: "own", decoder: "mlp")

    func registerComponents(in registry: inout Registry) {
      registry.register(
        Component<any Prior>(role: .prior, name: "own", summary: "of this variant") { _ in
          StandardNormalPrior(units: 2)
        })
    }
  }

  func testAPartIsOnRecordByTheProgramThatBringsItInWhateverVariantItStands() throws {
    var registry = Registry.sharedComponents
    registry.register(BringsAPrior(), origin: "a program")
    registry.register(WithoutLatents())
    XCTAssertEqual(
      try registry.recipe(for: "brings-a-prior").plugIns.map(\.origin), ["a program"])
    var recipe = try registry.recipe(for: "without-latents")
    XCTAssertEqual(recipe.plugIns, [])
    try registry.apply([("encoder.name", "mlp"), ("prior.name", "own")], to: &recipe)
    XCTAssertEqual(recipe.plugIns.map(\.origin), ["a program"])
  }

  func testANameThatIsTakenIsRefusedByItsName() throws {
    func prior(_ name: String) -> Component<any Prior> {
      Component(role: .prior, name: name, summary: "x") { _ in StandardNormalPrior(units: 2) }
    }
    var registry = Registry.sharedComponents
    registry.register(BringsAPrior())
    let stage = try XCTUnwrap(registry.stages.first)
    try assertStops("a variant", saying: "the variant brings-a-prior is registered already") {
      registry.register(BringsAPrior())
    }
    try assertStops("a part", saying: "the prior standard-normal is registered already") {
      registry.register(prior("standard-normal"))
    }
    try assertStops("a stage", saying: "the stage \(stage.name) is registered already") {
      registry.register(stage)
    }
    registry.register(prior("another"))
    XCTAssertNoThrow(try registry.component(.prior, "another"))
  }

  func testAnEncoderAndItsAbsenceMustSuitThePrior() throws {
    XCTAssertNoThrow(try model([]))
    XCTAssertThrowsError(try model([("encoder.name", "mlp")])) {
      XCTAssertTrue("\($0)".contains("no latents"), "\($0)")
    }
    XCTAssertThrowsError(try model([("prior.name", "standard-normal")])) {
      XCTAssertTrue("\($0)".contains("encoder none"), "\($0)")
      XCTAssertTrue("\($0)".contains("20 units"), "\($0)")
    }
  }

  func testAModelWithoutLatentsHasNoRate() throws {
    let model = try model([])
    let x = random.stream("x").uniform([3, 6, 5, 1]).isAbove(0.5)
    let evaluation = model.evaluate(x, DrawRequest(), random.context(3))
    XCTAssertEqual(evaluation.rate.floats, [0, 0, 0])
    XCTAssertTrue(evaluation.distortion.floats.allSatisfy { $0 > 0 })
    XCTAssertEqual(model.sample(random.context(2)).shape, [2, 6, 5, 1])
    XCTAssertEqual(model.reconstruct(x, random.context(3)).shape, x.shape)
  }
}

// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import VAEZoo
import XCTest

/// What methods are given, when they are called, and what becomes of what they give.
final class MethodTests: PluginTestCase {
  // MARK: Passes

  /// What a pass is described as in the density of a prior, of a number of draws an example.
  private func described(_ context: Context, draws: Int) throws -> vae_pass_info {
    let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
    nonisolated(unsafe) var info = vae_pass_info()
    info.struct_size = UInt32(MemoryLayout<vae_pass_info>.size)
    InProcess.density = { host, pass, z in
      host.describe_pass(pass, &info)
      return host.row_sums(pass, z)
    }
    var request = DrawRequest()
    request.samples = draws
    let draw = GivenDraw(parameter: Parameter(.zeros([context.examples.count, 3])))
    _ = prior.draw(from: draw, request, context).rate
    if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
    return info
  }

  func testAPassSaysWhatItIsMadeForAndHowMuchWasDoneBefore() throws {
    for (mode, code) in [
      (.training, VAE_MODE_TRAINING), (.evaluation, VAE_MODE_EVALUATION),
      (.calibration, VAE_MODE_CALIBRATION),
    ] as [(Context.Mode, Int32)] {
      let context = Context(
        mode: mode, step: 17, epochs: 2.75, random: RandomSource(seed: 1), examples: [4, 9, 2, 7])
      let info = try described(context, draws: 3)
      XCTAssertEqual(info.mode, code)
      XCTAssertEqual(info.step, 17)
      XCTAssertEqual(info.epochs, 2.75)
      XCTAssertEqual(info.rows, 12)
      XCTAssertEqual(info.draws, 3)
    }
  }

  func testRandomNumbersOfADrawAreItsOwnAndThoseOfAnExampleStayWithIt() throws {
    func drawn(_ examples: [UInt64], draws: Int, isNormal: Bool) throws -> [[Float]] {
      let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
      nonisolated(unsafe) var rows: [[Float]] = []
      InProcess.density = { host, pass, z in
        let shape: [Int64] = [2, 5]
        let value =
          isNormal
          ? host.normal(pass, InProcess.streamName, shape, 2)
          : host.uniform(pass, InProcess.streamName, shape, 2)
        var sizes = [Int64](repeating: 0, count: 8)
        XCTAssertEqual(host.shape(pass, value, &sizes), 3)
        XCTAssertEqual(Array(sizes.prefix(3)), [Int64(examples.count * draws), 2, 5])
        if let data = host.data(pass, value) {
          rows = (0..<Int(sizes[0])).map { row in (0..<10).map { data[row * 10 + $0] } }
        }
        return host.row_sums(pass, z)
      }
      var request = DrawRequest()
      request.samples = draws
      let draw = GivenDraw(parameter: Parameter(.zeros([examples.count, 3])))
      let context = Context(mode: .training, random: RandomSource(seed: 5), examples: examples)
      _ = prior.draw(from: draw, request, context).rate
      if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
      return rows
    }
    for isNormal in [true, false] {
      let all = try drawn([8, 3], draws: 2, isNormal: isNormal)
      XCTAssertEqual(all.count, 4)
      XCTAssertEqual(Set(all).count, 4, "no row is another one's")
      // Row k · N + n is draw k of example n.
      let one = try drawn([3], draws: 2, isNormal: isNormal)
      XCTAssertEqual(one, [all[1], all[3]])
      let numbers = all.flatMap(\.self)
      XCTAssertEqual(numbers.contains { $0 < 0 }, isNormal)
      if !isNormal { XCTAssertTrue(numbers.allSatisfy { 0 < $0 && $0 < 1 }) }
    }
  }

  // MARK: Life-cycle

  func testFirstImagesAreShownToEveryPartAtOnceAndMayChangeItsParameters() throws {
    enum Seen {
      nonisolated(unsafe) static var shape: [Int64] = []
      nonisolated(unsafe) static var info = vae_pass_info()
      nonisolated(unsafe) static var parameter: OpaquePointer?
      nonisolated(unsafe) static var updates = 0
    }
    var component = InProcess.component
    component.create = { build, _, _, _ in
      let shape: [Int64] = [1]
      Seen.parameter = InProcess.host.parameter(build, "mean", shape, 1, VAE_INIT_CONSTANT, 7, 0)
      return UnsafeMutableRawPointer(InProcess.prior)
    }
    component.prepare = { _, pass, images in
      let host = InProcess.host
      var sizes = [Int64](repeating: 0, count: 8)
      Seen.shape = Array(sizes.prefix(Int(host.shape(pass, images, &sizes))))
      Seen.shape = Array(sizes.prefix(Seen.shape.count))
      Seen.info.struct_size = UInt32(MemoryLayout<vae_pass_info>.size)
      host.describe_pass(pass, &Seen.info)
      let one: [Int64] = [1]
      host.assign(
        pass, Seen.parameter, host.reshape(pass, host.average(pass, images), one, 1))
    }
    component.after_update = { _, pass in
      Seen.updates += 1
      let host = InProcess.host
      host.assign(
        pass, Seen.parameter, host.scale(pass, host.use(pass, Seen.parameter), 1, 10))
    }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    let model = try model([(key: "prior.name", value: "test")], registry)
    let batches = [images(3), images(5)]
    try model.prepare(firstBatches: batches, context: context(8, mode: .training))
    try model.checkParts()
    XCTAssertEqual(Seen.shape, [8, 4, 4, 1])
    XCTAssertEqual([Seen.info.rows, Seen.info.draws], [8, 1])
    XCTAssertEqual(Seen.info.mode, VAE_MODE_TRAINING)
    let mean = Tensor.concatenated(batches, axis: 0).mean().item
    let parameter = try XCTUnwrap(model.prior.parameters.first).parameter
    XCTAssertEqual(parameter.value.floats, [mean])
    model.prior.afterUpdate(context(8, mode: .training))
    try model.checkParts()
    XCTAssertEqual(Seen.updates, 1)
    XCTAssertEqual(parameter.value.item, mean + 10, accuracy: 1e-5)
  }

  // MARK: Roles

  func testAPosteriorHasAsMuchAsItsEncoderGives() throws {
    func traits(_ change: (inout vae_encoder) -> Void) throws -> PosteriorTraits {
      var methods = vae_encoder()
      methods.struct_size = UInt32(MemoryLayout<vae_encoder>.size)
      methods.encode = { _, _, x in x }
      change(&methods)
      var component = InProcess.component
      component.prior = nil
      component.encoder = UnsafePointer(InProcess.kept(methods))
      let registry = try InProcess.registry(InProcess.plugin(components: [component]))
      return try model([(key: "encoder.name", value: "test")], registry).encoder.posteriorTraits
    }
    let gaussian = try traits { _ in }
    XCTAssertEqual([gaussian.hasMoments, gaussian.hasTemperature], [true, true])
    let own = try traits {
      $0.sample = { _, _, parameters in parameters }
      $0.log_density = { _, _, _, z in z }
    }
    XCTAssertEqual([own.hasMoments, own.hasTemperature], [false, false])
    let known = try traits {
      $0.sample = { _, _, parameters in parameters }
      $0.log_density = { _, _, _, z in z }
      $0.mean = { _, _, parameters in parameters }
    }
    XCTAssertEqual([known.hasMoments, known.hasTemperature], [true, false])
  }

  func testADrawOfAPriorHearsItsTemperature() throws {
    let model = try model([(key: "prior.name", value: "test")], InProcess.registry())
    InProcess.density = { $0.row_sums($1, $2) }
    let warm = model.prior.draw(temperature: 1, context(4)).layers[0].sample
    let cool = model.prior.draw(temperature: 0.25, context(4)).layers[0].sample
    XCTAssertEqual(cool.shape, [4, 3])
    for (a, b) in zip(cool.floats, warm.floats) { XCTAssertEqual(a, 0.25 * b, accuracy: 1e-6) }
    XCTAssertEqual(Set(warm.floats).count, 12)
  }

  func testAClosedFormIsGivenMeansThenLogVariancesOfAGaussianAlone() throws {
    let methods = InProcess.kept(InProcess.prior.pointee)
    // Of means alone 3 a row; of logarithms of variances what is less.
    methods.pointee.divergence = { _, pass, mean, logVariance in
      let host = InProcess.host
      return host.subtract(
        pass, host.row_sums(pass, host.scale(pass, mean, 100, 0)),
        host.row_sums(pass, logVariance))
    }
    var component = InProcess.component
    component.prior = UnsafePointer(methods)
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    let prior = try model([(key: "prior.name", value: "test")], registry).prior
    InProcess.density = { $0.row_sums($1, $2) }
    let head = Tensor([0.5, 1, 2, -1, 0.25, 3, 4, 5, 6, -2, -3, 0.5], shape: [2, 6])
    let gaussian = DiagonalGaussian(head: head)
    let layer = prior.draw(from: gaussian, DrawRequest(), context(2)).layers[0]
    XCTAssertNil((prior as? any FalliblePart)?.takeFault())
    for (row, rate) in layer.rate.floats.enumerated() {
      let (means, logVariances) = (
        gaussian.means.floats[row * 3..<row * 3 + 3],
        gaussian.logVariance.floats[row * 3..<row * 3 + 3]
      )
      XCTAssertEqual(
        rate, 100 * means.reduce(0, +) - logVariances.reduce(0, +), accuracy: 1e-3)
    }
    XCTAssertEqual(Array(gaussian.means.floats.prefix(3)), [0.5, 1, 2])
    // Another posterior is priced at its draws: by log q, which is zero here, less log p.
    let draw = GivenDraw(parameter: Parameter(Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])))
    XCTAssertEqual(
      prior.draw(from: draw, DrawRequest(), context(2)).layers[0].rate.floats, [-6, -15])
  }

  func testALikelihoodIsGivenEachImageOncePerDraw() throws {
    enum Seen {
      nonisolated(unsafe) static var x: [Float] = []
      nonisolated(unsafe) static var shapes: [[Int64]] = []
      static func shape(_ pass: OpaquePointer?, _ value: OpaquePointer?) -> [Int64] {
        var sizes = [Int64](repeating: 0, count: 8)
        let rank = InProcess.host.shape(pass, value, &sizes)
        return Array(sizes.prefix(max(0, Int(rank))))
      }
    }
    var methods = vae_likelihood()
    methods.struct_size = UInt32(MemoryLayout<vae_likelihood>.size)
    methods.noise = VAE_NOISE_NORMAL
    methods.couples_channels = 1
    methods.parameters_per_pixel = { _, channels in 2 * channels }
    methods.noise_per_pixel = { _, channels in channels + 4 }
    methods.log_density = { _, pass, x, parameters in
      let host = InProcess.host
      Seen.shapes = [Seen.shape(pass, x), Seen.shape(pass, parameters)]
      if let data = host.data(pass, x) {
        Seen.x = (0..<Int(Seen.shapes[0].reduce(1, *))).map { data[$0] }
      }
      return host.row_sums(pass, parameters)
    }
    methods.mean = { _, pass, parameters in
      InProcess.host.slice(pass, parameters, 3, 0, 1)
    }
    methods.sample = { _, pass, parameters, noise in
      Seen.shapes = [Seen.shape(pass, parameters), Seen.shape(pass, noise)]
      return InProcess.host.slice(pass, noise, 3, 4, 1)
    }
    var component = InProcess.component
    component.prior = nil
    component.likelihood = UnsafePointer(InProcess.kept(methods))
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    let model = try model([(key: "likelihood.name", value: "test")], registry)
    XCTAssertTrue(model.likelihood.couplesChannels)
    XCTAssertFalse(model.likelihood.isDiscrete)
    var request = DrawRequest()
    request.samples = 3
    let x = images(2)
    let evaluation = model.evaluate(x, request, context(2))
    _ = evaluation.distortion
    try model.checkParts()
    XCTAssertEqual(Seen.shapes, [[6, 4, 4, 1], [6, 4, 4, 2]])
    XCTAssertEqual(Seen.x, x.floats + x.floats + x.floats)
    let noise = model.likelihood.noise([4, 4, 1], context(2))
    XCTAssertEqual(noise.shape, [2, 4, 4, 5])
    XCTAssertTrue(noise.floats.contains { $0 < 0 })
    let parameters = Tensor(repeating: 0, shape: [2, 4, 4, 2])
    let drawn = model.likelihood.sample(parameters, noise: noise)
    XCTAssertEqual(Seen.shapes, [[2, 4, 4, 2], [2, 4, 4, 5]])
    XCTAssertEqual(drawn.floats, noise.slice(axis: 3, 4..<5).floats)
    XCTAssertEqual(model.likelihood.mean(parameters).shape, [2, 4, 4, 1])
  }

  func testADecoderIsGivenUnitsAsRowsAndCodesInTheirPlaces() throws {
    enum Seen {
      nonisolated(unsafe) static var shape: [Int64] = []
      nonisolated(unsafe) static var info = vae_pass_info()
      nonisolated(unsafe) static var outputs: Int64 = 0
    }
    var methods = vae_decoder()
    methods.struct_size = UInt32(MemoryLayout<vae_decoder>.size)
    methods.decode = { _, pass, z in
      let host = InProcess.host
      var sizes = [Int64](repeating: 0, count: 8)
      let rank = host.shape(pass, z, &sizes)
      Seen.shape = Array(sizes.prefix(max(0, Int(rank))))
      Seen.info.struct_size = UInt32(MemoryLayout<vae_pass_info>.size)
      host.describe_pass(pass, &Seen.info)
      let shape = [Seen.shape[0], Seen.outputs]
      return host.full(pass, 0.25, shape, 2)
    }
    var component = InProcess.component
    component.prior = nil
    component.decoder = UnsafePointer(InProcess.kept(methods))
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    let data = DataDescription(height: 8, width: 12, channels: 2, range: .binary, rule: "binary")
    Seen.outputs = 8 * 12 * 2
    let x = RandomSource(seed: 3).stream("x").uniform([3, 8, 12, 2]).isAbove(0.5)
    for (variant, settings, shape) in [
      ("gaussian-vae", [("prior.latent", "7")], [6, 7]),
      ("vq-vae", [("prior.codes", "11"), ("prior.code_size", "5")], [6, 2, 3, 5]),
    ] as [(String, [(String, String)], [Int64])] {
      let model = try model(
        [(key: "decoder.name", value: "test")] + settings.map { (key: $0.0, value: $0.1) },
        registry, data: data, variant: variant)
      var request = DrawRequest()
      request.samples = 2
      let evaluation = model.evaluate(x, request, context(3))
      XCTAssertEqual(evaluation.parameters.shape, [6, 8, 12, 2], variant)
      try model.checkParts()
      XCTAssertEqual(Set(evaluation.parameters.floats), [0.25])
      XCTAssertEqual(Seen.shape, shape, variant)
      XCTAssertEqual([Seen.info.rows, Seen.info.draws], [6, 2], variant)
    }
  }

  // MARK: Objectives

  /// What an objective of the test's own asks for, and is given.
  private enum Asked {
    nonisolated(unsafe) static var requirements = vae_requirements()
    nonisolated(unsafe) static var numbers: [Int64] = []
    nonisolated(unsafe) static var values: [String: (shape: [Int64], floats: [Float])] = [:]
    nonisolated(unsafe) static var result: (vae_host, OpaquePointer?, vae_terms) -> OpaquePointer? =
      { $0.average($1, $2.distortion) }

    static func note(_ name: String, _ pass: OpaquePointer?, _ value: OpaquePointer?) {
      guard value != nil else { return }
      var sizes = [Int64](repeating: 0, count: 8)
      let rank = InProcess.host.shape(pass, value, &sizes)
      let shape = Array(sizes.prefix(max(0, Int(rank))))
      let count = Int(shape.reduce(1, *))
      let data = InProcess.host.data(pass, value)
      values[name] = (shape, data.map { data in (0..<count).map { data[$0] } } ?? [])
    }
  }

  private func objective(hasParameters: Bool = false) throws -> Model {
    Asked.values = [:]
    var methods = vae_objective()
    methods.struct_size = UInt32(MemoryLayout<vae_objective>.size)
    methods.requirements = { _, needs in
      guard let needs else { return }
      let size = needs.pointee.struct_size
      needs.pointee = Asked.requirements
      needs.pointee.struct_size = size
    }
    methods.loss = { _, pass, terms in
      guard let terms = terms?.pointee else { return nil }
      Asked.numbers = [Int64(terms.phase), terms.draws, terms.examples, Int64(terms.layer_count)]
      for (name, value) in [
        ("distortion", terms.distortion), ("rate", terms.rate), ("batch", terms.batch),
        ("parameters", terms.parameters), ("latents", terms.latents), ("mean", terms.mean),
        ("variance", terms.variance), ("second", terms.second_latents),
      ] { Asked.note(name, pass, value) }
      for layer in 0..<Int(terms.layer_count) {
        Asked.note("layer \(layer)", pass, terms.layer_rates?[layer])
      }
      return Asked.result(InProcess.host, pass, terms)
    }
    var component = InProcess.component
    component.prior = nil
    component.objective = UnsafePointer(InProcess.kept(methods))
    if hasParameters {
      component.create = { build, _, _, _ in
        let shape: [Int64] = [1]
        _ = InProcess.host.parameter(build, "own", shape, 1, VAE_INIT_CONSTANT, 1, 0)
        return UnsafeMutableRawPointer(InProcess.prior)
      }
    }
    let registry = try InProcess.registry(InProcess.plugin(components: [component]))
    return try model(
      [(key: "objective.name", value: "test"), (key: "prior.latent", value: "5")], registry)
  }

  func testAnObjectiveIsGivenWhatTheModelSaysOfTheBatch() throws {
    Asked.requirements = vae_requirements()
    Asked.requirements.draws = 3
    Asked.requirements.needs_second_batch = 1
    Asked.requirements.uses_sampled_rate = 1
    Asked.result = { $0.average($1, $2.rate) }
    let model = try objective()
    let wanted = model.objective.requirements
    XCTAssertEqual(wanted.draw.samples, 3)
    XCTAssertTrue(wanted.draw.usesSampledRate)
    XCTAssertTrue(wanted.needsSecondBatch)
    let context = context(4, mode: .training)
    let other = self.context(2, mode: .training, seed: 9)
    let pass = ForwardPass(
      model, images(4), second: (batch: images(2), context: other), wanted.draw, context)
    let loss = model.objective.phases[0].loss(pass)
    try model.checkParts()
    let evaluation = pass.evaluation
    XCTAssertEqual(loss.value.item, evaluation.rate.mean().item, accuracy: 1e-5)
    XCTAssertEqual(Asked.numbers, [0, 3, 4, 1])
    let expected: [(String, Tensor?)] = [
      ("distortion", evaluation.distortion), ("rate", evaluation.rate),
      ("batch", evaluation.batch), ("parameters", evaluation.parameters),
      ("latents", evaluation.draw.layers[0].sample), ("mean", evaluation.posterior.mean),
      ("variance", evaluation.posterior.variance), ("layer 0", evaluation.draw.layers[0].rate),
      ("second", pass.second?.draw.layers[0].sample),
    ]
    for (name, tensor) in expected {
      let found = try XCTUnwrap(Asked.values[name], name)
      XCTAssertEqual(found.floats, tensor?.floats, name)
      XCTAssertEqual(found.shape, tensor?.shape.dimensions.map { Int64($0) }, name)
    }
    XCTAssertEqual(Asked.values["rate"]?.shape, [3, 4])
    XCTAssertEqual(Asked.values["latents"]?.shape, [12, 5])
    XCTAssertEqual(Asked.values["second"]?.shape, [6, 5])
    XCTAssertNotEqual(Asked.values["mean"]?.floats, Asked.values["variance"]?.floats)
  }

  func testAnObjectiveThatAsksForNothingHasOneDrawAndOneBatch() throws {
    Asked.requirements = vae_requirements()
    Asked.result = { $0.average($1, $2.distortion) }
    let model = try objective()
    let wanted = model.objective.requirements
    XCTAssertEqual(wanted.draw.samples, 1)
    XCTAssertFalse(wanted.draw.usesSampledRate)
    XCTAssertFalse(wanted.needsSecondBatch)
    XCTAssertEqual(model.objective.phases.map(\.group), [.model])
    let pass = ForwardPass(model, images(4), wanted.draw, context(4, mode: .training))
    _ = model.objective.phases[0].loss(pass)
    XCTAssertNil(Asked.values["second"])
    XCTAssertEqual(Asked.numbers, [0, 1, 4, 1])
    // What it has itself is trained by its one loss as well.
    let own = try objective(hasParameters: true)
    XCTAssertEqual(own.objective.phases.count, 1)
    guard case .paths(let paths) = own.objective.phases[0].group else {
      return XCTFail("its own parameters are not trained")
    }
    XCTAssertTrue(paths.contains("objective."))
    XCTAssertTrue(paths.contains("decoder."))
  }

  func testAnObjectiveThatAsksForTooMuchOrGivesNoScalarIsRefused() throws {
    for (draws, phases, words) in [
      (10_001, 0, "10001 draws"), (-1, 0, "-1 draws"), (1, 3, "3 phases"), (1, -1, "-1 phases"),
    ] as [(Int64, Int32, String)] {
      Asked.requirements = vae_requirements()
      (Asked.requirements.draws, Asked.requirements.phases) = (draws, phases)
      assert(message { _ = try objective() }, names: "objective test", words)
    }
    Asked.requirements = vae_requirements()
    Asked.requirements.draws = 10_000
    XCTAssertEqual(try objective().objective.requirements.draw.samples, 10_000)
    Asked.requirements = vae_requirements()
    func failure(
      _ result: @escaping (vae_host, OpaquePointer?, vae_terms) -> OpaquePointer?
    ) throws -> String {
      Asked.result = result
      let model = try objective()
      let pass = ForwardPass(
        model, images(4), model.objective.requirements.draw, context(4, mode: .training))
      _ = model.objective.phases[0].loss(pass)
      return message { try model.checkParts() }
    }
    assert(try failure { _, _, terms in terms.rate }, names: "loss gave a value of shape [1, 4]")
    assert(
      try failure { host, pass, terms in
        let mean = host.average(pass, terms.rate)
        host.log_term(pass, "twice", mean)
        host.log_term(pass, "twice", mean)
        return mean
      }, names: "twice is logged twice")
    assert(
      try failure { host, pass, terms in
        host.log_term(pass, "wide", terms.rate)
        return host.average(pass, terms.rate)
      }, names: "wide is no scalar, but of shape [1, 4]")
  }
}

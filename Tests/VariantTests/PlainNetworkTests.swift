import Foundation
import LadderVAE
import VAEZoo
import VeryDeepVAE
import XCTest

/// Networks of variants computed once more, layer by layer and in double precision, on images that are not square.
final class PlainNetworkTests: XCTestCase {
  private func model(
    _ variant: String, height: Int, width: Int, _ settings: [(key: String, value: String)]
  ) throws -> (model: Model, images: Tensor) {
    let data = SmallModels.data(
      height: height, width: width, channels: 2, isBinary: false, train: 4, test: 1)
    let model = try SmallModels.registry.model(
      SmallModels.recipe(variant, data: data, [(key: "likelihood", value: "gaussian")] + settings),
      seed: 3)
    PlainLayers(model).disturb(by: 0.2)
    return (model, data.train.batch([0, 3]))
  }

  private func assertEqual(
    _ found: Tensor, _ expected: [Double], _ what: String, file: StaticString = #filePath,
    line: UInt = #line
  ) {
    XCTAssertEqual(found.count, expected.count, what, file: file, line: line)
    for (a, b) in zip(found.floats, expected) {
      XCTAssertEqual(
        Double(a), b, accuracy: 2e-4 * max(1, abs(b)), what, file: file, line: line)
    }
  }

  private func leaky(_ x: Double) -> Double { x > 0 ? x : 0.1 * x }
  private func rectified(_ x: Double) -> Double { max(0, x) }
  private func gelu(_ x: Double) -> Double { x * 0.5 * (1 + erf(x / 2.0.squareRoot())) }

  // MARK: ladder

  /// What a chain of dense layers gives, each normalised by the statistics of a fresh network, mean 0 and variance 1.
  private func perceptron(
    _ input: [Double], _ path: String, depth: Int, isNormalized: Bool, _ layers: PlainLayers
  ) throws -> [Double] {
    var state = input
    for number in 0..<depth {
      guard isNormalized else {
        state = try layers.dense(state, "\(path).\(number)").map(tanh)
        continue
      }
      let scale = try layers.values("\(path).\(2 * number + 1).scale")
      let shift = try layers.values("\(path).\(2 * number + 1).shift")
      state = try layers.dense(state, "\(path).\(2 * number)").enumerated().map {
        tanh($1 / 1.00001.squareRoot() * scale[$0] + shift[$0])
      }
    }
    return state
  }

  func testALadderOfPerceptronsHasAsManyLayersALevelAsItSaysNormalizedOrNot() throws {
    for (normalization, handover) in [("batch", "features"), ("none", "mean")] {
      let isNormalized = normalization == "batch"
      var settings = [
        ("latent", "2,3,2"), ("encoder.hidden", "6,5,4"), ("prior.hidden", "4,7,3"),
        ("decoder.hidden", "5,3"), ("encoder.depth", "2"), ("prior.depth", "3"),
        ("decoder.depth", "2"), ("encoder.handover", handover),
      ].map { (key: $0.0, value: $0.1) }
      for part in ["encoder", "prior", "decoder"] {
        settings.append((key: "\(part).normalization", value: normalization))
        settings.append((key: "\(part).activation", value: "tanh"))
      }
      let (model, images) = try model("ladder-vae", height: 2, width: 3, settings)
      let layers = PlainLayers(model)
      let context = SmallModels.context(2)
      let found = try XCTUnwrap(
        withoutTape { model.encoder.encode(images, context) } as? LadderPosterior)
      let given = [2, 3, 2].enumerated().map {
        RandomSource(seed: 5).stream("level\($0)").normal([2, $1])
      }
      let prior = try XCTUnwrap(model.prior as? LadderPrior)
      let (noise, image) = withoutTape {
        (
          prior.noise(of: given, context),
          model.decoder.decode(prior.draw(of: given, context), target: nil, context)
        )
      }
      func row(_ tensor: Tensor, _ number: Int) -> [Double] {
        tensor.rows(number..<number + 1).floats.map(Double.init)
      }
      for number in 0..<2 {
        var features = row(images.flattened(), number)
        for (level, units) in [2, 3, 2].enumerated() {
          features = try perceptron(
            features, "encoder.blocks.\(level)", depth: 2, isNormalized: isNormalized, layers)
          XCTAssertEqual(features.count, [6, 5, 4][level])
          let message = try layers.dense(features, "encoder.heads.\(level)")
          let gaussian = found.messages[level]
          assertEqual(
            gaussian.means.rows(number..<number + 1), Array(message[..<units]), "level \(level)")
          assertEqual(
            gaussian.logVariance.rows(number..<number + 1), Array(message[units...]),
            "level \(level)")
          if handover == "mean" { features = Array(message[..<units]) }
        }
        for (level, units) in [2, 3].enumerated() {
          let down = try perceptron(
            row(given[level + 1], number), "prior.\(level).transition", depth: 3,
            isNormalized: isNormalized, layers)
          XCTAssertEqual(down.count, [4, 7][level])
          let belief = try layers.dense(down, "prior.\(level).head")
          let z = row(given[level], number)
          assertEqual(
            noise[level].rows(number..<number + 1),
            (0..<units).map { (z[$0] - belief[$0]) / exp(belief[units + $0] / 2) },
            "\(normalization): numbers of level \(level)")
        }
        XCTAssertEqual(noise[2].floats, given[2].floats, "the top is standard normal")
        let trunk = try perceptron(
          row(given[0], number), "decoder.trunk", depth: 4, isNormalized: isNormalized, layers)
        XCTAssertEqual(trunk.count, 3)
        assertEqual(
          image.rows(number..<number + 1), try layers.dense(trunk, "decoder.head"),
          "\(normalization): parameters")
      }
    }
  }

  // MARK: ladder-conv

  private func ladder(
    isNormalized: Bool, _ settings: [(key: String, value: String)] = []
  ) throws -> (model: Model, images: Tensor) {
    let blocks = isNormalized ? ["0", "0", "0"] : ["1", "2", "1"]
    let parts = ["encoder", "prior", "decoder"]
    return try model(
      "ladder-vae", height: 5, width: 7,
      parts.map { (key: "\($0).name", value: "ladder-conv") }
        + parts.map { (key: "\($0).normalization", value: isNormalized ? "batch" : "none") }
        + zip(parts, blocks).map { (key: "\($0).blocks", value: $1) } + [
          (key: "latent", value: "2,3"), (key: "encoder.channels", value: "4,5"),
          (key: "prior.channels", value: "3,4"), (key: "decoder.width", value: "6"),
        ] + settings)
  }

  /// What follows a change of size: residual blocks behind an activation, or normalisation by the statistics of a fresh
  /// network, mean 0 and variance 1.
  private func finished(
    _ image: PlainImage, _ path: String, blocks: Int, isNormalized: Bool, _ layers: PlainLayers
  ) throws -> PlainImage {
    guard isNormalized else {
      return try (0..<blocks).reduce(image.mapped(leaky)) {
        try layers.residual($0, "\(path).\($1 + 1)", leaky)
      }
    }
    let (scale, shift) = (
      try layers.values("\(path).1.scale"), try layers.values("\(path).1.shift")
    )
    var image = image
    for place in image.values.indices {
      let channel = place % image.channels
      image.values[place] = leaky(
        image.values[place] / 1.00001.squareRoot() * scale[channel] + shift[channel])
    }
    return image
  }

  func testAConvolutionalLadderSendsUpFeaturesOrMeansAndAMessageFromEachLevel() throws {
    for (isNormalized, handover) in [(false, "features"), (false, "mean"), (true, "features")] {
      let (model, images) = try ladder(
        isNormalized: isNormalized, [(key: "encoder.handover", value: handover)])
      let layers = PlainLayers(model)
      let found = try XCTUnwrap(
        withoutTape { model.encoder.encode(images, SmallModels.context(2)) } as? LadderPosterior)
      XCTAssertEqual(found.messages.map(\.means.shape), [[2, 3, 4, 2], [2, 2, 2, 3]])
      for number in 0..<2 {
        var features = PlainImage(images, number)
        for level in 0..<2 {
          features = try finished(
            layers.convolved(features, "encoder.blocks.\(level).0", stride: 2, before: 1),
            "encoder.blocks.\(level)", blocks: 1, isNormalized: isNormalized, layers)
          let message = try layers.convolved(features, "encoder.heads.\(level)")
          let units = level + 2
          let gaussian = found.messages[level]
          assertEqual(
            gaussian.means.rows(number..<number + 1), message.part(0..<units).values,
            "\(handover): means of level \(level)")
          assertEqual(
            gaussian.logVariance.rows(number..<number + 1), message.part(units..<2 * units).values,
            "\(handover): log-variances of level \(level)")
          if handover == "mean" { features = message.part(0..<units) }
        }
      }
    }
  }

  func testAConvolutionalLadderHandsDownFeaturesBesideItsDraws() throws {
    let (low, top) = (
      RandomSource(seed: 5).stream("low").normal([2, 3, 4, 2]),
      RandomSource(seed: 5).stream("top").normal([2, 2, 2, 3])
    )
    let context = SmallModels.context(2)
    for isNormalized in [false, true] {
      let (model, _) = try ladder(isNormalized: isNormalized)
      let layers = PlainLayers(model)
      let prior = try XCTUnwrap(model.prior as? LadderPrior)
      let (draw, noise, image) = withoutTape {
        let draw = prior.draw(of: [low, top], context)
        return (
          draw, prior.noise(of: [low, top], context),
          model.decoder.decode(draw, target: nil, context)
        )
      }
      func done(_ image: PlainImage, _ path: String, blocks: Int = 2) throws -> PlainImage {
        try finished(image, path, blocks: blocks, isNormalized: isNormalized, layers)
      }
      func injected(_ image: PlainImage, _ level: Int) throws -> PlainImage {
        let path = "prior.injections.\(level)"
        return try done(layers.convolved(image, "\(path).0"), path)
      }
      for number in 0..<2 {
        let above = try injected(PlainImage(top, number), 1)
        let features = try done(
          layers.transposed(above, "prior.0.transition.0", to: (3, 4)), "prior.0.transition")
        let belief = try layers.convolved(features, "prior.0.head")
        let z = PlainImage(low, number)
        assertEqual(
          noise[0].rows(number..<number + 1),
          z.values.indices.map { place in
            let (pixel, unit) = (place / 2, place % 2)
            let (mean, log) = (belief.values[4 * pixel + unit], belief.values[4 * pixel + 2 + unit])
            return (z.values[place] - mean) / exp(log / 2)
          }, "numbers of the lower level")
        let state = try injected(features.joined(z), 0)
        assertEqual(
          try XCTUnwrap(draw.features).rows(number..<number + 1), state.values,
          "features at the end")
        let trunk = try done(
          layers.transposed(state, "decoder.trunk.0", to: (5, 7)), "decoder.trunk", blocks: 1)
        assertEqual(
          image.rows(number..<number + 1), try layers.convolved(trunk, "decoder.head").values,
          "parameters")
      }
    }
  }

  // MARK: progressive

  private func growing(to extent: Float) throws -> (model: Model, images: Tensor) {
    // Sizes of 7×10, 4×5 and 2×3.
    let (model, images) = try model(
      "progressive-vae", height: 7, width: 10,
      [
        ("channels", "4,3"), ("encoder.normalization", "none"), ("decoder.normalization", "none"),
        ("latent", "2"),
      ])
    for (path, buffer) in model.buffers where path.hasSuffix("growth.extent") {
      buffer.value = Tensor(extent)
    }
    return (model, images)
  }

  func testAGrowingEncoderBlendsTheNewestSizeWithTheImageAtHalfOfIt() throws {
    for (extent, top, share) in [(0, 0, 1), (0.75, 1, 0.75), (1.25, 2, 0.25), (2, 2, 1)]
      as [(Float, Int, Double)]
    {
      let (model, images) = try growing(to: extent)
      let layers = PlainLayers(model)
      let found = try XCTUnwrap(
        withoutTape { model.encoder.encode(images, SmallModels.context(2)) } as? DiagonalGaussian)
      func stepped(_ image: PlainImage, _ number: Int) throws -> PlainImage {
        try [0, 1].reduce(image) {
          try layers.convolved($0, "encoder.steps.\(number).\($1)").mapped(leaky)
        }
      }
      for number in 0..<2 {
        let image = PlainImage(images, number)
        let sizes = [image.halved.halved, image.halved, image]
        XCTAssertEqual(sizes.map(\.height), [2, 4, 7])
        func entered(_ size: Int) throws -> PlainImage {
          try layers.convolved(sizes[size], "encoder.entries.\(size)").mapped(leaky)
        }
        var state = try entered(top)
        for size in stride(from: top, to: 0, by: -1) {
          let new = try stepped(state, size).halved
          state = size == top ? try entered(size - 1) * (1 - share) + new * share : new
        }
        let numbers = try layers.dense(stepped(state, 0).values, "encoder.head")
        assertEqual(
          found.means.rows(number..<number + 1), Array(numbers[..<2]), "means at \(extent)")
        assertEqual(
          found.logVariance.rows(number..<number + 1), Array(numbers[2...]),
          "log-variances at \(extent)")
      }
    }
  }

  func testAGrowingDecoderBlendsTheParametersOfTheNewestSizeWithThoseBefore() throws {
    let sizes = [(2, 3), (4, 5), (7, 10)]
    let z = Tensor([0.7, -1.2, 0.1, 2], shape: [2, 2])
    for (extent, top, share) in [(0, 0, 1), (0.75, 1, 0.75), (1.25, 2, 0.25), (2, 2, 1)]
      as [(Float, Int, Double)]
    {
      let (model, _) = try growing(to: extent)
      let layers = PlainLayers(model)
      let found = withoutTape {
        let context = SmallModels.context(2)
        return model.decoder.decode(model.prior.draw(of: [z], context), target: nil, context)
      }
      XCTAssertEqual(found.shape, [2, 7, 10, 2])
      func stepped(_ image: PlainImage, _ number: Int) throws -> PlainImage {
        try [0, 1].reduce(image) {
          try layers.convolved($0, "decoder.steps.\(number).\($1)").mapped(leaky)
        }
      }
      for number in 0..<2 {
        let entry = try layers.dense(
          z.rows(number..<number + 1).floats.map(Double.init), "decoder.entry")
        var states = [try stepped(PlainImage(height: 2, width: 3, channels: 4, entry), 0)]
        for size in 0..<top {
          states.append(try stepped(states[size].doubled(to: sizes[size + 1]), size + 1))
        }
        var image = try layers.convolved(states[top], "decoder.exits.\(top)")
        if top > 0 {
          let before = try layers.convolved(states[top - 1], "decoder.exits.\(top - 1)")
          image = before.doubled(to: sizes[top]) * (1 - share) + image * share
        }
        for size in sizes[(top + 1)...] { image = image.doubled(to: size) }
        assertEqual(found.rows(number..<number + 1), image.values, "at \(extent)")
      }
    }
  }

  // MARK: vq-resnet

  func testTheNetworkOfCodesIsThatOfItsLayers() throws {
    for (levels, sizes) in [
      (2, [(5, 8), (3, 4), (2, 2)]), (1, [(5, 8), (3, 4)]), (0, [(5, 8)]),
    ] as [(Int, [(Int, Int)])] {
      let (model, images) = try model(
        "vq-vae", height: 5, width: 8,
        [
          ("levels", "\(levels)"), ("encoder.channels", "6"), ("decoder.channels", "5"),
          ("encoder.blocks", "1"), ("decoder.blocks", "2"), ("encoder.residual_channels", "3"),
          ("decoder.residual_channels", "4"), ("code_size", "3"),
        ])
      let layers = PlainLayers(model)
      try layers.buffer("encoder.input.mean").value = Tensor(0.25)
      let context = SmallModels.context(2)
      let found = try XCTUnwrap(
        withoutTape { model.encoder.encode(images, context) } as? PointPosterior
      ).points
      let (height, width) = sizes[levels]
      let vectors = RandomSource(seed: 4).stream("vectors").normal([2, height, width, 3])
      let decoded = withoutTape {
        model.decoder.decode(model.prior.draw(of: [vectors], context), target: nil, context)
      }
      for number in 0..<2 {
        var state = PlainImage(images, number).mapped { $0 - 0.25 }
        for level in 0..<levels {
          let (height, width) = sizes[level]
          state = try layers.convolved(
            state, "encoder.layers.\(level)", stride: 2, before: 1,
            after: (1 + height % 2, 1 + width % 2)
          ).mapped(rectified)
          XCTAssertEqual(state.channels, level == 0 && levels > 1 ? 3 : 6)
        }
        state = try layers.convolved(state, "encoder.layers.\(levels)")
        state = try layers.residual(state, "encoder.layers.\(levels + 1)", rectified)
        // What follows the last block is a rectifier, which has no weights.
        state = try layers.convolved(state.mapped(rectified), "encoder.layers.\(levels + 3)")
        assertEqual(found.rows(number..<number + 1), state.values, "points, \(levels) levels")

        state = try layers.convolved(PlainImage(vectors, number), "decoder.layers.0")
        for block in 1...2 {
          state = try layers.residual(state, "decoder.layers.\(block)", rectified)
        }
        state = state.mapped(rectified)
        if levels == 2 {
          state = try layers.transposed(state, "decoder.layers.4", to: sizes[1]).mapped(rectified)
          XCTAssertEqual(state.channels, 2, "half of five")
        }
        state =
          levels == 0
          ? try layers.convolved(state, "decoder.head")
          : try layers.transposed(state, "decoder.head", to: sizes[0])
        assertEqual(decoded.rows(number..<number + 1), state.values, "image, \(levels) levels")
      }
    }
  }

  // MARK: very-deep

  /// Both paths of a very deep VAE and what each layer of it pays, for two draws of two examples.
  func testAVeryDeepPathIsThatOfItsBlocks() throws {
    let (model, images) = try model(
      "very-deep-vae", height: 2, width: 3,
      [
        ("prior.blocks_per_size", "2,1"), ("encoder.blocks_per_size", "1,2"), ("channels", "3,4"),
        ("latent", "1,2"), ("prior.bottleneck", "3"),
      ])
    let layers = PlainLayers(model)
    try layers.buffer("encoder.standardization.mean").value = Tensor(0.3)
    try layers.buffer("encoder.standardization.scale").value = Tensor(2)
    func block(_ image: PlainImage, _ path: String, isResidual: Bool) throws -> PlainImage {
      var state = image
      for number in 0..<4 {
        XCTAssertEqual(try layers.parameter("\(path).\(number).weights").shape[2], 1)
        state = try layers.convolved(state.mapped(gelu), "\(path).\(number)")
      }
      return isResidual ? image + state : state
    }
    // At least one channel in the middle.
    XCTAssertEqual(try layers.parameter("encoder.sizes.0.0.0.weights").shape[0], 1)

    let context = SmallModels.context(2)
    var request = DrawRequest()
    request.samples = 2
    let (draw, parameters) = withoutTape {
      let draw = model.prior.draw(
        from: model.encoder.encode(images, context), request, context)
      return (draw, model.decoder.decode(draw, target: nil, context))
    }
    let noise = (0..<3).map { level in
      context.normalNoise(
        "posterior\(level + 1)", samples: 2, shape: draw.layers[level].sample.shape.removingFirst)
    }
    for row in 0..<4 {
      var map = try layers.convolved(
        PlainImage(images, row % 2).mapped { ($0 - 0.3) * 2 }, "encoder.entry")
      map = try block(map, "encoder.sizes.0.0", isResidual: true)
      var small = map.halved.joined(PlainImage(height: 1, width: 2, channels: 1))
      for index in 0..<2 { small = try block(small, "encoder.sizes.1.\(index)", isResidual: true) }

      var state = PlainImage(
        height: 1, width: 2, channels: 4, try layers.values("prior.sizes.1.bias"))
      for (level, size, index) in [(2, 1, 0), (1, 0, 0), (0, 0, 1)] {
        let path = "prior.sizes.\(size).blocks.\(index)"
        let (units, channels) = size == 1 ? (2, 4) : (1, 3)
        if level == 1 {
          state = state.part(0..<3).doubled(to: (2, 3))
          state =
            state
            + PlainImage(
              height: 2, width: 3, channels: 3, try layers.values("prior.sizes.0.bias"))
        }
        let prior = try block(state, "\(path).prior", isResidual: false)
        let posterior = try block(
          state.joined(size == 1 ? small : map), "\(path).posterior", isResidual: false)
        let z = PlainImage(draw.layers[level].sample, row)
        let (q, p) = (posterior.part(0..<units), prior.part(0..<units))
        let (qLog, pLog) = (posterior.part(units..<2 * units), prior.part(units..<2 * units))
        var rate = 0.0
        for place in q.values.indices {
          let distance = q.values[place] - p.values[place]
          rate +=
            0.5
            * (pLog.values[place] - qLog.values[place] - 1
              + (exp(qLog.values[place]) + distance * distance) / exp(pLog.values[place]))
          XCTAssertEqual(
            z.values[place],
            q.values[place] + exp(qLog.values[place] / 2)
              * PlainImage(noise[level], row).values[place], accuracy: 1e-4, "level \(level)")
        }
        XCTAssertEqual(
          Double(draw.layers[level].rate.floats[row]), rate, accuracy: 1e-3 * max(1, rate),
          "level \(level)")
        let features = prior.part(2 * units..<2 * units + channels)
        state = try block(
          state + features + layers.convolved(z, "\(path).projection"), "\(path).residual",
          isResidual: true)
      }
      assertEqual(
        try XCTUnwrap(draw.features).rows(row..<row + 1), state.values, "the end of the path")
      let (gain, shift) = (try layers.values("decoder.gain"), try layers.values("decoder.shift"))
      for place in state.values.indices {
        state.values[place] = state.values[place] * gain[place % 3] + shift[place % 3]
      }
      assertEqual(
        parameters.rows(row..<row + 1), try layers.convolved(state, "decoder.head").values,
        "parameters")
    }
  }

  /// Kernels are 3×3 where both sides are longer than 2, channels in the middle a share of the path's, and a bias
  /// stands at sizes with blocks whose sides are not beyond the limit, and at the beginning.
  func testTheSizesOfAVeryDeepPathFollowFromItsSettings() throws {
    let (model, _) = try model(
      "very-deep-vae", height: 3, width: 9,
      [
        ("prior.blocks_per_size", "1,1,0,1"), ("encoder.blocks_per_size", "1"),
        ("channels", "4,6,6,8"), ("latent", "1,2,3,4"), ("prior.bottleneck", "2"),
        ("prior.bias_limit", "5"),
      ])
    let layers = PlainLayers(model)
    func shape(_ path: String) throws -> [Int] { try layers.parameter(path).shape.dimensions }
    let paths = Set(model.parameters.map(\.path))
    XCTAssertEqual(
      paths.filter { $0.hasPrefix("prior.") && $0.hasSuffix(".bias") && $0.count < 20 }.sorted(),
      ["prior.sizes.1.bias", "prior.sizes.3.bias"])
    XCTAssertEqual(try shape("prior.sizes.1.bias"), [1, 2, 5, 6])
    XCTAssertEqual(try shape("prior.sizes.3.bias"), [1, 1, 2, 8])
    let posterior = "prior.sizes.0.blocks.0.posterior"
    XCTAssertEqual(
      try (0..<4).map { try shape("\(posterior).\($0).weights") },
      [[2, 8, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3], [2, 2, 1, 1]])
    XCTAssertEqual(try shape("prior.sizes.1.blocks.0.prior.1.weights"), [3, 3, 1, 1])
    XCTAssertEqual(try shape("prior.sizes.3.blocks.0.prior.3.weights"), [16, 4, 1, 1])
    XCTAssertEqual(try shape("prior.sizes.3.blocks.0.projection.weights"), [8, 4, 1, 1])
    XCTAssertEqual(try shape("encoder.sizes.0.0.2.weights"), [2, 2, 3, 3])
    XCTAssertEqual(try shape("encoder.sizes.2.0.2.weights"), [3, 3, 1, 1])
    XCTAssertEqual(
      model.prior.latents.layerShapes, [[3, 9, 1], [2, 5, 2], [1, 2, 4]])
    let undecayed = model.parameters.filter { !$0.parameter.isDecayed }.map(\.path)
    for path in ["prior.sizes.1.bias", "decoder.gain", "decoder.shift"] {
      XCTAssertTrue(undecayed.contains(path), path)
    }
  }
}

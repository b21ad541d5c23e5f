import VAEPluginKit
import VAEZoo
import XCTest

/// The kit for plug-ins in Swift: its operations against the engine's, and its parts in a model.
final class KitTests: PluginTestCase {
  private typealias Density = (KitPrior, Value) -> Value

  private let values: [Float] = [
    0.3, -1.2, 2.1, 0.7, 1.4, -0.4, 0.05, 0.9, -2.2, 1.1, 0.6, -0.8,
  ]
  private let weights = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
  private let bias = Tensor([0.5, -0.5])

  private func registry() throws -> Registry {
    var registry = Registry.builtIn
    try registry.register(.inProcess({ KitPlugin.plugin.entry($0) }, name: "kit"))
    return registry
  }

  /// What the kit's prior gives for `values`.
  private func density(_ body: @escaping Density) throws -> PriorDensity {
    KitPlugin.density = body
    return try PriorDensity(
      of: model([(key: "prior.name", value: "kit")], registry()).prior, at: values)
  }

  /// Holds a density of the kit to one of the engine's, in its values and its gradient.
  private func assertEqual(
    _ body: @escaping Density, _ expected: (Tensor) -> Tensor, line: UInt = #line
  ) throws {
    try density(body).assertIs(expected, at: values, line: line)
  }

  // MARK: Operations

  func testElementwiseOperations() throws {
    let row = Tensor([0.5, -2, 1.5])
    func b(_ z: Value) -> Value { z.pass.constant([0.5, -2, 1.5], shape: [3]) }
    try assertEqual({ ($1 + b($1)).rowSums() }, { ($0 + row).sum(axis: 1) })
    try assertEqual({ (b($1) - $1).rowSums() }, { (row - $0).sum(axis: 1) })
    try assertEqual({ ($1 * b($1)).rowSums() }, { ($0 * row).sum(axis: 1) })
    try assertEqual({ (b($1) / $1).rowSums() }, { (row / $0).sum(axis: 1) })
    try assertEqual({ $1.maximum(b($1)).rowSums() }, { Tensor.maximum($0, row).sum(axis: 1) })
    try assertEqual({ $1.minimum(b($1)).rowSums() }, { Tensor.minimum($0, row).sum(axis: 1) })
    try assertEqual({ (-$1).exp().rowSums() }, { (-$0).exp().sum(axis: 1) })
    try assertEqual(
      { (2 * $1 - 1).squared().log().rowSums() },
      { $0.scaled(by: 2).scaled(by: 1, shift: -1).squared().log().sum(axis: 1) })
    try assertEqual(
      { $1.magnitude().squareRoot().rowSums() }, { $0.magnitude().squareRoot().sum(axis: 1) })
    try assertEqual({ $1.reciprocal().rowSums() }, { $0.reciprocal().sum(axis: 1) })
    try assertEqual(
      { $1.clamped(to: -0.5...1).rowSums() }, { $0.clamped(to: -0.5...1).sum(axis: 1) })
    try assertEqual({ $1.isAbove(0.5).rowSums() }, { $0.isAbove(0.5).sum(axis: 1) })
    try assertEqual(
      { ($1 * $1.stoppingGradient()).rowSums() }, { ($0 * $0.detached()).sum(axis: 1) })
    try assertEqual(
      { $1.activated(.leakyReLU(0.3)).rowSums() },
      { $0.activated(.leakyReLU(slope: 0.3)).sum(axis: 1) })
    try assertEqual(
      { $1.activated(.elu(0.3)).rowSums() }, { $0.activated(.elu(alpha: 0.3)).sum(axis: 1) })
    try assertEqual({ $1.activated(.gelu).rowSums() }, { $0.activated(.gelu).sum(axis: 1) })
    try assertEqual({ $1.activated(.softplus).rowSums() }, { $0.softplus().sum(axis: 1) })
  }

  func testFunctionsThatAreLikeEachOtherAreTheirOwn() throws {
    try assertEqual({ $1.sine().rowSums() }, { $0.sine().sum(axis: 1) })
    try assertEqual({ $1.cosine().rowSums() }, { $0.cosine().sum(axis: 1) })
    try assertEqual({ $1.errorFunction().rowSums() }, { $0.errorFunction().sum(axis: 1) })
    try assertEqual({ $1.logGamma().rowSums() }, { $0.logGamma().sum(axis: 1) })
    try assertEqual({ $1.activated(.relu).rowSums() }, { $0.activated(.relu).sum(axis: 1) })
    try assertEqual({ $1.activated(.silu).rowSums() }, { $0.activated(.silu).sum(axis: 1) })
    try assertEqual({ $1.activated(.tanh).rowSums() }, { $0.tanh().sum(axis: 1) })
    try assertEqual({ $1.activated(.sigmoid).rowSums() }, { $0.sigmoid().sum(axis: 1) })
    try assertEqual({ $1.activated(.none).rowSums() }, { $0.sum(axis: 1) })
    try assertEqual({ ($1 + 0.75).rowSums() }, { $0.scaled(by: 1, shift: 0.75).sum(axis: 1) })
    try assertEqual({ ($1 * 0.75).rowSums() }, { $0.scaled(by: 0.75).sum(axis: 1) })
    try assertEqual(
      { $1.scaled(by: 3, plus: -0.5).rowSums() }, { $0.scaled(by: 3, shift: -0.5).sum(axis: 1) })
    try assertEqual(
      { ($1 * $1.mean(axis: 1, keepsAxis: true)).rowSums() },
      { ($0 * $0.mean(axis: 1, keepingAxis: true)).sum(axis: 1) })
    try assertEqual(
      { ($1 * $1.largest(axis: -1, keepsAxis: true)).rowSums() },
      { ($0 * $0.maximum(axis: 1, keepingAxis: true)).sum(axis: 1) })
    try assertEqual(
      { ($1.slice(axis: 1, from: 0, count: 1).broadcast(to: [4, 3]) * $1).rowSums() },
      { ($0.slice(axis: 1, 0..<1) * $0).sum(axis: 1) })
  }

  func testAWindowMayBeTheSameInBothDirections() throws {
    let kernel = Tensor([0.5, -1, 2, 0.25], shape: [1, 1, 2, 2])
    func weights(_ z: Value) -> Value { z.pass.constant(kernel.floats, shape: [1, 1, 2, 2]) }
    func rest(_ x: Tensor) -> Tensor { x.squared().flattened().sum(axis: 1) }
    try assertEqual(
      {
        $1.reshaped(to: [4, 1, 3, 1])
          .convolution(weights($1), window: Window(stride: 2, padding: 1)).squared().rowSums()
      },
      {
        rest(
          $0.reshaped(to: [4, 1, 3, 1]).convolution(
            weights: kernel, stride: (2, 2),
            padding: Padding(top: 1, left: 1, bottom: 1, right: 1)))
      })
    try assertEqual(
      {
        $1.reshaped(to: [4, 1, 3, 1]).transposedConvolution(
          weights($1), window: Window(stride: 2, outputPadding: 1)
        ).squared().rowSums()
      },
      {
        rest(
          $0.reshaped(to: [4, 1, 3, 1]).transposedConvolution(
            weights: kernel, stride: (2, 2), outputPadding: (1, 1)))
      })
  }

  func testAPassAndAValueSayWhatTheyAre() throws {
    KitPlugin.density = { _, z in z.rowSums() }
    let prior = try model([(key: "prior.name", value: "kit")], registry()).prior
    for (mode, name) in [
      (.training, "training"), (.evaluation, "evaluation"), (.calibration, "calibration"),
    ] as [(Context.Mode, String)] {
      nonisolated(unsafe) var told = ""
      nonisolated(unsafe) var elements: [Float] = []
      nonisolated(unsafe) var uniform: [Float] = []
      KitPlugin.density = { _, z in
        let (pass, part) = (z.pass, z.slice(axis: 1, from: 1, count: 2))
        let bad = z.slice(axis: 1, from: 3, count: 1)
        told =
          "\(pass.mode) \(pass.step) \(pass.epochs) \(pass.rows) \(pass.draws) \(part.shape) "
          + "\(z.total().shape) \(z.hasFailed) \(bad.hasFailed)"
        elements = part.elements
        uniform = pass.uniform("u", shape: [2]).elements
        return z.rowSums()
      }
      let context = Context(
        mode: mode, step: 7, epochs: 1.25, random: RandomSource(seed: 1), examples: [0, 1])
      var request = DrawRequest()
      request.samples = 2
      let given = GivenDraw(
        parameter: VAEZoo.Parameter(Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])))
      _ = prior.draw(from: given, request, context).rate
      XCTAssertEqual(told, "\(name) 7 1.25 4 2 [4, 2] [] false true")
      XCTAssertEqual(elements, [2, 3, 5, 6, 2, 3, 5, 6])
      XCTAssertEqual(uniform.count, 8)
      XCTAssertTrue(uniform.allSatisfy { 0 < $0 && $0 < 1 })
      XCTAssertNotNil((prior as? any FalliblePart)?.takeFault(), "a slice was outside")
    }
  }

  func testReductionsAndShapes() throws {
    try assertEqual({ $1.sum(axis: -1) }, { $0.sum(axis: 1) })
    try assertEqual({ $1.mean(axis: 1) }, { $0.mean(axis: 1) })
    try assertEqual({ $1.largest(axis: 1) }, { $0.maximum(axis: 1) })
    try assertEqual(
      { ($1 * $1.sum(axis: 1, keepsAxis: true)).rowSums() },
      { ($0 * $0.sum(axis: 1, keepingAxis: true)).sum(axis: 1) })
    try assertEqual({ $1.logSumExp() }, { $0.logSumExp() })
    try assertEqual(
      { $1.softmax().squared().rowSums() }, { $0.softmax().squared().sum(axis: 1) })
    try assertEqual(
      { $1.logSoftmax().squared().rowSums() }, { $0.logSoftmax().squared().sum(axis: 1) })
    try assertEqual({ ($1 * $1.total()).rowSums() }, { ($0 * $0.sum()).sum(axis: 1) })
    try assertEqual({ ($1 * $1.average()).rowSums() }, { ($0 * $0.mean()).sum(axis: 1) })
    try assertEqual({ $1.permuted([1, 0]).sum(axis: 0) }, { $0.sum(axis: 1) })
    try assertEqual(
      { $1.slice(axis: 1, from: 1, count: 2).rowSums() }, { $0.slice(axis: 1, 1..<3).sum(axis: 1) })
    try assertEqual(
      { $1.joined(with: [$1.squared()], axis: -1).rowSums() },
      { Tensor.concatenated([$0, $0.squared()], axis: 1).sum(axis: 1) })
    try assertEqual(
      { $1.padded(axis: 1, before: 2, after: 1).exp().rowSums() },
      { $0.padded(axis: 1, before: 2, after: 1).exp().sum(axis: 1) })
    try assertEqual(
      { $1.reshaped(to: [4, 1, -1, 1]).upsampled(vertically: 2, horizontally: 3).rowSums() },
      { $0.reshaped(to: [4, 1, 3, 1]).upsampledNearest(by: 2, 3).flattened().sum(axis: 1) })
  }

  func testParametersAndComputedValuesAreWeights() throws {
    try assertEqual(
      { $1.dense($0.weights, $0.bias, .tanh).rowSums() },
      { $0.dense(weights: self.weights, bias: self.bias, activation: .tanh).sum(axis: 1) })
    try assertEqual(
      { $1.dense($0.weights).rowSums() },
      { $0.dense(weights: self.weights, bias: nil).sum(axis: 1) })
    try assertEqual(
      { $1.dense($1.pass.use($0.weights).exp(), $0.bias).rowSums() },
      { $0.dense(weights: self.weights.exp(), bias: self.bias).sum(axis: 1) })
    try assertEqual(
      { $1.matrixProduct($1.pass.use($0.weights)).squared().rowSums() },
      { $0.matrixProduct(self.weights).squared().sum(axis: 1) })
    try assertEqual(
      {
        $1.pass.use($0.weights).matrixProduct($1, transposesSelf: true, transposesOther: true)
          .sum(axis: 0)
      },
      { self.weights.matrixProduct($0, transposed: true, rightTransposed: true).sum(axis: 0) })
    let ones = Tensor(repeating: 1, shape: [3])
    try assertEqual(
      {
        $1.layerNormalized(scale: $1.pass.full(2, shape: [3]), shift: $0.ones).squared().rowSums()
      },
      { $0.layerNormalized(scale: ones.scaled(by: 2), shift: ones).squared().sum(axis: 1) })
    try assertEqual(
      { $1.groupNormalized(groups: 1, scale: $0.ones, shift: $0.ones).squared().rowSums() },
      { $0.groupNormalized(groups: 1, scale: ones, shift: ones).squared().sum(axis: 1) })
    let kernel = Tensor([0.5, -1], shape: [1, 1, 1, 2])
    try assertEqual(
      {
        $1.reshaped(to: [4, 1, 3, 1])
          .convolution($0.kernel, window: Window(stride: (1, 2), padding: (0, 1, 0, 0)), .relu)
          .rowSums()
      },
      {
        $0.reshaped(to: [4, 1, 3, 1]).convolution(
          weights: kernel, stride: (1, 2),
          padding: Padding(top: 0, left: 1, bottom: 0, right: 0), activation: .relu
        ).flattened().sum(axis: 1)
      })
    try assertEqual(
      {
        $1.reshaped(to: [4, 1, 3, 1])
          .transposedConvolution($0.kernel, window: Window(stride: (1, 2))).rowSums()
      },
      {
        $0.reshaped(to: [4, 1, 3, 1]).transposedConvolution(weights: kernel, stride: (1, 2))
          .flattened().sum(axis: 1)
      })
  }

  func testDensities() throws {
    try assertEqual(
      { $1.gaussianLogDensity(mean: $1 * 0.5, logVariance: -$1) },
      { .gaussianLogDensity($0, mean: $0 * 0.5, logVariance: -$0) })
    try assertEqual(
      { $1.gaussianDivergence(logVariance: -$1) },
      { .gaussianDivergence(mean: $0, logVariance: -$0) })
    try assertEqual(
      { $1.isAbove(0).bernoulliLogDensity(logits: $1) },
      { .bernoulliLogDensity($0.isAbove(0), logits: $0) })
  }

  func testAFailureIsReportedWithItsReasonAndNothingAfterItHarms() throws {
    assert(
      message { _ = try density { ($1 + $1.slice(axis: 1, from: 0, count: 2)).exp().rowSums() } },
      names: "kit", "do not broadcast")
    assert(
      message { _ = try density { $1.permuted([0]).rowSums() } }, names: "an order of 1 axes")
    assert(
      message { _ = try density { $1.pass.constant([1], shape: [2]) } }, names: "do not fill")
    assert(
      message {
        _ = try density {
          $1.pass.fail("the stars are wrong")
          return $1.rowSums()
        }
      }, names: "the stars are wrong")
  }

  // MARK: Parts

  private let parts: [(key: String, value: String)] = [
    (key: "encoder.name", value: "kit"), (key: "prior.name", value: "kit"),
    (key: "decoder.name", value: "kit"), (key: "likelihood.name", value: "kit"),
  ]

  func testPartsOfEveryRoleTrainTogether() throws {
    KitPlugin.density = { prior, z in
      let zeros = z * 0
      return z.gaussianLogDensity(mean: zeros, logVariance: zeros) + prior.weightPenalty(z.pass)
    }
    let model = try model(parts, registry())
    XCTAssertNoThrow(try model.checkParts())
    let gradients = model.evaluate(images(6), DrawRequest(), context(6, mode: .training))
      .logWeights.mean().backward()
    for path in ["encoder.weights", "decoder.weights", "decoder.bias", "prior.weights"] {
      let parameter = try XCTUnwrap(
        model.parameters.first { $0.path == path }?.parameter, "\(model.parameters.map(\.path))")
      let gradient = try XCTUnwrap(gradients[parameter], path).floats
      XCTAssertTrue(gradient.allSatisfy(\.isFinite), path)
      XCTAssertTrue(gradient.contains { $0 != 0 }, path)
    }
  }

  func testArgumentsArriveByName() throws {
    let settings: [(key: String, value: String)] = [
      (key: "encoder.hidden", value: "4"), (key: "encoder.slope", value: "0.25"),
      (key: "encoder.is_steep", value: "false"), (key: "encoder.sizes", value: "7,8,9"),
    ]
    _ = try model(parts, registry())
    XCTAssertEqual(KitEncoder.arguments, "3 0.5 true round [2, 3]")
    _ = try model(parts + settings, registry())
    XCTAssertEqual(KitEncoder.arguments, "4 0.25 false round [7, 8, 9]")
    assert(
      message {
        _ = try model(parts + [(key: "encoder.shape", value: "flat")], registry())
      }, names: "encoder kit", "flat things are refused")
  }
}

// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Foundation
import VAEZoo
import XCTest

/// The operations of the host, against the engine's own and against finite differences.
final class OperationTests: PluginTestCase {
  private typealias Density = InProcess.Density

  private let values: [Float] = [
    0.3, -1.2, 2.1, 0.7, 1.4, -0.4, 0.05, 0.9, -2.2, 1.1, 0.6, -0.8,
  ]

  private func prior() throws -> any Prior {
    try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
  }

  /// What the prior's density gives for `values` or others.
  private func density(
    at given: [Float]? = nil, _ body: @escaping Density
  ) throws -> PriorDensity {
    let prior = try prior()
    InProcess.density = body
    return try PriorDensity(of: prior, at: given ?? values)
  }

  private func failure(
    _ body: @escaping Density, file: StaticString = #filePath, line: UInt = #line
  ) -> String {
    message({ _ = try density(body) }, file: file, line: line)
  }

  /// Holds an operation to one of the engine's.
  private func assertEqual(
    _ body: @escaping Density, _ expected: (Tensor) -> Tensor, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    try density(body).assertIs(expected, at: values, file: file, line: line)
  }

  /// Holds an operation's gradient to finite differences of its values, and these to a function.
  private func assertFunction(
    _ body: @escaping Density, _ function: (Double) -> Double, file: StaticString = #filePath,
    line: UInt = #line
  ) throws {
    let found = try density(body)
    for row in 0..<4 {
      let expected = (0..<3).reduce(0.0) { $0 + function(Double(values[row * 3 + $1])) }
      XCTAssertEqual(
        Double(found.value[row]), expected, accuracy: 2e-6 * max(1, abs(expected)), file: file,
        line: line)
    }
    for (element, value) in values.enumerated() {
      let (x, step) = (Double(value), 1e-5)
      let slope = (function(x + step) - function(x - step)) / (2 * step)
      XCTAssertEqual(
        Double(found.gradient[element]), slope, accuracy: 1e-5 * max(1, abs(slope)),
        "at \(value)", file: file, line: line)
    }
  }

  func testFunctionsOfOneValue() throws {
    try assertEqual({ $0.row_sums($1, $0.negate($1, $2)) }, { (-$0).sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.exp($1, $2)) }, { $0.exp().sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.log($1, $0.square($1, $2))) }, { $0.squared().log().sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.sqrt($1, $0.abs($1, $2))) },
      { $0.magnitude().squareRoot().sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.reciprocal($1, $2)) }, { $0.reciprocal().sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.sigmoid($1, $2)) }, { $0.sigmoid().sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.tanh($1, $2)) }, { $0.tanh().sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.softplus($1, $2)) }, { $0.softplus().sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.scale($1, $2, 3, -1)) },
      { $0.scaled(by: 3, shift: -1).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.clamp($1, $2, -0.5, 1)) }, { $0.clamped(to: -0.5...1).sum(axis: 1) })
    try assertEqual({ $0.row_sums($1, $0.above($1, $2, 0.5)) }, { $0.isAbove(0.5).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.multiply($1, $2, $0.stop_gradient($1, $2))) },
      { ($0 * $0.detached()).sum(axis: 1) })
  }

  func testActivations() throws {
    let activations: [(Int32, Activation)] = [
      (VAE_ACTIVATION_NONE, .identity), (VAE_ACTIVATION_RELU, .relu),
      (VAE_ACTIVATION_LEAKY_RELU, .leakyReLU(slope: 0.3)), (VAE_ACTIVATION_ELU, .elu(alpha: 0.3)),
      (VAE_ACTIVATION_GELU, .gelu), (VAE_ACTIVATION_SILU, .silu), (VAE_ACTIVATION_TANH, .tanh),
      (VAE_ACTIVATION_SIGMOID, .sigmoid), (VAE_ACTIVATION_SOFTPLUS, .softplus),
    ]
    for (code, activation) in activations {
      try assertEqual(
        { $0.row_sums($1, $0.activate($1, $2, code, 0.3)) },
        { $0.activated(activation).sum(axis: 1) })
    }
    assert(failure { $0.activate($1, $2, 9, 0) }, names: "activation 9")
    assert(failure { $0.activate($1, $2, VAE_ACTIVATION_ELU, .nan) }, names: "not finite")
  }

  func testFunctionsThatTheEngineLacks() throws {
    try assertFunction({ $0.row_sums($1, $0.sin($1, $2)) }, { Foundation.sin($0) })
    try assertFunction({ $0.row_sums($1, $0.cos($1, $2)) }, { Foundation.cos($0) })
    try assertFunction({ $0.row_sums($1, $0.erf($1, $2)) }, { Foundation.erf($0) })
    try assertFunction({ $0.row_sums($1, $0.lgamma($1, $2)) }) {
      Foundation.log(abs(Foundation.tgamma($0)))
    }
    // ψ(1) = −γ, and log Γ(½) = ½ log π.
    let one = try density { host, pass, z in
      host.row_sums(pass, host.lgamma(pass, host.scale(pass, host.scale(pass, z, 0, 0), 1, 1)))
    }
    XCTAssertEqual(one.value, [0, 0, 0, 0])
    let half = try density { $0.row_sums($1, $0.lgamma($1, $0.scale($1, $2, 0, 0.5))) }
    XCTAssertEqual(Double(half.value[0]), 1.5 * Foundation.log(Double.pi), accuracy: 1e-6)
    let slope = try density { $0.row_sums($1, $0.lgamma($1, $0.scale($1, $2, 1e-6, 1))) }
    XCTAssertEqual(Double(slope.gradient[0]) * 1e6, -0.5772156649, accuracy: 1e-5)
  }

  func testTheGradientOfLogGammaIsNoNumberAtPolesAndEndsForEveryInput() throws {
    let slopes = try density(
      at: [
        .nan, -.infinity, 0, -0.0, -1, -2, -1e30, .infinity, -0.5, -1.5, -.leastNonzeroMagnitude,
        1e30,
      ]
    ) { $0.row_sums($1, $0.lgamma($1, $2)) }.gradient
    for (index, slope) in slopes.prefix(7).enumerated() {
      XCTAssertTrue(slope.isNaN, "\(slope) at \(index)")
    }
    XCTAssertEqual(slopes[7], .infinity)
    // ψ(−½) = ψ(½) + 2 and ψ(½) = −γ − 2 log 2.
    let half = -0.57721566490153286 - 2 * Foundation.log(2)
    XCTAssertEqual(Double(slopes[8]), half + 2, accuracy: 1e-6)
    XCTAssertEqual(Double(slopes[9]), half + 2 + 2.0 / 3, accuracy: 1e-6)
    XCTAssertEqual(slopes[10], .infinity)
    XCTAssertEqual(Double(slopes[11]), Foundation.log(1e30), accuracy: 1e-4)
  }

  func testFunctionsOfTwoValues() throws {
    let row: @Sendable (vae_host, OpaquePointer?) -> OpaquePointer? = { host, pass in
      let numbers: [Float] = [0.5, -2, 1.5]
      var shape: Int64 = 3
      return host.constant(pass, numbers, &shape, 1)
    }
    let b = Tensor([0.5, -2, 1.5])
    try assertEqual({ $0.row_sums($1, $0.add($1, $2, row($0, $1))) }, { ($0 + b).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.subtract($1, row($0, $1), $2)) }, { (b - $0).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.multiply($1, $2, row($0, $1))) }, { ($0 * b).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.divide($1, row($0, $1), $2)) }, { (b / $0).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.maximum($1, $2, row($0, $1))) },
      { Tensor.maximum($0, b).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.minimum($1, $2, row($0, $1))) },
      { Tensor.minimum($0, b).sum(axis: 1) })
    assert(
      failure { $0.add($1, $2, $0.slice($1, $2, 1, 0, 2)) },
      names: "log_density: add: shapes [4, 3] and [4, 2] do not broadcast")
  }

  func testReductions() throws {
    try assertEqual({ $0.sum($1, $2, -1, 0) }, { $0.sum(axis: 1) })
    try assertEqual({ $0.mean($1, $2, 1, 0) }, { $0.mean(axis: 1) })
    try assertEqual({ $0.largest($1, $2, 1, 0) }, { $0.maximum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.multiply($1, $2, $0.sum($1, $2, 1, 1))) },
      { ($0 * $0.sum(axis: 1, keepingAxis: true)).sum(axis: 1) })
    try assertEqual({ $0.log_sum_exp($1, $2) }, { $0.logSumExp() })
    try assertEqual(
      { $0.row_sums($1, $0.square($1, $0.softmax($1, $2))) },
      { $0.softmax().squared().sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.square($1, $0.log_softmax($1, $2))) },
      { $0.logSoftmax().squared().sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.multiply($1, $2, $0.total($1, $2))) }, { ($0 * $0.sum()).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.multiply($1, $2, $0.average($1, $2))) },
      { ($0 * $0.mean()).sum(axis: 1) })
    for axis: Int64 in [2, -3, .max, .min] {
      assert(failure { $0.sum($1, $2, axis, 0) }, names: "axis \(axis)", "[4, 3]")
    }
    assert(
      failure { $0.log_sum_exp($1, $0.slice($1, $2, 1, 0, 0)) },
      names: "nothing along its last axis")
    assert(failure { $0.largest($1, $0.slice($1, $2, 1, 0, 0), 1, 0) }, names: "no elements")
    assert(failure { $0.row_sums($1, $0.total($1, $2)) }, names: "scalar has no rows")
  }

  func testShapes() throws {
    let reshape: @Sendable (vae_host, OpaquePointer?, OpaquePointer?, [Int64]) -> OpaquePointer? = {
      $0.reshape($1, $2, $3, Int64($3.count))
    }
    try assertEqual(
      { $0.row_sums($1, reshape($0, $1, reshape($0, $1, $2, [2, -1]), [4, 3])) },
      { $0.sum(axis: 1) })
    let column = Tensor([1, 2, 3, 4], shape: [4, 1])
    try assertEqual(
      { host, pass, z in
        var shape: [Int64] = [4, 1]
        let numbers: [Float] = [1, 2, 3, 4]
        let column = host.constant(pass, numbers, &shape, 2)
        shape = [4, 3]
        return host.row_sums(
          pass, host.multiply(pass, z, host.broadcast(pass, column, &shape, 2)))
      }, { ($0 * column).sum(axis: 1) })
    try assertEqual(
      { host, pass, z in
        let order: [Int64] = [1, 0]
        return host.sum(pass, host.permute(pass, z, order), 0, 0)
      }, { $0.sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.slice($1, $2, 1, 1, 2)) },
      {
        $0.slice(axis: 1, 1..<3).sum(axis: 1)
      })
    try assertEqual(
      { host, pass, z in
        let parts = [z, host.square(pass, z)]
        return host.row_sums(pass, host.concatenate(pass, parts, 2, -1))
      }, { Tensor.concatenated([$0, $0.squared()], axis: 1).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.exp($1, $0.pad($1, $2, 1, 2, 1))) },
      {
        $0.padded(axis: 1, before: 2, after: 1).exp().sum(axis: 1)
      })
    try assertEqual(
      { host, pass, z in
        host.row_sums(
          pass, host.upsample(pass, reshape(host, pass, z, [4, 1, 3, 1]), 2, 3))
      },
      { $0.reshaped(to: [4, 1, 3, 1]).upsampledNearest(by: 2, 3).flattened().sum(axis: 1) })
    for shape: [Int64] in [[5], [4, 4], [-1, 5], [-1, -1], [-2, 6], [1 << 40], [0, -1]] {
      XCTAssertNotEqual(failure { reshape($0, $1, $2, shape) }, "", "\(shape)")
    }
    assert(failure { $0.reshape($1, $2, nil, 2) }, names: "shape is NULL")
    assert(failure { $0.reshape($1, $2, nil, 9) }, names: "rank is 9")
    assert(
      failure { host, pass, z in
        let order: [Int64] = [0, 0]
        return host.permute(pass, z, order)
      }, names: "no order")
    for (first, count): (Int64, Int64) in [(0, 4), (3, 1), (-1, 1), (1, .max), (.max, 1), (0, -1)] {
      assert(failure { $0.slice($1, $2, 1, first, count) }, names: "slice", "outside axis 1")
    }
    assert(failure { $0.pad($1, $2, 1, -1, 0) }, names: "cannot be")
    assert(failure { $0.pad($1, $2, 1, 1 << 30, 1 << 30) }, names: "2^30")
    assert(failure { $0.upsample($1, $2, 2, 2) }, names: "not for a value of shape [4, 3]")
    assert(failure { host, pass, _ in host.concatenate(pass, nil, 2, 0) }, names: "concatenate")
    assert(
      failure { host, pass, z in
        let parts = [z, host.sum(pass, z, 1, 1)]
        return host.concatenate(pass, parts, 2, 0)
      }, names: "cannot be joined")
  }

  func testMatricesAndLayers() throws {
    let weights = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    let matrix: @Sendable (vae_host, OpaquePointer?) -> OpaquePointer? = { host, pass in
      let numbers: [Float] = [1, 2, 3, 4, 5, 6]
      let shape: [Int64] = [3, 2]
      return host.constant(pass, numbers, shape, 2)
    }
    try assertEqual(
      { $0.row_sums($1, $0.square($1, $0.matmul($1, $2, matrix($0, $1), 0, 0))) },
      { $0.matrixProduct(weights).squared().sum(axis: 1) })
    try assertEqual(
      { host, pass, z in
        host.sum(pass, host.matmul(pass, matrix(host, pass), z, 1, 1), 0, 0)
      }, { weights.matrixProduct($0, transposed: true, rightTransposed: true).sum(axis: 0) })
    try assertEqual(
      { host, pass, z in
        let numbers: [Float] = [0.5, -0.5]
        var two: Int64 = 2
        let bias = host.constant(pass, numbers, &two, 1)
        return host.row_sums(
          pass, host.dense(pass, z, matrix(host, pass), bias, VAE_ACTIVATION_TANH, 0))
      },
      { $0.dense(weights: weights, bias: Tensor([0.5, -0.5]), activation: .tanh).sum(axis: 1) })
    try assertEqual(
      { $0.row_sums($1, $0.dense($1, $2, matrix($0, $1), nil, 0, 0)) },
      { $0.dense(weights: weights, bias: nil).sum(axis: 1) })
    let norm: @Sendable (vae_host, OpaquePointer?, Float) -> OpaquePointer? = { host, pass, x in
      var three: Int64 = 3
      return host.full(pass, x, &three, 1)
    }
    try assertEqual(
      { $0.row_sums($1, $0.square($1, $0.layer_norm($1, $2, norm($0, $1, 2), norm($0, $1, 1)))) },
      {
        $0.layerNormalized(
          scale: Tensor(repeating: 2, shape: [3]), shift: Tensor(repeating: 1, shape: [3])
        ).squared().sum(axis: 1)
      })
    try assertEqual(
      {
        $0.row_sums($1, $0.square($1, $0.group_norm($1, $2, 1, norm($0, $1, 2), norm($0, $1, 1))))
      },
      {
        $0.groupNormalized(
          groups: 1, scale: Tensor(repeating: 2, shape: [3]),
          shift: Tensor(repeating: 1, shape: [3])
        ).squared().sum(axis: 1)
      })
    assert(failure { $0.matmul($1, $2, $2, 0, 0) }, names: "do not multiply", "[4, 3]")
    assert(failure { $0.dense($1, $2, $2, nil, 0, 0) }, names: "weights [4, 3]")
    assert(
      failure { $0.dense($1, $2, matrix($0, $1), norm($0, $1, 1), 0, 0) },
      names: "bias of shape [3]")
    assert(
      failure { $0.group_norm($1, $2, 2, norm($0, $1, 2), norm($0, $1, 1)) }, names: "2 groups")
    assert(failure { $0.layer_norm($1, $2, $2, $2) }, names: "3 channels")
  }

  func testConvolutions() throws {
    let image: @Sendable (vae_host, OpaquePointer?, OpaquePointer?) -> OpaquePointer? = {
      let shape: [Int64] = [4, 1, 3, 1]
      return $0.reshape($1, $2, shape, 4)
    }
    let kernel: @Sendable (vae_host, OpaquePointer?, Int64, Int64) -> OpaquePointer? = {
      let numbers: [Float] = [0.5, -1, 2, 0.25]
      let shape: [Int64] = [$2, $3, 1, 2]
      return $0.constant($1, numbers, shape, 4)
    }
    let weights = Tensor([0.5, -1, 2, 0.25], shape: [2, 1, 1, 2])
    let rest = { (x: Tensor) in x.flattened().sum(axis: 1) }
    try assertEqual(
      {
        $0.row_sums($1, $0.convolution($1, image($0, $1, $2), kernel($0, $1, 2, 1), nil, nil, 0, 0))
      },
      { rest($0.reshaped(to: [4, 1, 3, 1]).convolution(weights: weights)) })
    let window = vae_window(
      stride_y: 0, stride_x: 2, pad_top: 0, pad_left: 1, pad_bottom: 0, pad_right: 0,
      output_pad_y: 0, output_pad_x: 1)
    try assertEqual(
      { host, pass, z in
        withUnsafePointer(to: window) {
          host.row_sums(
            pass,
            host.convolution(
              pass, image(host, pass, z), kernel(host, pass, 2, 1), nil, $0, VAE_ACTIVATION_RELU, 0)
          )
        }
      },
      {
        rest(
          $0.reshaped(to: [4, 1, 3, 1]).convolution(
            weights: weights, stride: (1, 2),
            padding: Padding(top: 0, left: 1, bottom: 0, right: 0), activation: .relu))
      })
    let transposed = Tensor([0.5, -1, 2, 0.25], shape: [1, 2, 1, 2])
    try assertEqual(
      { host, pass, z in
        withUnsafePointer(to: window) {
          host.row_sums(
            pass,
            host.transposed_convolution(
              pass, image(host, pass, z), kernel(host, pass, 1, 2), nil, $0, 0, 0))
        }
      },
      {
        rest(
          $0.reshaped(to: [4, 1, 3, 1]).transposedConvolution(
            weights: transposed, stride: (1, 2),
            padding: Padding(top: 0, left: 1, bottom: 0, right: 0), outputPadding: (0, 1)))
      })
    assert(
      failure { $0.convolution($1, $2, kernel($0, $1, 2, 1), nil, nil, 0, 0) }, names: "[4, 3]")
    assert(
      failure { $0.convolution($1, image($0, $1, $2), kernel($0, $1, 1, 2), nil, nil, 0, 0) },
      names: "weights [1, 2, 1, 2]")
    for bad in [
      vae_window(
        stride_y: -1, stride_x: 1, pad_top: 0, pad_left: 0, pad_bottom: 0, pad_right: 0,
        output_pad_y: 0, output_pad_x: 0),
      vae_window(
        stride_y: 1, stride_x: 1, pad_top: 1, pad_left: 0, pad_bottom: 0, pad_right: 0,
        output_pad_y: 0, output_pad_x: 0),
      vae_window(
        stride_y: 1, stride_x: 1, pad_top: 0, pad_left: .max, pad_bottom: 0, pad_right: .max,
        output_pad_y: 0, output_pad_x: 0),
    ] {
      let message = failure { host, pass, z in
        withUnsafePointer(to: bad) {
          host.convolution(pass, image(host, pass, z), kernel(host, pass, 2, 1), nil, $0, 0, 0)
        }
      }
      assert(message, names: "convolution")
    }
  }

  func testDensities() throws {
    try assertEqual(
      { $0.gaussian_log_density($1, $2, $0.scale($1, $2, 0.5, 0), $0.negate($1, $2)) },
      { .gaussianLogDensity($0, mean: $0 * 0.5, logVariance: -$0) })
    try assertEqual(
      { $0.gaussian_divergence($1, $2, $0.negate($1, $2)) },
      { .gaussianDivergence(mean: $0, logVariance: -$0) })
    try assertEqual(
      { $0.bernoulli_log_density($1, $0.above($1, $2, 0), $2) },
      { .bernoulliLogDensity($0.isAbove(0), logits: $0) })
    assert(
      failure { $0.gaussian_divergence($1, $2, $0.sum($1, $2, 1, 1)) },
      names: "shapes [4, 3] and [4, 1] differ")
  }

  func testRandomNumbersFollowSeedStepStreamAndExample() throws {
    func drawn(_ stream: String, seed: UInt64, step: Int, examples: [UInt64]) throws -> [Float] {
      let prior = try prior()
      let name = InProcess.text(stream)
      InProcess.density = { host, pass, _ in
        let shape: [Int64] = []
        return host.normal(pass, name, shape, 0)
      }
      var context = Context(
        mode: .training, step: step, random: RandomSource(seed: seed), examples: examples)
      context.examples = examples
      let parameter = Parameter(.zeros([examples.count, 3]))
      let rate = prior.draw(from: GivenDraw(parameter: parameter), DrawRequest(), context).rate
      if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
      return rate.floats
    }
    let first = try drawn("a", seed: 1, step: 0, examples: [5, 9])
    XCTAssertEqual(try drawn("a", seed: 1, step: 0, examples: [9]), [first[1]])
    XCTAssertNotEqual(try drawn("b", seed: 1, step: 0, examples: [5, 9]), first)
    XCTAssertNotEqual(try drawn("a", seed: 2, step: 0, examples: [5, 9]), first)
    XCTAssertNotEqual(try drawn("a", seed: 1, step: 1, examples: [5, 9]), first)
  }

  func testMissingValuesPassThroughAndTheFirstReasonStays() {
    let message = failure { host, pass, z in
      host.row_sums(pass, host.exp(pass, host.add(pass, host.sum(pass, z, 7, 0), z)))
    }
    assert(message, names: "sum: axis 7")
    assert(failure { host, pass, _ in host.exp(pass, nil) }, names: "exp: value 1 is NULL")
    assert(failure { host, pass, z in host.exp(z, pass) }, names: "log_density gave NULL")
  }

  func testValuesAreReadInPlace() throws {
    nonisolated(unsafe) var seen: [Float] = []
    nonisolated(unsafe) var shape: [Int64] = [0, 0, 0, 0, 0, 0, 0, 0]
    nonisolated(unsafe) var rank: Int64 = 0
    _ = try density { host, pass, z in
      rank = host.shape(pass, z, &shape)
      if let data = host.data(pass, z) { seen = Array(UnsafeBufferPointer(start: data, count: 12)) }
      XCTAssertNil(host.data(pass, nil))
      XCTAssertEqual(host.shape(pass, nil, nil), -1)
      return host.row_sums(pass, z)
    }
    XCTAssertEqual(seen, values)
    XCTAssertEqual(rank, 2)
    XCTAssertEqual(Array(shape.prefix(2)), [4, 3])
  }

  func testAPassIsDescribed() throws {
    nonisolated(unsafe) var info = vae_pass_info()
    info.struct_size = UInt32(MemoryLayout<vae_pass_info>.size)
    _ = try density { host, pass, z in
      host.describe_pass(pass, &info)
      return host.row_sums(pass, z)
    }
    XCTAssertEqual(info.mode, VAE_MODE_TRAINING)
    XCTAssertEqual(info.rows, 4)
    XCTAssertEqual(info.draws, 1)
  }

  func testThePartsOfACustomOperationAreChecked() throws {
    var operation = vae_operation()
    operation.name = InProcess.text("twice")
    operation.struct_size = UInt32(MemoryLayout<vae_operation>.size)
    let none = InProcess.kept(operation)
    operation.forward = { inputs, _, output, _ in
      guard let inputs, let output else { return 1 }
      for index in 0..<Int(output.pointee.count) {
        output.pointee.data[index] = 2 * inputs.pointee.data[index]
      }
      return 0
    }
    let constant = InProcess.kept(operation)
    operation.backward = { _, _, _, gradient, gradients, _ in
      guard let gradient, let gradients, gradients.pointee.data != nil else { return 0 }
      for index in 0..<Int(gradient.pointee.count) {
        gradients.pointee.data[index] = 2 * gradient.pointee.data[index]
      }
      return 0
    }
    let twice = InProcess.kept(operation)
    operation.backward = { _, _, _, _, _, _ in 5 }
    let failing = InProcess.kept(operation)
    operation.forward = { _, _, _, _ in 3 }
    let refusing = InProcess.kept(operation)
    func applied(_ operation: UnsafeMutablePointer<vae_operation>?, count: UInt64 = 1) -> Density {
      nonisolated(unsafe) let operation = operation
      return { host, pass, z in
        let inputs = [z]
        let shape: [Int64] = [4, 3]
        return host.row_sums(
          pass, host.custom(pass, operation, inputs, count, shape, 2, nil))
      }
    }
    try assertEqual(applied(twice), { ($0 * 2).sum(axis: 1) })
    try assertEqual(applied(constant), { ($0.detached() * 2).sum(axis: 1) })
    assert(message { _ = try density(applied(none)) }, names: "twice has no forward")
    assert(message { _ = try density(applied(nil)) }, names: "operation is NULL")
    assert(message { _ = try density(applied(refusing)) }, names: "forward answers 3")
    assert(message { _ = try density(applied(twice, count: 17)) }, names: "17 inputs")
    // A backward pass fails after the forward one: the fault is there when it is asked for.
    let prior = try prior()
    InProcess.density = applied(failing)
    let parameter = Parameter(Tensor(values, shape: [4, 3]))
    let rate = prior.draw(
      from: GivenDraw(parameter: parameter), DrawRequest(), context(4, mode: .training)
    ).rate
    XCTAssertNil((prior as? any FalliblePart)?.takeFault())
    _ = rate.sum().backward()
    let fault = (prior as? any FalliblePart)?.takeFault()
    assert("\(String(describing: fault))", names: "twice", "backward answers 5")
  }
}

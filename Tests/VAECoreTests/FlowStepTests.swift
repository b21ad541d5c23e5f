import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Steps of flows whose networks give constants, held to what these constants make of a point.
final class FlowStepTests: XCTestCase {
  private let random = RandomSource(seed: 2)

  private func context(_ count: Int) -> Context {
    Context(mode: .evaluation, random: random, examples: (0..<count).map(UInt64.init))
  }

  private func set(_ values: [String: [Float]], in module: some Module) {
    var left = Set(values.keys)
    for (path, parameter) in module.parameters {
      guard let numbers = values[path] else { continue }
      parameter.value = Tensor(numbers, shape: parameter.shape)
      left.remove(path)
    }
    XCTAssertEqual(left, [])
  }

  private func assertEqual(_ found: [Float], _ wanted: [Double], _ name: String = "") {
    XCTAssertEqual(found.count, wanted.count, name)
    for (a, b) in zip(found, wanted) {
      XCTAssertEqual(Double(a), b, accuracy: 2e-5 * max(1, abs(b)), name)
    }
  }

  /// Of five units the last three change first, and then the first two.
  func testCouplingsChangeTheHalvesByTurnsWithinTheirBounds() throws {
    let flow = CouplingFlow(
      ConditionerSizes(units: 5, context: 0, hidden: [4]), steps: 3, random: random)
    set(
      [
        "0.layers.1.bias": [0.5, -1, 0, 1, 2, 3], "scale0": [1, 2, 1],
        "1.layers.1.bias": [-0.25, 0.75, 10, 20], "scale1": [2, 0.5],
        "2.layers.1.bias": [1, 1, 1, -1, -2, -3], "scale2": [1, 1, 3],
      ], in: flow)
    let steps = flow.bijectors(.zeros([2, 0]), context(2))
    XCTAssertEqual(steps.count, 3)
    let z: [Double] = [1, 2, 3, 4, 5]
    var value = Tensor([1, 2, 3, 4, 5, 0, 0, 0, 0, 0], shape: [2, 5])
    let expected: [([Double], Double)] = [
      (
        [z[0], z[1], z[2] * exp(tanh(0.5)) + 1, z[3] * exp(2 * tanh(-1)) + 2, z[4] + 3],
        tanh(0.5) + 2 * tanh(-1)
      ),
      (
        [z[0] * exp(2 * tanh(-0.25)) + 10, z[1] * exp(0.5 * tanh(0.75)) + 20],
        2 * tanh(-0.25) + 0.5 * tanh(0.75)
      ),
    ]
    let first = steps[0].forward(value)
    assertEqual(first.value.rows(0..<1).floats, expected[0].0)
    assertEqual(first.value.rows(1..<2).floats, [0, 0, 1, 2, 3])
    assertEqual(first.logDeterminant.floats, [expected[0].1, expected[0].1])
    value = first.value
    let second = steps[1].forward(value)
    assertEqual(second.value.rows(0..<1).floats, expected[1].0 + expected[0].0[2...])
    assertEqual(second.logDeterminant.floats, [expected[1].1, expected[1].1])
    let third = steps[2].forward(second.value)
    XCTAssertEqual(
      third.value.slice(axis: 1, 0..<2).floats, second.value.slice(axis: 1, 0..<2).floats)
    let back = try XCTUnwrap(steps[2].inverse(third.value))
    assertEqual(back.z.floats, second.value.floats.map(Double.init))
    assertEqual(back.logDeterminant.floats, third.logDeterminant.floats.map(Double.init))
  }

  /// The numbers of a flow's network are those of the shift and then of the scale of an autoregressive step, and of the
  /// scale first of a coupling.
  func testAFlowPriorTakesItsStepAndThenItsShiftAndScaleInTheDirectionOfItsFamily() {
    let (m, s) = ([0.5, -1.0], [0.3, -0.8])
    let bounds = [1.0, 2.0]
    let scale = zip(s, bounds).map { exp(tanh($0) * $1) }
    let (shift, factor) = ([3.0, -2.0], [2.0, 0.5])
    let noise = [0.7, -1.2]
    for family in FlowPrior.Family.allCases {
      let prior = FlowPrior(units: 2, family: family, steps: 1, hidden: [3], random: random)
      let point: [Double]
      switch family {
      case .maf:
        set(["flow.0.layers.1.bias": (m + s).map { Float($0) }, "flow.scale0": [1, 2]], in: prior)
        point = (0..<2).map { (noise[$0] - m[$0]) / scale[$0] }
      case .iaf:
        set(["flow.0.layers.1.bias": (m + s).map { Float($0) }, "flow.scale0": [1, 2]], in: prior)
        point = (0..<2).map { noise[$0] * scale[$0] + m[$0] }
      case .realnvp:
        set(["flow.0.layers.1.bias": [-0.8, -1], "flow.scale0": [2]], in: prior)
        point = [noise[0], noise[1] * scale[1] + m[1]]
      }
      set(
        ["shift": shift.map { Float($0) }, "log_scale": factor.map { Float(log($0)) }], in: prior)
      let latents = (0..<2).map { point[$0] * factor[$0] + shift[$0] }
      let given = Tensor(noise.map { Float($0) }, shape: [1, 2])
      let drawn = prior.draw(noise: [given], context(1)).layers[0].sample
      assertEqual(drawn.floats, latents, family.rawValue)
      assertEqual(prior.noise(of: [drawn], context(1))[0].floats, noise, family.rawValue)
      let slope: Double
      switch family {
      case .maf: slope = 1 / (scale[0] * scale[1])
      case .iaf: slope = scale[0] * scale[1]
      case .realnvp: slope = scale[1]
      }
      let density =
        -log(2 * Double.pi) - 0.5 * noise.reduce(0) { $0 + $1 * $1 }
        - log(slope * factor[0] * factor[1])
      assertEqual(prior.logDensity(of: drawn, context(1)).floats, [density], family.rawValue)
    }
  }

  func testAFlowPriorBeginsAtTheMeanAndTheDeviationOfItsDraws() {
    let prior = FlowPrior(units: 2, family: .maf, steps: 1, hidden: [3], random: random)
    prior.begin(at: Tensor([1, 10, 3, 30, 5, 50, 7, 70], shape: [4, 2]))
    assertEqual(prior.shift.value.floats, [4, 40])
    assertEqual(prior.logScale.value.floats, [log(5.0) / 2, log(500.0) / 2])
  }

  /// With constant networks a draw is the second decoder's constant and noise of its own deviation, shifted and scaled.
  func testBothNumbersThatASecondStageDrawsHaveTheTemperature() {
    let prior = SecondStagePrior(units: 2, hidden: [3], random: random)
    for (_, parameter) in prior.parameters { parameter.value = .zeros(parameter.shape) }
    // From the latents of its own to the output: [hidden 3 + 2, 2].
    set(
      [
        "decoder.head.weights": [0, 0, 0, 0, 0, 0, 2, 0, 0, 3], "decoder.head.bias": [1, -1],
        "log_deviation": [log(0.5)], "shift": [10, 20], "log_scale": [log(4), 0],
      ], in: prior)
    for temperature in [0, 1, 2.5] {
      let u = context(1).normalNoise("prior", samples: 1, shape: [2]).floats.map {
        Double($0) * temperature
      }
      let e = context(1).normalNoise("prior noise", samples: 1, shape: [2]).floats.map {
        Double($0) * temperature
      }
      let drawn = prior.draw(temperature: Float(temperature), context(1)).layers[0].sample
      assertEqual(
        drawn.floats,
        [4 * (2 * u[0] + 1 + 0.5 * e[0]) + 10, 3 * u[1] - 1 + 0.5 * e[1] + 20])
    }
  }
}

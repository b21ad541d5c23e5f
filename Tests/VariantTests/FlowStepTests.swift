import FlowVAE
import Foundation
import VAECore
import VAERecipes
import VAEZoo
import XCTest

/// Flows whose parameters are the encoder's, computed once more in double precision from its numbers.
final class FlowStepTests: XCTestCase {
  private let (units, steps, reflections) = (3, 2, 2)
  private let random = RandomSource(seed: 21)

  private func head(_ flow: FlowHead.Family) throws -> FlowHead {
    var options = FlowHead.Options()
    options.flow = flow
    options.flowSteps = steps
    options.reflections = reflections
    options.flowHidden = [5]
    options.flowContext = 4
    var build = BuildContext(
      data: DataDescription(height: 2, width: 2, channels: 1, range: .binary, rule: "binary"),
      random: random)
    build.latents = .units(units)
    return try FlowHead(options, build)
  }

  private func posterior(
    _ flow: FlowHead.Family, of output: Tensor
  ) throws -> TransformedDistribution {
    let context = Context(mode: .evaluation, random: random, examples: [0, 1])
    return try XCTUnwrap(
      try head(flow).posterior(output, context) as? TransformedDistribution)
  }

  private func softplus(_ x: Double) -> Double { log(1 + exp(x)) }
  private func product(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  private typealias Step = (_ numbers: [Double], _ z: [Double]) -> (z: [Double], volume: Double)

  private func planar(_ n: [Double], _ z: [Double]) -> (z: [Double], volume: Double) {
    let (w, u, b) = (Array(n[0..<3]), Array(n[3..<6]), n[6])
    let along = product(w, u)
    let kept = softplus(along + log(M_E - 1)) - 1
    let moved = (0..<3).map { u[$0] + (kept - along) * w[$0] / product(w, w) }
    let bend = tanh(product(w, z) + b)
    return (
      (0..<3).map { z[$0] + moved[$0] * bend }, log(1 + (1 - bend * bend) * product(w, moved))
    )
  }

  private func radial(_ n: [Double], _ z: [Double]) -> (z: [Double], volume: Double) {
    let alpha = softplus(n[3])
    let beta = softplus(n[4]) - alpha
    let distance = (0..<3).map { z[$0] - n[$0] }
    let radius = product(distance, distance).squareRoot()
    let h = 1 / (alpha + radius)
    return (
      (0..<3).map { z[$0] + beta * h * distance[$0] },
      2 * log(1 + beta * h) + log(1 + beta * h - beta * radius * h * h)
    )
  }

  private func sylvester(_ n: [Double], _ z: [Double]) -> (z: [Double], volume: Double) {
    func triangular(_ numbers: [Double]) -> [[Double]] {
      (0..<3).map { row in
        (0..<3).map { column in
          let number = numbers[3 * row + column]
          return column > row ? number : column == row ? tanh(number) : 0
        }
      }
    }
    let (r1, r2, b) = (
      triangular(Array(n[0..<9])), triangular(Array(n[9..<18])), Array(n[18..<21])
    )
    let (first, second) = (Array(n[21..<24]), Array(n[24..<27]))
    func reflected(_ x: [Double], _ v: [Double]) -> [Double] {
      (0..<3).map { x[$0] - 2 * v[$0] * product(v, x) / product(v, v) }
    }
    let turned = reflected(reflected(z, second), first)
    let bend = (0..<3).map { tanh(product(r2[$0], turned) + b[$0]) }
    let moved = reflected(reflected((0..<3).map { product(r1[$0], bend) }, first), second)
    var volume = 0.0
    for unit in 0..<3 {
      let slope = 1 - bend[unit] * bend[unit]
      volume += log(1 + slope * r1[unit][unit] * r2[unit][unit])
    }
    return ((0..<3).map { z[$0] + moved[$0] }, volume)
  }

  /// Row k · N + n of the draws goes through the flow of example n.
  func testEveryStepIsThatOfItsFormulaForTheNumbersOfItsOwnExample() throws {
    for (family, step) in [(.planar, planar), (.radial, radial), (.sylvester, sylvester)]
      as [(FlowHead.Family, Step)]
    {
      let size = try head(family).shape[0]
      let output = random.stream("output").normal([2, size])
      let flow = try posterior(family, of: output)
      XCTAssertEqual(flow.bijectors.count, steps)
      let base = try XCTUnwrap(flow.base as? DiagonalGaussian)
      XCTAssertEqual(base.means.floats, output.slice(axis: 1, 0..<3).floats)
      XCTAssertEqual(base.logVariance.floats, output.slice(axis: 1, 3..<6).floats)
      let numbers = output.floats.map(Double.init)
      let each = (size - 6) / steps
      var value = random.stream("z").normal([4, units])
      for (number, bijector) in flow.bijectors.enumerated() {
        let found = bijector.forward(value)
        for row in 0..<4 {
          let start = row % 2 * size + 6 + number * each
          let expected = step(
            Array(numbers[start..<start + each]),
            value.rows(row..<row + 1).floats.map(Double.init))
          for (a, b) in zip(found.value.rows(row..<row + 1).floats, expected.z) {
            XCTAssertEqual(Double(a), b, accuracy: 1e-4, "\(family), step \(number), row \(row)")
          }
          XCTAssertEqual(
            Double(found.logDeterminant.floats[row]), expected.volume, accuracy: 1e-4,
            "\(family), step \(number), row \(row)")
        }
        value = found.value
      }
    }
  }

  func testTheEncoderGivesMomentsAndThenSoManyNumbersForEachFamily() throws {
    // Two steps of three units with two reflections, and a context of four numbers.
    for (family, numbers) in [
      (.planar, 2 * 7), (.radial, 2 * 5), (.sylvester, 2 * 27), (.iaf, 4), (.realnvp, 4),
    ] as [(FlowHead.Family, Int)] {
      XCTAssertEqual(try head(family).shape, [6 + numbers], family.rawValue)
    }
  }

  func testFlowsWithNetworksHaveOneOfTheChosenSizeForEachStep() throws {
    for family in [FlowHead.Family.iaf, .realnvp] {
      let weights = try head(family).parameters.map(\.parameter.shape.dimensions)
        .filter { $0.count == 2 }
      // From three units or fewer and four numbers of the context to five, and on to two numbers a unit.
      XCTAssertEqual(weights.count { $0[1] == 5 && $0[0] > 4 }, steps, "\(family): \(weights)")
    }
    for family in [FlowHead.Family.planar, .radial, .sylvester] {
      XCTAssertTrue(try head(family).parameters.isEmpty, family.rawValue)
    }
  }

  func testAStoppedStepOfEveryFamilyMovesPointsAlikeAndGivesItsNumbersNoGradient() throws {
    for family in [FlowHead.Family.planar, .radial, .sylvester] {
      for number in 0..<steps {
        let output = Parameter(random.stream("output").normal([2, try head(family).shape[0]]))
        let z = Parameter(random.stream("z").normal([4, units]))
        let step = try posterior(family, of: output.tensor).bijectors[number]
        let (plain, stopped) = (step.forward(z.tensor), step.stoppingGradient().forward(z.tensor))
        XCTAssertEqual(stopped.value.floats, plain.value.floats)
        XCTAssertEqual(stopped.logDeterminant.floats, plain.logDeterminant.floats)
        let gradients = (stopped.value.sum() + stopped.logDeterminant.sum()).backward()
        XCTAssertNotNil(gradients[z], family.rawValue)
        XCTAssertNil(gradients[output], family.rawValue)
        XCTAssertNotNil(
          (plain.value.sum() + plain.logDeterminant.sum()).backward()[output], family.rawValue)
      }
    }
  }
}

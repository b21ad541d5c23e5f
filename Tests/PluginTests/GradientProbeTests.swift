// Fields are named in vae_plugin.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

import CVAE
import Foundation
import VAEZoo
import XCTest

/// Which gradients of custom operations `plugin check` finds wrong, and which it lets pass.
final class GradientProbeTests: PluginTestCase {
  /// What an operation computes of its two inputs at a place, and what it says of the slopes there.
  private struct Pair {
    let value: (Double, Double) -> Double
    let slopes: (Double, Double) -> (Double, Double)
    /// What becomes of the gradient of the first input, by element and number of elements.
    var spoil: (_ element: Int, _ count: Int, Double) -> Double = { $2 }
    /// What becomes of a value on its way to the output.
    var round: (Float) -> Float = { $0 }
  }

  nonisolated(unsafe) private static var pair = Pair(value: { $0 + $1 }, slopes: { _, _ in (1, 1) })

  nonisolated(unsafe) private static let operation: UnsafeMutablePointer<vae_operation> = {
    var operation = vae_operation()
    operation.struct_size = UInt32(MemoryLayout<vae_operation>.size)
    operation.name = InProcess.text("pair")
    operation.forward = { inputs, _, output, _ in
      guard let inputs, let output else { return 1 }
      for index in 0..<Int(output.pointee.count) {
        let value = GradientProbeTests.pair.value(
          Double(inputs[0].data[index]), Double(inputs[1].data[index]))
        output.pointee.data[index] = GradientProbeTests.pair.round(Float(value))
      }
      return 0
    }
    operation.backward = { inputs, _, _, gradient, gradients, _ in
      guard let inputs, let gradient, let gradients else { return 1 }
      let count = Int(gradient.pointee.count)
      for index in 0..<count {
        let slopes = GradientProbeTests.pair.slopes(
          Double(inputs[0].data[index]), Double(inputs[1].data[index]))
        let weight = Double(gradient.pointee.data[index])
        gradients[0].data?[index] = Float(
          weight * GradientProbeTests.pair.spoil(index, count, slopes.0))
        gradients[1].data?[index] = Float(weight * slopes.1)
      }
      return 0
    }
    return InProcess.kept(operation)
  }()

  /// What the probe says of an operation in the density of a prior, at draws of 40 rows.
  private func probe(_ pair: Pair) throws -> GradientProbe {
    Self.pair = pair
    let prior = try model([(key: "prior.name", value: "test")], InProcess.registry()).prior
    InProcess.density = { host, pass, z in
      let shape: [Int64] = [40, 3]
      let other = host.scale(pass, z, -0.7, 0.3)
      return host.row_sums(pass, host.custom(pass, Self.operation, [z, other], 2, shape, 2, nil))
    }
    let draws = RandomSource(seed: 3).stream("values").normal([40, 3])
    let (_, probe) = GradientProbe.run {
      prior.draw(
        from: GivenDraw(parameter: Parameter(draws)), DrawRequest(), context(40, mode: .training)
      ).rate
    }
    if let fault = (prior as? any FalliblePart)?.takeFault() { throw fault }
    XCTAssertEqual(probe.operations, ["pair"])
    return probe
  }

  nonisolated(unsafe) private static let product = Pair(
    value: { sin($0) * $1 }, slopes: { (cos($0) * $1, sin($0)) })

  private func assertFound(
    _ what: String, input: Int = 0, line: UInt = #line, _ change: (inout Pair) -> Void
  ) throws {
    var pair = Self.product
    change(&pair)
    let probe = try probe(pair)
    let fault = try XCTUnwrap(probe.faults.first, "\(what) is not found", line: line)
    assert(
      fault, names: "custom operation pair", "gradient of input \(input)", "finite differences")
  }

  func testAGradientThatIsWrongByAFewPartsInAHundredIsFound() throws {
    for factor in [1.075, 0.93, 1.02, -1, 0, 20] {
      try assertFound("a gradient times \(factor)") { $0.spoil = { factor * $2 } }
    }
  }

  func testAGradientThatIsWrongInOneElementIsFound() throws {
    for place in [0, 57, 119] {
      try assertFound("element \(place) times 20") {
        $0.spoil = { element, _, slope in element == place ? 20 * slope : slope }
      }
    }
    try assertFound("the first element by a fifth") { $0.spoil = { $0 == 0 ? 1.2 * $2 : $2 } }
    try assertFound("the last element by a fifth") { $0.spoil = { $0 == $1 - 1 ? 1.2 * $2 : $2 } }
    try assertFound("the last element missing") { $0.spoil = { $0 == $1 - 1 ? 0 : $2 } }
  }

  func testAGradientThatIsNotFiniteIsFound() throws {
    var pair = Self.product
    pair.spoil = { $0 == 9 ? .nan : $2 }
    assert(try probe(pair).faults.first ?? "", names: "gradient of input 0 is not finite")
  }

  func testAGradientThatIsWrongInOneInputIsFound() throws {
    try assertFound("half of the second input", input: 1) { pair in
      let slopes = pair.slopes
      pair = Pair(value: pair.value, slopes: { (slopes($0, $1).0, slopes($0, $1).1 / 2) })
    }
  }

  func testGradientsThatAreRightPass() throws {
    let right: [(String, Pair)] = [
      ("a product", Self.product),
      ("a constant", Pair(value: { _, _ in 3 }, slopes: { _, _ in (0, 0) })),
      (
        "a square, whose terms cancel",
        Pair(
          value: { ($0 - $1) * ($0 - $1) }, slopes: { (2 * ($0 - $1), -2 * ($0 - $1)) })
      ),
      (
        "many waves",
        Pair(
          value: { sin(200 * $0) + $1 }, slopes: { x, _ in (200 * cos(200 * x), 1) })
      ),
      (
        "steep growth",
        Pair(
          value: { exp(6 * $0) + $1 }, slopes: { x, _ in (6 * exp(6 * x), 1) })
      ),
      ("a large offset", Pair(value: { 1000 + $0 * $1 }, slopes: { ($1, $0) })),
      (
        "small numbers",
        Pair(
          value: { 1e-6 * $0 * $1 }, slopes: { (1e-6 * $1, 1e-6 * $0) })
      ),
      (
        "a kink",
        Pair(value: { abs($0) + max($1, 0) }, slopes: { ($0 < 0 ? -1 : 1, $1 > 0 ? 1 : 0) })
      ),
      ("a kink at every element", Pair(value: { abs($0 * 0) + $1 }, slopes: { _, _ in (0, 1) })),
      ("a function with few values", Pair(value: { log($0) * $1 }, slopes: { ($1 / $0, log($0)) })),
    ]
    for (what, pair) in right {
      XCTAssertEqual(try probe(pair).faults, [], what)
    }
    for (what, round) in [
      ("thousandths", { ($0 * 1000).rounded() / 1000 }),
      ("hundredths", { ($0 * 100).rounded() / 100 }),
      ("bfloat16", { Float(bitPattern: ($0.bitPattern + 0x8000) & 0xffff_0000) }),
      ("half precision", { Float(Float16($0)) }),
    ] as [(String, (Float) -> Float)] {
      var pair = Self.product
      pair.round = round
      XCTAssertEqual(try probe(pair).faults, [], "values in \(what)")
    }
  }

  func testValuesThatAreTooRoughAreSaidToBe() throws {
    var pair = Self.product
    XCTAssertEqual(try probe(pair).inconclusive, [])
    pair.round = { ($0 * 10).rounded() / 10 }
    XCTAssertEqual(try probe(pair).faults, [])
    var steps = 0.0
    pair = Pair(
      value: { x, _ in
        steps += 1
        return x + sin(steps * steps)
      }, slopes: { _, _ in (1, 0) })
    let probe = try probe(pair)
    XCTAssertEqual(probe.faults, [])
    XCTAssertEqual(probe.inconclusive, ["pair"])
  }
}

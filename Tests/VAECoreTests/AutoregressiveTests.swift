import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import XCTest

/// What no network over pixels may see, and what it must.
final class AutoregressiveTests: XCTestCase {
  /// Looks at the derivative of every output with respect to every input.
  ///
  /// - Parameter mustSee: whether an output at one position must depend on an input at another that
  ///   comes before it; nil where either will do.
  private func assertOrder(
    _ network: any PixelNetwork, height: Int, width: Int, line: UInt = #line,
    mustSee: (_ rows: Int, _ columns: Int) -> Bool?
  ) {
    let (inputs, outputs, groups) = (network.inputs, network.outputs, network.groups)
    // Several inputs, so that a rectifier that is shut at one does not look like a missing path.
    let images = (0..<12).map {
      RandomSource(seed: $0).stream("image").normal([1, height, width, inputs])
    }
    for output in 0..<height * width * outputs {
      let position = output / outputs
      let group = output % outputs * groups / outputs
      var seen = [Float](repeating: 0, count: height * width * inputs)
      for image in images {
        for (index, value) in network.derivative(of: output, at: image).floats.enumerated() {
          seen[index] = max(seen[index], abs(value))
        }
      }
      for (index, value) in seen.enumerated() {
        let other = index / inputs
        let otherGroup = index % inputs * groups / inputs
        let isBefore = other < position || (other == position && otherGroup < group)
        let what = "output \(group) at \(position) and input \(otherGroup) at \(other)"
        if !isBefore {
          XCTAssertEqual(value, 0, what, line: line)
        } else if other == position {
          XCTAssertGreaterThan(value, 0, what, line: line)
        } else {
          let (rows, columns) = (position / width - other / width, other % width - position % width)
          switch mustSee(rows, columns) {
          case true?: XCTAssertGreaterThan(value, 0, what, line: line)
          case false?: XCTAssertEqual(value, 0, what, line: line)
          case nil: break
          }
        }
      }
    }
  }

  /// The field of two 3×3 layers behind a 7×7 one: five rows above and five columns to either side.
  private func isInGatedField(_ rows: Int, _ columns: Int) -> Bool {
    rows <= 5 && abs(columns) <= 5
  }

  func testAGatedPixelSeesEveryPixelBeforeItInItsFieldAndNoneAfter() {
    assertOrder(PixelNetworks.gated(), height: 7, width: 8, mustSee: isInGatedField)
  }

  func testAGatedFieldGrowsWithTheKernel() {
    assertOrder(PixelNetworks.gated(layers: 1, kernel: 5), height: 6, width: 7) {
      $0 <= 5 && abs($1) <= 5
    }
  }

  func testGatedChannelsSeeTheChannelsBeforeThem() {
    assertOrder(
      PixelNetworks.gated(inputs: 3, outputs: 6, groups: 3, channels: 7), height: 4, width: 4,
      mustSee: isInGatedField)
  }

  func testAPixelSeenAsAWholeHidesAllItsChannels() {
    let network = PixelNetworks.gated(inputs: 3, outputs: 10)
    assertOrder(network, height: 3, width: 4, mustSee: isInGatedField)
    let own = network.derivative(of: 5 * 10 + 9, at: .ones([1, 3, 4, 3])).floats[15..<18]
    XCTAssertEqual(Array(own), [0, 0, 0])
  }

  func testAPlainStackHasTheOrderAndTheKnownBlindSpot() {
    // Above and to the right, each further row lets a stack see one column for each of its layers,
    // not more: with fields of 5, 3 and 3, columns 2 to 4 to the right are first seen one row each
    // higher.
    assertOrder(PixelNetworks.plain(), height: 7, width: 8) { rows, columns in
      if rows > 4 || abs(columns) > 4 { return false }
      if columns <= 1 || rows == 0 { return true }
      if rows == 1 { return columns <= 2 }
      return nil
    }
  }

  func testPlainChannelsSeeTheChannelsBeforeThem() {
    assertOrder(
      PixelNetworks.plain(inputs: 3, outputs: 3, groups: 3), height: 3, width: 4
    ) { rows, columns in columns <= 1 && abs(columns) <= 4 ? true : nil }
  }

  func testTheBorderDiffersFromBlack() {
    // One layer sees the image alone, and not features whose own borders differ from zero.
    let network = PixelNetworks.gated(layers: 0)
    let black = network(.zeros([1, 9, 9, 1]), condition: nil, RandomSource(seed: 1).context(1))
    let logits = black.floats
    XCTAssertNotEqual(logits[0], logits[40])
  }

  func testMaskedWeightsGetNoGradient() throws {
    let network = PixelNetworks.gated(inputs: 2, outputs: 2, groups: 2, channels: 4)
    let x = RandomSource(seed: 2).stream("x").normal([2, 4, 4, 2])
    let y = network(x, condition: nil, RandomSource(seed: 1).context(2))
    let gradients = y.squared().sum().backward()
    let output = try XCTUnwrap(network.parameters.first { $0.path == "0.output.weights" }).parameter
    let gradient = try XCTUnwrap(gradients[output]).floats
    // Rows are inputs: those of the second group, 2 and 3, must not reach outputs 0 and 1.
    for input in 0..<4 {
      for result in 0..<4 {
        let isHidden = input >= 2 && result < 2
        XCTAssertEqual(gradient[input * 4 + result] == 0, isHidden, "\(input) to \(result)")
      }
    }
  }

  func testGroupsThatDoNotDivideTheFeaturesAreAllThere() {
    let groups = ChannelGroups(count: 3)
    for features in 3...40 {
      let assigned = (0..<features).map { groups.group(of: $0, among: features) }
      XCTAssertEqual(assigned, assigned.sorted())
      XCTAssertEqual(Set(assigned), [0, 1, 2], "\(features) features")
    }
  }

  func testProbabilitiesOfAllBinaryImagesSumToOne() {
    let images = (0..<64).map { number in
      Tensor((0..<6).map { Float(number >> $0 & 1) }, shape: [1, 2, 3, 1])
    }
    let batch = Tensor.concatenated(images, axis: 0)
    for network in [PixelNetworks.gated(), PixelNetworks.plain()] as [any PixelNetwork] {
      let context = RandomSource(seed: 1).context(64)
      let logits = network(batch, condition: nil, context) * 3
      let densities = BernoulliLikelihood().logDensity(batch, parameters: logits, context).floats
      XCTAssertEqual(densities.reduce(0) { $0 + exp(Double($1)) }, 1, accuracy: 1e-5)
      XCTAssertGreaterThan(Set(densities.map { Int($0 * 1000) }).count, 10)
    }
  }

  func testGatedGradientsAreThoseOfFiniteDifferences() throws {
    for shape in [[2, 3], [2, 3, 4, 3]] as [Shape] {
      try assertGradients(
        PixelNetworks.gated(inputs: 2, outputs: 4, groups: 2, condition: 3, layers: 1, channels: 4),
        condition: random.stream("z").normal(shape))
    }
  }

  func testPlainGradientsAreThoseOfFiniteDifferences() throws {
    try assertGradients(
      PixelNetworks.plain(inputs: 2, outputs: 4, groups: 2, kernels: [5, 3]), condition: nil)
  }

  private let random = RandomSource(seed: 8)

  /// Moves every parameter, the input and the condition along a random direction.
  private func assertGradients(
    _ network: any PixelNetwork, condition: Tensor?, line: UInt = #line
  ) throws {
    let x = Parameter(random.stream("x").normal([2, 3, 4, 2]))
    let z = condition.map { Parameter($0) }
    let weights = random.stream("weights").normal([2, 3, 4, 4])
    func value() -> Tensor {
      (network(x.tensor, condition: z?.tensor, random.context(2)) * weights).sum()
    }
    var moved = network.parameters.map { (path: $0.path, parameter: $0.parameter) }
    moved.append((path: "input", parameter: x))
    if let z { moved.append((path: "condition", parameter: z)) }
    let gradients = value().backward()
    for (path, parameter) in moved {
      let gradient = try XCTUnwrap(gradients[parameter], path, line: line)
      XCTAssertTrue(gradient.isFinite, path, line: line)
      let direction = random.stream(path).normal(parameter.shape)
      let start = parameter.value
      let step: Float = 2e-3
      parameter.value = start + direction * step
      let above = withoutTape { value().item }
      parameter.value = start - direction * step
      let below = withoutTape { value().item }
      parameter.value = start
      let expected = Double(above - below) / Double(2 * step)
      let found = (gradient * direction).doubleSum
      XCTAssertEqual(found, expected, accuracy: 0.02 * max(1, abs(expected)), path, line: line)
      XCTAssertNotEqual(found, 0, path, line: line)
    }
  }

  func testAConditionChangesWhatEveryGateLetsThrough() throws {
    for shape in [[1, 3], [1, 5, 5, 3]] as [Shape] {
      let network = PixelNetworks.gated(condition: 3)
      let random = RandomSource(seed: 2)
      let x = random.stream("x").normal([1, 5, 5, 1])
      let z = random.stream("z").normal(shape)
      let paths = network.parameters.filter { $0.path.hasSuffix("condition") }
      // Three layers, of whose last only the horizontal gate is read.
      XCTAssertEqual(paths.count, 5)
      let values = paths.map { $0.parameter.value }
      for (_, parameter) in paths { parameter.value = .zeros(parameter.shape) }
      let without = network(x, condition: z, random.context(1)).floats
      for (index, (path, parameter)) in paths.enumerated() {
        parameter.value = values[index]
        XCTAssertNotEqual(network(x, condition: z, random.context(1)).floats, without, path)
        parameter.value = .zeros(parameter.shape)
      }
    }
  }

  func testAMapThatIsTheSameEverywhereIsABias() {
    let network = PixelNetworks.gated(condition: 3)
    let random = RandomSource(seed: 2)
    let x = random.stream("x").normal([2, 5, 4, 1])
    let z = random.stream("z").normal([2, 3])
    let map = z.reshaped(to: [2, 1, 1, 3]).broadcast(to: [2, 5, 4, 3])
    let (bias, spread) = (
      network(x, condition: z, random.context(2)).floats,
      network(x, condition: map, random.context(2)).floats
    )
    for (a, b) in zip(bias, spread) { XCTAssertEqual(a, b, accuracy: 1e-5) }
  }
}

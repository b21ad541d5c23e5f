import NeuralNetworks
import Tensors
import VAECore
import VAEFiles
import XCTest

/// Frozen networks that are written and read again.
final class FrozenNetworkWritingTests: XCTestCase {
  private let random = RandomSource(seed: 7)

  private func values(_ name: String, _ shape: Shape) -> Tensor {
    random.stream(name).normal(shape)
  }

  /// Every kind of layer, none of them as it is without being told.
  private func network() throws -> FrozenNetwork {
    var input = FrozenNetwork.Input(channels: 2, mean: [0.25, -0.5], deviation: [0.5, 2])
    input.range = .symmetric
    input.leastSize = 5
    return try FrozenNetwork(
      input: input,
      layers: [
        FrozenNetwork.Layer(
          name: "c",
          operation: .convolution(
            weights: values("c", [3, 2, 3, 2]), bias: values("cb", [3]), stride: 2, padding: 1)),
        FrozenNetwork.Layer(name: "r", operation: .relu),
        FrozenNetwork.Layer(name: "m", operation: .maximumPool(kernel: 2, stride: 1)),
        FrozenNetwork.Layer(
          name: "e",
          operation: .convolution(
            weights: values("e", [2, 3, 1, 1]), bias: nil, stride: 1, padding: 0)),
        FrozenNetwork.Layer(name: "a", operation: .averagePool(kernel: 2, stride: 3)),
        FrozenNetwork.Layer(name: nil, operation: .flatten),
        FrozenNetwork.Layer(
          name: "d", operation: .dense(weights: values("d", [4, 3]), bias: values("db", [3]))),
      ], featureLayer: "m", classes: ["x", "y", "z"],
      heads: [
        FrozenNetwork.Head(layer: "r", weights: Tensor([0.5, 0, 2])),
        FrozenNetwork.Head(layer: "e", weights: Tensor([1, 0.25])),
      ])
  }

  func testANetworkComesBackFromItsFileAsItWas() throws {
    let network = try network()
    let bytes = network.file.encoded()
    let read = try FrozenNetwork.read(Safetensors(parsing: bytes, path: "network"))
    XCTAssertEqual(read.input, network.input)
    XCTAssertEqual(read.layerNames, ["c", "r", "m", "e", "a", "d"])
    XCTAssertEqual(read.featureLayer, "m")
    XCTAssertEqual(read.classes, ["x", "y", "z"])
    XCTAssertEqual(read.logitLayer, "d")
    XCTAssertEqual(read.heads.map(\.layer), ["r", "e"])
    XCTAssertEqual(read.heads.map(\.weights.floats), [[0.5, 0, 2], [1, 0.25]])
    let images = random.stream("x").uniform([2, 7, 11, 2])
    let names = network.layerNames
    let (own, others) = (
      network.features(of: images, at: names), read.features(of: images, at: names)
    )
    XCTAssertEqual(
      own.map(\.shape),
      [[2, 4, 6, 3], [2, 4, 6, 3], [2, 3, 5, 3], [2, 3, 5, 2], [2, 1, 2, 2], [2, 3]])
    for (name, pair) in zip(names, zip(own, others)) {
      XCTAssertEqual(pair.0.floats, pair.1.floats, name)
      XCTAssertTrue(pair.0.floats.contains { $0 != 0 }, name)
    }
  }

  func testFeaturesComeInTheOrderInWhichTheyAreAskedFor() throws {
    let network = try network()
    let images = random.stream("x").uniform([1, 7, 11, 2])
    let (d, c) = (
      network.features(of: images, at: ["d"])[0], network.features(of: images, at: ["c"])[0]
    )
    let both = network.features(of: images, at: ["d", "c", "d"])
    XCTAssertEqual(both.map(\.floats), [d.floats, c.floats, d.floats])
  }

  /// The symmetric range is −1…1; what is taken off and divided by comes after it.
  func testPixelsAreNormalisedChannelByChannelBeforeTheFirstLayer() throws {
    var input = FrozenNetwork.Input(channels: 2, mean: [0.25, -0.5], deviation: [0.5, 2])
    for (range, wanted) in [
      (.unit, [1.5, 0.5]), (.symmetric, [2, 0.5]), (.real, [1.5, 0.5]),
    ] as [(FrozenNetwork.Input.Range, [Float])] {
      input.range = range
      let network = try FrozenNetwork(
        input: input, layers: [FrozenNetwork.Layer(name: "r", operation: .relu)])
      let pixels: [Float] = range == .symmetric ? [1.125, 0.75] : [1, 0.5]
      let found = network.features(of: Tensor(pixels, shape: [1, 1, 1, 2]), at: ["r"])[0]
      XCTAssertEqual(found.floats, wanted, range.rawValue)
    }
  }
}

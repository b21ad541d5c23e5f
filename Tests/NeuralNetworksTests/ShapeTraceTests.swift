import NeuralNetworks
import Tensors
import XCTest

/// What a trace notes of modules: their shapes, and what computing them takes.
final class ShapeTraceTests: XCTestCase {
  private let random = RandomSource(seed: 12)

  private func traced(_ layer: any Module, _ input: Shape) throws -> ShapeTrace {
    var trace = ShapeTrace()
    _ = try trace.pass(input, through: layer, "layer")
    return trace
  }

  // MARK: Shapes

  func testLayersOfImagesGiveTheShapeThatTheirRuleSays() throws {
    let layers: [(any Layer, Shape)] = [
      (Upsampling(.nearest, by: 3), [2, 5, 3]), (Upsampling(.bilinear, by: 2), [4, 3, 3]),
      (
        SubpixelConv2D(
          inputs: 3, outputs: 4, kernel: 4, by: 3,
          padding: Padding(top: 1, left: 0, bottom: 2, right: 1), random: random), [5, 7, 3]
      ),
      (SoftClamp(magnitude: 2), [3, 4]),
      (
        TransposedConv2D(
          inputs: 3, outputs: 2, kernel: 4, stride: 3,
          padding: Padding(top: 1, left: 0, bottom: 0, right: 2), outputPadding: (2, 1),
          random: random), [3, 5, 3]
      ),
      (
        Conv2D(
          inputs: 3, outputs: 2, kernel: 3, stride: 2,
          padding: Padding(top: 0, left: 3, bottom: 1, right: 2), random: random), [6, 4, 3]
      ),
      (SpatialAttention(channels: 3, groups: 1, random: random), [2, 5, 3]),
      (ResidualBlock(channels: 3, outputs: 4, hidden: 2, random: random), [2, 5, 3]),
    ]
    for (layer, input) in layers {
      var trace = ShapeTrace()
      let rule = try layer.outputShape(for: input, &trace)
      let output = layer(.zeros(Shape([2] + input.dimensions)), context())
      XCTAssertEqual(rule, output.shape.removingFirst, "\(layer)")
    }
  }

  func testModulesAreNotedFromTheInsideWithTheirPathsAndShapes() throws {
    let chain = Sequential([
      Dense(inputs: 5, outputs: 3, random: random),
      Sequential([LayerNorm(features: 3), Dense(inputs: 3, outputs: 2, random: random)]),
    ])
    let modules = try traced(chain, [7, 5]).modules
    XCTAssertEqual(
      modules.map(\.path), ["layer.0", "layer.1.0", "layer.1.1", "layer.1", "layer"])
    XCTAssertEqual(modules.map(\.input), [[7, 5], [7, 3], [7, 3], [7, 3], [7, 5]])
    XCTAssertEqual(modules.map(\.output), [[7, 3], [7, 3], [7, 2], [7, 2], [7, 2]])
  }

  func testTheLayersOfABlockAreNotedInTheOrderInWhichTheyAreComputed() throws {
    let block = ResidualBlock(
      channels: 4, outputs: 6, hidden: 2, normalization: .groups(2), random: random)
    let modules = try traced(block, [3, 5, 4]).modules
    XCTAssertEqual(
      modules.map(\.path),
      [
        "layer.shortcut", "layer.normalization0", "layer.first", "layer.normalization1",
        "layer.second", "layer",
      ])
    XCTAssertEqual(modules.map(\.output.dimensions.last), [6, 4, 2, 2, 6, 6])
    let attention = SpatialAttention(channels: 2, groups: 1, random: random)
    XCTAssertEqual(
      try traced(attention, [3, 4, 2]).modules.map(\.path),
      [
        "layer.normalization", "layer.query", "layer.key", "layer.value", "layer.output", "layer",
      ])
  }

  func testNothingIsKnownBehindAModuleOfUnknownShape() throws {
    final class Opaque: Module { var members: Members { [:] } }
    var trace = ShapeTrace()
    XCTAssertNil(try trace.pass([3], through: Opaque(), "opaque"))
    XCTAssertNil(
      try trace.pass(nil, through: Dense(inputs: 1, outputs: 1, random: random), "dense"))
    XCTAssertEqual(trace.modules.count, 0)
  }

  func testWhatDoesNotFitIsSaidWithTheShapesAndTheInnermostPlace() {
    func message(_ layer: any Module, _ input: Shape) -> String {
      do {
        _ = try traced(layer, input)
        return "accepted"
      } catch { return "\(error)" }
    }
    let convolution = Conv2D(inputs: 3, outputs: 1, kernel: 5, padding: .none, random: random)
    XCTAssertEqual(
      message(convolution, [6, 7, 2]), "layer takes images of 3 channels, but gets [6, 7, 2]")
    XCTAssertEqual(
      message(convolution, [6, 3]), "layer takes images of 3 channels, but gets [6, 3]")
    XCTAssertEqual(message(convolution, [4, 9, 3]), "layer takes larger images than [4, 9, 3]")
    XCTAssertEqual(message(convolution, [9, 4, 3]), "layer takes larger images than [9, 4, 3]")
    XCTAssertEqual(message(convolution, [5, 5, 3]), "accepted")
    XCTAssertEqual(message(Upsampling(), [4, 4]), "layer takes images, but gets [4, 4]")
    XCTAssertEqual(
      message(ResidualBlock(channels: 2, hidden: 1, random: random), [4, 4, 3]),
      "layer.first takes images of 2 channels, but gets [4, 4, 3]")
    var trace = ShapeTrace()
    XCTAssertThrowsError(try LayerNorm(features: 3).outputShape(for: [2, 4], &trace)) {
      XCTAssertEqual("\($0)", "a layer takes 3 numbers along the last axis, but gets [2, 4]")
    }
  }

  // MARK: Memory

  /// Blocks of up to 1024 bytes are multiples of 64; larger ones have four significant bits.
  func testALayerTakesItsInputItsOutputAndItsWeights() throws {
    let small = Dense(inputs: 5, outputs: 3, random: random)
    XCTAssertEqual(try traced(small, [5]).largestBytes, 64 + 64 + 4 * 18)
    let large = Dense(inputs: 1000, outputs: 10, random: random)
    XCTAssertEqual(try traced(large, [1000]).largestBytes, 4096 + 64 + 4 * 10_010)
    XCTAssertEqual(
      try traced(Sequential([large, Dense(inputs: 10, outputs: 2, random: random)]), [1000])
        .largestBytes, 4096 + 64 + 4 * 10_010, "layers of a chain come one after the other")
  }

  func testALayerThatWorksInPlaceTakesOneMap() throws {
    XCTAssertEqual(
      try traced(GroupNorm(channels: 4, groups: 2), [5, 25, 4]).largestBytes, 2048 + 4 * 8)
    XCTAssertEqual(try traced(LayerNorm(features: 4), [5, 25, 4]).largestBytes, 2 * 2048 + 4 * 8)
  }

  func testWhatIsHeldCountsWhileItIsHeldAndNotLater() throws {
    var trace = ShapeTrace()
    let layer = Dense(inputs: 5, outputs: 3, random: random)
    let alone = 64 + 64 + 4 * 18
    try trace.holding([100], nil, [2, 8]) { _ = try $0.pass([5], through: layer, "held") }
    XCTAssertEqual(trace.largestBytes, 448 + 64 + alone)
    var other = ShapeTrace()
    other.holding([100]) { _ in }
    _ = try other.pass([5], through: layer, "alone")
    XCTAssertEqual(other.largestBytes, alone)
  }

  /// Maps of 256, 128 and 384 bytes: the second convolution takes the most, for what it is added to is there as well.
  func testABlockHoldsWhatItsSecondConvolutionIsAddedTo() throws {
    let block = ResidualBlock(
      channels: 4, outputs: 6, hidden: 2, normalization: .groups(2), random: random)
    let second = 128 + 384 + 4 * (2 * 9 * 6 + 6)
    XCTAssertEqual(try traced(block, [4, 4, 4]).largestBytes, 384 + second)
  }

  func testAttentionHoldsFiveMapsAndTheWeightsOfABlockOfQueriesTwice() throws {
    func bytes(_ blockElements: Int) throws -> Int {
      try traced(
        SpatialAttention(channels: 2, groups: 1, blockElements: blockElements, random: random),
        [3, 4, 2]
      ).largestBytes
    }
    let map = 128
    let layer = 2 * map + 4 * (2 * 2 + 2)
    XCTAssertEqual(try bytes(1 << 22), 5 * map + 4 * 2 * 12 * 12 + layer)
    XCTAssertEqual(try bytes(30), 5 * map + 4 * 2 * 2 * 12 + layer)
  }

  /// Of a large map a band is normalised at a time, and what the second convolution adds to is its own place.
  func testABlockOfALargeMapHoldsBandsInPlaceOfAnotherMap() throws {
    let input: Shape = [256, 256, 64]
    let (map, bands) = (1 << 24, MemoryPool.sizeClass(bytes: 2 * NormalizedConvolution.bandBytes))
    func block(outputs: Int, _ normalization: ResidualBlock.Normalization) -> ResidualBlock {
      ResidualBlock(
        channels: 64, outputs: outputs, hidden: 64, normalization: normalization, random: random)
    }
    let weights = 4 * (64 * 64 * 9 + 64)
    XCTAssertEqual(
      try traced(block(outputs: 64, .groups(4)), input).largestBytes, bands + 2 * map + weights)
    XCTAssertEqual(
      try traced(block(outputs: 64, .none), input).largestBytes, 3 * map + weights,
      "without a normalisation the map that is added to stays beside")
    // The shortcut is computed while the result of the first convolution is there.
    let modules = try traced(block(outputs: 32, .groups(4)), input).modules
    XCTAssertEqual(
      modules.map(\.path),
      [
        "layer.normalization0", "layer.first", "layer.shortcut", "layer.normalization1",
        "layer.second", "layer",
      ])
  }
}

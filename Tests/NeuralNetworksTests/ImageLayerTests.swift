import NeuralNetworks
import Tensors
import XCTest

/// The layers of autoencoders of images against PyTorch, and their gradients against differences.
final class ImageLayerTests: XCTestCase {
  /// A case of `Reference/image_layers.json`.
  private struct Case: Decodable {
    struct Array: Decodable {
      let shape: [Int]
      let values: [Double]

      var tensor: Tensor { Tensor(values.map(Float.init), shape: Shape(shape)) }
    }

    struct Settings: Decodable {
      let channels: Int
      let outputs: Int?
      let groups: Int?
      let epsilon: Float?
      let factor: Int?
      let magnitude: Float?
    }

    let layer: String
    let settings: Settings
    let input: Array
    let weights: [String: Array]
    let output: Array
  }

  private let random = RandomSource(seed: 3)

  private func layer(_ reference: Case) throws -> any Layer {
    let settings = reference.settings
    switch reference.layer {
    case "residual":
      let outputs = try XCTUnwrap(settings.outputs)
      return ResidualBlock(
        channels: settings.channels, outputs: outputs, hidden: outputs, activation: .silu,
        normalization: .groups(try XCTUnwrap(settings.groups)),
        epsilon: try XCTUnwrap(settings.epsilon), random: random)
    case "attention":
      return SpatialAttention(
        channels: settings.channels, groups: try XCTUnwrap(settings.groups),
        epsilon: try XCTUnwrap(settings.epsilon), random: random)
    case "downsampling":
      return Conv2D(
        inputs: settings.channels, outputs: try XCTUnwrap(settings.outputs), kernel: 3, stride: 2,
        padding: Padding(top: 0, left: 0, bottom: 1, right: 1), random: random)
    case "clamp": return SoftClamp(magnitude: try XCTUnwrap(settings.magnitude))
    default:
      return Upsampling(
        try XCTUnwrap(Upsampling.Method(rawValue: reference.layer)),
        by: try XCTUnwrap(settings.factor))
    }
  }

  func testLayersGiveWhatPyTorchGives() throws {
    let cases = try ReferenceFile.load("image_layers.json", as: Case.self)
    XCTAssertEqual(
      Set(cases.map(\.layer)),
      ["residual", "attention", "downsampling", "nearest", "bilinear", "clamp"])
    for (number, reference) in cases.enumerated() {
      let layer = try layer(reference)
      XCTAssertEqual(Set(layer.parameters.map(\.path)), Set(reference.weights.keys))
      for (path, parameter) in layer.parameters {
        parameter.value = try XCTUnwrap(reference.weights[path]).tensor
      }
      let output = layer(reference.input.tensor, context(.evaluation))
      XCTAssertEqual(output.shape.dimensions, reference.output.shape)
      assertClose(
        output.floats, reference.output.values, relative: 1e-5, floor: 1,
        "case \(number), \(reference.layer)")
    }
  }

  func testAttentionInBlocksOfQueriesIsThatOfTheWholeMatrix() {
    let input = numbers([2, 3, 5, 4], seed: 4)
    func attended(_ blockElements: Int) -> Tensor {
      let layer = SpatialAttention(
        channels: 4, groups: 2, blockElements: blockElements, random: random)
      return layer(input, context(.evaluation))
    }
    let whole = attended(1 << 20)
    // One query, four queries of 15 with a rest, and fewer elements than one query has.
    for blockElements in [15, 60, 1] {
      let blocks = attended(blockElements)
      XCTAssertEqual(blocks.shape, whole.shape)
      assertClose(
        blocks.floats, whole.floats.map(Double.init), relative: 1e-6, floor: 1,
        "blocks of \(blockElements)")
    }
  }

  func testResidualBlocksOfLargeMapsGiveWhatTheyGiveWhereATapeRecords() {
    for outputs in [64, 32] {
      let block = ResidualBlock(
        channels: 64, outputs: outputs, hidden: 64, activation: .silu, normalization: .groups(4),
        random: random)
      let input = numbers([1, 257, 256, 64], seed: 8)
      let recorded = block(input, context(.evaluation))
      XCTAssertTrue(recorded.isTracked)
      var map = input.copied()
      withoutTape { block.apply(to: &map, context(.evaluation)) }
      XCTAssertEqual(map.shape, recorded.shape)
      let before = input.floats
      let called = withoutTape { block(input, context(.evaluation)) }
      XCTAssertTrue(called.floats == map.floats && input.floats == before, "\(outputs) outputs")
      let largest = withoutTape {
        (map - recorded).squared().reshaped(to: [1, map.count]).maximum(axis: 1).item
      }
      XCTAssertTrue(largest < 1e-9, "\(outputs) outputs differ by \(largest.squareRoot())")
    }
  }

  func testAttentionOfAnExampleDoesNotSeeItsNeighbours() {
    let layer = SpatialAttention(channels: 4, groups: 2, random: random)
    let input = numbers([3, 2, 3, 4], seed: 5)
    let all = layer(input, context(.evaluation))
    let last = layer(input.rows(2..<3), context(.evaluation))
    assertClose(
      last.floats, all.rows(2..<3).floats.map(Double.init), relative: 1e-6, floor: 1, "the last")
  }

  func testGradientsAreThoseOfDifferences() {
    let asymmetric = Padding(top: 0, left: 0, bottom: 1, right: 1)
    let layers: [(String, any Layer)] = [
      (
        "residual",
        ResidualBlock(
          channels: 4, outputs: 6, hidden: 6, activation: .silu, normalization: .groups(2),
          random: random)
      ),
      ("attention", SpatialAttention(channels: 4, groups: 2, random: random)),
      (
        "attention in blocks",
        SpatialAttention(channels: 4, groups: 2, blockElements: 20, random: random)
      ),
      (
        "downsampling",
        Conv2D(
          inputs: 4, outputs: 3, kernel: 3, stride: 2, padding: asymmetric, random: random)
      ),
      ("nearest", Upsampling(.nearest, by: 2)), ("bilinear", Upsampling(.bilinear, by: 3)),
      ("clamp", SoftClamp(magnitude: 1.5)),
    ]
    for (name, layer) in layers {
      let input = Parameter(numbers([2, 3, 3, 4], seed: 6))
      let shape = layer(input.value, context()).shape
      let weights = numbers(shape, seed: 7)
      func loss() -> Tensor { (layer(input.tensor, context()) * weights).sum() }
      let gradients = loss().backward()
      for (path, parameter) in layer.parameters + [(path: "input", parameter: input)] {
        guard let gradient = gradients[parameter] else {
          XCTFail("\(name): \(path) has no gradient")
          continue
        }
        let values = parameter.value.floats
        // A few elements, the first and the last among them.
        for element in Set([0, values.count / 2, values.count - 1]) {
          let step: Float = 2e-2
          func at(_ change: Float) -> Double {
            var changed = values
            changed[element] += change
            parameter.value = Tensor(changed, shape: parameter.shape)
            defer { parameter.value = Tensor(values, shape: parameter.shape) }
            return withoutTape { Double(loss().item) }
          }
          let difference =
            (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * Double(step))
          XCTAssertEqual(
            Double(gradient.floats[element]), difference, accuracy: 2e-3 * max(1, abs(difference)),
            "\(name): \(path)[\(element)]")
        }
      }
    }
  }
}

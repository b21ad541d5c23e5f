import Foundation
import Tensors
import VAECore
import VAEFiles
import XCTest

/// Architectures by torchvision's names, with weights that follow from their position.
final class NetworkArchitectureTests: XCTestCase {
  /// What `Reference/architectures.py` stores.
  private struct Case: Decodable {
    struct Layer: Decodable {
      let layer: String
      let shape: [Int]
      let mean: Double
      let squares: Double
      let places: [Int]
      let values: [Double]
    }

    let name: String
    let height: Int
    let width: Int
    let layers: [Layer]
  }

  private func cases() throws -> [Case] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/architectures.json")
    return try JSONDecoder().decode([Case].self, from: Data(contentsOf: path))
  }

  /// The numbers in 0…1 of the positions from `start` on, times `scale` plus `shift`.
  private func uniform(
    _ start: Int, _ count: Int, scale: Float = 1, shift: Float = 0
  ) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, used in
      for place in 0..<count {
        var x = UInt32(truncatingIfNeeded: start &+ place) &* 2_654_435_761 &+ 97
        x ^= x >> 16
        x = x &* 0x85EB_CA6B
        x ^= x >> 13
        buffer[place] = Float(((Double(x >> 8) + 0.5) / 16_777_216) * Double(scale) + Double(shift))
      }
      used = count
    }
  }

  /// The convolutions of an architecture in the order of its layers, written out again.
  private func convolutions(
    _ name: String
  ) -> [(name: String, outputs: Int, inputs: Int, kernel: Int)] {
    var found: [(name: String, outputs: Int, inputs: Int, kernel: Int)] = []
    switch name {
    case "alexnet":
      for (number, sizes) in [
        (0, (64, 3, 11)), (3, (192, 64, 5)), (6, (384, 192, 3)), (8, (256, 384, 3)),
        (10, (256, 256, 3)),
      ] {
        found.append(("features.\(number)", sizes.0, sizes.1, sizes.2))
      }
    case "squeezenet1_1":
      found.append(("features.0", 64, 3, 3))
      for (number, inputs, squeeze, expand) in [
        (3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128), (7, 256, 32, 128),
        (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256),
      ] {
        found.append(("features.\(number).squeeze", squeeze, inputs, 1))
        found.append(("features.\(number).expand1x1", expand, squeeze, 1))
        found.append(("features.\(number).expand3x3", expand, squeeze, 3))
      }
    default:
      let numbers =
        name == "vgg16"
        ? [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        : [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
      let repeats = name == "vgg16" ? [2, 2, 3, 3, 3] : [2, 2, 4, 4, 4]
      let outputs = zip(repeats, [64, 128, 256, 512, 512]).flatMap {
        Array(repeating: $0.1, count: $0.0)
      }
      var inputs = 3
      for (number, own) in zip(numbers, outputs) {
        found.append(("features.\(number)", own, inputs, 3))
        inputs = own
      }
    }
    return found
  }

  private func file(_ name: String, classifier: Bool = false) -> Safetensors {
    var file = Safetensors()
    var position = 1 << 24
    for layer in convolutions(name) {
      let shape = [layer.outputs, layer.inputs, layer.kernel, layer.kernel]
      let count = shape.reduce(1, *)
      let scale = Float((6 / Double(count / layer.outputs)).squareRoot())
      uniform(position, count, scale: 2 * scale, shift: -scale).withUnsafeBufferPointer {
        file.add("\(layer.name).weight", shape: shape, floats: $0)
      }
      uniform(position + count, layer.outputs, scale: 0.2, shift: -0.1).withUnsafeBufferPointer {
        file.add("\(layer.name).bias", shape: [layer.outputs], floats: $0)
      }
      position += count + layer.outputs
    }
    if classifier {
      [Float](repeating: 1, count: 6).withUnsafeBufferPointer {
        file.add("classifier.6.weight", shape: [2, 3], floats: $0)
      }
    }
    return file
  }

  func testFeaturesAreThoseOfTheArchitectureWrittenOutASecondTime() throws {
    for expected in try cases() {
      let names = expected.layers.map(\.layer)
      let network = try FrozenNetwork.read(file(expected.name), upTo: names)
      let image = Tensor(
        uniform(0, expected.height * expected.width * 3),
        shape: [1, expected.height, expected.width, 3])
      let features = withoutTape { network.features(of: image, at: names) }
      for (found, wanted) in zip(features, expected.layers) {
        let title = "\(expected.name) \(wanted.layer)"
        XCTAssertEqual(found.shape, Shape([1] + wanted.shape), title)
        let values = found.floats
        let size = wanted.squares.squareRoot()
        XCTAssertEqual(
          found.doubleSum / Double(found.count), wanted.mean, accuracy: 1e-4 * size, title)
        XCTAssertEqual(
          found.doubleSumOfSquares / Double(found.count), wanted.squares,
          accuracy: 1e-4 * wanted.squares, title)
        for (place, value) in zip(wanted.places, wanted.values) {
          XCTAssertEqual(
            Double(values[place]), value, accuracy: 1e-4 * max(size, abs(value)), title)
        }
      }
    }
  }

  func testRectifiersOfVGGAnswerToTheNamesOfThePapers() throws {
    let network = try FrozenNetwork.read(file("vgg16"), upTo: ["relu3_3"])
    XCTAssertTrue(network.layerNames.contains("relu1_2"))
    XCTAssertEqual(network.layerNames.last, "relu3_3")
    let image = Tensor(uniform(0, 8 * 8), shape: [1, 8, 8, 1])
    let found = withoutTape { network.features(of: image, at: ["relu2_1", "features.6"]) }
    XCTAssertEqual(found[0].floats, found[1].floats)
    XCTAssertEqual(found[0].shape, [1, 4, 4, 128])
  }

  func testFilesAreRecognisedByTheirTensorsWithOrWithoutAClassifier() throws {
    let bytes = file("squeezenet1_1", classifier: true).encoded()
    let path = NSTemporaryDirectory() + "frozen-" + UUID().uuidString + ".safetensors"
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    func open(_ layer: String, _ height: Int, _ width: Int, _ range: ValueRange = .unit) throws {
      try FrozenNetworkFile(
        path, sha256: SHA256.text(SHA256.hash(of: bytes)), layers: [layer],
        imageShape: [height, width, 3], range: range
      ).open()
    }
    try open("features.12", 28, 28)
    func assertRefused(_ words: String, _ body: () throws -> Void, line: UInt = #line) {
      XCTAssertThrowsError(try body(), line: line) { error in
        let message = "\((error as? FileError)?.message ?? "")"
        XCTAssertTrue(message.contains(words), message, line: line)
        XCTAssertFalse(message.contains("\n"), line: line)
      }
    }
    assertRefused("it takes images of at least 3 by 3 pixels") { try open("features.0", 2, 9) }
    assertRefused("takes values between 0 and 1") { try open("features.12", 28, 28, .real) }
    assertRefused("it has no layer \"fire9\"") { try open("fire9", 28, 28) }
  }

  func testTensorsOfAnotherNetworkAreRefusedByName() throws {
    var other = file("alexnet")
    other.add("features.20.weight", shape: [0], floats: UnsafeBufferPointer(start: nil, count: 0))
    XCTAssertThrowsError(try FrozenNetwork.read(other, upTo: ["features.1"]))
    var small = Safetensors()
    for layer in convolutions("alexnet") {
      let outputs = layer.name == "features.0" ? 8 : 1
      [Float](repeating: 0, count: outputs).withUnsafeBufferPointer {
        small.add("\(layer.name).weight", shape: [outputs, 1, 1, 1], floats: $0)
        small.add("\(layer.name).bias", shape: [outputs], floats: $0)
      }
    }
    XCTAssertThrowsError(try FrozenNetwork.read(small, upTo: ["features.1"]))
  }
}

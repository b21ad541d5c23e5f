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

  /// What `Reference/lpips-distance.py` stores.
  private struct DistanceCase: Decodable {
    struct Numbers: Decodable {
      let distance: Double
      let length: Double
      let places: [Int]
      let gradient: [Double]
    }

    let name: String
    let height: Int
    let width: Int
    let colour: Numbers
    let grey: Numbers
  }

  private func cases<Case: Decodable>(_ name: String) throws -> [Case] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/\(name).json")
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

  /// - Parameter heads: the channels of LPIPS' heads; nil for none. The tensors then have the names that the package
  ///   `lpips` gives them.
  private func file(
    _ name: String, classifier: Bool = false, heads: [Int]? = nil
  ) -> Safetensors {
    var file = Safetensors()
    var position = 1 << 24
    for var layer in convolutions(name) {
      if heads != nil { layer.name = "net.slice9" + layer.name.dropFirst("features".count) }
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
    if heads != nil {
      for (name, values) in [
        ("shift", [-0.030, -0.088, -0.188]), ("scale", [0.458, 0.448, 0.450]),
      ] as [(String, [Float])] {
        values.withUnsafeBufferPointer {
          file.add("scaling_layer.\(name)", shape: [1, 3, 1, 1], floats: $0)
        }
      }
    }
    for (number, channels) in (heads ?? []).enumerated() {
      uniform(position, channels, scale: 0.2).withUnsafeBufferPointer {
        file.add("lin\(number).model.1.weight", shape: [1, channels, 1, 1], floats: $0)
      }
      position += channels
    }
    if classifier {
      [Float](repeating: 1, count: 6).withUnsafeBufferPointer {
        file.add("classifier.6.weight", shape: [2, 3], floats: $0)
      }
    }
    return file
  }

  func testFeaturesAreThoseOfTheArchitectureWrittenOutASecondTime() throws {
    for expected: Case in try cases("architectures") {
      let names = expected.layers.map(\.layer)
      let network = try FrozenNetwork.read(file(expected.name))
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

  private static let heads = [
    "vgg16": [64, 128, 256, 512, 512], "alexnet": [64, 192, 384, 256, 256],
    "squeezenet1_1": [64, 128, 256, 384, 384, 512, 512],
  ]

  func testLPIPSAndItsGradientAreThoseOfThePackage() throws {
    let cases: [DistanceCase] = try cases("lpips-distance")
    XCTAssertEqual(Set(cases.map(\.name)), Set(Self.heads.keys))
    for expected in cases {
      let network = try FrozenNetwork.read(file(expected.name, heads: Self.heads[expected.name]))
      let layers = network.heads.map(\.layer)
      for (channels, wanted) in [(3, expected.colour), (1, expected.grey)] {
        let title = "\(expected.name), \(channels) channels"
        func image(_ start: Int) -> Tensor {
          Tensor(
            uniform(start, expected.height * expected.width * channels),
            shape: [1, expected.height, expected.width, channels])
        }
        let other = Parameter(image(1 << 20))
        let distance = FeatureComparison(.lpips)(
          network.features(of: image(0), at: layers),
          network.features(of: other.tensor, at: layers),
          heads: network.heads.map(\.weights))
        XCTAssertEqual(
          Double(distance.item), wanted.distance, accuracy: 1e-4 * wanted.distance, title)
        let gradient = try XCTUnwrap(distance.sum().backward()[other])
        XCTAssertEqual(
          gradient.doubleSumOfSquares.squareRoot(), wanted.length, accuracy: 1e-3 * wanted.length,
          title)
        for (place, value) in zip(wanted.places, wanted.gradient) {
          XCTAssertEqual(
            Double(gradient.floats[place]), value, accuracy: 1e-3 * wanted.length, title)
        }
      }
    }
  }

  func testRectifiersOfVGGAnswerToTheNamesOfThePapers() throws {
    let network = try FrozenNetwork.read(file("vgg16"))
    XCTAssertTrue(network.layerNames.contains("relu1_2"))
    XCTAssertEqual(network.layerNames.last, "features.30")
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
    func open(
      _ layer: String?, _ height: Int, _ width: Int, _ range: ValueRange = .unit
    ) throws {
      try FrozenNetworkFile(
        path, sha256: SHA256.text(SHA256.hash(of: bytes)), layers: layer.map { [$0] } ?? [],
        usesHeads: layer == nil, imageShape: [height, width, 3], range: range
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
    // What a layer needs is asked of the images as far as that layer.
    assertRefused("it takes images of at least 17 by 17 pixels, but the data have 16 by 28") {
      try open("features.12", 16, 28)
    }
    assertRefused("it has no heads of LPIPS") { try open(nil, 28, 28) }
  }

  func testTensorsOfAnotherNetworkAreRefusedByName() throws {
    func assertRefused(_ file: Safetensors, _ words: String..., line: UInt = #line) {
      XCTAssertThrowsError(try FrozenNetwork.read(file), line: line) { error in
        let reason = (error as? NetworkProblem).map { "\($0.reason)" } ?? "\(error)"
        for word in words { XCTAssertTrue(reason.contains(word), reason, line: line) }
        XCTAssertFalse(reason.contains("\n"), line: line)
      }
    }
    /// Tensors of one number each: names and shapes are looked at before values.
    func tensors(_ names: [String], _ shape: [Int] = [1, 1, 1, 1]) -> Safetensors {
      var file = Safetensors()
      let count = shape.reduce(1, *)
      for name in names {
        [Float](repeating: 0.5, count: count).withUnsafeBufferPointer {
          file.add(name, shape: shape, floats: $0)
        }
      }
      return file
    }
    func names(_ name: String) -> [String] {
      convolutions(name).flatMap { ["\($0.name).weight", "\($0.name).bias"] }
    }
    // A normalisation that vgg16 has not, as in vgg16_bn; a layer less; another program's names; other sizes.
    assertRefused(
      tensors(names("vgg16") + ["features.1.weight"]),
      "none of vgg16, vgg19, alexnet, squeezenet1_1",
      "the nearest is vgg16", #""features.1.weight" is no tensor of it"#)
    assertRefused(
      tensors(names("alexnet").filter { $0 != "features.8.bias" }), "the nearest is alexnet",
      #""features.8.bias" is not there"#)
    assertRefused(tensors(["conv1.weight", "layer1.0.conv1.weight"]), "none of vgg16, vgg19")
    assertRefused(tensors(names("alexnet")), "features.0.weight of alexnet has the shape")
    assertRefused(
      tensors(["net.slice1.0.weight", "features.0.weight"]), "net.slice1.0.weight",
      "are the same tensor")

    // Heads: of another network, of one that has none, never trained, and of another shape.
    let squeezenet = file("squeezenet1_1")
    func with(_ heads: Safetensors) -> Safetensors {
      var file = squeezenet
      for entry in heads.entries {
        let values = try? heads.floats(entry.name, shape: entry.shape)
        values?.withUnsafeBufferPointer { file.add(entry.name, shape: entry.shape, floats: $0) }
      }
      return file
    }
    var heads = Safetensors()
    for (number, channels) in (Self.heads["alexnet"] ?? []).enumerated() {
      [Float](repeating: 1, count: channels).withUnsafeBufferPointer {
        heads.add("lin\(number).model.1.weight", shape: [1, channels, 1, 1], floats: $0)
      }
    }
    assertRefused(with(heads), "lin0 to lin4", "those of alexnet", "those of squeezenet1_1")
    var negative = Safetensors()
    [Float](repeating: -0.1, count: 64).withUnsafeBufferPointer {
      negative.add("lin0.model.1.weight", shape: [1, 64, 1, 1], floats: $0)
    }
    assertRefused(with(negative), "lin0.model.1.weight has weights below zero")
    assertRefused(
      with(tensors(["lins.0.model.1.weight"], [1, 1, 2, 2])), "lins.0.model.1.weight",
      "[1, 1, 2, 2], not [1, channels, 1, 1]")
  }
}

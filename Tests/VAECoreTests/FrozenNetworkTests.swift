import Foundation
import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEFiles
import VAERecipes
import XCTest

/// Frozen networks held to what one computes by hand, and their files to the rules of recipes.
final class FrozenNetworkTests: XCTestCase {
  // MARK: Support

  private func bytes(
    _ layers: String, input: String = #"{"channels": 1}"#,
    _ weights: [(name: String, shape: [Int], values: [Float])] = []
  ) -> [UInt8] {
    bytes(description: #"{"input": \#(input), "layers": [\#(layers)]}"#, weights)
  }

  private func bytes(
    description: String?, _ weights: [(name: String, shape: [Int], values: [Float])]
  ) -> [UInt8] {
    var file = Safetensors()
    for weight in weights {
      weight.values.withUnsafeBufferPointer {
        file.add(weight.name, shape: weight.shape, floats: $0)
      }
    }
    if let description { file.metadata[FrozenNetwork.metadataName] = description }
    return file.encoded()
  }

  private func file(
    _ bytes: [UInt8], layers: [String], image: Shape = [4, 4, 1], range: ValueRange = .unit,
    sha256: String? = nil
  ) throws -> FrozenNetworkFile {
    let path = NSTemporaryDirectory() + "frozen-" + UUID().uuidString + ".safetensors"
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return FrozenNetworkFile(
      path, sha256: sha256 ?? SHA256.text(SHA256.hash(of: bytes)), layers: layers,
      imageShape: image, range: range)
  }

  private func features(
    _ bytes: [UInt8], at layers: [String], of images: Tensor, range: ValueRange = .unit
  ) throws -> [Tensor] {
    let file = try file(
      bytes, layers: layers, image: Shape(Array(images.shape.dimensions.dropFirst())),
      range: range)
    try file.open()
    return file.features(of: images)
  }

  private func image(_ values: [Float], _ height: Int, _ width: Int, _ channels: Int = 1) -> Tensor
  {
    Tensor(values, shape: [1, height, width, channels])
  }

  // MARK: Layers by hand

  func testAConvolutionOfOnePixelIsALinearMapOfItsChannels() throws {
    let found = try features(
      bytes(
        #"{"type": "conv", "name": "c"}, {"type": "relu", "name": "r"}"#,
        input: #"{"channels": 2}"#,
        [
          (name: "c.weight", shape: [3, 2, 1, 1], values: [1, 2, -1, 0.5, 0, -3]),
          (name: "c.bias", shape: [3], values: [0.5, 0, 1]),
        ]),
      at: ["r", "c"], of: image([0.25, 0.5, 1, 0], 1, 2, 2))
    XCTAssertEqual(found.map(\.shape), [[1, 1, 2, 3], [1, 1, 2, 3]])
    XCTAssertEqual(found[1].floats, [1.75, 0, -0.5, 1.5, -1, 1])
    XCTAssertEqual(found[0].floats, [1.75, 0, 0, 1.5, 0, 1])
  }

  func testAConvolutionHasTheStrideAndPaddingThatItsLayerStates() throws {
    let found = try features(
      bytes(
        #"{"type": "conv", "name": "c", "stride": 2, "padding": 1}"#,
        [(name: "c.weight", shape: [1, 1, 3, 3], values: [0, 0, 0, 0, 1, 2, 0, 10, 0])]),
      at: ["c"], of: image((1...16).map { Float($0) / 16 }, 4, 4))[0]
    // At (0, 0), (0, 2), (2, 0) and (2, 2): itself, twice its right and ten times its lower neighbour.
    let expected: [Float] = [55, 81, 159, 185]
    XCTAssertEqual(found.floats.map { $0 * 16 }, expected)
  }

  func testPoolsTakeEveryWindowAlsoWhereWindowsOverlap() throws {
    for (height, width, kernel, stride) in [(4, 4, 2, 2), (5, 7, 3, 2), (4, 5, 2, 1), (6, 5, 2, 3)]
    {
      let x = RandomSource(seed: 4).stream("x").uniform([2, height, width, 2])
      let values = x.floats
      for (type, join) in [("max_pool", true), ("average_pool", false)] {
        let found = try features(
          bytes(
            #"{"type": "\#(type)", "name": "p", "kernel": \#(kernel), "stride": \#(stride)}"#,
            input: #"{"channels": 2}"#), at: ["p"], of: x)[0]
        let (rows, columns) = ((height - kernel) / stride + 1, (width - kernel) / stride + 1)
        XCTAssertEqual(found.shape, [2, rows, columns, 2], type)
        var expected: [Float] = []
        for n in 0..<2 {
          for y in 0..<rows {
            for column in 0..<columns {
              for c in 0..<2 {
                let window = (0..<kernel * kernel).map { place in
                  let (row, at) = (y * stride + place / kernel, column * stride + place % kernel)
                  return values[((n * height + row) * width + at) * 2 + c]
                }
                expected.append(
                  join ? window.max() ?? 0 : window.reduce(0, +) / Float(window.count))
              }
            }
          }
        }
        for (a, b) in zip(found.floats, expected) { XCTAssertEqual(a, b, accuracy: 1e-6, type) }
      }
    }
  }

  func testAFlattenedImageGoesChannelByChannelAsInPyTorch() throws {
    let found = try features(
      bytes(
        #"{"type": "flatten", "name": "f"}, {"type": "dense", "name": "d"}"#,
        input: #"{"channels": 2}"#,
        [
          (name: "d.weight", shape: [2, 4], values: [1, 10, 100, 1000, 0, 0, 0, 1]),
          (name: "d.bias", shape: [2], values: [0, 0.5]),
        ]),
      at: ["f", "d"], of: image([0.1, 0.2, 0.3, 0.4], 1, 2, 2))
    XCTAssertEqual(found[0].floats, [0.1, 0.3, 0.2, 0.4])
    for (a, b) in zip(found[1].floats, [0.1 + 3 + 20 + 400, 0.9] as [Float]) {
      XCTAssertEqual(a, b, accuracy: 1e-4)
    }
  }

  func testANetworkOfOneSizeSaysWhichWhereItGetsAnother() throws {
    let file = bytes(
      #"{"type": "flatten", "name": "f"}, {"type": "dense", "name": "d"}"#,
      input: #"{"channels": 1}"#,
      [
        (name: "d.weight", shape: [1, 4], values: [1, 2, 3, 4]),
        (name: "d.bias", shape: [1], values: [0]),
      ])
    let image = RandomSource(seed: 4).stream("x").uniform([1, 3, 3, 1])
    XCTAssertThrowsError(try features(file, at: ["d"], of: image)) {
      XCTAssertTrue("\($0)".contains("made for images of 2 by 2 alone"), "\($0)")
    }
  }

  func testImagesAreBroughtToTheRangeTheChannelsAndTheNormalisationOfTheNetwork() throws {
    let input =
      #"{"range": "symmetric", "channels": 3, "mean": [0, 0.5, -1], "deviation": [1, 0.5, 2]}"#
    let found = try features(
      bytes(#"{"type": "relu", "name": "r"}"#, input: input), at: ["r"], of: image([0.75, 1], 1, 2))
    // 2x − 1 is 0.5 and 1, in three channels.
    XCTAssertEqual(found[0].floats, [0.5, 0, 0.75, 1, 1, 1])
  }

  func testGradientsFlowThroughTheNetworkToTheImagesAlone() throws {
    let random = RandomSource(seed: 5)
    let weights = random.stream("w").normal([2, 1, 2, 2]).floats
    let file = try file(
      bytes(
        #"{"type": "conv", "name": "c"}, {"type": "average_pool", "kernel": 2, "stride": 1}, "#
          + #"{"type": "flatten"}, {"type": "dense", "name": "d"}"#,
        [
          (name: "c.weight", shape: [2, 1, 2, 2], values: weights),
          (name: "d.weight", shape: [1, 8], values: random.stream("d").normal([8]).floats),
        ]),
      layers: ["d"])
    try file.open()
    let images = Parameter(random.stream("x").uniform([1, 4, 4, 1]))
    let gradients = file.features(of: images.tensor)[0].sum().backward()
    XCTAssertEqual(gradients.count, 1)
    let gradient = try XCTUnwrap(gradients[images]).floats
    for position in 0..<16 {
      func value(_ step: Float) -> Float {
        var moved = images.value.floats
        moved[position] += step
        return withoutTape {
          file.features(of: Tensor(moved, shape: [1, 4, 4, 1]))[0].item
        }
      }
      XCTAssertEqual(gradient[position], (value(0.5) - value(-0.5)), accuracy: 1e-4)
    }
  }

  // MARK: Files

  private var oneLayer: [UInt8] {
    bytes(
      #"{"type": "conv", "name": "c"}"#,
      [(name: "c.weight", shape: [1, 1, 3, 3], values: Array(repeating: 1, count: 9))])
  }

  private func assertRefused(
    _ file: FrozenNetworkFile, _ kind: FileError.Kind, _ words: String..., line: UInt = #line
  ) {
    XCTAssertThrowsError(try file.open(), line: line) { error in
      XCTAssertEqual((error as? FileError)?.kind, kind, "\(error)", line: line)
      let text = "\(error)"
      for word in words + [file.path] { XCTAssertTrue(text.contains(word), text, line: line) }
      XCTAssertFalse(text.contains("\n"), text, line: line)
    }
  }

  func testAFileThatIsMissingDamagedOrAnotherIsRefused() throws {
    assertRefused(
      FrozenNetworkFile(
        "/nowhere/net.safetensors", sha256: String(repeating: "0", count: 64), layers: ["c"],
        imageShape: [4, 4, 1], range: .unit), .missing, "does not exist")
    let run = NSTemporaryDirectory() + "frozen-" + UUID().uuidString
    addTeardownBlock { try? FileManager.default.removeItem(atPath: run) }
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
    try Data(oneLayer).write(to: URL(fileURLWithPath: "\(run)/model.safetensors"))
    assertRefused(
      FrozenNetworkFile(
        run, sha256: String(repeating: "0", count: 64), layers: ["c"], imageShape: [4, 4, 1],
        range: .unit), .malformed, "name the file \(run)/model.safetensors")
    let digits = String(repeating: "ab", count: 32)
    assertRefused(
      try file(oneLayer, layers: ["c"], sha256: digits), .malformed, digits, "another file",
      SHA256.text(SHA256.hash(of: oneLayer)))
    var damaged = oneLayer
    damaged[damaged.count - 1] ^= 1
    assertRefused(
      try file(damaged, layers: ["c"], sha256: SHA256.text(SHA256.hash(of: oneLayer))), .malformed,
      "another file, or damaged")
    // The hash of what was damaged before it was named tells nothing; the form does.
    assertRefused(try file(Array(oneLayer.dropLast(4)), layers: ["c"]), .malformed, "damaged")
    // Upper-case digits name the same file.
    let upper = SHA256.text(SHA256.hash(of: oneLayer)).uppercased()
    XCTAssertNoThrow(try file(oneLayer, layers: ["c"], sha256: upper).open())
  }

  func testImagesThatTheNetworkDoesNotTakeAreRefused() throws {
    assertRefused(try file(oneLayer, layers: ["x"]), .malformed, #"no layer "x""#, "that it has: c")
    assertRefused(
      try file(oneLayer, layers: ["c"], image: [8, 8, 3]), .malformed, "1 channel", "have 3")
    assertRefused(
      try file(oneLayer, layers: ["c"], range: .real), .malformed, "between 0 and 1")
    assertRefused(
      try file(oneLayer, layers: ["c"], image: [2, 8, 1]), .malformed, "at least 3 by 3", "2 by 8")
    let large = bytes(
      #"{"type": "relu", "name": "r"}"#, input: #"{"channels": 1, "least_size": 16}"#)
    assertRefused(
      try file(large, layers: ["r"], image: [32, 15, 1]), .malformed, "at least 16 by 16",
      "32 by 15")
    XCTAssertNoThrow(try file(large, layers: ["r"], image: [16, 16, 1]).open())
  }

  func testDescriptionsThatCannotBeAreRefusedByWhatIsWrong() throws {
    let conv = [(name: "c.weight", shape: [1, 1, 1, 1], values: [1] as [Float])]
    let cases: [(description: String?, words: String)] = [
      (nil, "no vae_zoo_network"), ("{", "vae_zoo_network"), ("[]", "not a JSON object"),
      (#"{"layers": []}"#, "input is not a JSON object"),
      (#"{"input": {"channels": 1}, "layers": []}"#, "1 to 1000 layers"),
      (#"{"input": {"channels": 0}, "layers": [{"type": "relu"}]}"#, "channels of input"),
      (
        #"{"input": {"channels": 1, "range": "bytes"}, "layers": [{"type": "relu"}]}"#,
        "unit, symmetric, real"
      ),
      (#"{"input": {"channels": 2, "mean": [1]}, "layers": [{"type": "relu"}]}"#, "mean of input"),
      (#"{"input": {"channels": 1, "deviation": [0]}, "layers": [{"type": "relu"}]}"#, "above 0"),
      (#"{"input": {"channels": 1}, "layers": [{"type": "relu"}], "x": 1}"#, #"member "x""#),
      (#"{"input": {"channels": 1}, "layers": [{"type": "gelu"}]}"#, "none of conv, relu"),
      (
        #"{"input": {"channels": 1}, "layers": [{"type": "relu", "name": "r"}], "classes": ["#
          + (0...65536).map { "\"\($0)\"" }.joined(separator: ",") + "]}", "more than 65536"
      ),
      (#"{"input": {"channels": 1}, "layers": [{"type": "conv"}]}"#, "layer 0 has no name"),
      (#"{"input": {"channels": 1}, "layers": [{"type": "conv", "name": "d"}]}"#, #""d.weight""#),
      (
        #"{"input": {"channels": 1}, "layers": [{"type": "dense", "name": "c"}]}"#, "4 axes where 2"
      ),
      (
        #"{"input": {"channels": 1}, "layers": [{"type": "conv", "name": "c", "stride": 0}]}"#,
        "stride of layer 0"
      ),
      (
        #"{"input": {"channels": 1}, "layers": [{"type": "conv", "name": "c", "pad": 1}]}"#,
        #"member "pad""#
      ),
      (#"{"input": {"channels": 1}, "layers": [{"type": "max_pool"}]}"#, "kernel of layer 0"),
      (
        #"{"input": {"channels": 1}, "layers": [{"type": "relu", "name": "a"}, {"type": "relu", "name": "a"}]}"#,
        "two layers"
      ),
    ]
    for (description, words) in cases {
      assertRefused(
        try file(bytes(description: description, conv), layers: []), .malformed, words)
    }
    let infinite = [(name: "c.weight", shape: [1, 1, 1, 1], values: [.infinity] as [Float])]
    assertRefused(
      try file(bytes(#"{"type": "conv", "name": "c"}"#, infinite), layers: ["c"]), .malformed,
      "not finite")
    let bias = conv + [(name: "c.bias", shape: [2], values: [1, 2] as [Float])]
    assertRefused(
      try file(bytes(#"{"type": "conv", "name": "c"}"#, bias), layers: ["c"]), .malformed,
      "one number for each output")
  }

  // MARK: Recipes and passes

  func testARecipeNamesTheFileAndItsHash() throws {
    var options = FrozenNetworkOptions()
    let data = DataDescription(height: 4, width: 4, channels: 1, range: .unit, rule: "bytes/255")
    var build = BuildContext(data: data, random: RandomSource(seed: 1))
    build.part = "objective perceptual"
    func refusal() -> String {
      do {
        _ = try options.file(layers: ["c"], build)
        return ""
      } catch {
        return "\(error)"
      }
    }
    XCTAssertTrue(refusal().contains("objective.network=FILE"), refusal())
    let file = try file(oneLayer, layers: ["c"])
    options.network = file.path
    XCTAssertTrue(refusal().contains("objective.network_sha256=\(file.sha256)"), refusal())
    options.networkSHA256 = String(repeating: "x", count: 64)
    XCTAssertTrue(refusal().contains("64 hexadecimal digits"), refusal())
    options.networkSHA256 = file.sha256
    XCTAssertNoThrow(try options.file(layers: ["c"], build).open())
    // The file need not be there where nothing is trained.
    options.network = "/nowhere/net.safetensors"
    XCTAssertNoThrow(try options.file(layers: ["c"], build))
  }

  func testAPassComputesFeaturesOnceAndThoseOfTheDataWithoutATape() throws {
    let file = try file(oneLayer, layers: ["c"])
    try file.open()
    let model = Model(
      encoder: MLPEncoder(inputs: 16, hidden: [], latent: 2, random: RandomSource(seed: 1)),
      prior: StandardNormalPrior(units: 2),
      decoder: MLPDecoder(
        latent: 2, hidden: [], outputShape: [4, 4, 1], random: RandomSource(seed: 2)),
      likelihood: BernoulliLikelihood())
    let x = RandomSource(seed: 3).stream("x").uniform([3, 4, 4, 1]).isAbove(0.5)
    let context = Context(mode: .training, random: RandomSource(seed: 4), examples: [0, 1, 2])
    let pass = ForwardPass(model, x, DrawRequest(), context)
    let (data, decoded) = (
      pass.features(of: .data, in: file)[0], pass.features(of: .decodedMean, in: file)[0]
    )
    XCTAssertFalse(data.isTracked)
    XCTAssertTrue(decoded.isTracked)
    XCTAssertEqual(data.floats, file.features(of: x)[0].floats)
    XCTAssertEqual(decoded.floats, file.features(of: pass.decodedMean)[0].floats)
    XCTAssertEqual(pass.features(of: .priorSamples, in: file)[0].shape, [3, 2, 2, 1])
    let before = Profiler.record { _ = pass.features(of: .decodedMean, in: file) }
    XCTAssertTrue(before.operations.isEmpty, "what is known is not computed again")
    let gradients = (data - decoded).squared().sum().backward()
    XCTAssertEqual(gradients.count, model.parameters.count)
  }
}

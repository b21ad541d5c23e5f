import NeuralNetworks
import Tensors
import VAEZoo
import XCTest

/// The ways in which convolutional decoders double images.
final class UpsamplingTests: XCTestCase {
  private let methods = ["transposed", "nearest", "bilinear", "shuffle"]

  private func model(_ method: String, height: Int, width: Int) throws -> Model {
    let data = SmallModels.data(height: height, width: width, isBinary: false)
    return try SmallModels.registry.model(
      SmallModels.recipe(
        "vq-vae", data: data,
        [
          ("decoder.name", "conv"), ("encoder.name", "conv"), ("levels", "1"),
          ("decoder.normalization", "none"), ("decoder.channels", "3"), ("encoder.channels", "3"),
          ("decoder.upsampling", method),
        ].map { (key: $0.0, value: $0.1) }), seed: 3)
  }

  /// The largest difference between a pixel and the next one, five pixels and more from the border.
  private func unrest(_ image: Tensor) -> Float {
    let inner = image.slice(axis: 1, 5..<image.shape[1] - 5)
      .slice(axis: 2, 5..<image.shape[2] - 5)
    let (height, width) = (inner.shape[1], inner.shape[2])
    let down = inner.slice(axis: 1, 1..<height) - inner.slice(axis: 1, 0..<height - 1)
    let right = inner.slice(axis: 2, 1..<width) - inner.slice(axis: 2, 0..<width - 1)
    return max(
      down.magnitude().floats.max() ?? .nan, right.magnitude().floats.max() ?? .nan)
  }

  func testConstantLatentsLeaveNoCheckerboardUnlessConvolutionsAreTransposed() throws {
    for method in methods {
      let model = try model(method, height: 24, width: 22)
      let codes = Tensor(
        indices: [Int32](repeating: 2, count: 12 * 11), shape: [1, 12, 11])
      let unrest = unrest(model.decode([codes], SmallModels.context(1)))
      if method == "transposed" {
        XCTAssertGreaterThan(unrest, 1e-3)
      } else {
        XCTAssertLessThan(unrest, 1e-5, method)
      }
    }
  }

  func testEveryWayReachesSizesThatAreNoMultiplesOfTwo() throws {
    for method in methods {
      let model = try model(method, height: 9, width: 8)
      XCTAssertEqual(model.sample(SmallModels.context(2)).shape, [2, 9, 8, 1], method)
    }
  }

  // MARK: An output on several scales

  private func decoder(isMultiscale: Bool, _ data: DataSource, name: String = "conv") throws
    -> Model
  {
    try SmallModels.registry.model(
      SmallModels.recipe(
        "gaussian-vae", data: data,
        [
          ("architecture", name), ("latent", "3"), ("decoder.channels", "4,3"),
          ("decoder.upsampling", "nearest"), ("likelihood.link", "identity"),
          ("decoder.output", isMultiscale ? "multiscale" : "single"),
        ].map { (key: $0.0, value: $0.1) }), seed: 3)
  }

  func testAFreshOutputOnSeveralScalesIsThatOfTheLastLayerAlone() throws {
    for (height, width) in [(8, 8), (9, 6), (1, 5)] {
      let data = SmallModels.data(height: height, width: width, isBinary: false)
      let images = try [false, true].map { isMultiscale in
        try decoder(isMultiscale: isMultiscale, data).sample(SmallModels.context(2))
      }
      XCTAssertEqual(images[0].shape, [2, height, width, 1])
      XCTAssertEqual(images[0].floats, images[1].floats)
    }
  }

  func testWhatASmallerImageSaysIsAddedBetweenPixels() throws {
    let data = SmallModels.data(height: 8, width: 8, isBinary: false)
    let model = try decoder(isMultiscale: true, data, name: "resnet")
    let layers = model.parameters.filter { $0.path.hasPrefix("decoder.scales.") }
    XCTAssertEqual(
      layers.map { $0.path },
      [0, 1].flatMap { ["decoder.scales.\($0).weights", "decoder.scales.\($0).bias"] })
    let latents = RandomSource(seed: 4).stream("z").normal([2, 3])
    func image() -> Tensor { model.decode([latents], SmallModels.context(2)) }
    let before = image()
    // A shift of the smallest image is a shift of the whole one, and weights there change it as a smooth map would.
    for (path, parameter) in layers where path.hasSuffix("0.bias") {
      parameter.value = Tensor([0.25])
    }
    for value in (image() - before).floats { XCTAssertEqual(value, 0.25, accuracy: 1e-5) }
    for (path, parameter) in layers where path.hasSuffix("1.weights") {
      parameter.value = RandomSource(seed: 5).stream("w").normal(parameter.shape)
    }
    let change = image() - before
    // Two neighbours on either side of a pixel of 4×4 say the same of that pixel.
    let rows = change.floats
    for row in 0..<16 {
      for first in [1, 3] {
        func at(_ place: Int) -> Float { rows[row * 8 + first + place] }
        let left = 1.5 * at(1) - 0.5 * at(0)
        XCTAssertEqual(left, 1.5 * at(2) - 0.5 * at(3), accuracy: 1e-4)
      }
    }
    XCTAssertGreaterThan(
      Set(rows.map { ($0 * 1e4).rounded() }).count, 32, "it depends on the place")
  }

  func testAPixelShuffleBeginsAsRepeatedPixelsAndPutsEachBlockInItsPlace() {
    let layer = SubpixelConv2D(
      inputs: 2, outputs: 3, kernel: 3, padding: Padding(1), random: RandomSource(seed: 5))
    let x = RandomSource(seed: 6).stream("x").normal([2, 4, 5, 2])
    let context = SmallModels.context(2)
    let fresh = layer(x, context)
    XCTAssertEqual(fresh.shape, [2, 8, 10, 3])
    let every = fresh.floats
    func at(_ values: [Float], _ n: Int, _ y: Int, _ x: Int, _ c: Int) -> Float {
      values[((n * 8 + y) * 10 + x) * 3 + c]
    }
    for y in 0..<8 {
      for x in 0..<10 {
        XCTAssertEqual(at(every, 1, y, x, 2), at(every, 1, y / 2 * 2, x / 2 * 2, 2))
      }
    }
    // Biases tell where each of the 12 channels goes.
    layer.weights.value = .zeros(layer.weights.shape)
    layer.bias?.value = Tensor((0..<12).map(Float.init))
    let marked = layer(x, context).floats
    for (y, x, c) in [(0, 0, 0), (0, 1, 2), (1, 0, 1), (3, 5, 0)] {
      XCTAssertEqual(at(marked, 0, y, x, c), Float((y % 2 * 2 + x % 2) * 3 + c))
    }
  }
}

import VAEZoo
import XCTest

/// Metrics that compare pictures: sharpness against NumPy's Fourier transform (Tests/VAECoreTests/Reference/pictures.py) and
/// waves, and all of them through an evaluation.
final class PictureMetricTests: XCTestCase {
  /// Value i is ((i · step) mod 256) / 255.
  private func picture(_ step: Int, _ height: Int, _ width: Int, _ channels: Int) -> Tensor {
    let values = (0..<height * width * channels).map { (place: Int) -> Float in
      Float(place * step % 256) / 255
    }
    return Tensor(values, shape: [1, height, width, channels])
  }

  func testTheEnergyOfDetailIsThatOfNumPysFourierTransform() {
    for (height, width, channels, first, second) in [
      (12, 16, 3, 6.261049621054587, 12.309857256417025),
      (13, 10, 1, 10.427217103944535, 2.095402444040033),
      (7, 9, 2, 3.296686170282844, 2.0981879094822253),
    ] {
      let energy = DetailEnergy(height: height, width: width)
      let a = picture(37, height, width, channels)
      let b = picture(3, height, width, channels)
      XCTAssertEqual(energy(a), first, accuracy: 1e-5 * first)
      XCTAssertEqual(energy(b), second, accuracy: 1e-5 * second)
      XCTAssertEqual(
        energy(.concatenated([a, b * 2], axis: 0)), first + 4 * second, accuracy: 1e-4 * first)
    }
  }

  func testWavesOfAQuarterOfACyclePerPixelAreNoDetailAndShorterOnesAreNothingElse() {
    for (cycles, isFine) in [(1, false), (2, false), (4, false), (5, true), (8, true)] {
      let values = (0..<256).map { (place: Int) -> Float in
        cosf(2 * .pi * Float(cycles * (place % 16)) / 16)
      }
      let wave = Tensor(values, shape: [1, 16, 16, 1])
      XCTAssertEqual(
        DetailEnergy(height: 16, width: 16)(wave), isFine ? wave.doubleSumOfSquares : 0,
        accuracy: 1e-3, "\(cycles)")
    }
  }

  // MARK: Through an evaluation

  private struct Pictures: ExampleStore {
    let count = 6
    var shape = ImageShape(height: 16, width: 16, channels: 1)
    var offset: Float = 0

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        for place in 0..<shape.count {
          destination[row * shape.count + place] =
            Float(place * (3 + 2 * index) % 256) / 255 + offset
        }
      }
    }
  }

  private func evaluator(
    _ variant: String = "gaussian-vae", _ pictures: Pictures = Pictures(),
    _ settings: [(key: String, value: String)] = [("hidden", "4"), ("latent", "2")]
  ) throws -> Evaluator {
    let registry = Registry.builtIn
    let split = DataSplit(name: "test", store: pictures)
    let data = DataSource(
      name: "pictures", valueRange: pictures.offset == 0 ? .unit : .real,
      rule: pictures.offset == 0 ? "bytes/255" : "floats", isDiscrete: false, train: split)
    var recipe = try registry.recipe(for: variant)
    recipe.data = try data.description(binarization: .none)
    try registry.apply(settings, to: &recipe)
    let model = try registry.model(recipe, seed: 1)
    return Evaluator(model: model, examples: Examples(split), seed: 1)
  }

  private let names = ["psnr", "ssim", "ms_ssim", "sharpness"]

  /// A decoder without weights gives grey for everything: whatever a batch is, the numbers are those of grey.
  func testReconstructionsThatAreGreyHaveTheNumbersOfGrey() throws {
    var evaluator = try evaluator()
    for (_, parameter) in evaluator.model.decoder.parameters {
      parameter.value = .zeros(parameter.shape)
    }
    let all = withoutTape { evaluator.examples.split.batch(Array(0..<6)) }
    let grey = Tensor(repeating: 0.5, shape: [1, 16, 16, 1])
    let images = (0..<6).map { all.rows($0..<$0 + 1) }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / 6 }
    for rows in [4, 100] {
      evaluator.rowLimit = rows
      let found = try XCTUnwrap(evaluator.run(metrics: names)).metrics
      XCTAssertEqual(
        try XCTUnwrap(found[PSNRMetric.self]).mean,
        mean(images.map { PictureComparison.peakSignalToNoise($0, grey) }), accuracy: 1e-4)
      XCTAssertEqual(
        try XCTUnwrap(found[SSIMMetric.self]).mean,
        mean(images.compactMap { PictureComparison.structuralSimilarity($0, grey) }), accuracy: 1e-5
      )
      let several = try XCTUnwrap(found[MSSSIMMetric.self])
      XCTAssertEqual(several.scales, 1)
      XCTAssertEqual(
        several.similarity.mean, try XCTUnwrap(found[SSIMMetric.self]).mean, accuracy: 1e-6)
      let sharpness = try XCTUnwrap(found[SharpnessMetric.self])
      XCTAssertEqual(sharpness.reconstructions, 0, accuracy: 1e-9)
      XCTAssertEqual(sharpness.samples, 0, accuracy: 1e-9)
      XCTAssertEqual(sharpness.images, 6)
    }
  }

  func testSharpnessIsTheEnergyOfReconstructionsAndSamplesOverThatOfTheData() throws {
    let evaluator = try evaluator()
    let found = try XCTUnwrap(
      evaluator.run(metrics: ["sharpness"]).flatMap { $0.metrics[SharpnessMetric.self] })
    let energy = DetailEnergy(height: 16, width: 16)
    let all = withoutTape { evaluator.examples.split.batch(Array(0..<6)) }
    let context = Context(
      mode: .evaluation, random: evaluator.random, examples: (0..<6).map(UInt64.init))
    let back = evaluator.model.reconstruct(all, context)
    XCTAssertGreaterThan(found.reconstructions, 0)
    XCTAssertEqual(found.reconstructions / (energy(back) / energy(all)), 1, accuracy: 1e-4)
    // Samples come from elsewhere in the same decoder.
    XCTAssertGreaterThan(found.samples, 0)
    XCTAssertNotEqual(found.samples, found.reconstructions)
  }

  func testWhatCannotBeComparedIsRefusedByName() throws {
    func refusal(_ name: String, _ evaluator: Evaluator) -> String {
      do {
        _ = try evaluator.run(metrics: [name])
        return "none"
      } catch {
        return error.message.description
      }
    }
    var small = Pictures()
    small.shape = ImageShape(height: 16, width: 10, channels: 1)
    for name in ["ssim", "ms_ssim"] {
      XCTAssertEqual(
        refusal(name, try evaluator("gaussian-vae", small)),
        "\(name) needs images of at least 11×11 pixels, which the test split has not; choose another metric, or larger "
          + "images")
    }
    var shifted = Pictures()
    shifted.offset = 1
    XCTAssertEqual(
      refusal("psnr", try evaluator("gaussian-vae", shifted)),
      "psnr has no value for these examples: it compares images with values between 0 and 1, and these reach from 1.0 "
        + "to 2.0")
    let drawn = try evaluator(
      "pixelcnn", Pictures(), [("layers", "1"), ("decoder.channels", "4"), ("decoder.head", "4")])
    for name in names {
      XCTAssertTrue(
        refusal(name, drawn).contains("needs whole images that come back from latents"), name)
    }
  }
}

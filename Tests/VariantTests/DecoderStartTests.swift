import VAEZoo
import XCTest

/// Where decoders begin: at parameters of the likelihood that are given, in what their last weights do not touch.
final class DecoderStartTests: XCTestCase {
  private let (height, width) = (4, 6)
  /// Parameters that differ from pixel to pixel.
  private var start: Tensor { RandomSource(seed: 6).stream("start").uniform([4, 6, 3]) }

  private func model(
    _ variant: String, _ settings: [(key: String, value: String)] = []
  ) throws -> Model {
    let data = SmallModels.data(height: height, width: width, channels: 3, isBinary: false)
    return try SmallModels.registry.model(
      SmallModels.recipe(
        variant, data: data, [(key: "likelihood", value: "gaussian")] + settings), seed: 2)
  }

  /// What is decoded where the last weights are zero.
  private func decoded(_ model: Model) throws -> Tensor {
    let last = try XCTUnwrap(model.decoder.lastWeights)
    last.value = .zeros(last.shape)
    let context = SmallModels.context(2)
    return withoutTape {
      model.decoder.decode(model.prior.draw(temperature: 1, context), target: nil, context)
    }
  }

  func testADecoderThatConvolvesBeginsAtTheMeanOfEachChannel() throws {
    let mean = start.mean(axis: 0).mean(axis: 0).floats
    XCTAssertEqual(Set(mean).count, 3)
    let ladder = ["encoder.name", "prior.name", "decoder.name"].map {
      (key: $0, value: "ladder-conv")
    }
    for (variant, settings) in [
      ("vq-vae", []), ("vq-vae", [("levels", "0")]), ("vq-vae", [("levels", "1")]),
      ("autoencoder-tiny", []), ("autoencoder-kl", []), ("vq-model", []), ("very-deep-vae", []),
      ("ladder-vae", ladder), ("conditional-vae", [("decoder.name", "conditional-conv")]),
    ] as [(String, [(key: String, value: String)])] {
      let model = try model(variant, settings)
      model.decoder.begin(at: start)
      let found = try decoded(model)
      XCTAssertEqual(found.shape, [2, 4, 6, 3], variant)
      for (place, value) in found.floats.enumerated() {
        XCTAssertEqual(value, mean[place % 3], accuracy: 1e-5, "\(variant) \(settings)")
      }
    }
  }

  func testAPerceptronBeginsAtTheParametersOfEachPixel() throws {
    for variant in ["ladder-vae", "conditional-vae"] {
      let model = try model(variant)
      model.decoder.begin(at: start)
      let found = try decoded(model)
      XCTAssertEqual(found.rows(0..<1).floats, start.floats, variant)
      XCTAssertEqual(found.rows(1..<2).floats, start.floats, variant)
    }
  }

  func testEveryExitOfAGrowingDecoderBeginsThereAndTheLastWeightsAreThoseOfTheSizeReached() throws {
    // Sizes of 1×2, 2×3 and 4×6.
    let model = try model(
      "progressive-vae", [("first_size", "2"), ("channels", "4,3,2")])
    let mean = start.mean(axis: 0).mean(axis: 0).floats
    model.decoder.begin(at: start)
    let parameters = Dictionary(
      uniqueKeysWithValues: model.parameters.map { ($0.path, $0.parameter) })
    for exit in 0..<3 {
      XCTAssertEqual(parameters["decoder.exits.\(exit).bias"]?.value.floats, mean, "\(exit)")
    }
    XCTAssertNil(parameters["decoder.exits.3.bias"])
    for (extent, top) in [(0, 0), (0.25, 1), (1, 1), (1.5, 2), (2, 2)] as [(Float, Int)] {
      for (path, buffer) in model.buffers where path.hasSuffix("growth.extent") {
        buffer.value = Tensor(extent)
      }
      XCTAssertTrue(
        model.decoder.lastWeights === parameters["decoder.exits.\(top).weights"], "\(extent)")
    }
  }
}

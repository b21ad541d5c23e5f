import ConditionalVAE
import VAEZoo
import XCTest

/// What the networks of a conditional model are given, by networks that note it.
final class ConditionedNetworkTests: XCTestCase {
  private final class NotingEncoder: Encoder {
    private(set) var seen: [Tensor] = []
    private(set) var first: [Tensor] = []
    var members: Members { [:] }
    var posteriorTraits: PosteriorTraits { PosteriorTraits(hasMoments: false) }

    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      seen.append(x)
      return EmptyPosterior(exampleCount: x.shape[0])
    }

    func prepare(firstBatches: [Tensor], context: Context) { first = firstBatches }
  }

  private final class NotingDecoder: Decoder {
    private(set) var seen: [Tensor] = []
    private(set) var start: Tensor?
    let lastWeights: Parameter? = Parameter(Tensor([1, 2, 3]))
    var members: Members { [:] }

    func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
      seen.append(draw.decoderInput)
      return target ?? .zeros([draw.rowCount, 1])
    }

    func begin(at parameters: Tensor) { start = parameters }
  }

  /// Two examples with conditions (10, 11) and (20, 21).
  private var context: Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: [0, 1],
      condition: Tensor([10, 11, 20, 21], shape: [2, 2]))
  }

  private func numbers(_ shape: Shape) -> Tensor {
    Tensor((0..<shape.count).map(Float.init), shape: shape)
  }

  func testAnEncoderIsToldTheConditionBehindThePixelsOrInEachOfThem() {
    let x = numbers([2, 1, 2, 3])
    for (flattens, shape, expected) in [
      (
        true, [2, 8],
        [0, 1, 2, 3, 4, 5, 10, 11, 6, 7, 8, 9, 10, 11, 20, 21]
      ),
      (
        false, [2, 1, 2, 5],
        [0, 1, 2, 10, 11, 3, 4, 5, 10, 11, 6, 7, 8, 20, 21, 9, 10, 11, 20, 21]
      ),
    ] as [(Bool, Shape, [Float])] {
      let network = NotingEncoder()
      let encoder = ConditionedEncoder(network, width: 2, flattens: flattens)
      _ = encoder.encode(x, context)
      XCTAssertEqual(network.seen.map(\.shape), [shape])
      XCTAssertEqual(network.seen[0].floats, expected)
      XCTAssertFalse(encoder.posteriorTraits.hasMoments)
    }
  }

  func testAnEncoderIsPreparedByTheImagesAloneWithAConditionOfZeros() throws {
    for (flattens, shape) in [(true, [2, 8]), (false, [2, 1, 2, 5])] as [(Bool, Shape)] {
      let network = NotingEncoder()
      let encoder = ConditionedEncoder(network, width: 2, flattens: flattens)
      let batches = [numbers([2, 1, 2, 3]) + 1, numbers([2, 1, 2, 3]) + 50]
      try encoder.prepare(firstBatches: batches, context: context)
      XCTAssertEqual(network.first.map(\.shape), [shape, shape])
      for (found, batch) in zip(network.first, batches) {
        XCTAssertEqual(found.floats.filter { $0 != 0 }, batch.floats)
        XCTAssertEqual(found.floats.suffix(2), [0, 0])
      }
    }
  }

  /// Row k · N + n belongs to example n.
  func testADecoderIsToldTheConditionOfTheExampleOfEachDraw() {
    let network = NotingDecoder()
    let decoder = ConditionedDecoder(network, width: 2, flattens: true)
    let latents = numbers([4, 1])
    let draw = LatentDraw(
      layers: [LatentLayer(sample: latents, rate: .zeros([4]))], rowCount: 4)
    let target = numbers([4, 2])
    XCTAssertEqual(decoder.decode(draw, target: target, context).floats, target.floats)
    XCTAssertEqual(
      network.seen[0].floats, [0, 10, 11, 1, 20, 21, 2, 10, 11, 3, 20, 21])
  }

  func testADecoderOfAGridIsToldTheConditionAtEachPlaceUnlessItIsFlattened() {
    let codes = numbers([2, 2, 1, 1])
    let draw = LatentDraw(
      layers: [LatentLayer(sample: codes, rate: .zeros([2]))], rowCount: 2)
    for (flattens, shape, expected) in [
      (false, [2, 2, 1, 3], [0, 10, 11, 1, 10, 11, 2, 20, 21, 3, 20, 21]),
      (true, [2, 4], [0, 1, 10, 11, 2, 3, 20, 21]),
    ] as [(Bool, Shape, [Float])] {
      let network = NotingDecoder()
      _ = ConditionedDecoder(network, width: 2, flattens: flattens)
        .decode(draw, target: nil, context)
      XCTAssertEqual(network.seen.map(\.shape), [shape])
      XCTAssertEqual(network.seen[0].floats, expected)
    }
  }

  func testADecoderOfNoLatentsIsToldTheConditionAlone() {
    let network = NotingDecoder()
    let draw = LatentDraw(layers: [], rowCount: 2)
    _ = ConditionedDecoder(network, width: 2, flattens: true).decode(draw, target: nil, context)
    XCTAssertEqual(network.seen[0].floats, [10, 11, 20, 21])
  }

  func testADecoderBeginsWhereItsNetworkDoesAndHasItsLastWeights() {
    let network = NotingDecoder()
    let decoder = ConditionedDecoder(network, width: 2, flattens: true)
    decoder.begin(at: Tensor([4, 5], shape: [1, 1, 2]))
    XCTAssertEqual(network.start?.floats, [4, 5])
    XCTAssertTrue(decoder.lastWeights === network.lastWeights)
  }

  func testDescriptionsSayWhereTheConditionIsTold() throws {
    for (role, name, words) in [
      (.encoder, "conditional-mlp", "told the condition beside the pixels"),
      (.encoder, "conditional-conv", "told the condition as planes beside the channels"),
      (.encoder, "conditional-resnet", "told the condition as planes beside the channels"),
      (.decoder, "conditional-conv", "told the condition beside the latents"),
    ] as [(Role, String, String)] {
      let summary = try Registry.builtIn.component(role, name).summary
      XCTAssertTrue(summary.hasSuffix(words), summary)
    }
  }

  /// Of images of 3×5 pixels with 2 channels, told one of 3 classes, and of 4 latents.
  func testNetworksInRecipesHaveRoomForTheCondition() throws {
    let data = SmallModels.data(height: 3, width: 5, channels: 2, isBinary: false)
    for (name, size, encoder, decoder) in [
      ("conditional-mlp", "hidden", [33, 7], 7), ("conditional-conv", "channels", [7, 5, 3, 3], 7),
    ] {
      let recipe = try SmallModels.recipe(
        "conditional-vae", data: data,
        [
          (key: "encoder.name", value: name), (key: "decoder.name", value: name),
          (key: "latent", value: "4"), (key: size, value: "7"),
        ])
      let model = try SmallModels.registry.model(recipe, seed: 1)
      func shape(_ part: any Module) throws -> [Int] {
        try XCTUnwrap(
          part.parameters.first { $0.path.hasSuffix("weights") }?.parameter.shape.dimensions)
      }
      XCTAssertEqual(try shape(model.encoder), encoder)
      XCTAssertEqual(try shape(model.decoder).first, decoder, name)
    }
  }
}

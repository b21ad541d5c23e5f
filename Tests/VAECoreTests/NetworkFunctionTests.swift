import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Encoders and decoders held to their layers computed one by one.
final class NetworkFunctionTests: XCTestCase {
  private let random = RandomSource(seed: 8)

  private func context(_ count: Int) -> Context {
    Context(mode: .evaluation, random: random, examples: (0..<count).map(UInt64.init))
  }

  private func values(_ module: some Module) -> [Tensor] {
    for (path, parameter) in module.parameters {
      parameter.value = random.stream(path).normal(parameter.shape) * 0.5
    }
    return module.parameters.map(\.parameter.value)
  }

  private func assertEqual(_ found: Tensor, _ wanted: Tensor, line: UInt = #line) {
    XCTAssertEqual(found.shape, wanted.shape, line: line)
    for (a, b) in zip(found.floats, wanted.floats) {
      XCTAssertEqual(a, b, accuracy: 1e-4 * max(1, abs(b)), line: line)
    }
  }

  private func draw(_ z: Tensor) -> LatentDraw {
    LatentDraw(
      layers: [LatentLayer(sample: z, rate: .zeros([z.shape[0]]))], rowCount: z.shape[0])
  }

  func testAPerceptronIsRectifiedBetweenItsLayersAndNotAtItsEnd() throws {
    let encoder = MLPEncoder(
      inputs: 6, hidden: [4, 5], latent: 2, activation: .tanh, random: random)
    let w = values(encoder)
    let x = random.stream("x").normal([3, 3, 1, 2])
    let hidden = x.reshaped(to: [3, 6]).dense(weights: w[0], bias: w[1], activation: .tanh)
      .dense(weights: w[2], bias: w[3], activation: .tanh)
    let posterior = try XCTUnwrap(encoder.encode(x, context(3)) as? DiagonalGaussian)
    let head = hidden.dense(weights: w[4], bias: w[5])
    assertEqual(posterior.means, head.slice(axis: 1, 0..<2))
    assertEqual(posterior.logVariance, head.slice(axis: 1, 2..<4))
    let decoder = MLPDecoder(
      latent: 2, hidden: [4], outputShape: [3, 1, 2], activation: .tanh, random: random)
    let v = values(decoder)
    let z = random.stream("z").normal([3, 2])
    assertEqual(
      decoder.decode(draw(z), target: nil, context(3)),
      z.dense(weights: v[0], bias: v[1], activation: .tanh).dense(weights: v[2], bias: v[3])
        .reshaped(to: [3, 3, 1, 2]))
  }

  func testAConvolutionalEncoderHalvesRectifiesAndFlattens() throws {
    let encoder = ConvolutionalEncoder(
      height: 5, width: 6, inputChannels: 2, channels: [3, 4], latent: 2, activation: .tanh,
      normalization: .none, random: random)
    let w = values(encoder)
    let x = random.stream("x").normal([3, 5, 6, 2])
    let features = x.convolution(
      weights: w[0], bias: w[1], stride: (2, 2), padding: Padding(1), activation: .tanh
    ).convolution(
      weights: w[2], bias: w[3], stride: (2, 2), padding: Padding(1), activation: .tanh)
    let head = features.flattened().dense(weights: w[4], bias: w[5])
    let posterior = try XCTUnwrap(encoder.encode(x, context(3)) as? DiagonalGaussian)
    assertEqual(posterior.means, head.slice(axis: 1, 0..<2))
    assertEqual(posterior.logVariance, head.slice(axis: 1, 2..<4))
  }

  /// 2×2 places become 3×4 and then 5×7.
  func testAConvolutionalDecoderDoublesRectifiesAndEndsInAPlainConvolution() {
    let decoder = ConvolutionalDecoder(
      latent: 2, channels: [4, 3], outputShape: [5, 7, 2], activation: .tanh,
      normalization: .none, random: random)
    let w = values(decoder)
    XCTAssertEqual(w[0].shape, [2, 16])
    let z = random.stream("z").normal([3, 2])
    let places = z.dense(weights: w[0], bias: w[1]).reshaped(to: [3, 2, 2, 4])
    let images = places.transposedConvolution(
      weights: w[2], bias: w[3], stride: (2, 2), padding: Padding(1), outputPadding: (0, 1),
      activation: .tanh
    ).transposedConvolution(
      weights: w[4], bias: w[5], stride: (2, 2), padding: Padding(1), outputPadding: (0, 0),
      activation: .tanh
    ).convolution(weights: w[6], bias: w[7], padding: Padding(1))
    assertEqual(decoder.decode(draw(z), target: nil, context(3)), images)
    XCTAssertTrue(decoder.lastWeights === decoder.parameters[6].parameter)
  }

  func testAConvolutionalDecoderBeginsAtTheMeanOfEachChannel() {
    let decoder = ConvolutionalDecoder(
      latent: 2, channels: [4], outputShape: [1, 3, 2], random: random)
    decoder.begin(at: Tensor([1, 10, 2, 20, 6, 60], shape: [1, 3, 2]))
    decoder.lastWeights?.value = .zeros([2, 4, 3, 3])
    let found = decoder.decode(draw(.ones([1, 2])), target: nil, context(1))
    XCTAssertEqual(found.floats, [3, 30, 3, 30, 3, 30])
    let perceptron = MLPDecoder(latent: 2, hidden: [], outputShape: [1, 3, 2], random: random)
    perceptron.begin(at: Tensor([1, 10, 2, 20, 6, 60], shape: [1, 3, 2]))
    perceptron.lastWeights?.value = .zeros([2, 6])
    XCTAssertEqual(
      perceptron.decode(draw(.ones([1, 2])), target: nil, context(1)).floats,
      [1, 10, 2, 20, 6, 60])
  }
}

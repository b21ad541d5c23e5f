import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes
import XCTest

/// A PixelCNN under every likelihood, with every way in for latents.
final class AutoregressiveHeadTests: XCTestCase {
  private let random = RandomSource(seed: 6)

  private static let units = 4

  private struct Head {
    let name: String
    let channels: Int
    let likelihood: any Likelihood
  }

  private var heads: [Head] {
    [1, 3].flatMap { channels in
      [
        Head(name: "bernoulli", channels: channels, likelihood: BernoulliLikelihood()),
        Head(name: "categorical", channels: channels, likelihood: CategoricalLikelihood()),
        Head(
          name: "mixture", channels: channels,
          likelihood: DiscretizedLogisticMixture(components: 3, channels: channels)),
        Head(
          name: "gaussian", channels: channels,
          likelihood: GaussianLikelihood(.fixed(0.5), link: .sigmoid)),
      ]
    }
  }

  /// nil: there are no latents.
  private var conditionings: [PixelCNNDecoder.Conditioning?] {
    [nil] + PixelCNNDecoder.Conditioning.allCases
  }

  private func decoder(
    _ head: Head, _ conditioning: PixelCNNDecoder.Conditioning?, height: Int, width: Int
  ) throws -> PixelCNNDecoder {
    var build = BuildContext(
      data: DataDescription(
        height: height, width: width, channels: head.channels, range: .unit, rule: "bytes/255"),
      random: RandomSource(seed: 9))
    build.latents = conditioning == nil ? .none : .units(Self.units)
    build.parametersPerPixel = head.likelihood.parametersPerPixel(channels: head.channels)
    build.couplesChannels = head.likelihood.couplesChannels
    var sizes = GatedPixelCNN.Sizes(inputs: 1, outputs: 1)
    (sizes.channels, sizes.layers, sizes.head) = (9, 1, 12)
    let decoder = try PixelCNNDecoder(
      sizes, conditioning: conditioning ?? .map, conditionChannels: 3, build)
    // Weights twice as large make pixels matter to those after them.
    for (_, parameter) in decoder.parameters where parameter.shape.rank > 1 {
      parameter.value = parameter.value * 2
    }
    return decoder
  }

  private func draw(_ conditioning: PixelCNNDecoder.Conditioning?, rows: Int) -> LatentDraw {
    guard conditioning != nil else { return LatentDraw(layers: [], rowCount: rows) }
    let z = random.stream("z").normal([rows, Self.units])
    return LatentDraw(layers: [LatentLayer(sample: z, rate: .zeros([rows]))], rowCount: rows)
  }

  // MARK: Order

  func testParametersOfAPixelDependOnAllBeforeItAndOnNothingElse() throws {
    for head in heads {
      for conditioning in conditionings {
        try assertOrder(
          head, conditioning, "\(head.name), \(head.channels), \(conditioning?.rawValue ?? "none")")
      }
    }
  }

  /// Looks at the derivatives of random sums over the parameters of each channel, or of each pixel
  /// where the likelihood couples its channels.
  private func assertOrder(
    _ head: Head, _ conditioning: PixelCNNDecoder.Conditioning?, _ what: String
  ) throws {
    // All of the image is in the field, four rows and columns to every side.
    let (height, width, channels) = (3, 4, head.channels)
    let decoder = try decoder(head, conditioning, height: height, width: width)
    let groups = head.likelihood.couplesChannels ? 1 : channels
    let size = head.likelihood.parametersPerPixel(channels: channels) / groups
    // Many images and latents, so that a rectifier that is shut for one does not look like a
    // missing path.
    let count = 24
    let x = Parameter(random.stream("x").normal([count, height, width, channels]))
    let latents = draw(conditioning, rows: count)
    let weights = random.stream("weights").normal([count, height, width, groups * size]).floats
    for target in 0..<height * width * groups {
      let output = decoder.decode(latents, target: x.tensor, random.context(count))
      let cotangent = Tensor(output.shape) { values in
        values.update(repeating: 0)
        for image in 0..<count {
          let start = (image * height * width * groups + target) * size
          for index in start..<start + size { values[index] = weights[index] }
        }
      }
      let derivative = try XCTUnwrap(output.backward(from: cotangent)[x]).floats
      let numbers = height * width * channels
      var seen = [Float](repeating: 0, count: numbers)
      for (index, value) in derivative.enumerated() {
        seen[index % numbers] = max(seen[index % numbers], abs(value))
      }
      for (index, value) in seen.enumerated() {
        // Inputs of a pixel that is seen as a whole are of one group.
        let source = index / channels * groups + index % channels * groups / channels
        let place = "\(what): group \(target) and input \(index)"
        if source < target {
          XCTAssertGreaterThan(value, 0, place)
        } else {
          XCTAssertEqual(value, 0, place)
        }
      }
    }
  }

  // MARK: Draws

  func testCachedDrawsAreTheImagesThatFullPassesDraw() throws {
    for head in heads where head.likelihood.isDiscrete {
      for (conditioning, rows, height, width) in [
        (nil, 1, 3, 5), (.bias, 3, 4, 3), (.map, 2, 3, 3),
      ]
        as [(PixelCNNDecoder.Conditioning?, Int, Int, Int)]
      {
        let decoder = try decoder(head, conditioning, height: height, width: width)
        let latents = draw(conditioning, rows: rows)
        let cached = decoder.sample(latents, from: head.likelihood, random.context(rows))
        let full = decoder.drawnByFullPasses(
          latents, head.likelihood, shape: [height, width, head.channels], random.context(rows))
        XCTAssertEqual(cached.shape, [rows, height, width, head.channels])
        XCTAssertEqual(cached.floats, full.floats, "\(head.name), \(conditioning as Any)")
        XCTAssertGreaterThan(Set(cached.floats).count, 1, head.name)
      }
    }
  }

  func testAnImageDrawnAloneIsTheOneDrawnAmongOthers() throws {
    for head in heads where head.likelihood.isDiscrete {
      let decoder = try decoder(head, nil, height: 4, width: 3)
      let alone = decoder.sample(draw(nil, rows: 1), from: head.likelihood, random.context(1))
      let among = decoder.sample(draw(nil, rows: 5), from: head.likelihood, random.context(5))
      XCTAssertEqual(alone.floats, among.rows(0..<1).floats, head.name)
    }
  }

  // MARK: Probabilities

  /// All images of some levels a number.
  private func images(_ levels: Int, _ shape: Shape) -> Tensor {
    let count = (0..<shape.count).reduce(1) { product, _ in product * levels }
    return Tensor(Shape([count] + shape.dimensions)) { values in
      for image in 0..<count {
        var rest = image
        for element in 0..<shape.count {
          values[image * shape.count + element] = Float(rest % levels) / Float(levels - 1)
          rest /= levels
        }
      }
    }
  }

  private func sumOfProbabilities(
    _ network: any PixelNetwork, _ likelihood: any Likelihood, of images: Tensor, sharpness: Float
  ) -> Double {
    withoutTape {
      let context = random.context(images.shape[0])
      let parameters = network(images, condition: nil, context) * sharpness
      let densities = likelihood.logDensity(images, parameters: parameters, context).floats
      XCTAssertGreaterThan(Set(densities.map { Int($0 * 1000) }).count, 10)
      return densities.reduce(0) { $0 + exp(Double($1)) }
    }
  }

  func testProbabilitiesOfAllImagesOfSomeLevelsSumToOne() {
    for (levels, shape) in [(3, [2, 2, 1]), (2, [2, 2, 2]), (2, [1, 3, 3])] as [(Int, Shape)] {
      let (channels, likelihood) = (shape[2], CategoricalLikelihood(levels: levels))
      let outputs = likelihood.parametersPerPixel(channels: channels)
      let networks: [any PixelNetwork] = [
        PixelNetworks.gated(inputs: channels, outputs: outputs, groups: channels),
        PixelNetworks.plain(inputs: channels, outputs: outputs, groups: channels),
      ]
      for network in networks {
        XCTAssertEqual(
          sumOfProbabilities(network, likelihood, of: images(levels, shape), sharpness: 3), 1,
          accuracy: 1e-5)
      }
    }
  }

  func testProbabilitiesOfAllPairsOfBytesUnderAMixtureSumToOne() {
    let likelihood = DiscretizedLogisticMixture(components: 2, channels: 1)
    let network = PixelNetworks.gated(
      outputs: likelihood.parametersPerPixel(channels: 1), layers: 1)
    XCTAssertEqual(
      sumOfProbabilities(network, likelihood, of: images(256, [1, 2, 1]), sharpness: 1), 1,
      accuracy: 1e-4)
  }
}

import NeuralNetworks
import Tensors
import VAECore
import XCTest

/// Maps of latents, which images of any size have.
final class LatentMapTests: XCTestCase {
  private final class Encoder: MapEncoder {
    let pixelsPerPlace: Int
    let deviates: Bool
    init(pixelsPerPlace: Int, deviates: Bool = true) {
      (self.pixelsPerPlace, self.deviates) = (pixelsPerPlace, deviates)
    }
    var members: Members { [:] }
    func moments(of x: Tensor, _ context: Context) -> (mean: Tensor, logVariance: Tensor?) {
      (x * 2, deviates ? x - 1 : nil)
    }
  }

  private final class Decoder: MapDecoder {
    let map = LatentMap(height: 2, width: 3, channels: 1)
    let imageSize = (height: 3, width: 5)
    let pixelsPerPlace = 2
    var members: Members { [:] }
    func parameters(of map: Tensor, _ context: Context) -> Tensor { map.upsampledNearest(by: 2, 2) }
    func parametersShape(of map: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
      [map[0] * 2, map[1] * 2, 7]
    }
  }

  private let context = Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0])

  func testImagesAreExtendedToWholePlacesByTheirEdges() {
    let encoder = Encoder(pixelsPerPlace: 4)
    XCTAssertEqual(encoder.extendedToPlaces([9, 4, 3] as Shape), [12, 4, 3])
    XCTAssertEqual(encoder.extendedToPlaces([8, 1, 1] as Shape), [8, 4, 1])
    let image = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3, 1])
    let whole = Encoder(pixelsPerPlace: 2).extendedToPlaces(image)
    XCTAssertEqual(whole.shape, [1, 2, 4, 1])
    XCTAssertEqual(whole.floats, [1, 2, 3, 3, 4, 5, 6, 6])
    XCTAssertEqual(
      Encoder(pixelsPerPlace: 2).extendedToPlaces(image.slice(axis: 1, 0..<1)).floats,
      [1, 2, 3, 3, 1, 2, 3, 3])
  }

  func testMomentsOfAMapAreThoseOfAPosteriorOfUnitsOrAPointWithoutVariances() throws {
    let x = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 2, 3, 1])
    let posterior = try XCTUnwrap(
      Encoder(pixelsPerPlace: 1).encode(x, context) as? DiagonalGaussian)
    XCTAssertEqual(posterior.means.shape, [1, 6])
    XCTAssertEqual(posterior.means.floats, [2, 4, 6, 8, 10, 12])
    XCTAssertEqual(posterior.logVariance.floats, [0, 1, 2, 3, 4, 5])
    let point = try XCTUnwrap(
      Encoder(pixelsPerPlace: 1, deviates: false).encode(x, context) as? PointPosterior)
    XCTAssertEqual(point.points.shape, [1, 2, 3, 1])
    XCTAssertEqual(point.exampleCount, 1)
  }

  func testADecodedMapIsCutToTheSizeOfTheImage() throws {
    let z = Tensor([1, 2, 3, 4, 5, 6], shape: [1, 6])
    let draw = LatentDraw(layers: [LatentLayer(sample: z, rate: .zeros([1]))], rowCount: 1)
    let image = Decoder().decode(draw, target: nil, context)
    XCTAssertEqual(image.shape, [1, 3, 5, 1])
    XCTAssertEqual(image.floats, [1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6])
    var trace = ShapeTrace()
    XCTAssertEqual(try Decoder().outputShape(for: [6], &trace), [3, 5, 7])
  }

  func testTilesOverlapByAQuarterOrAnEighthOfEnoughPlaces() {
    XCTAssertEqual([TileOverlap.quarter, .eighth].map(\.parts), [4, 8])
    XCTAssertEqual([TileOverlap.quarter, .eighth].map(\.leastPlaces), [4, 16])
    XCTAssertEqual(Encoder(pixelsPerPlace: 2).tileOverlap, .quarter)
    XCTAssertNil(Decoder().latentMagnitude)
  }

  func testHeadsHaveTheNumbersThatTheirPosteriorsAreMadeOf() throws {
    let gaussian = GaussianHead(units: 2)
    XCTAssertEqual(gaussian.shape, [4])
    let made = try XCTUnwrap(
      gaussian.posterior(Tensor([1, 2, 3, 4], shape: [1, 4]), context) as? DiagonalGaussian)
    XCTAssertEqual(made.means.floats, [1, 2])
    XCTAssertEqual(made.logVariance.floats, [3, 4])
    let points = PointHead(CodeGrid(height: 1, width: 2, codeCount: 9, vectorSize: 3))
    XCTAssertEqual(points.shape, [1, 2, 3])
    XCTAssertFalse(points.traits.hasMoments)
    let point = try XCTUnwrap(
      points.posterior(Tensor([1, 2, 3, 4, 5, 6], shape: [1, 6]), context) as? PointPosterior)
    XCTAssertEqual(point.points.shape, [1, 1, 2, 3])
  }
}

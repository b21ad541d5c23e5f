import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Encoders that are told which values are missing.
final class MaskedEncoderTests: XCTestCase {
  /// An encoder that gives what it sees.
  private final class Mirror: Encoder {
    var members: Members { [:] }
    func encode(_ x: Tensor, _ context: Context) -> any Posterior { PointPosterior(x) }
  }

  private let x = Tensor([1, 2, 3, 4, 5, 6, 7, 8], shape: [2, 2, 1, 2])
  private let mask = Tensor([1, 0, 0, 1, 1, 1, 0, 0], shape: [2, 2, 1, 2])

  private func context(_ mask: Tensor?) -> Context {
    Context(
      mode: .training, random: RandomSource(seed: 1), examples: [0, 1],
      mask: mask.map { ObservationMask($0) })
  }

  private func seen(_ encoder: MaskedEncoder, _ mask: Tensor?) throws -> Tensor {
    try XCTUnwrap(encoder.encode(x, context(mask)) as? PointPosterior).points
  }

  func testTheMaskStandsBesideTheChannelsAndMissingValuesAreZero() throws {
    let encoder = MaskedEncoder(Mirror(), flattening: nil)
    let found = try seen(encoder, mask)
    XCTAssertEqual(found.shape, [2, 2, 1, 4])
    XCTAssertEqual(found.floats, [1, 0, 1, 0, 0, 4, 0, 1, 5, 6, 1, 1, 0, 0, 0, 0])
    XCTAssertEqual(
      try seen(encoder, nil).floats, [1, 2, 1, 1, 3, 4, 1, 1, 5, 6, 1, 1, 7, 8, 1, 1])
    var trace = ShapeTrace()
    XCTAssertNil(try encoder.outputShape(for: [2, 1, 2], &trace))
  }

  func testTheMaskStandsBehindAllPixelsOfAFlattenedImage() throws {
    let encoder = MaskedEncoder(Mirror(), flattening: 4)
    let found = try seen(encoder, mask)
    XCTAssertEqual(found.shape, [2, 8])
    XCTAssertEqual(found.floats, [1, 0, 0, 4, 1, 0, 0, 1, 5, 6, 0, 0, 1, 1, 0, 0])
  }

  /// The mean of what is known stands in for what is not before means are taken off.
  func testMeansThatAreTakenOffAreThoseOfKnownValues() throws {
    let encoder = MaskedEncoder(Mirror(), flattening: 4)
    let known = (x + 100) * mask
    try encoder.prepare(firstBatches: [known], context: context(mask))
    // Of the first pixel 101 and 105 are known, of the second 106, of the fourth 104, and of the third nothing.
    let found = try XCTUnwrap(
      encoder.encode(known, context(mask)) as? PointPosterior
    ).points.rows(0..<1).floats
    for (a, b) in zip(found, [-2, 0, 0, 0, 1, 0, 0, 1]) {
      XCTAssertEqual(a, Float(b), accuracy: 1e-4)
    }
  }
}

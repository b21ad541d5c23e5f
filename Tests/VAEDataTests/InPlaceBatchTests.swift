import Tensors
import VAEData
import XCTest

/// Batches that are read where they lie.
final class InPlaceBatchTests: XCTestCase {
  private let values = (0..<6 * 12).map { Float($0) / 100 }

  /// A source of floats out of a file.
  private func source() throws -> DataSource {
    let path = NSTemporaryDirectory() + "in-place-\(UUID().uuidString).npy"
    try Data(NPYWriter.bytes(Tensor(values, shape: [6, 3, 4]))).write(
      to: URL(fileURLWithPath: path))
    addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
    return try DataSource.open(path)
  }

  private func address(_ tensor: Tensor) -> UnsafePointer<Float>? {
    tensor.withFloats { $0.baseAddress }
  }

  func testNeighboursAreSeenInPlaceAndHaveTheirValues() throws {
    let split = try source().train
    let (all, part) = (split.batch([0, 1, 2, 3, 4, 5]), split.batch([2, 3]))
    XCTAssertEqual(all.floats, values)
    XCTAssertEqual(part.shape, [2, 3, 4, 1])
    XCTAssertEqual(part.floats, Array(values[24..<48]))
    XCTAssertEqual(address(part), address(all).map { $0 + 24 }, "neighbours were copied")
  }

  func testOtherOrdersAreGathered() throws {
    let split = try source().train
    for order in [[3, 2], [0, 2], [1, 1], [5, 0, 3]] {
      XCTAssertEqual(
        split.batch(order).floats, order.flatMap { values[$0 * 12..<($0 + 1) * 12] }, "\(order)")
    }
    XCTAssertEqual(split.batch([]).shape, [0, 3, 4, 1])
  }

  func testABatchOutlivesItsSource() throws {
    let batch = try source().train.batch([4, 5])
    XCTAssertEqual(batch.floats, Array(values[48...]))
  }

  func testBytesAreNeverSeenInPlace() throws {
    let source = try DataSource.open("shapes:32")
    XCTAssertNil(source.train.store.view(0..<2))
  }
}

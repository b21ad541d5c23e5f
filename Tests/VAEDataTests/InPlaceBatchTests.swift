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

  func testAnyNumberOfThreadsGathersTheSameBatch() throws {
    let numbers = (0..<90 * 784).map { Float($0 % 1009) / 1009 }
    let memory = UnsafeMutablePointer<Float>.allocate(capacity: numbers.count)
    memory.update(from: numbers, count: numbers.count)
    defer { memory.deallocate() }
    let shape = ImageShape(height: 28, width: 28, channels: 1)
    let stores: [any ExampleStore] = [
      MemoryImages(
        at: memory, count: 90, shape: shape, strides: [784, 28, 1, 1], element: .float32),
      MemoryImages(
        at: memory, count: 90, shape: shape, strides: [784, 1, 28, 1], element: .float32),
      try DataSource.open("shapes:32").train.store,
      try DataSource.open("shapes-color").train.store,
    ]
    let order = (0..<200).map { ($0 * 37) % 90 }
    let before = Engine.threads
    defer { Engine.threads = before }
    for store in stores {
      let size = store.shape.count
      func gathered(_ indices: [Int], threads: Int) -> [Float] {
        Engine.threads = threads
        var floats = [Float](repeating: -1, count: indices.count * size)
        floats.withUnsafeMutableBufferPointer { store.write(indices, into: $0) }
        return floats
      }
      let oneByOne = order.flatMap { gathered([$0], threads: 1) }
      for threads in [1, 2, 3] {
        XCTAssertEqual(gathered(order, threads: threads), oneByOne, "\(threads) threads")
      }
    }
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

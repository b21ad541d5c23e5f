import Dispatch
import Tensors
import XCTest

final class PrimitiveCacheTests: XCTestCase {
  private final class Primitive: Sendable {
    let key: Int
    init(_ key: Int) { self.key = key }
  }

  func testAPrimitiveIsMadeOnceAndGivenAgain() {
    let cache = PrimitiveCache<Int, Primitive>(limit: 4)
    let first = cache.primitive(for: 1) { Primitive(1) }
    XCTAssertTrue(cache.primitive(for: 1) { Primitive(9) } === first)
    XCTAssertEqual(cache.contents.map(\.key), [1])
  }

  func testBeyondTheLimitTheLeastRecentlyUsedGoes() {
    let cache = PrimitiveCache<Int, Primitive>(limit: 3)
    for key in [1, 2, 3, 1, 4, 5] { _ = cache.primitive(for: key) { Primitive(key) } }
    XCTAssertEqual(cache.contents.map(\.key).sorted(), [1, 4, 5])
  }

  func testAPrimitiveThatWasLetGoOfLivesAsLongAsItIsUsed() {
    let cache = PrimitiveCache<Int, Primitive>(limit: 1)
    let used = cache.primitive(for: 1) { Primitive(1) }
    weak var unused: Primitive?
    do {
      let other = cache.primitive(for: 2) { Primitive(2) }
      unused = other
      XCTAssertEqual(other?.key, 2)
    }
    _ = cache.primitive(for: 3) { Primitive(3) }
    XCTAssertEqual(used?.key, 1)
    XCTAssertNil(unused)
  }

  func testThreadsThatMakeTheSameAtOnceGetOne() {
    for _ in 0..<50 {
      let cache = PrimitiveCache<Int, Primitive>(limit: 8)
      let seen = Lock<[Primitive]>([])
      DispatchQueue.concurrentPerform(iterations: 8) { _ in
        let primitive = cache.primitive(for: 1) { Primitive(1) }
        seen.withLock { if let primitive { $0.append(primitive) } }
      }
      XCTAssertEqual(Set(seen.withLock { $0 }.map(ObjectIdentifier.init)).count, 1)
    }
  }

  /// As the batches of a service vary.
  func testConvolutionsOfManyBatchSizesAreRightAndDoNotFillTheMemory() {
    let random = RandomSource(seed: 1)
    let (batches, limit) = (700, 1024)
    let input = random.stream("input").normal([batches, 3, 3, 16])
    let weights = random.stream("weights").normal([16, 16, 3, 3])
    func outputs(_ batch: Int) -> [Float] {
      withoutTape {
        input.rows(0..<batch).convolution(weights: weights, padding: Padding(1)).rows(0..<1).floats
      }
    }
    let expected = outputs(1)
    // Twice, so that the packed weights of primitives that are gone meet those made after them.
    for batch in Array(1...batches) + Array(1...40) {
      for (value, wanted) in zip(outputs(batch), expected) {
        XCTAssertEqual(value, wanted, accuracy: 1e-3, "batch \(batch)")
      }
    }
    XCTAssertLessThanOrEqual(Engine.implementations.count, limit)
  }
}

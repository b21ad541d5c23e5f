import Communication
import VAEZoo
import XCTest

/// Sums of tensors over the shards of several processes.
final class ShardSumTests: XCTestCase {
  private static let shapes: [Shape] = [[2, 3], [], [5], [1, 1, 7]]

  /// Numbers whose sum in floating point depends on the order.
  private static func term(_ shard: Int, _ number: Int) -> Tensor? {
    // One tensor is missing from some shards.
    guard number != 2 || shard % 3 != 1 else { return nil }
    let random = RandomSource(seed: UInt64(shard * 10 + number)).stream("term")
    return random.normal(shapes[number]).scaled(by: Float(1 + shard * shard))
  }

  private static func weight(_ shard: Int) -> Float { 1 / Float(3 + shard) }

  /// The sums over some shards, as each of some processes has them.
  private static func sums(shards: Int, processes: Int) throws -> [[[Float]]] {
    try Ranks.run(processes) { communicator in
      let group = ShardGroup(communicator, count: shards)
      return try group.sum(
        group.local.map { shard in shapes.indices.map { term(shard, $0) } },
        weights: group.local.map(weight), shapes: shapes
      ).map(\.floats)
    }.map { try $0.get() }
  }

  func testSumsOfSeveralTensorsAreWeightedSumsWithTheSameBitsForEveryNumberOfProcesses() throws {
    for (shards, processes) in [(1, [1]), (3, [1, 3]), (4, [1, 2, 4]), (6, [1, 2, 3, 6])] {
      let expected = Self.shapes.indices.map { number in
        (0..<Self.shapes[number].count).map { element in
          (0..<shards).reduce(0.0) {
            $0 + Double(Self.weight($1))
              * Double(Self.term($1, number)?.floats[element] ?? 0)
          }
        }
      }
      let one = try Self.sums(shards: shards, processes: 1)[0]
      for (sum, wanted) in zip(one, expected) {
        XCTAssertEqual(sum.count, wanted.count)
        for (a, b) in zip(sum, wanted) { XCTAssertEqual(Double(a), b, accuracy: 1e-5) }
      }
      for count in processes {
        for found in try Self.sums(shards: shards, processes: count) {
          XCTAssertEqual(
            found.map { $0.map(\.bitPattern) }, one.map { $0.map(\.bitPattern) },
            "\(shards) shards, \(count) processes")
        }
      }
    }
  }
}

import Tensors
import VAEComponents
import XCTest

final class NearestVectorTests: XCTestCase {
  /// The nearest by distances in double precision, of equals the first.
  private func bruteForce(_ points: Tensor, _ vectors: Tensor) -> [Int32] {
    let (rows, count, size) = (points.shape[0], vectors.shape[0], vectors.shape[1])
    let (p, v) = (points.floats.map(Double.init), vectors.floats.map(Double.init))
    return (0..<rows).map { row in
      var best: (distance: Double, index: Int32) = (.infinity, 0)
      for code in 0..<count {
        var distance = 0.0
        for column in 0..<size {
          let difference = p[row * size + column] - v[code * size + column]
          distance += difference * difference
        }
        if distance < best.distance { best = (distance, Int32(code)) }
      }
      return best.index
    }
  }

  /// Points a small way from vectors that are well apart, whatever their number.
  private func problem(rows: Int, codes: Int, size: Int) -> (points: Tensor, vectors: Tensor) {
    let random = RandomSource(seed: 8)
    let vectors = random.stream("vectors").normal([codes, size])
    var generator = random.stream("choice").generator()
    let chosen = (0..<rows).map { _ in Int32.random(in: 0..<Int32(codes), using: &generator) }
    let noise = random.stream("noise").normal([rows, size]) * 0.01
    return (vectors.gathering(Tensor(indices: chosen)) + noise, vectors)
  }

  func testTilesNeverExceedTheStatedSize() {
    for vectors in [1, 2, 3, 512, 1000, 4096, 4097, 1 << 20] {
      let tile = NearestVector.tile(vectors: vectors)
      XCTAssertLessThanOrEqual(tile.points * tile.vectors, NearestVector.tileLimit)
      XCTAssertGreaterThan(tile.points, 0)
      XCTAssertLessThanOrEqual(tile.vectors, vectors)
    }
  }

  func testTilesOfPointsGiveWhatBruteForceGives() {
    // 2048 codes leave tiles of 128 points.
    XCTAssertEqual(NearestVector.tile(vectors: 2048).points, 128)
    for rows in [1, 127, 128, 129, 300] {
      let (points, vectors) = problem(rows: rows, codes: 2048, size: 5)
      XCTAssertEqual(
        NearestVector(among: vectors).indices(for: points), bruteForce(points, vectors), "\(rows)")
    }
  }

  func testTilesOfVectorsGiveWhatBruteForceGives() {
    let limit = NearestVector.vectorLimit
    for codes in [limit - 1, limit, limit + 1, 2 * limit + 3] {
      let (points, vectors) = problem(rows: 70, codes: codes, size: 6)
      XCTAssertEqual(
        NearestVector(among: vectors).indices(for: points), bruteForce(points, vectors),
        "\(codes)")
    }
  }

  func testOfEqualVectorsTheSmallestIndexIsTaken() {
    let limit = NearestVector.vectorLimit
    for (codes, equals) in [
      (40, [7, 8, 39]), (700, [3, 100, 511, 512, 699]),
      (2 * limit + 9, [17, limit - 1, limit, 2 * limit + 8]), (limit + 1, [limit - 1, limit]),
    ] {
      let (points, vectors) = problem(rows: 50, codes: codes, size: 64)
      var values = vectors.floats
      for copy in equals.dropFirst() {
        values.replaceSubrange(
          copy * 64..<copy * 64 + 64, with: values[equals[0] * 64..<equals[0] * 64 + 64])
      }
      let table = Tensor(values, shape: vectors.shape)
      let search = NearestVector(among: table)
      let own = table.rows(equals[0]..<equals[0] + 1).tiled(20)
      XCTAssertEqual(
        search.indices(for: own), [Int32](repeating: Int32(equals[0]), count: 20), "\(codes)")
      let found = search.indices(for: points)
      XCTAssertTrue(equals.dropFirst().allSatisfy { !found.contains(Int32($0)) }, "\(codes)")
    }
  }

  func testOfTwoAtTheSameDistanceTheFirstIsTaken() {
    let vectors = Tensor([-1, 0, 1, 0, 0, 1], shape: [3, 2])
    let points = Tensor([0, 0, 0, -3, 0.5, 0.5], shape: [3, 2])
    XCTAssertEqual(NearestVector(among: vectors).indices(for: points), [0, 0, 1])
  }

  func testVectorsFarFromZeroKeepTheirSmallDistances() {
    let (points, vectors) = problem(rows: 200, codes: 60, size: 8)
    let shifted = (points * 0.25 + 3000, vectors * 0.25 + 3000)
    XCTAssertEqual(
      NearestVector(among: shifted.1).indices(for: shifted.0), bruteForce(shifted.0, shifted.1))
  }

  func testASingleVectorIsNearestToAll() {
    let points = RandomSource(seed: 1).stream("points").normal([5, 3])
    let vectors = Tensor([1, 2, 3], shape: [1, 3])
    XCTAssertEqual(NearestVector(among: vectors).indices(for: points), [0, 0, 0, 0, 0])
  }

  func testPointsThatAreNoNumbersGiveAnIndexInsideTheTable() {
    let (_, vectors) = problem(rows: 1, codes: 5000, size: 2)
    let points = Tensor([.nan, 0, .infinity, 1, -.infinity, .nan], shape: [3, 2])
    for index in NearestVector(among: vectors).indices(for: points) {
      XCTAssertTrue((0..<5000).contains(index))
    }
  }

  func testTheTableOfAllDistancesIsNeverHeld() {
    // All distances would take 2²⁶ numbers, 256 MB.
    let (points, vectors) = problem(rows: 32_768, codes: 2048, size: 2)
    MemoryPool.shared.trim()
    let before = MemoryPool.shared.statistics
    let found = NearestVector(among: vectors).indices(for: points)
    let after = MemoryPool.shared.statistics
    XCTAssertEqual(found.count, 32_768)
    let grown =
      after.bytesInUse + after.bytesCached - before.bytesInUse - before.bytesCached
    XCTAssertLessThan(grown, 16 << 20)
  }
}

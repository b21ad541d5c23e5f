import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VQVAE
import XCTest

final class CodebookTests: XCTestCase {
  /// Three points near code 0, one near code 1, none near code 2.
  private let points = Tensor([1, 0, 3, 0, 2, 3, 10, 12], shape: [4, 2])
  private let vectors: [[Float]] = [[1, 1], [9, 9], [-50, 0]]

  private func update(_ codebook: Codebook, _ points: Tensor, step: Int = 0) {
    codebook.observe(points, codes: codebook.nearest(to: points), step: step)
    codebook.afterUpdate(Support.context(1, .training, step: step))
  }

  func testMovingAveragesAreThoseComputedByHand() {
    let codebook = Support.codebook(vectors, decay: 0.9)
    update(codebook, points)
    // N = 0.9 · 1 + 0.1 · (3, 1, 0); m = 0.9 · e + 0.1 · ((6, 3), (10, 12), (0, 0)).
    let counts: [Float] = [1.2, 1.0, 0.9]
    let sums: [Float] = [1.5, 1.2, 9.1, 9.3, -45, 0]
    assertEqual(codebook.counts.value.floats, counts, accuracy: 1e-6)
    assertEqual(codebook.sums?.value.floats ?? [], sums, accuracy: 1e-5)
    // Σ N = 3.1; N' = (N + 1e-5) / (3.1 + 3e-5) · 3.1
    let smoothed = counts.map { ($0 + 1e-5) / (3.1 + 3e-5) * 3.1 }
    assertEqual(
      codebook.vectors.floats, sums.enumerated().map { $1 / smoothed[$0 / 2] }, accuracy: 1e-5)
  }

  func testSecondUpdateBuildsOnTheUnsmoothedCounts() {
    let codebook = Support.codebook(vectors, decay: 0.9)
    update(codebook, points)
    update(codebook, points, step: 1)
    assertEqual(codebook.counts.value.floats, [1.38, 1.0, 0.81], accuracy: 1e-6)
    assertEqual(
      codebook.sums?.value.floats ?? [], [1.95, 1.38, 9.19, 9.57, -40.5, 0], accuracy: 1e-4)
  }

  func testSmoothingKeepsAnUnusedCodeFinite() {
    let codebook = Support.codebook(vectors, decay: 0)
    update(codebook, points)
    XCTAssertEqual(codebook.counts.value.floats, [3, 1, 0])
    // m / N' = 0 / (1e-5 / (4 + 3e-5) · 4)
    assertEqual(Array(codebook.vectors.floats.suffix(2)), [0, 0], accuracy: 0)
    assertEqual(Array(codebook.vectors.floats.prefix(2)), [2, 1], accuracy: 1e-4)
  }

  func testAForwardPassChangesNothingBeforeTheUpdateIsOver() {
    for update in Codebook.Update.allCases {
      let codebook = Support.codebook(vectors, update: update, restartThreshold: 0.5)
      let before = codebook.buffers.map(\.buffer.value.floats) + [codebook.vectors.floats]
      codebook.observe(points, codes: codebook.nearest(to: points), step: 0)
      XCTAssertEqual(
        codebook.buffers.map(\.buffer.value.floats) + [codebook.vectors.floats], before)
      // Nor does the end of another update.
      codebook.afterUpdate(Support.context(1, .training, step: 3))
      XCTAssertEqual(
        codebook.buffers.map(\.buffer.value.floats) + [codebook.vectors.floats], before)
    }
  }

  func testSeveralPassesOfOneUpdateCountOnce() {
    let once = Support.codebook(vectors)
    update(once, points)
    let twice = Support.codebook(vectors)
    twice.observe(points, codes: twice.nearest(to: points), step: 0)
    update(twice, points * 2)
    XCTAssertEqual(once.counts.value.floats, twice.counts.value.floats)
    XCTAssertEqual(once.vectors.floats, twice.vectors.floats)
    let unchanged = twice.vectors.floats
    twice.afterUpdate(Support.context(1, .training))
    XCTAssertEqual(twice.vectors.floats, unchanged, "an update was taken in twice")
  }

  func testGradientCodebookHasNoSumsAndIsNotMovedByAverages() {
    let codebook = Support.codebook(vectors, update: .gradient)
    XCTAssertEqual(codebook.parameters.map(\.path), ["vectors"])
    XCTAssertEqual(codebook.parameters.map(\.parameter.isDecayed), [false])
    XCTAssertEqual(codebook.buffers.map(\.path), ["counts"])
    update(codebook, points)
    XCTAssertEqual(codebook.vectors.floats, vectors.flatMap { $0 })
    assertEqual(codebook.counts.value.floats, [1.2, 1.0, 0.9], accuracy: 1e-6)
  }

  func testAveragedCodebookHasNoParameters() {
    let codebook = Support.codebook(vectors)
    XCTAssertTrue(codebook.parameters.isEmpty)
    XCTAssertEqual(codebook.buffers.map(\.path), ["vectors", "counts", "sums"])
  }

  func testFreshVectorsHaveAMeanSquareOfOneOverTheirSizeAndCountOnce() throws {
    for update in Codebook.Update.allCases {
      let codebook = Codebook(
        codeCount: 400, vectorSize: 16, update: update, random: RandomSource(seed: 3))
      XCTAssertEqual(codebook.vectors.squared().mean().item, 1.0 / 16, accuracy: 0.004)
      XCTAssertEqual(Set(codebook.counts.value.floats), [1])
      if update == .ema {
        XCTAssertEqual(try XCTUnwrap(codebook.sums).value.floats, codebook.vectors.floats)
      }
    }
  }

  func testVectorsThatAreSetHaveSumsByTheCounts() throws {
    let codebook = Support.codebook(vectors)
    codebook.counts.value = Tensor([2, 0.5, 3])
    codebook.vectors = Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2])
    XCTAssertEqual(try XCTUnwrap(codebook.sums).value.floats, [2, 4, 1.5, 2, 15, 18])
  }

  // MARK: Codes that are hardly used

  func testRareCodesBeginAnewAtPointsOfTheBatch() {
    for update in Codebook.Update.allCases {
      let codebook = Support.codebook(vectors, update: update, decay: 0.5, restartThreshold: 0.5)
      self.update(codebook, points)
      // N = (2, 1, 0.5) with mean 3.5 / 3: only the last is below half of that.
      let mean: Float = 3.5 / 3
      assertEqual(codebook.counts.value.floats, [2, 1, mean], accuracy: 1e-6)
      let moved = Array(codebook.vectors.floats.suffix(2))
      let rows = (0..<4).map { Array(points.floats[2 * $0..<2 * $0 + 2]) }
      XCTAssertTrue(rows.contains(moved), "\(moved) is no point of the batch")
      if let sums = codebook.sums {
        assertEqual(Array(sums.value.floats.suffix(2)), moved.map { $0 * mean }, accuracy: 1e-5)
        assertEqual(Array(sums.value.floats.prefix(2)), [3.5, 2], accuracy: 1e-5)
      }
    }
  }

  func testAsManyRareCodesAsPointsBeginAtAllOfThePoints() {
    // One point for each rare code: a point that is drawn twice leaves another one out.
    let count = 12
    let points = RandomSource(seed: 8).stream("points").normal([count, 2])
    let far = (0..<count).map { [Float(100 + $0), 0] }
    for update in Codebook.Update.allCases {
      let codebook = Support.codebook(
        [[0, 0]] + far, update: update, decay: 0, restartThreshold: 0.5)
      self.update(codebook, points)
      func rows(_ values: [Float]) -> [[Float]] {
        stride(from: 0, to: values.count, by: 2).map { [values[$0], values[$0 + 1]] }
          .sorted { $0.lexicographicallyPrecedes($1) }
      }
      XCTAssertEqual(rows(Array(codebook.vectors.floats.dropFirst(2))), rows(points.floats))
    }
  }

  func testRestartsFollowFromSeedAndStepAlone() {
    let many = RandomSource(seed: 4).stream("points").normal([64, 2])
    func restarted(step: Int, seed: UInt64) -> [Float] {
      let codebook = Support.codebook(
        [[0, 0], [60, 0], [70, 0], [80, 0]], decay: 0, restartThreshold: 0.5)
      codebook.observe(many, codes: codebook.nearest(to: many), step: step)
      codebook.afterUpdate(Support.context(1, .training, step: step, seed: seed))
      return Array(codebook.vectors.floats.suffix(6))
    }
    let first = restarted(step: 7, seed: 1)
    XCTAssertEqual(first, restarted(step: 7, seed: 1))
    XCTAssertNotEqual(first, restarted(step: 8, seed: 1))
    XCTAssertNotEqual(first, restarted(step: 7, seed: 2))
    let vectors = (0..<3).map { Array(first[2 * $0..<2 * $0 + 2]) }
    XCTAssertEqual(Set(vectors).count, 3, "several codes began at one point")
  }

  func testWithoutAThresholdNoCodeBeginsAnew() {
    let codebook = Support.codebook(vectors, update: .gradient, decay: 0)
    for step in 0..<5 { update(codebook, points, step: step) }
    XCTAssertEqual(codebook.vectors.floats, vectors.flatMap { $0 })
    XCTAssertEqual(codebook.counts.value.floats, [3, 1, 0])
  }

  func testACodeUsedJustAsMuchAsTheThresholdStays() {
    // Counts of 2, 1, 1 and 0 with the mean 1.
    let codebook = Support.codebook(
      [[0, 0], [10, 0], [20, 0], [30, 0]], decay: 0, restartThreshold: 1)
    update(codebook, Tensor([0, 1, 0, 3, 10, 5, 20, 7], shape: [4, 2]))
    XCTAssertEqual(codebook.counts.value.floats, [2, 1, 1, 1])
    assertEqual(Array(codebook.vectors.floats[0..<6]), [0, 2, 10, 5, 20, 7], accuracy: 1e-3)
  }

  func testABatchSmallerThanTheRareCodesMovesAsManyAsItCan() {
    let codebook = Support.codebook(
      [[0, 0], [60, 0], [70, 0], [80, 0]], decay: 0, restartThreshold: 0.5)
    update(codebook, Tensor([1, 1], shape: [1, 2]))
    assertEqual(Array(codebook.vectors.floats[2..<4]), [1, 1], accuracy: 0)
    assertEqual(codebook.counts.value.floats, [1, 0.25, 0, 0], accuracy: 1e-6)
  }

  // MARK: The start

  /// Points around far corners, of unequal numbers.
  private func clusters() -> (points: Tensor, corners: [[Float]]) {
    let corners: [[Float]] = [[0, 0], [40, 0], [0, 40], [40, 40], [100, 100]]
    let noise = RandomSource(seed: 9).stream("noise").normal([150, 2]).floats
    let points = (0..<150).flatMap { row -> [Float] in
      let corner = corners[row < 100 ? 0 : row % 5]
      return [corner[0] + 0.1 * noise[2 * row], corner[1] + 0.1 * noise[2 * row + 1]]
    }
    return (Tensor(points, shape: [150, 2]), corners)
  }

  private func started(_ update: Codebook.Update = .ema, seed: UInt64 = 1) -> Codebook {
    let codebook = Codebook(
      codeCount: 5, vectorSize: 2, update: update, random: RandomSource(seed: 2))
    let points = clusters().points
    codebook.start(
      batches: 3, points: { points.rows(50 * $0..<50 * $0 + 50) }, random: RandomSource(seed: seed))
    return codebook
  }

  func testStartPutsACodeIntoEveryCluster() {
    for update in Codebook.Update.allCases {
      for seed in 1...5 as ClosedRange<UInt64> {
        let vectors = started(update, seed: seed).vectors.floats
        for corner in clusters().corners {
          let isCovered = (0..<5).contains { code in
            abs(vectors[2 * code] - corner[0]) < 1 && abs(vectors[2 * code + 1] - corner[1]) < 1
          }
          XCTAssertTrue(isCovered, "no code is near \(corner) with seed \(seed): \(vectors)")
        }
      }
    }
  }

  func testStartIsDeterministic() {
    XCTAssertEqual(started().vectors.floats, started().vectors.floats)
  }

  func testStartCountsWhatABatchWouldAndSumsAgreeWithTheVectors() throws {
    let codebook = started()
    // 110 of 150 points lie around the first corner, 10 around each other; a batch has 50.
    assertEqual(
      codebook.counts.value.floats.sorted(), [10, 10, 10, 10, 110].map { $0 / 3 }, accuracy: 1e-4)
    let (counts, vectors) = (codebook.counts.value.floats, codebook.vectors.floats)
    assertEqual(
      try XCTUnwrap(codebook.sums).value.floats,
      vectors.indices.map { vectors[$0] * counts[$0 / 2] }, accuracy: 1e-3)
  }

  func testStartCountsALargestBatchWhereTheLastOneIsSmaller() {
    let points = clusters().points
    let ranges = [0..<60, 60..<120, 120..<150]
    let codebook = Codebook(codeCount: 5, vectorSize: 2, random: RandomSource(seed: 2))
    codebook.start(
      batches: 3, points: { points.rows(ranges[$0]) }, random: RandomSource(seed: 1))
    XCTAssertEqual(codebook.counts.value.doubleSum, 60, accuracy: 1e-3)
  }

  func testStartWithFewerPointsThanCodesHasFiniteVectors() {
    let codebook = Codebook(codeCount: 6, vectorSize: 2, random: RandomSource(seed: 2))
    let points = Tensor([1, 2, 3, 4], shape: [2, 2])
    codebook.start(batches: 1, points: { _ in points }, random: RandomSource(seed: 1))
    let vectors = codebook.vectors.floats
    for code in 0..<6 {
      XCTAssertTrue([[1, 2], [3, 4]].contains(Array(vectors[2 * code..<2 * code + 2])))
    }
    XCTAssertTrue(codebook.counts.value.floats.allSatisfy { $0 > 0 })
  }

  func testManyCentresAreSeededInRoundsOfSeveral() {
    // Beyond 1024 centres several seeds come from one round, with the same distances.
    let points = RandomSource(seed: 3).stream("points").normal([3000, 2])
    let found = KMeans(points, count: 1500, random: RandomSource(seed: 1).stream("seeds")) {}
    XCTAssertEqual(found.centres.shape, [1500, 2])
    XCTAssertEqual(found.counts.doubleSum, 3000)
    XCTAssertGreaterThan(found.counts.floats.count { $0 > 0 }, 1200)
    XCTAssertTrue(found.centres.isFinite)
  }
}

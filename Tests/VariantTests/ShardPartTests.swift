import Communication
import VAEZoo
import XCTest

/// What the parts of a batch know of themselves and ask each other, by hand-computed numbers.
final class ShardPartTests: XCTestCase {
  /// What each shard of a batch comes to, in order, where some processes have as many shards each.
  private func inShards(
    _ count: Int, processes: Int = 1, ofBatch examples: Int,
    _ body: @Sendable @escaping (Shard) -> [Float]
  ) throws -> [[Float]] {
    try Ranks.run(processes) { communicator in
      let group = ShardGroup(communicator, count: count)
      let results = Lock([[Float]](repeating: [], count: group.local.count))
      Workers.run(group.local.count) { lane in
        let found = body(group.shards(ofBatch: examples)[lane])
        results.withLock { $0[lane] = found }
      }
      try group.check()
      return results.withLock { $0 }
    }.flatMap { try $0.get() }
  }

  private func assertClose(
    _ found: [[Float]], _ expected: [[Float]], _ what: String, line: UInt = #line
  ) {
    XCTAssertEqual(found.map(\.count), expected.map(\.count), what, line: line)
    for (one, other) in zip(found.flatMap { $0 }, expected.flatMap { $0 }) {
      XCTAssertEqual(one, other, accuracy: 1e-5, what, line: line)
    }
  }

  private static func context(_ shard: Shard?) -> Context {
    var context = Context(
      mode: .training, random: RandomSource(seed: 1), examples: [], condition: nil)
    context.shard = shard
    return context
  }

  /// Of a batch of seven the first shard of three has three examples, the others two.
  private let batch = 7

  // MARK: Division

  func testTheFirstShardsHaveTheExamplesThatAreLeft() {
    let group = ShardGroup(SoloCommunicator(), count: 3)
    XCTAssertEqual(group.exampleCounts(of: 7), [3, 2, 2])
    XCTAssertEqual(group.exampleCounts(of: 8), [3, 3, 2])
    XCTAssertEqual(group.exampleCounts(of: 2), [1, 1, 0])
    XCTAssertEqual(group.local, 0..<3)
    let shards = group.shards(ofBatch: 7)
    XCTAssertEqual(shards.map(\.index), [0, 1, 2])
    XCTAssertEqual(shards.map(\.examples), [0..<3, 3..<5, 5..<7])
    XCTAssertEqual(shards.map(\.weight), [3.0 / 7, 2.0 / 7, 2.0 / 7])
    XCTAssertEqual(shards.map(\.exampleCount), [7, 7, 7])
  }

  func testEachProcessHasTheShardsAtItsPlace() {
    let group = ShardGroup(InProcessCommunicator.group(of: 3)[1], count: 6)
    XCTAssertEqual(group.local, 2..<4)
    let shards = group.shards(ofBatch: 10)
    XCTAssertEqual(shards.map(\.index), [2, 3])
    XCTAssertEqual(shards.map(\.lane), [0, 1])
    XCTAssertEqual(shards.map(\.examples), [4..<6, 6..<8])
  }

  func testTheContextOfAShardHasItsRowsOfTheBatch() {
    let shard = ShardGroup(SoloCommunicator(), count: 3).shards(ofBatch: 7)[1]
    let whole = Context(
      mode: .training, step: 5, random: RandomSource(seed: 1), examples: (20..<27).map { $0 },
      condition: Tensor((0..<14).map(Float.init), shape: [7, 2]),
      mask: ObservationMask(Tensor([1, 1, 1, 0, 1, 1, 1], shape: [7, 1])))
    let part = whole.of(shard)
    XCTAssertEqual(part.examples, [23, 24])
    XCTAssertEqual(part.condition?.floats, [6, 7, 8, 9])
    XCTAssertEqual(part.mask?.values.floats, [0, 1])
    XCTAssertEqual(part.shard?.index, 1)
    XCTAssertEqual(part.step, 5)
  }

  func testAMeanOfAPartWeighsInAnotherBatchByItsShareOfBoth() {
    let group = ShardGroup(SoloCommunicator(), count: 3)
    let (large, small) = (group.shards(ofBatch: 7), group.shards(ofBatch: 5))
    let weights = (0..<3).map {
      Self.context(large[$0]).weight(in: Self.context(small[$0]))
    }
    assertClose([weights], [[3.0 / 7 / 0.4, 2.0 / 7 / 0.4, 2.0 / 7 / 0.2]], "weights")
    XCTAssertEqual(Self.context(nil).weight(in: Self.context(large[0])), 1)
    XCTAssertEqual(Self.context(large[0]).weight(in: Self.context(nil)), 1)
  }

  // MARK: Averages

  private static func own(_ shard: Shard) -> Tensor {
    Tensor([Float(shard.index + 1), Float(10 * (shard.index + 1))])
  }

  func testAnAverageOverShardsWeighsThemByTheirExamples() throws {
    // (3 · 1 + 2 · 2 + 2 · 3) / 7, and ten times that.
    let expected = [[Float]](repeating: [13.0 / 7, 130.0 / 7], count: 3)
    for processes in [1, 3] {
      assertClose(
        try inShards(3, processes: processes, ofBatch: batch) { $0.average(Self.own($0)).floats },
        expected, "average")
      assertClose(
        try inShards(3, processes: processes, ofBatch: batch) {
          $0.weightedSum(Self.own($0)).floats
        },
        expected, "weighted sum")
      assertClose(
        try inShards(3, processes: processes, ofBatch: batch) {
          Self.context($0).batchAverage(ofConstant: Self.own($0)).floats
        }, expected, "constant")
    }
    XCTAssertEqual(Self.context(nil).batchAverage(ofConstant: Tensor([4])).floats, [4])
  }

  /// Losses of 1, −2 and 4 times an average: each shard's number counts in all of them.
  func testGradientsOfAnAverageComeFromTheLossesOfAllShards() throws {
    let found = try inShards(3, ofBatch: batch) { shard in
      let parameter = Parameter(Tensor([1, 2]))
      let factor: Float = [1, -2, 4][shard.index]
      let loss = (shard.average(parameter.tensor) * Tensor([factor, 10 * factor])).sum()
      return loss.backward()[parameter]?.floats ?? []
    }
    assertClose(found, [[Float]](repeating: [1, 10], count: 3), "(3 − 4 + 8) / 7 = 1")
  }

  func testTheMeanOfABatchIsThatOfAllElementsHoweverManyAShardHas() throws {
    let elements: [[Float]] = [[1, 2, 3], [4], []]
    let found = try inShards(3, ofBatch: batch) { shard in
      let parameter = Parameter(Tensor(elements[shard.index]))
      let mean = Self.context(shard).batchMean(parameter.tensor)
      return [mean.item] + (mean.backward()[parameter]?.floats ?? [])
    }
    // A shard's gradient counts as its examples do: 1/4 over 3/7, and over 2/7.
    let (first, second): (Float, Float) = (7.0 / 12, 7.0 / 8)
    assertClose(
      found, [[2.5, first, first, first], [2.5, second], [2.5]], "mean and gradients")
    let whole = Self.context(nil).batchMean(Tensor([1, 2, 6]))
    XCTAssertEqual(whole.shape, [])
    XCTAssertEqual(whole.item, 3, accuracy: 1e-6)
  }

  func testTheMeanOfRowsIsThatOfTheRowsOfTheBatch() throws {
    let rows: [[Float]] = [[1, 0, 2, 0, 3, 6], [4, 8, 5, 0], [6, 0, 7, 7]]
    for processes in [1, 3] {
      let found = try inShards(3, processes: processes, ofBatch: batch) { shard in
        let own = rows[shard.index]
        return Self.context(shard).batchMeanOfRows(Tensor(own, shape: [own.count / 2, 2])).floats
      }
      assertClose(found, [[Float]](repeating: [4, 3], count: 3), "\(processes) processes")
    }
    let alone = Self.context(nil).batchMeanOfRows(Tensor([1, 2, 3, 6], shape: [2, 2]))
    XCTAssertEqual(alone.floats, [2, 4])
  }

  func testTheRowsOfAllShardsComeOneShardAfterTheOther() throws {
    // Two rows for each example.
    let expected: [Float] = [
      0, 1, 2, 3, 4, 5, 100, 101, 102, 103, 200, 201, 202, 203,
    ]
    for processes in [1, 3] {
      let found = try inShards(3, processes: processes, ofBatch: batch) { shard in
        let count = 2 * shard.examples.count
        let rows = Tensor((0..<count).map { Float(100 * shard.index + $0) }, shape: [count, 1])
        let all = shard.gathered(rows)
        return all.shape.dimensions.map(Float.init) + all.floats
      }
      assertClose(
        found, [[Float]](repeating: [14, 1] + expected, count: 3), "\(processes) processes")
    }
  }

  func testSumsOfAGroupAreThoseOfAllTerms() throws {
    let group = ShardGroup(SoloCommunicator(), count: 3)
    let terms = [Tensor([1, 2]), Tensor([10, 20]), Tensor([100, 400])]
    XCTAssertEqual(try group.sum(terms).floats, [111, 422])
    XCTAssertEqual(group.sumNoting(terms).floats, [111, 422])
    XCTAssertEqual(try group.sum([]).floats, [0])
    let found = try Ranks.run(3) { communicator in
      try ShardGroup(communicator, count: 3).sum([
        Tensor([Float(communicator.rank + 1), Float(10 * communicator.rank)])
      ]).floats
    }.map { try $0.get() }
    XCTAssertEqual(found, [[Float]](repeating: [6, 30], count: 3))
  }

  // MARK: Normalisation

  private static func numbers(_ name: String, _ shape: Shape) -> Tensor {
    RandomSource(seed: 8).stream(name).normal(shape).scaled(by: 2, shift: 1)
  }

  /// Output, weighed gradient of the input, and gradients of scale and shift of a layer on some rows of a batch.
  private static func normalized(_ rows: Range<Int>, of batch: Int, _ context: Context) -> [Float] {
    let layer = BatchNorm(channels: 2, activation: .silu, epsilon: 0.5)
    layer.scale.value = Tensor([1.5, -2])
    layer.shift.value = Tensor([0.25, 1])
    let input = Parameter(numbers("x", [batch, 2]).rows(rows))
    let output = layer(input.tensor, context)
    let loss = (output * numbers("v", [batch, 2]).rows(rows)).sum() / Float(rows.count)
    let gradients = loss.backward()
    let weight = Float(rows.count) / Float(batch)
    return output.floats + (gradients[input]?.floats.map { $0 * weight } ?? [])
      + (gradients[layer.scale]?.floats.map { $0 * weight } ?? [])
      + (gradients[layer.shift]?.floats.map { $0 * weight } ?? [])
  }

  func testABatchIsNormalisedByTheMomentsOfAllItsShards() throws {
    let whole = Self.normalized(0..<7, of: 7, Self.context(nil))
    XCTAssertEqual(whole.count, 14 + 14 + 4)
    for processes in [1, 3] {
      let found = try inShards(3, processes: processes, ofBatch: batch) { shard in
        Self.normalized(shard.examples, of: 7, Self.context(shard))
      }
      var (outputs, ofInput, ofParameters): ([Float], [Float], [Float]) = ([], [], [0, 0, 0, 0])
      for part in found {
        let count = (part.count - 4) / 2
        outputs += part[..<count]
        ofInput += part[count..<2 * count]
        for place in 0..<4 { ofParameters[place] += part[2 * count + place] }
      }
      assertClose([outputs + ofInput + ofParameters], [whole], "\(processes) processes")
    }
  }

  func testOfAShardTheStoredMomentsServeInEvaluation() throws {
    let layer = BatchNorm(channels: 1)
    layer.mean.value = Tensor([1])
    layer.variance.value = Tensor([4])
    var context = Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0])
    context.shard = ShardGroup(SoloCommunicator(), count: 1).shards(ofBatch: 1)[0]
    XCTAssertEqual(layer(Tensor([5], shape: [1, 1]), context).item, 2, accuracy: 1e-4)
  }
}

import NeuralNetworks
import Tensors
import XCTest

/// What travels with a call: which examples, conditions, masks and random numbers.
final class ContextTests: XCTestCase {
  private let random = RandomSource(seed: 13)

  private func context(step: Int = 3) -> Context {
    Context(
      mode: .training, step: step, epochs: 1.5, random: random, examples: [4, 9, 2],
      condition: Tensor([1, 2, 3, 4, 5, 6], shape: [3, 2]),
      mask: ObservationMask(Tensor([1, 0, 1, 1, 0, 1], shape: [3, 2])))
  }

  func testAContextIsMadeOfWhatItIsGiven() {
    let context = context()
    XCTAssertEqual(context.step, 3)
    XCTAssertEqual(context.epochs, 1.5)
    XCTAssertEqual(context.examples, [4, 9, 2])
    XCTAssertEqual(context.condition?.floats, [1, 2, 3, 4, 5, 6])
    XCTAssertEqual(context.mask?.values.floats, [1, 0, 1, 1, 0, 1])
    XCTAssertEqual(context.firstDraw, 0)
    XCTAssertNil(context.shard)
    let plain = Context(mode: .evaluation, random: random, examples: [7])
    XCTAssertEqual(plain.step, 0)
    XCTAssertEqual(plain.epochs, 0)
    XCTAssertNil(plain.condition)
    XCTAssertNil(plain.mask)
  }

  func testStreamsAreThoseOfTheNameAndTheStep() {
    XCTAssertEqual(context().stream("noise"), random.stream("noise", step: 3))
    XCTAssertNotEqual(context(step: 4).stream("noise"), random.stream("noise", step: 3))
    XCTAssertNotEqual(context().stream("other"), random.stream("noise", step: 3))
  }

  func testTheNoiseOfSeveralDrawsIsThatOfEachExampleFromTheFirstDrawOn() {
    var context = context()
    context.firstDraw = 2
    let stream = random.stream("noise", step: 3)
    let expected = (2..<5).flatMap { stream.normal([4, 9, 2], shape: [2, 1], draw: $0).floats }
    let found = context.normalNoise("noise", samples: 3, shape: [2, 1])
    XCTAssertEqual(found.shape, [9, 2, 1])
    XCTAssertEqual(found.floats, expected)
    let one = context.normalNoise("noise", samples: 1, shape: [2, 1])
    XCTAssertEqual(one.shape, [3, 2, 1])
    XCTAssertEqual(one.floats, Array(expected.prefix(6)))
  }

  func testRowsOfSeveralDrawsHaveTheConditionsOfAllExamplesOnceForEachDraw() {
    let condition = context().condition(rows: 6)
    XCTAssertEqual(condition.shape, [6, 2])
    XCTAssertEqual(condition.floats, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    XCTAssertEqual(context().condition(rows: 3).floats, [1, 2, 3, 4, 5, 6])
  }

  func testEachOfSeveralBatchesHasItsOwnRowsOfEverything() {
    let batches: [Tensor] = [.zeros([1, 2]), .zeros([2, 2])]
    let (first, second) = (
      context().ofBatch(0, among: batches), context().ofBatch(1, among: batches)
    )
    XCTAssertEqual(first.examples, [4])
    XCTAssertEqual(first.condition?.floats, [1, 2])
    XCTAssertEqual(first.mask?.values.floats, [1, 0])
    XCTAssertEqual(second.examples, [9, 2])
    XCTAssertEqual(second.condition?.floats, [3, 4, 5, 6])
    XCTAssertEqual(second.mask?.values.floats, [1, 1, 0, 1])
    XCTAssertEqual(second.step, 3)
  }

  // MARK: Missing values

  func testWhatIsMissingByAMaskBecomesNotANumberAndNothingElse() {
    let values = Tensor([1, -2, 0, 4], shape: [2, 2])
    let mask = ObservationMask(Tensor([1, 0, 1, 0], shape: [2, 2]))
    let found = values.missing(where: mask)
    XCTAssertEqual(found.shape, [2, 2])
    XCTAssertEqual(found.floats.map(\.isNaN), [false, true, false, true])
    XCTAssertEqual(found.withoutMissing.floats, [1, 0, 0, 0])
    XCTAssertEqual(ObservationMask(missingIn: found).values.floats, mask.values.floats)
    XCTAssertFalse(mask.isComplete)
    XCTAssertTrue(ObservationMask(.ones([2, 2])).isComplete)
  }

  func testMeansOfWhatIsKnownDivideByTheNumberOfKnownValuesOfEachPlace() {
    let batches = [
      Tensor([2, 7], shape: [1, 2]), Tensor([4, 0, 0, 9], shape: [2, 2]),
    ]
    var context = context()
    context.mask = ObservationMask(Tensor([1, 1, 1, 0, 0, 1], shape: [3, 2]))
    XCTAssertEqual(context.meanOfKnown(batches).floats, [3, 8])
    context.mask = ObservationMask(Tensor([1, 0, 1, 0, 0, 0], shape: [3, 2]))
    XCTAssertEqual(
      context.meanOfKnown([Tensor([2, 0, 4, 0, 0, 0], shape: [3, 2])]).floats, [3, 0],
      "a place of which nothing is known has the mean zero")
    context.mask = nil
    assertClose(context.meanOfKnown(batches).floats, [2, 16.0 / 3], relative: 1e-6, "all known")
  }

  func testOfEachBatchTheValuesThatItsRowsOfTheMaskKnowAreTaken() {
    let batches = [Tensor([10, 11], shape: [1, 2]), Tensor([12, 13, 14, 15], shape: [2, 2])]
    XCTAssertEqual(context().known(batches).map(\.floats), [[10], [12, 13, 15]])
    var context = context()
    context.mask = nil
    XCTAssertEqual(context.known(batches).map(\.floats), [[10, 11], [12, 13, 14, 15]])
  }

  // MARK: Calibration

  func testTheFewestPositionsThatALayerNormalisedAreNoted() {
    let calibration = Calibration()
    XCTAssertNil(calibration.fewestNormalized)
    var context = Context(mode: .calibration, random: random, examples: [])
    context.calibration = calibration
    let (wide, narrow) = (BatchNorm(channels: 5), BatchNorm(channels: 2))
    _ = wide(numbers([2, 3, 4, 5], seed: 1), context)
    XCTAssertEqual(calibration.fewestNormalized, 24)
    _ = narrow(numbers([7, 2], seed: 2), context)
    XCTAssertEqual(calibration.fewestNormalized, 7)
    _ = wide(numbers([9, 1, 1, 5], seed: 3), context)
    XCTAssertEqual(calibration.fewestNormalized, 7)
  }

  func testMomentsThatAreAddedWeighAsTheirCounts() throws {
    let (calibration, layer) = (Calibration(), BatchNorm(channels: 2))
    XCTAssertNil(calibration.moments(for: layer))
    calibration.add(
      ChannelMoments(mean: Tensor([1, 0]), variance: Tensor([2, 0])), count: 3, for: layer)
    calibration.add(
      ChannelMoments(mean: Tensor([5, 4]), variance: Tensor([6, 1])), count: 1, for: layer)
    let moments = try XCTUnwrap(calibration.moments(for: layer))
    XCTAssertEqual(moments.mean.floats, [2, 1])
    // Within: (3 · 2 + 6) / 4 and 1/4; between: 3/4 · 1/4 · 4².
    XCTAssertEqual(moments.variance.floats, [6, 3.25])
    XCTAssertNil(calibration.moments(for: BatchNorm(channels: 2)))
  }
}

import Tensors
import XCTest

/// Operations whose result takes the place of what they were given.
final class InPlaceTests: XCTestCase {
  private func map(_ seed: UInt64, _ shape: Shape = [2, 5, 7, 8]) -> Tensor {
    RandomSource(seed: seed).stream("map").normal(shape)
  }

  private let scale = RandomSource(seed: 3).stream("scale").normal([8])
  private let shift = RandomSource(seed: 4).stream("shift").normal([8])

  /// Each with the operation that gives a new tensor.
  private var operations: [(name: String, change: (inout Tensor) -> Void, make: (Tensor) -> Tensor)]
  {
    let (other, scale, shift) = (map(2), scale, shift)
    return [
      ("add", { $0.add(other) }, { $0 + other }),
      (
        "add and activate", { $0.add(other, activation: .relu) },
        { .sum($0, other, activation: .relu) }
      ),
      ("activate", { $0.activate(.silu) }, { $0.activated(.silu) }),
      ("scale", { $0.scale(by: 2, shift: -1) }, { $0.scaled(by: 2, shift: -1) }),
      (
        "normalise",
        { $0.normalizeInGroups(4, scale: scale, shift: shift, activation: .silu) },
        { $0.groupNormalized(groups: 4, scale: scale, shift: shift, activation: .silu) }
      ),
    ]
  }

  func testMemoryThatNobodyElseHasIsWrittenOverWithTheSameBits() {
    for (name, change, make) in operations {
      let expected = withoutTape { make(map(1)).floats }
      var own = map(1)
      let before = MemoryPool.shared.statistics.bytesInUse
      MemoryPool.shared.trim()
      MemoryPool.shared.forgetPeak()
      withoutTape { change(&own) }
      XCTAssertEqual(own.floats, expected, name)
      XCTAssertEqual(MemoryPool.shared.statistics.bytesInUse, before, name)
      XCTAssertLessThan(
        MemoryPool.shared.statistics.peakBytes - before, own.count * 4, "\(name) took memory")
    }
  }

  func testWhatSomebodyElseHasStaysAsItIs() {
    for (name, change, make) in operations {
      let kept = map(1)
      var own = kept
      withoutTape { change(&own) }
      XCTAssertEqual(kept.floats, map(1).floats, name)
      XCTAssertEqual(own.floats, withoutTape { make(map(1)).floats }, name)
      // A part of a larger tensor is nobody's own.
      let whole = map(1, [4, 5, 7, 8])
      var part = whole.rows(1..<3)
      withoutTape { change(&part) }
      XCTAssertEqual(whole.floats, map(1, [4, 5, 7, 8]).floats, name)
    }
  }

  func testATapeKeepsWhatItNeeds() throws {
    for (name, change, make) in operations {
      func gradient(_ body: (Tensor) -> Tensor) throws -> [Float] {
        let x = Parameter(map(1))
        return try XCTUnwrap(body(x.tensor).squared().sum().backward()[x], name).floats
      }
      XCTAssertEqual(
        try gradient {
          var own = $0 * 1
          change(&own)
          return own
        }, try gradient { make($0 * 1) }, name)
    }
  }

  func testAConvolutionTakesThePlaceOfAMapAndLeavesThatOfSomebodyElse() throws {
    let weights = RandomSource(seed: 8).stream("weights").normal([8, 8, 3, 3])
    for precision in [Precision.float32, .bfloat16] where precision.isSupported {
      withoutTape {
        withInferencePrecision(precision) {
          let expected = map(1).convolution(weights: weights, padding: Padding(1)).floats
          let kept = map(1)
          var (own, shared) = (map(1), kept)
          own.convolve(weights: weights, padding: Padding(1))
          shared.convolve(weights: weights, padding: Padding(1))
          XCTAssertEqual(own.floats, expected)
          XCTAssertEqual(shared.floats, expected)
          XCTAssertEqual(kept.floats, map(1).floats)
        }
      }
    }
  }

  func testNormalisingBeforeAConvolutionRoundsInTheSamePassToTheSameBits() throws {
    try XCTSkipUnless(Precision.bfloat16.isSupported, "no instructions for bfloat16")
    let weights = RandomSource(seed: 8).stream("weights").normal([16, 32, 3, 3])
    let (scale, shift) = (map(6, [32]), map(7, [32]))
    // The second is divided among threads.
    for shape: Shape in [[2, 5, 7, 32], [1, 130, 260, 32]] {
      withoutTape {
        withInferencePrecision(.bfloat16) {
          func convolved(_ precision: Precision) -> [Float] {
            var map = map(1, shape)
            map.normalizeInGroups(
              4, scale: scale, shift: shift, activation: .silu, precision: precision)
            XCTAssertEqual(map.elementType == .bfloat16, precision == .bfloat16)
            map.convolve(weights: weights, padding: Padding(1))
            return map.floats
          }
          XCTAssertTrue(convolved(.bfloat16) == convolved(.float32), "\(shape)")
        }
      }
    }
  }

  func testLargeExamplesAreNormalisedInPlaceEachByItsOwnMomentsWhateverTheThreads() throws {
    let shape: Shape = [2, 40_009, 1, 32]
    func normalised(_ x: Tensor) -> Tensor {
      var own = x.scaled(by: 1, shift: 0)
      own.normalizeInGroups(
        8, scale: map(6, [32]), shift: map(7, [32]), activation: .silu)
      return own
    }
    let threads = Engine.threads
    defer { try? Engine.setThreads(threads) }
    try withoutTape {
      // The second example has another mean and another spread than the first.
      let x = Tensor.concatenated(
        [map(5, [1, 40_009, 1, 32]), map(9, [1, 40_009, 1, 32]).scaled(by: 3, shift: -7)], axis: 0)
      XCTAssertEqual(x.shape, shape)
      let whole = normalised(x).floats
      let parts = (0..<2).flatMap { normalised(x.rows($0..<$0 + 1)).floats }
      XCTAssertTrue(whole == parts)
      try Engine.setThreads(1)
      XCTAssertTrue(normalised(x).floats == whole)
    }
  }

  func testALargeExampleIsNormalisedAsDoublePrecisionSays() {
    // Large enough that its positions are divided, in blocks of which the last one is shorter; far from zero.
    let (positions, channels, groups) = (40_009, 32, 8)
    let x = withoutTape {
      map(5, [1, positions, 1, channels]).scaled(by: 0.5, shift: 3)
    }
    let scale = map(6, [channels])
    let shift = map(7, [channels])
    let found = withoutTape {
      x.groupNormalized(groups: groups, scale: scale, shift: shift).floats
    }
    let (values, width) = (x.floats, channels / groups)
    for group in 0..<groups {
      var (sum, squares) = (0.0, 0.0)
      for position in 0..<positions {
        for channel in group * width..<(group + 1) * width {
          sum += Double(values[position * channels + channel])
        }
      }
      let mean = sum / Double(positions * width)
      for position in 0..<positions {
        for channel in group * width..<(group + 1) * width {
          let distance = Double(values[position * channels + channel]) - mean
          squares += distance * distance
        }
      }
      let factor = 1 / (squares / Double(positions * width) + 1e-5).squareRoot()
      for position in [0, 1, 4095, 4096, 20_000, positions - 1] {
        let channel = group * width + position % width
        let place = position * channels + channel
        let expected =
          (Double(values[place]) - mean) * factor * Double(scale.floats[channel])
          + Double(shift.floats[channel])
        XCTAssertEqual(Double(found[place]), expected, accuracy: 2e-5)
      }
    }
  }
}

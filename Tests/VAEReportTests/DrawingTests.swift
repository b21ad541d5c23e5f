import VAEReport
import XCTest

/// Axes, numbers, and the plane of latents.
final class DrawingTests: XCTestCase {
  func testTicksAreRoundNumbersInsideTheAxis() {
    let axis = Axis(.linear, 80.3, 143.2)
    XCTAssertEqual(axis.ticks.map(\.text), ["100", "120", "140"])
    XCTAssertEqual(Axis(.linear, -0.03, 0.11).ticks.map(\.text), ["0.00", "0.05", "0.10"])
    XCTAssertEqual(Axis(.linear, 3, 3).ticks.count, 0)
  }

  func testWhatIsCountedHasWholeTicks() {
    XCTAssertEqual(Axis(.counted, 1, 3).ticks.map(\.text), ["1", "2", "3"])
    XCTAssertEqual(Axis(.counted, 1, 2).ticks.map(\.text), ["1", "2"])
    XCTAssertEqual(Axis(.counted, 1, 50).ticks.map(\.text), ["20", "40"])
    XCTAssertEqual(Axis(.linear, 1, 2).ticks.map(\.text), ["1.0", "1.5", "2.0"])
  }

  func testStepsBeginAtZeroOnALogarithmicAxis() {
    let axis = Axis(.logarithmic, covering: [0, 23_450])
    XCTAssertEqual(axis.ticks.map(\.text), ["0", "1", "10", "100", "1k", "10k"])
    XCTAssertEqual(axis.place(0), 0)
    XCTAssertEqual(axis.place(23_450), 1)
    XCTAssertEqual(axis.place(99), log(100) / log(23_451), accuracy: 1e-12)
  }

  func testAxesLeaveOutWhatIsNotFinite() {
    let axis = Axis(.linear, covering: [1, .nan, 3, .infinity], margin: 0)
    XCTAssertEqual([axis.low, axis.high], [1, 3])
    XCTAssertTrue(Axis(.linear, covering: []).ticks.allSatisfy { $0.value.isFinite })
  }

  func testNumbersHaveTrueMinusSignsAndGroups() {
    XCTAssertEqual(Numerals.fixed(-1.005, 1), "−1.0")
    XCTAssertEqual(Numerals.fixed(-0.001, 2), "0.00")
    XCTAssertEqual(Numerals.grouped(1234), "1234")
    XCTAssertEqual(Numerals.grouped(-1_234_567), "−1\u{202f}234\u{202f}567")
    XCTAssertEqual(Numerals.fixed(.nan, 2), "–")
    XCTAssertEqual(Numerals.fixed(-.infinity, 2), "−∞")
    XCTAssertEqual(Numerals.short(12.345), "12.35")
    XCTAssertEqual(Numerals.coordinate(-0.04), "0")
    XCTAssertEqual(Numerals.coordinate(-12.34), "-12.3")
    XCTAssertEqual(Numerals.moment(0), "1970-01-01 00:00 UTC")
    XCTAssertEqual(Numerals.duration(3_725), "1 h 2 min")
  }

  func testNumbersForProgramsAreASCIIWithoutGroups() {
    XCTAssertEqual(Numerals.plain(-1_234_567.895, 2), "-1234567.90")
    XCTAssertEqual(Numerals.plain(-0.001, 2), "0.00")
    XCTAssertEqual(Numerals.plain(0.5, 0), "1")
    XCTAssertEqual(Numerals.plain(.infinity, 1), "inf")
    XCTAssertEqual(Numerals.clock(3_725), "1:02:05")
    XCTAssertEqual(Numerals.clock(65.4), "01:05")
  }

  func testEveryNumberHasAText() {
    let magnitudes = [
      0, Double.leastNonzeroMagnitude, 1e-308, 1e-15, 0.5, 9.5, 1e9 - 0.5, 1e9, 1e14, 1e15, 9.3e18,
      1e19, 1e308,
      .infinity, .nan,
    ]
    for value in magnitudes.flatMap({ [$0, -$0] }) {
      for decimals in [0, 1, 2, 15, 16, 300, 320] {
        XCTAssertFalse(Numerals.fixed(value, decimals).isEmpty)
        XCTAssertFalse(Numerals.plain(value, decimals).isEmpty)
      }
      XCTAssertFalse(Numerals.short(value).isEmpty)
      XCTAssertFalse(Numerals.coordinate(value).isEmpty)
      let isTime = value >= 0 && value < 1e9
      XCTAssertEqual(Numerals.duration(value) == "–", !isTime, "\(value)")
      XCTAssertEqual(Numerals.clock(value) == "–", !isTime, "\(value)")
    }
    // The last seconds whose year is a 32-bit number, and those beyond.
    XCTAssertEqual(Numerals.moment(67_768_036_191_676_799), "2147485547-12-31 23:59 UTC")
    for seconds in [Int.min, Int.max] { XCTAssertEqual(Numerals.moment(seconds), "–") }
    for number in [Int.min, Int.max] { XCTAssertFalse(Numerals.grouped(number).isEmpty) }
  }

  func testAxesOfEveryRangeHaveTicks() {
    let ends = [0, Double.leastNonzeroMagnitude, 1e-300, 1e-9, 1, 1e11, 1e12, 9.3e18, 1e308]
    for low in ends.flatMap({ [$0, -$0] }) {
      for high in ends {
        for kind in [Axis.Kind.linear, .logarithmic, .counted] {
          XCTAssertLessThan(Axis(kind, covering: [low, high]).ticks.count, 100)
          guard kind != .logarithmic else { continue }
          XCTAssertLessThan(Axis(kind, low, high).ticks.count, 100, "\(kind) \(low) \(high)")
        }
      }
    }
  }

  func testPrincipalComponentsAreTheDirectionsThatPointsWereMadeAlong() {
    // Far along a = (3, 4, 0) / 5, less along b = (0, 0, 1), hardly along c = (4, -3, 0) / 5.
    var values: [Float] = []
    var total = [0.0, 0.0, 0.0]
    for number in 0..<200 {
      let (a, b, c) = (
        4 * sin(Double(number)), 2 * cos(Double(number) * 1.7), 0.1 * sin(Double(number) * 2.3)
      )
      for (place, value) in [a, b, c].enumerated() { total[place] += value * value }
      values += [0.6 * a + 0.8 * c, 0.8 * a - 0.6 * c, b].map(Float.init)
    }
    let components = PrincipalComponents(values, columns: 3)
    for (found, wanted) in zip(components.directions, [[0.6, 0.8, 0], [0, 0, 1.0]]) {
      for (a, b) in zip(found, wanted) { XCTAssertEqual(a, b, accuracy: 0.02) }
    }
    XCTAssertEqual(
      components.share, (total[0] + total[1]) / total.reduce(0, +), accuracy: 1e-3)
    let points = components.project(Array(values.prefix(3)), columns: 3)
    XCTAssertEqual(points.count, 1)
    XCTAssertEqual(points[0].y, 2, accuracy: 0.05)
  }

  func testDirectionsAreOrthonormalWhateverThePointsAre() {
    for values: [Float] in [
      [Float](repeating: 0, count: 12), [1, 2, 3, 4, 2, 4, 6, 8], [.nan, 1, 1, 1, 0, 0, 5, 0],
    ] {
      let found = PrincipalComponents(values, columns: 4).directions
      for i in 0..<2 {
        for j in 0..<2 {
          let product = zip(found[i], found[j]).reduce(0) { $0 + $1.0 * $1.1 }
          XCTAssertEqual(product, i == j ? 1 : 0, accuracy: 1e-6, "\(values)")
        }
      }
    }
  }

  func testTwoUnitsAreSeenAsTheyAre() {
    let points = PrincipalComponents([5, 1, 7, 2], columns: 2).project([3, -4], columns: 2)
    XCTAssertEqual([points[0].x, points[0].y], [3, -4])
  }

  func testBinsCountWhatLiesInThemAndTheEndsTheRest() {
    let histogram = Histogram([[-9, 0.1, 0.2, 0.9, 9, .nan]], low: 0, high: 1, bins: 2)
    XCTAssertEqual(histogram.frames, [[100, 67]])
  }

  func testHeightsByRootsAreThoseOfSharesOfAllValues() {
    let histogram = Histogram(
      [[0.1, 0.2, 0.3, 0.9], [0.1, 0.1, 0.1, 0.1], [.nan]], low: 0, high: 1, bins: 2)
    XCTAssertEqual(histogram.largestShare, 1)
    XCTAssertEqual(histogram.roots(top: 1), [[87, 50], [100, 0], [0, 0]])
    XCTAssertEqual(histogram.roots(top: 0.25), [[100, 100], [100, 0], [0, 0]])
    let axis = Axis(.root, 0, 100)
    XCTAssertEqual(axis.place(25), 0.5)
    for high in [2.0, 17, 56, 100] {
      let places = Axis(.root, 0, high).ticks.map { Axis(.root, 0, high).place($0.value) }
      XCTAssertGreaterThanOrEqual(places.count, 4, "\(high)")
      XCTAssertTrue(zip(places, places.dropFirst()).allSatisfy { $1 - $0 > 0.07 }, "\(high)")
    }
  }

  func testLinesOfEqualBoundHaveEqualSums() {
    let x = Axis(.linear, 0, 30)
    let y = Axis(.linear, 70, 210)
    let plot = RatePath.plot([], title: "", labelled: false)
    XCTAssertTrue(plot.guides.allSatisfy { abs($0.from.x + $0.from.y - $0.to.x - $0.to.y) < 1e-9 })
    XCTAssertFalse(x.ticks.isEmpty || y.ticks.isEmpty)
  }

  // MARK: Numbers and axes by their size

  func testNumbersHaveAsManyDecimalsAsTheirSizeCallsFor() {
    for (value, text) in [
      (0.25, "0.250"), (-0.25, "−0.250"), (1, "1.00"), (99.5, "99.50"), (100, "100.0"),
      (-999.5, "−999.5"), (1000, "1000"), (12_345.6, "12\u{202f}346"),
    ] { XCTAssertEqual(Numerals.short(value), text) }
    XCTAssertEqual(Numerals.fixed(12_345.6, 2), "12\u{202f}345.60")
    XCTAssertEqual(Numerals.grouped(12_345), "12\u{202f}345")
    XCTAssertEqual(
      [0, 1, 2].map { Numerals.counted($0, "step") }, ["0 steps", "1 step", "2 steps"])
    XCTAssertEqual([3, 12.34, -0.26].map(Numerals.coordinate), ["3", "12.3", "-0.3"])
  }

  func testLengthsOfTimeAreInTheUnitsThatFit() {
    for (seconds, text) in [
      (2.54, "2.5 s"), (59.4, "59.4 s"), (59.6, "1 min 0 s"), (65, "1 min 5 s"),
      (3599, "59 min 59 s"), (3600, "1 h 0 min"), (90_061, "25 h 1 min"),
    ] { XCTAssertEqual(Numerals.duration(seconds), text) }
    XCTAssertEqual(Numerals.clock(3599), "59:59")
  }

  func testAnAxisHasRoomOnEitherSideOfItsValues() {
    func ends(_ axis: Axis) -> [Double] { [axis.low, axis.high] }
    XCTAssertEqual(ends(Axis(.linear, covering: [10, 50, 30])), [8, 52])
    XCTAssertEqual(ends(Axis(.linear, covering: [10, 50], margin: 0.25)), [0, 60])
    XCTAssertEqual(ends(Axis(.linear, covering: [4])), [3.5, 4.5])
    XCTAssertEqual(ends(Axis(.counted, covering: [-20, -20])), [-22, -18])
    XCTAssertEqual(ends(Axis(.logarithmic, covering: [3, 40])), [3, 40])
    XCTAssertEqual(ends(Axis(.logarithmic, covering: [7])), [7, 8])
    XCTAssertEqual(Axis(.linear, -10, 30).place(0), 0.25)
    XCTAssertEqual(Axis(.counted, 2, 6).place(5), 0.75)
    XCTAssertEqual(
      Axis(.logarithmic, 3, 63).place(15), 0.5, accuracy: 1e-12, "by 4 from 4 to 16 to 64")
  }

  func testTicksOfStepsAndSharesAreThoseWorthAMark() {
    XCTAssertEqual(
      Axis(.logarithmic, 5, 2_500_000).ticks.map(\.text), ["10", "100", "1k", "10k", "100k", "1M"])
    XCTAssertEqual(Axis(.logarithmic, 5, 2_500_000).ticks.map(\.value).first, 10)
    XCTAssertEqual(
      Axis(.root, 0, 100).ticks.map(\.text), ["0", "1", "5", "10", "25", "50", "100"])
    XCTAssertEqual(Axis(.root, 0, 2).ticks.map(\.text), ["0", "0.1", "0.5", "1"])
  }

  func testBinsReachFromTheLowEndToTheHighOne() {
    let histogram = Histogram(
      [[-2, -1.5, -1.1, -0.9, 0.1, 0.2], [1.9]], low: -2, high: 2, bins: 4)
    XCTAssertEqual(histogram.frames, [[100, 33, 67, 0], [0, 0, 0, 100]])
    XCTAssertEqual(histogram.largestShare, 1)
    XCTAssertEqual(histogram.roots(top: 0.5)[0], [100, 58, 82, 0], "√1, √⅓, √⅔")
    XCTAssertEqual(Histogram([[0]], low: 0, high: 1).frames[0].count, 48)
  }

  func testDirectionsAreThoseFromTheOriginAndNotFromTheMean() {
    let values = (0..<200).flatMap { (number: Int) -> [Double] in
      let angle = Double(number)
      return [10 + 0.1 * sin(angle), 2 * cos(1.7 * angle), 0.01]
    }
    let components = PrincipalComponents(values.map(Float.init), columns: 3)
    for (found, wanted) in zip(components.directions, [[1, 0, 0], [0, 1, 0.0]]) {
      for (a, b) in zip(found, wanted) { XCTAssertEqual(a, b, accuracy: 0.02) }
    }
    // About 100 and 2 of the mean squares.
    XCTAssertEqual(components.shares[0], 100 / 102, accuracy: 0.002)
    XCTAssertEqual(components.shares[1], 2 / 102, accuracy: 0.002)
  }
}

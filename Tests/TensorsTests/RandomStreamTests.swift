import CVectorKernels
import Tensors
import XCTest

/// Which numbers a seed, a name, a step, a draw and a position give: those of all releases, since runs are repeated by them.
final class RandomStreamTests: XCTestCase {
  /// The finaliser of SplitMix64 after one step of its counter.
  private func mixed(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9e37_79b9_7f4a_7c15
    bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
    return bits ^ (bits >> 31)
  }

  /// A seed and a name, which FNV-1a hashes.
  private func key(_ seed: UInt64, _ name: String) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
    return mixed(mixed(seed) ^ hash)
  }

  private func block(_ counter: [UInt32], _ key: UInt64) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: 4)
    vk_philox(
      counter, [UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)], &words)
    return words
  }

  func testTheNumbersOfAPositionHaveTheSameBitsHoweverManyAreDrawnWithThem() {
    let stream = RandomSource(seed: 9).stream("noise")
    for columns in [1, 4, 10, 20] {
      let positions = (0..<700).map(UInt64.init)
      let all = stream.normal(positions, shape: [columns]).floats.map(\.bitPattern)
      for rows in [0..<1, 3..<8, 77..<410, 699..<700] {
        let some = stream.normal(Array(positions[rows]), shape: [columns]).floats
        XCTAssertEqual(
          some.map(\.bitPattern), Array(all[rows.lowerBound * columns..<rows.upperBound * columns]),
          "rows \(rows) of \(columns)")
      }
    }
  }

  func testUniformNumbersAreThoseOfTheBlocksOfEachPosition() {
    for (name, step) in [("weights", 0), ("noise", 7), ("ü", -1)] {
      let own = mixed(key(9, name) ^ UInt64(bitPattern: Int64(step)))
      let positions: [UInt64] = [5, 1 << 33 + 7]
      let expected = positions.flatMap { position -> [Float] in
        let words = (0..<2).flatMap { number in
          block(
            [
              number, 3, UInt32(truncatingIfNeeded: position),
              UInt32(truncatingIfNeeded: position >> 32),
            ], own)
        }
        return words.prefix(6).map { (Float($0 >> 8) + 0.5) / Float(1 << 24) }
      }
      let stream = RandomSource(seed: 9).stream(name, step: step)
      let found = stream.uniform(positions, shape: [2, 3], draw: 3)
      XCTAssertEqual(found.shape, [2, 2, 3])
      XCTAssertEqual(found.floats, expected, name)
    }
  }

  func testAChildIsASourceWhoseSeedIsTheKeyOfItsName() {
    let child = RandomSource(seed: 4).child("encoder")
    XCTAssertEqual(child.seed, key(4, "encoder"))
    XCTAssertEqual(child.child("first").seed, key(key(4, "encoder"), "first"))
  }

  func testAGeneratorTakesTheWordsOfItsBlocksFromTheLastOn() {
    let own = mixed(key(9, "shuffle") ^ 2)
    var generator = RandomSource(seed: 9).stream("shuffle", step: 2).generator()
    for number in 0..<2 as Range<UInt32> {
      let words = block([number, 0xffff_ffff, 0, 0], own).map(UInt64.init)
      XCTAssertEqual(generator.next(), words[2] << 32 | words[3], "block \(number)")
      XCTAssertEqual(generator.next(), words[0] << 32 | words[1], "block \(number)")
    }
  }

  func testARowDependsOnItsPositionAndDrawAlone() {
    let stream = RandomSource(seed: 1).stream("noise", step: 2)
    for (several, one) in [
      (stream.normal([3, 8, 1], shape: [5]), stream.normal([8], shape: [5])),
      (stream.uniform([3, 8, 1], shape: [5]), stream.uniform([8], shape: [5])),
    ] {
      XCTAssertEqual(several.rows(1..<2).floats, one.floats)
      XCTAssertNotEqual(several.rows(0..<1).floats, one.floats)
    }
    XCTAssertNotEqual(
      stream.normal([8], shape: [5], draw: 1).floats, stream.normal([8], shape: [5]).floats)
    XCTAssertNotEqual(
      stream.uniform([8], shape: [5], draw: 1).floats, stream.uniform([8], shape: [5]).floats)
    XCTAssertEqual(
      stream.normal([0], shape: [2, 3]).floats, stream.normal([2, 3]).floats,
      "without positions it is position zero")
    XCTAssertEqual(stream.normal([2, 3]).shape, [2, 3])
    XCTAssertEqual(stream.uniform([0], shape: [6]).floats, stream.uniform([3, 2]).floats)
  }
}

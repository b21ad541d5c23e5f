import CVectorKernels
import XCTest

final class VectorKernelsRandomTests: VectorKernelsTestCase {
  /// The published answers of Philox 4x32-10 (Random123, `kat_vectors`).
  func testPhiloxGivesThePublishedAnswers() {
    let cases: [(counter: [UInt32], key: [UInt32], answer: [UInt32])] = [
      ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
      (
        [.max, .max, .max, .max], [.max, .max],
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
      ),
      (
        [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
        [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
      ),
    ]
    for (counter, key, answer) in cases {
      XCTAssertEqual(philox(counter, key), answer)
    }
  }

  private func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
    var words = [UInt32](repeating: 0, count: 4)
    vk_philox(counter, key, &words)
    return words
  }

  private let key: UInt64 = 0x1234_5678_9abc_def0

  /// The uniform numbers of one row, by single blocks.
  private func uniforms(_ position: UInt64, _ draw: UInt32, _ columns: Int) -> [Double] {
    let words = (0..<(columns + 3) / 4).flatMap { block in
      philox(
        [
          UInt32(block), draw, UInt32(truncatingIfNeeded: position),
          UInt32(truncatingIfNeeded: position >> 32),
        ],
        [UInt32(truncatingIfNeeded: key), UInt32(truncatingIfNeeded: key >> 32)])
    }
    return words.map { Double(min((Float($0 >> 8) + 0.5) / Float(1 << 24), 1 - 0x1p-24)) }
  }

  private let shapes = [(0, 4), (3, 0), (1, 1), (5, 3), (7, 20), (300, 21), (2, 6000), (2000, 4)]

  private func positions(_ rows: Int) -> [UInt64] {
    (0..<rows).map { UInt64($0) &* 0x0101_0000_0001 }
  }

  func testUniformNumbersAreTheBlocksWordsBitForBit() {
    for (rows, columns) in shapes {
      let positions = positions(rows)
      let expected = positions.flatMap { uniforms($0, 7, columns).prefix(columns) }
      check("uniform numbers of \(rows) x \(columns)", expected, relative: 0, absolute: 0) {
        var out = unwritten(rows * columns)
        vk_random_uniform(key, 7, positions, &out, rows, columns)
        return out
      }
    }
  }

  func testNormalNumbersAreBoxMullerOfTheBlocksWords() {
    for (rows, columns) in shapes {
      let positions = positions(rows)
      let expected = positions.flatMap { position in
        let u = uniforms(position, 9, columns)
        return (0..<columns).map { c in
          let first = c / 2 * 2
          let radius = (-2 * log(u[first])).squareRoot(), angle = 2 * Double.pi * u[first + 1]
          return radius * (c % 2 == 0 ? cos(angle) : sin(angle))
        }
      }
      check("normal numbers of \(rows) x \(columns)", expected, relative: 1e-6) {
        var out = unwritten(rows * columns)
        vk_random_normal(key, 9, positions, &out, rows, columns)
        return out
      }
    }
  }

  func testUniformNumbersLieStrictlyBetweenZeroAndOne() {
    let rows = 1000, columns = 1000
    var out = unwritten(rows * columns)
    for set in Self.instructionSets {
      vk_isa_select(set)
      vk_random_uniform(key, 0, positions(rows), &out, rows, columns)
      XCTAssertGreaterThan(out.min() ?? 0, 0)
      XCTAssertLessThan(out.max() ?? 1, 1)
      // Ten standard errors.
      let mean = out.reduce(0) { $0 + Double($1) } / Double(out.count)
      XCTAssertEqual(mean, 0.5, accuracy: 10 * (1.0 / 12 / 1e6).squareRoot())
    }
  }

  func testTheLargestWordStaysBelowOne() {
    // (2^24 - 1 + 0.5) / 2^24 would round to 1.
    let position: UInt64 = 15_257_586, column = 0
    let words = philox([0, 0, UInt32(position), 0], [0x9abc_def0, 0x1234_5678])
    XCTAssertEqual(words[column] >> 8, 0xff_ffff, "the example has a word of 24 leading ones")
    for set in Self.instructionSets {
      vk_isa_select(set)
      var out = unwritten(4)
      vk_random_uniform(key, 0, [position], &out, 1, 4)
      XCTAssertEqual(out[column], 1 - 0x1p-24)
    }
  }

  func testNormalNumbersHaveTheMomentsOfTheNormalDistribution() {
    let rows = 1000, columns = 1000, count = Double(rows * columns)
    var out = unwritten(rows * columns)
    for set in Self.instructionSets {
      vk_isa_select(set)
      vk_random_normal(key, 1, positions(rows), &out, rows, columns)
      var sums = [0.0, 0, 0, 0]
      for x in out {
        let square = Double(x) * Double(x)
        sums[0] += Double(x)
        sums[1] += square
        sums[2] += square * Double(x)
        sums[3] += square * square
      }
      // Five standard errors: the variances of the powers are 1, 2, 15 and 96.
      let expected: [(mean: Double, variance: Double)] = [(0, 1), (1, 2), (0, 15), (3, 96)]
      for (index, (mean, variance)) in expected.enumerated() {
        let bound = 5 * (variance / count).squareRoot()
        XCTAssertEqual(sums[index] / count, mean, accuracy: bound, "power \(index + 1)")
      }
    }
  }
}

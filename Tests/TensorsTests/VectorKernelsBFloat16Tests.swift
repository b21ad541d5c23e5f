import CVectorKernels
import XCTest

/// Conversions to and from bfloat16 against the two neighbours of each number, and the fused forms
/// against conversions apart.
final class VectorKernelsBFloat16Tests: VectorKernelsTestCase {
  /// The bfloat16 nearest to a number, found among all that lie beside it by distance in double
  /// precision: nothing of the kernel's arithmetic on bits.
  private func nearest(_ x: Float) -> UInt16 {
    let below = UInt16(x.bitPattern >> 16)
    if !x.isFinite { return below | (x.isNaN ? 0x40 : 0) }
    let above = below + 1
    // Beyond the largest number lies the infinity, as if it were the next power of two.
    func value(_ bits: UInt16) -> Double {
      let wide = Float(bitPattern: UInt32(bits) << 16)
      return wide.isFinite ? Double(wide) : Double(sign: wide.sign, exponent: 128, significand: 1)
    }
    let (down, up) = (abs(Double(x) - value(below)), abs(Double(x) - value(above)))
    if down == up { return below & 1 == 0 ? below : above }
    return down < up ? below : above
  }

  private var hardCases: [Float] {
    let bits: [UInt32] = [
      0x0000_0000, 0x8000_0000,  // zeros
      0x3F80_8000, 0x3F81_8000, 0xBF80_8000, 0xBF81_8000,  // ties, to even below and above
      0x3F80_7FFF, 0x3F80_8001, 0x3FFF_FFFF, 0x3FFF_8000,  // beside a tie, into the next binade
      0x7F7F_FFFF, 0x7F7F_8000, 0x7F7F_7FFF, 0xFF7F_FFFF,  // to infinity, and just not
      0x7F80_0000, 0xFF80_0000,  // infinities
      0x7F80_0001, 0xFF80_0001, 0x7FC0_0000, 0x7FFF_FFFF, 0xFFFF_FFFF, 0x7FBF_FFFF,  // NaN
      0x0000_0001, 0x0000_8000, 0x0000_8001, 0x0001_8000, 0x007F_FFFF, 0x807F_8000,  // subnormal
      0x0080_0000, 0x0080_8000,
    ]
    return bits.map(Float.init(bitPattern:))
  }

  private func rounded(_ x: [Float]) -> [UInt16] {
    var y = [UInt16](repeating: 0xAAAA, count: x.count)
    vk_round_to_bfloat16(x, &y, x.count)
    return y
  }

  private func widened(_ x: [UInt16]) -> [Float] {
    var y = unwritten(x.count)
    vk_widen_bfloat16(x, &y, x.count)
    return y
  }

  private func onEverySet(_ body: (_ set: vk_isa) -> Void) {
    for set in Self.instructionSets {
      vk_isa_select(set)
      for threads in [1, 2] as [Int32] {
        vk_set_threads(threads)
        body(set)
      }
    }
  }

  func testNumbersAreRoundedToTheNearestAndTiesToEven() {
    var state: UInt64 = 1
    let anyBits = (0..<20_000).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(bitPattern: UInt32(state >> 32))
    }
    for n in kernelSizes {
      let x = Array((hardCases + anyBits).prefix(n))
      let expected = x.map(nearest)
      onEverySet { XCTAssertEqual(rounded(x), expected, "\(n) numbers, set \($0.rawValue)") }
    }
    onEverySet { XCTAssertEqual(rounded(hardCases), hardCases.map(nearest), "\($0.rawValue)") }
  }

  func testEveryBFloat16SurvivesWideningAndRounding() {
    // Signalling NaNs come back quiet.
    let all = (UInt16.min...UInt16.max).map { $0 }
    let quiet = all.map { $0 & 0x7FFF > 0x7F80 ? $0 | 0x40 : $0 }
    onEverySet { set in
      XCTAssertEqual(widened(all).map(\.bitPattern), all.map { UInt32($0) << 16 })
      XCTAssertEqual(rounded(widened(all)), quiet, "set \(set.rawValue)")
    }
  }

  func testAFusedActivationLeavesTheRoundedResultBesideTheOther() {
    for (rows, columns) in kernelShapes {
      let n = rows * columns
      let x = numbers(n, seed: 21), bias = numbers(columns, seed: 22)
      for unary in UnaryCase.fused {
        onEverySet { set in
          var (plain, y) = (unwritten(n), unwritten(n))
          var short = [UInt16](repeating: 0xAAAA, count: n)
          vk_bias_activation(
            unary.operation, unary.parameters, x, bias, nil, &plain, nil, rows, columns)
          vk_bias_activation(
            unary.operation, unary.parameters, x, bias, nil, &y, &short, rows, columns)
          XCTAssertEqual(y, plain)
          XCTAssertEqual(short, rounded(y), "\(unary.operation), \(rows) x \(columns)")
        }
      }
    }
  }

  func testRoundedGradientsAreThoseOfTheRoundedValuesAndSumsAreNotRounded() {
    for (rows, columns) in kernelShapes {
      let n = rows * columns
      let dy = numbers(n, seed: 24)
      for unary in UnaryCase.fused {
        let saved = unary.saved(numbers(n, seed: 23))
        onEverySet { set in
          let short = saved.isEmpty ? nil : rounded(saved)
          var (dx, sums, shortSums) = (unwritten(n), unwritten(columns), unwritten(columns))
          var shortDX = [UInt16](repeating: 0xAAAA, count: n)
          vk_bias_activation_backward(
            unary.operation, unary.parameters, short.map(widened), dy, &dx, &sums, rows, columns)
          vk_bias_activation_backward_bfloat16(
            unary.operation, unary.parameters, short, dy, &shortDX, &shortSums, rows, columns)
          let place = "\(unary.operation), \(rows) x \(columns), set \(set.rawValue)"
          XCTAssertEqual(shortDX, rounded(dx), place)
          XCTAssertEqual(shortSums, sums, place)
          vk_bias_activation_backward_bfloat16(
            unary.operation, unary.parameters, short, dy, &shortDX, nil, rows, columns)
          XCTAssertEqual(shortDX, rounded(dx), "no sums, \(place)")
        }
      }
    }
  }
}

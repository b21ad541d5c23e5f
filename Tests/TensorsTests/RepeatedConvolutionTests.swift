import Foundation
import Tensors
import XCTest

/// A convolution of repeated pixels without repeating them.
final class RepeatedConvolutionTests: XCTestCase {
  private let x = RandomSource(seed: 1).stream("x").normal([2, 5, 3, 4])
  private let weights = RandomSource(seed: 2).stream("weights").normal([6, 4, 3, 3])
  private let bias = RandomSource(seed: 3).stream("bias").normal([6])

  func testSumsOfTapsGiveWhatRepeatedPixelsDo() {
    let expected = withoutTape {
      x.upsampledNearest(by: 2, 2).convolution(
        weights: weights, bias: bias, padding: Padding(1), activation: .silu)
    }
    let found = withoutTape {
      x.convolutionBySums(weights: weights, bias: bias, activation: .silu)
    }
    XCTAssertEqual(found.shape, expected.shape)
    for (a, b) in zip(found.floats, expected.floats) { XCTAssertEqual(a, b, accuracy: 2e-5) }
  }

  func testFewerMultiplicationsAreMadeOverLargeMapsAlone() {
    func flops(_ shape: Shape, recording: Bool = false) -> Double {
      let x = RandomSource(seed: 1).stream("x").normal(shape)
      let weights = Parameter(RandomSource(seed: 2).stream("w").normal([16, 16, 3, 3]))
      func run() { _ = x.convolutionOfRepeatedPixels(weights: weights.tensor) }
      return Profiler.record { recording ? run() : withoutTape(run) }.operations
        .reduce(0) { $0 + $1.flops }
    }
    let (whole, summed) = (9.0, 4.0)
    let perTap = 2.0 * 16 * 16 * 4 * 32 * 32
    XCTAssertEqual(flops([1, 32, 32, 16]), summed * perTap)
    XCTAssertEqual(flops([1, 32, 32, 16], recording: true), whole * perTap)
    XCTAssertEqual(flops([1, 16, 16, 16]), whole * perTap / 4)
  }

  func testNumbersOfAnImageDoNotDependOnThoseBesideIt() {
    let weights = RandomSource(seed: 2).stream("w").normal([16, 16, 3, 3])
    let images = RandomSource(seed: 1).stream("x").normal([8, 16, 16, 16])
    withoutTape {
      let whole = images.convolutionOfRepeatedPixels(weights: weights).floats
      let parts = (0..<8).flatMap {
        images.rows($0..<$0 + 1).convolutionOfRepeatedPixels(weights: weights).floats
      }
      XCTAssertEqual(whole, parts)
    }
  }

  /// Prints how long both ways take at the sizes of Stable Diffusion's decoder and of TAESD's at 512×512, where
  /// `VAE_ZOO_MEASURE` is set: the numbers behind the choice.
  func testBothWaysAreMeasuredOnRequest() throws {
    guard ProcessInfo.processInfo.environment["VAE_ZOO_MEASURE"] != nil else {
      throw XCTSkip("VAE_ZOO_MEASURE is not set")
    }
    for (side, channels) in [
      (64, 512), (128, 512), (256, 256), (64, 64), (128, 64), (256, 64), (32, 64), (32, 16),
    ] {
      let x = RandomSource(seed: 1).stream("x").normal([1, side, side, channels])
      let weights = RandomSource(seed: 2).stream("w").normal([channels, channels, 3, 3])
      let ways = [
        {
          _ = x.upsampledNearest(by: 2, 2).convolution(
            weights: weights, padding: Padding(1))
        }, { _ = x.convolutionBySums(weights: weights, bias: nil, activation: .identity) },
      ]
      var least = [Double.infinity, .infinity]
      for _ in 0..<7 {
        for (way, work) in ways.enumerated() {
          let start = ContinuousClock.now
          withoutTape(work)
          let taken = (ContinuousClock.now - start) / .seconds(1)
          least[way] = min(least[way], taken)
        }
      }
      print(
        "\(channels) channels, \(side)×\(side) to \(2 * side)×\(2 * side): repeated pixels \(least[0] * 1e3) ms, "
          + "sums of taps \(least[1] * 1e3) ms")
    }
  }
}

import Tensors
import VAEBenchmark
import VAEZoo
import XCTest

final class WorkloadTests: XCTestCase {
  private func workload(_ name: String) throws -> Workload {
    try XCTUnwrap(Workload.all.first { $0.name == name })
  }

  func testWorkloadsAreNamedAsDocumented() {
    XCTAssertEqual(
      Workload.all.map(\.name), ["mlp", "lvae", "conv", "vqvae", "pixelcnn", "pixelcnn-sample"])
  }

  func testFlopsOfThePerceptronAreThoseCountedByHand() throws {
    // 784·400 = 313,600; 400·40 = 16,000; 20·400 = 8,000; 400·784 = 313,600: together 651,200
    // multiply-adds, times 128 examples, two operations and three passes.
    XCTAssertEqual(try workload("mlp").flops, 500_121_600)
  }

  func testFlopsOfTheConvolutionsAreThoseCountedByHand() throws {
    // Encoder: 1024·27·32 = 884,736, and 256·9·32·64 = 64·9·64·128 = 16·9·128·256 = 4·9·256·512 =
    // 4,718,592 each.
    let encoder = 884_736 + 4 * 4_718_592
    // To mean and log-variance 2048·256, back 128·2048.
    let dense = 524_288 + 262_144
    // Decoder from 2×2: 4·9·512·256 and its three like 4,718,592, then 1024·9·32·32, and the head
    // 4096·9·32·3.
    let decoder = 4 * 4_718_592 + 9_437_184 + 3_538_944
    XCTAssertEqual(encoder + dense + decoder, 52_396_032)
    XCTAssertEqual(try workload("conv").flops, Double(52_396_032 * 64 * 6))
    XCTAssertEqual(try workload("conv").flops, 20_120_076_288)
  }

  func testFlopsOfTheQuantizedModelCountDistancesOnce() throws {
    // Convolutions to 16×16 and 8×8: 256·48·64 = 786,432 and 64·1024·128 = 8,388,608; the 3×3
    // 64·1152·128; a block 64·(1152·32 + 32·128) = 2,621,440; the 1×1 64·128·64.
    let encoder = 786_432 + 8_388_608 + 9_437_184 + 2 * 2_621_440 + 524_288
    // The 3×3 64·576·128, two blocks, and the convolutions transposed.
    let decoder = 4_718_592 + 2 * 2_621_440 + 8_388_608 + 786_432
    let distances = 64 * 512 * 64
    XCTAssertEqual(encoder + decoder, 43_515_904)
    XCTAssertEqual(
      try workload("vqvae").flops, Double((encoder + decoder) * 32 * 6 + distances * 32 * 2))
    XCTAssertEqual(try workload("vqvae").flops, 8_489_271_296)
  }

  func testFlopsGrowAsTheBatchAndConvolutionsAsThePixels() throws {
    for workload in Workload.all {
      let larger = try workload.resized(batch: 3 * workload.size.batch, side: nil)
      XCTAssertEqual(larger.flops, 3 * workload.flops, workload.name)
    }
    for name in ["conv", "vqvae", "pixelcnn", "pixelcnn-sample"] {
      let workload = try workload(name)
      let larger = try workload.resized(batch: nil, side: 2 * workload.size.side)
      // Every layer of these works on pixels, the dense ones of `conv` too.
      XCTAssertEqual(larger.flops, 4 * workload.flops, name)
    }
  }

  func testFlopsOfThePixelCNNAreThoseOfItsLiveTaps() throws {
    // The 7×7 mask A leaves 24 taps of 1·64, each 3×3 mask B five of 64·64, the head is 64.
    let multiplyAdds = 24 * 64 + 7 * 5 * 4096 + 64
    XCTAssertEqual(multiplyAdds, 144_960)
    XCTAssertEqual(try workload("pixelcnn").flops, Double(multiplyAdds * 784 * 64 * 6))
    XCTAssertEqual(try workload("pixelcnn").flops, 43_641_077_760)
    XCTAssertEqual(try workload("pixelcnn-sample").flops, Double(multiplyAdds * 784 * 16 * 2))
  }

  /// oneDNN falls back to code that is a hundred times slower without a word.
  func testNoWorkloadMeetsAReferenceImplementation() throws {
    // Other tests of the process have convolutions of their own.
    let before = Set(Engine.implementations)
    for workload in Workload.all {
      for precision in Precision.allCases where precision.isSupported {
        try workload.step(precision)
      }
    }
    let implementations = Set(Engine.implementations).subtracting(before)
    XCTAssertGreaterThan(implementations.count, 40, "few of the convolutions are seen")
    XCTAssertLessThan(implementations.count, 300, "a training would come near the limit of 512")
    for implementation in implementations {
      for slow in ["ref", "simple", "unknown"] {
        XCTAssertFalse(
          implementation.split(separator: " ").last?.contains(slow) ?? true, implementation)
      }
    }
  }
}

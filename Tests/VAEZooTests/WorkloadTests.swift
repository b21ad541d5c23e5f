import VAEZoo
import XCTest

final class WorkloadTests: XCTestCase {
  private func workload(_ name: String) throws -> Workload {
    try XCTUnwrap(Workload.all.first { $0.name == name })
  }

  func testWorkloadsAreNamedAsDocumented() {
    XCTAssertEqual(Workload.all.map(\.name), ["mlp", "conv"])
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
}

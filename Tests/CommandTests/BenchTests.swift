import Foundation
import XCTest

/// What `bench` prints. Whether the numbers are good is not for a test on a shared machine.
final class BenchTests: CommandTestCase {
  func testJSONIsAnArrayWithTheDocumentedKeys() throws {
    let outcome = try run(["bench", "mlp", "--threads", "1", "--json"])
    XCTAssertEqual(outcome.lines.count, 1)
    XCTAssertEqual(outcome.err, "")
    let value = try JSONSerialization.jsonObject(with: Data(outcome.out.utf8))
    let results = try XCTUnwrap(value as? [[String: Any]])
    XCTAssertEqual(results.count, 1)
    XCTAssertEqual(
      Set(results[0].keys),
      [
        "workload", "dtype", "threads", "min_ms", "median_ms", "flops", "gflops", "peak_gflops",
        "utilization", "peak_rss_mb",
      ])
    XCTAssertEqual(results[0]["workload"] as? String, "mlp")
    XCTAssertEqual(results[0]["dtype"] as? String, "float32")
    XCTAssertEqual(results[0]["threads"] as? Int, 1)
    let median = try number(results[0], "median_ms")
    XCTAssertLessThanOrEqual(try number(results[0], "min_ms"), median)
    XCTAssertEqual(
      try number(results[0], "gflops"), try number(results[0], "flops") / median / 1e6,
      accuracy: 0.5)
    XCTAssertEqual(
      try number(results[0], "utilization"),
      try number(results[0], "gflops") / number(results[0], "peak_gflops"), accuracy: 1e-3)
  }
}

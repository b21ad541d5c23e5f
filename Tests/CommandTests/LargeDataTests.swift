import Foundation
import XCTest

/// Data that are larger than the memory there is.
final class LargeDataTests: CommandTestCase {
  func testAnArrayLargerThanTheMemoryIsReadBatchByBatch() throws {
    let images = TestImages(32, height: 64, width: 64)
    let small = try write(ArrayFile.npy([32, 64, 64], images.bytes), "small.npy")
    try run(Small.train(small, path("run"), ["--epochs", "1", "--no-records"]))
    // 768 MB, nearly all of them a hole in the file.
    let count = 196_608
    let header = ArrayFile.npy([count, 64, 64], [])
    let large = try write(header + images.bytes, "large.npy")
    let file = try XCTUnwrap(FileHandle(forWritingAtPath: large))
    try file.truncate(atOffset: UInt64(header.count + count * 4096))
    try file.close()
    let arguments = [
      "interpolate", path("run"), "--data", large, "--split", "train", "--from", "0", "--to", "5",
    ]
    let outcome = try Command(arguments + ["--out", path("large.png")], memoryLimit: 768).wait()
    XCTAssertEqual(outcome.status, 0, outcome.err)
    XCTAssertTrue(outcome.err.contains("batch by batch"), outcome.err)
    // The pictures are those of the same examples elsewhere.
    try run(
      [
        "interpolate", path("run"), "--data", small, "--split", "train", "--from", "0", "--to", "5",
        "--out", path("small.png"),
      ])
    XCTAssertEqual(try bytes(path("large.png")), try bytes(path("small.png")))
  }
}

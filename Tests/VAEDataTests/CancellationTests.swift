import Tensors
import VAEData
import XCTest

/// Whoever waits for data may ask for a stop.
final class CancellationTests: DataTestCase {
  /// Opens data that are asked to stop at the n-th question, and returns how often they asked.
  private func questions(
    stoppingAt limit: Int, _ specification: String, images: ImageFolderOptions? = nil
  ) throws -> Int {
    let asked = Lock(0)
    do {
      _ = try DataSource.open(specification, images: images) {
        asked.withLock {
          $0 += 1
          return $0 >= limit
        }
      }
    } catch {
      XCTAssertEqual(error.kind, .cancelled, error.description)
      XCTAssertTrue(error.description.contains("interrupted"), error.description)
      return -1
    }
    return asked.withLock { $0 }
  }

  func testAStopIsHeardAtEveryPieceOfEveryKindOfFile() throws {
    // Several pieces of a megabyte, and several of the 64 KB that are inflated at a time.
    let large = (0..<6144).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
    let content = Array([[UInt8]](repeating: large, count: 700).joined())
    let sizes = [700, 64, 96]
    var state: UInt32 = 1
    let noise = (0..<300_000).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    let record = { (label: UInt8) in [label] + [UInt8](repeating: label, count: 3072) }
    try write(TestDecoder.file(2, 2), "images/a.img")
    for number in 0..<5 { try write(TestDecoder.file(2, 2, UInt8(number)), "images/\(number).img") }
    let sources = [
      try write(TestFiles.npy(sizes, content), "images.npy"),
      try write(
        TestFiles.zip([TestFiles.Member("train", TestFiles.npy(sizes, content))]), "images.npz"),
      try write(TestFiles.idx(sizes, content), "images-idx3-ubyte"),
      try write(
        TestFiles.gzip(TestFiles.idx([300, 1000, 1], noise)), "images-idx3-ubyte.gz"),
      try write((0..<9).flatMap { record($0) }, "train.bin"),
      "\(folder)/images",
    ]
    for source in sources {
      let images = ImageFolderOptions(decoder: TestDecoder(), cache: "\(folder)/\(UUID())")
      func questions(stoppingAt limit: Int) throws -> Int {
        try self.questions(
          stoppingAt: limit, source, images: source.hasSuffix("images") ? images : nil)
      }
      XCTAssertEqual(try questions(stoppingAt: 1), -1, source)
      XCTAssertEqual(try questions(stoppingAt: 3), -1, source)
      XCTAssertGreaterThan(try questions(stoppingAt: .max), 3, source)
    }
  }
}

import Foundation
import VAEData
import XCTest

/// Every single bit of small files turned over: an error of one line, or images of the same size
/// and number; never a crash.
final class BitFlipTests: DataTestCase {
  private let sizes = [3, 2, 2]
  private let content: [UInt8] = [0, 9, 255, 3, 77, 8, 1, 90, 200, 13, 44, 5]

  /// Opens the file with each bit turned over, and returns how often that was refused.
  ///
  /// - Parameters:
  ///   - file: the undamaged file.
  ///   - name: under which it is stored.
  ///   - isChecked: whether a checksum covers the images, so that none can change unnoticed.
  private func refusals(_ file: [UInt8], _ name: String, isChecked: Bool) throws -> Int {
    let path = try write(file, name)
    let undamaged = try DataSource.open(path)
    let expected = values(undamaged.train)
    // Writing single bytes in place is much faster than replacing the file.
    let handle = try XCTUnwrap(FileHandle(forUpdatingAtPath: path))
    defer { handle.closeFile() }
    func put(_ byte: UInt8, at offset: Int) throws {
      try handle.seek(toOffset: UInt64(offset))
      try handle.write(contentsOf: [byte])
    }
    var refused = 0
    for bit in 0..<8 * file.count {
      try put(file[bit / 8] ^ 1 << (bit % 8), at: bit / 8)
      defer { XCTAssertNoThrow(try put(file[bit / 8], at: bit / 8)) }
      do {
        let source = try DataSource.open(path)
        XCTAssertEqual(source.shape, undamaged.shape, "bit \(bit)")
        XCTAssertEqual(source.train.count, undamaged.train.count, "bit \(bit)")
        let found = values(source.train)
        XCTAssertTrue(found.allSatisfy(\.isFinite), "bit \(bit)")
        if isChecked { XCTAssertEqual(found, expected, "bit \(bit)") }
      } catch {
        refused += 1
        XCTAssertTrue(error.description.contains(path), error.description)
        XCTAssertFalse(error.description.contains("\n"), error.description)
      }
    }
    return refused
  }

  func testIDX() throws {
    let refused = try refusals(TestFiles.idx(sizes, content), "images", isChecked: false)
    XCTAssertEqual(refused, 16 * 8, "every bit of the header matters, none of the images'")
  }

  func testGzip() throws {
    let file = TestFiles.gzip(TestFiles.idx(sizes, content))
    // In the gzip header nobody uses time, extra flags, system and the text flag; behind the
    // deflate data up to seven bits fill a byte.
    XCTAssertGreaterThanOrEqual(
      try refusals(file, "images.gz", isChecked: true), 8 * file.count - 6 * 8 - 1 - 7)
  }

  func testNPYOfBytes() throws {
    let refused = try refusals(TestFiles.npy(sizes, content), "images.npy", isChecked: false)
    XCTAssertGreaterThan(refused, 10 * 8)
  }

  func testNPYOfFloats() throws {
    let floats = TestFiles.bytes(content.map { Float($0) / 255 })
    let refused = try refusals(
      TestFiles.npy(sizes, floats, type: "<f4"), "images.npy", isChecked: false)
    XCTAssertGreaterThan(refused, 10 * 8)
  }

  func testNPZ() throws {
    let members = [
      TestFiles.Member("train", TestFiles.npy(sizes, content)),
      TestFiles.Member("train_labels", TestFiles.npy([3], [1, 2, 3])),
    ]
    for members in [
      members, members.map(\.deflated), members.map { $0.with { $0.isExtended = true } },
    ] {
      let file = TestFiles.zip(members, isExtended: members[0].isExtended)
      XCTAssertGreaterThan(try refusals(file, "images.npz", isChecked: true), file.count)
    }
  }
}

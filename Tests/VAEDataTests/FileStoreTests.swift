import Foundation
import VAEData
import XCTest

/// Arrays that stay in their file.
final class FileStoreTests: DataTestCase {
  private let bytes = (0..<7 * 12).map { UInt8(truncatingIfNeeded: $0 * 89 + 3) }
  private let order = [6, 0, 3, 3, 5]

  private func floats() -> [Float] { bytes.map { Float($0) * 0.37 - 20 } }

  func testWhatStaysInTheFileIsWhatMemoryHolds() throws {
    let floats = floats()
    let files: [(String, [UInt8])] = [
      ("bytes.npy", TestFiles.npy([7, 3, 4], bytes)),
      ("booleans.npy", TestFiles.npy([7, 3, 4], bytes.map { $0 & 1 }, type: "|b1")),
      ("binary.npy", TestFiles.npy([7, 12], bytes.map { $0 & 1 })),
      ("floats.npy", TestFiles.npy([7, 3, 4, 1], TestFiles.bytes(floats), type: "<f4")),
      (
        "big.npy",
        TestFiles.npy([7, 12], floats.flatMap { TestFiles.bytes([$0]).reversed() }, type: ">f4")
      ),
      (
        "doubles.npy",
        TestFiles.npy([7, 12], TestFiles.bytes(floats.map(Double.init)), type: "<f8")
      ),
      (
        // Of a table: 32-bit floats do not have the odd ones of these.
        "days.npy",
        TestFiles.npy(
          [7, 12], bytes.flatMap { TestFiles.littleEndian(20_240_101 + Int64($0)) }, type: "<i8")
      ),
      ("images-idx3-ubyte", TestFiles.idx([7, 3, 4], bytes)),
      (
        "stored.npz",
        TestFiles.zip([
          TestFiles.Member("test", TestFiles.npy([7, 3, 4], bytes.reversed())),
          TestFiles.Member("train", TestFiles.npy([7, 3, 4], bytes)),
        ])
      ),
    ]
    for (name, content) in files {
      let path = try write(content, name)
      let (kept, left) = (
        try DataSource.open(path, largestArray: .max), try DataSource.open(path, largestArray: 5)
      )
      XCTAssertEqual(left.rule, kept.rule, name)
      XCTAssertEqual(left.valueRange, kept.valueRange, name)
      XCTAssertEqual(left.unquantizedValue, kept.unquantizedValue, name)
      for (mine, theirs) in zip(left.splits, kept.splits) {
        XCTAssertEqual(values(mine), values(theirs), name)
        XCTAssertEqual(values(mine, order), values(theirs, order), name)
        XCTAssertNoThrow(try mine.checkExamples())
      }
      XCTAssertFalse(kept.notices.contains { $0.description.contains("batch by batch") }, name)
      XCTAssertTrue(left.notices.contains { $0.description.contains("batch by batch") }, name)
    }
    // What is compressed has to be read as a whole.
    let path = try write(
      TestFiles.zip([TestFiles.Member("train", TestFiles.npy([7, 3, 4], bytes)).deflated]),
      "deflated.npz")
    XCTAssertFalse(
      try DataSource.open(path, largestArray: 5).notices.contains {
        $0.description.contains("batch by batch")
      })
  }

  func testWhatIsWrongInAFileIsNamedWhereverTheArrayStays() throws {
    var floats = floats()
    floats[41] = .infinity
    let path = try write(TestFiles.npy([7, 12], TestFiles.bytes(floats), type: "<f4"), "inf.npy")
    for limit in [0, Int.max] {
      XCTAssertThrowsError(try DataSource.open(path, largestArray: limit)) {
        XCTAssertTrue("\($0)".contains("[3, 5] is inf"), "\($0)")
      }
    }
    var archive = TestFiles.zip([TestFiles.Member("train", TestFiles.npy([7, 3, 4], bytes))])
    archive[220] ^= 1
    let damaged = try write(archive, "damaged.npz")
    XCTAssertThrowsError(try DataSource.open(damaged, largestArray: 0)) {
      XCTAssertTrue("\($0)".contains("checksum"), "\($0)")
    }
  }

  func testAFileThatChangesInUseIsAnErrorAndNoEndOfTheProcess() throws {
    for change in ["shorter", "written", "gone"] {
      let path = try write(TestFiles.npy([7, 3, 4], bytes), "\(change).npy")
      let split = try DataSource.open(path, largestArray: 0).train
      let before = values(split)
      let handle = try XCTUnwrap(FileHandle(forUpdatingAtPath: path))
      switch change {
      case "shorter": try handle.truncate(atOffset: 140)
      case "written":
        try handle.seek(toOffset: 150)
        try handle.write(contentsOf: Data([1, 2, 3]))
      default: try FileManager.default.removeItem(atPath: path)
      }
      try handle.close()
      if change == "gone" {
        // Who has a file open may read what it held.
        XCTAssertEqual(values(split), before)
        XCTAssertNoThrow(try split.checkExamples())
        continue
      }
      XCTAssertTrue(values(split, [5]).allSatisfy { $0 == 0 }, change)
      XCTAssertThrowsError(try split.checkExamples(), change) {
        XCTAssertEqual(($0 as? DataError)?.kind, .unusable)
        XCTAssertTrue("\($0)".contains("changed"), "\($0)")
      }
      XCTAssertNoThrow(try split.checkExamples(), "a failure is said once")
    }
  }
}

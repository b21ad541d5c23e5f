import Foundation
import Tensors
import VAEData
import XCTest

/// Which images of a folder are set apart, and how many may be damaged.
final class ImageSplitTests: DataTestCase {
  /// FNV-1a of 64 bits, mixed once more: what tells on every machine which images are set apart.
  private func hash(_ name: String) -> UInt64 {
    var hash: UInt64 = 14_695_981_039_346_656_037
    for byte in name.utf8 {
      hash ^= UInt64(byte)
      hash = hash &* 1_099_511_628_211
    }
    hash ^= hash >> 32
    hash = hash &* 11_400_714_819_323_198_485
    return hash ^ (hash >> 29)
  }

  func testTheTestSplitIsTheTenthOfTheLowestHashes() throws {
    let names = (0..<39).map { "birds/\($0 * 31 % 101).img" }
    for (number, name) in names.enumerated() {
      try write(TestDecoder.file(1, 1, UInt8(number)), "images/\(name)")
    }
    let lowest = names.indices.sorted { hash(names[$0]) < hash(names[$1]) }.prefix(3)
    let source = try openImages()
    XCTAssertEqual(Set(firstBytes(source.test)), Set(lowest))
    XCTAssertEqual(source.train.count, 36)
    XCTAssertEqual(source.test?.labels, [0, 0, 0])
    let sorted = lowest.map { names[$0] }.sorted()
    XCTAssertEqual(source.test?.origins, .files(sorted))
    XCTAssertEqual(firstBytes(source.test).map { names[$0] }, sorted)
  }

  func testAHundredthOfManyImagesMayBeDamaged() throws {
    let train = "\(folder)/images/train"
    try write([1], "images/train/1000.img")
    try write(TestDecoder.file(1, 1, 5), "images/train/2099.img")
    for number in 1001..<2099 {
      try FileManager.default.linkItem(
        atPath: "\(train)/\(number < 1011 ? 1000 : 2099).img", toPath: "\(train)/\(number).img")
    }
    let source = try openImages()
    XCTAssertEqual(source.train.count, 1089)
    XCTAssertTrue(
      source.notices.contains { "\($0)" == "left out: 1 more file of \(folder)/images" },
      "\(source.notices)")
    try FileManager.default.removeItem(atPath: "\(train)/1011.img")
    try write([1], "images/train/1011.img")
    XCTAssertThrowsError(try openImages()) {
      XCTAssertTrue("\($0)".contains("more than 11 of 1100 images"), "\($0)")
    }
  }

  func testAPreparationIsReadAsItIsWritten() throws {
    for (text, preparation) in [
      ("size=7 crop grey", ImagePreparation(size: 7, crops: true, isGrey: true)),
      ("crop", ImagePreparation(crops: true)), ("grey", ImagePreparation(isGrey: true)),
      ("size=4096", ImagePreparation(size: 4096)),
    ] {
      XCTAssertEqual(preparation.text, text)
      XCTAssertEqual(try ImagePreparation(parsing: text), preparation)
    }
    XCTAssertNil(ImagePreparation().text)
    XCTAssertEqual(try ImagePreparation(parsing: "grey size=3"), .init(size: 3, isGrey: true))
  }
}

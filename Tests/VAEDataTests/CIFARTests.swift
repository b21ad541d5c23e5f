import Foundation
import VAEData
import XCTest

/// CIFAR's binary files.
final class CIFARTests: DataTestCase {
  /// A record whose red bytes count up, whose green ones are the label, and whose blue ones 200.
  private func record(_ labels: [UInt8]) -> [UInt8] {
    labels + (0..<1024).map { UInt8(truncatingIfNeeded: $0) }
      + [UInt8](repeating: labels[labels.count - 1], count: 1024)
      + [UInt8](repeating: 200, count: 1024)
  }

  private func writeTen(_ name: String = "cifar") throws {
    for batch in 1...5 {
      try write(
        record([UInt8(batch)]) + record([UInt8(batch + 4)]), "\(name)/data_batch_\(batch).bin")
    }
    try write(record([0]), "\(name)/test_batch.bin")
  }

  private func open(
    _ name: String, _ preparation: ImagePreparation? = nil, cache: String? = nil
  ) throws -> DataSource {
    try DataSource.open(
      "\(folder)/\(name)",
      images: ImageFolderOptions(decoder: TestDecoder(), preparation: preparation, cache: cache))
  }

  func testAFolderHasItsBatchesInOrderWithLabels() throws {
    try writeTen()
    let source = try DataSource.open("\(folder)/cifar")
    XCTAssertEqual(source.shape, ImageShape(height: 32, width: 32, channels: 3))
    XCTAssertEqual(source.train.labels, [1, 5, 2, 6, 3, 7, 4, 8, 5, 9])
    XCTAssertEqual(source.test?.labels, [0])
    XCTAssertEqual(source.rule, "bytes/255")
    XCTAssertEqual(source.train.classes, [])
    XCTAssertEqual(source.notices, [])
    let image = values(source.train, [3]).map { Int(($0 * 255).rounded()) }
    // Channels last: the second pixel, and the first of the second row.
    XCTAssertEqual(Array(image[3..<6]), [1, 6, 200])
    XCTAssertEqual(Array(image[96..<99]), [32, 6, 200])
  }

  func testClassesHaveTheNamesOfTheMetaFile() throws {
    try writeTen()
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship"]
    try write(Array((names.joined(separator: "\n") + "\ntruck\n\n").utf8), "cifar/batches.meta.txt")
    XCTAssertEqual(try DataSource.open("\(folder)/cifar").train.classes, names + ["truck"])
    try write(Array("airplane\n".utf8), "cifar/batches.meta.txt")
    XCTAssertEqual(try DataSource.open("\(folder)/cifar").train.classes, [])
  }

  func testAHundredClassesAreTheFineLabels() throws {
    try write(record([19, 99]) + record([0, 7]), "hundred/train.bin")
    try write(record([3, 12]), "hundred/test.bin")
    let source = try DataSource.open("\(folder)/hundred")
    XCTAssertEqual(source.train.labels, [99, 7])
    XCTAssertEqual(source.test?.labels, [12])
  }

  func testAHundredClassesHaveTheNamesOfTheirOwnFile() throws {
    try write(record([19, 99]) + record([0, 7]), "hundred/train.bin")
    let names = (0..<100).map { "class \($0)" }
    try write(Array(names.joined(separator: "\n").utf8), "hundred/fine_label_names.txt")
    try write(Array(names.prefix(10).joined(separator: "\n").utf8), "hundred/batches.meta.txt")
    XCTAssertEqual(try DataSource.open("\(folder)/hundred").train.classes, names)
    try write(Array(names.prefix(20).joined(separator: "\n").utf8), "hundred/fine_label_names.txt")
    XCTAssertEqual(try DataSource.open("\(folder)/hundred").train.classes, [])
  }

  func testOneFileTrains() throws {
    try write(record([4]) + record([2]), "one.bin")
    let source = try DataSource.open("\(folder)/one.bin")
    XCTAssertEqual(source.train.labels, [4, 2])
    XCTAssertNil(source.test)
    try write(record([1, 40]), "other.bin")
    XCTAssertEqual(try DataSource.open("\(folder)/other.bin").train.labels, [40])
  }

  func testMissingBatchesAreSaid() throws {
    try write(record([4]), "part/data_batch_1.bin")
    let source = try DataSource.open("\(folder)/part")
    XCTAssertEqual(source.train.count, 1)
    XCTAssertTrue(
      source.notices.contains { $0.description.contains("1 of the 5 files") }, "\(source.notices)")
  }

  func testImagesArePreparedAsThoseOfFolders() throws {
    try writeTen()
    let source = try open("cifar", ImagePreparation(size: 16, isGrey: true))
    XCTAssertEqual(source.shape, ImageShape(height: 16, width: 16, channels: 1))
    XCTAssertEqual(source.preparation, "size=16 grey")
    XCTAssertEqual(source.train.count, 10)
    // Luma of (red, 1, 200), then the mean of red 0, 1, 32 and 33.
    let mean = [0, 1, 32, 33].map { (19595 * $0 + 38470 + 7471 * 200 + 32768) >> 16 }.reduce(0, +)
    XCTAssertEqual(values(source.train)[0] * 255, (Float(mean) / 4).rounded(), accuracy: 1e-3)
    XCTAssertEqual(dataError { try open("cifar", cache: folder) }?.kind, .unusable)
  }

  func testFilesThatAreNoWholeRecordsAreRefused() throws {
    try writeTen()
    try write(Array(record([1]).dropLast()), "cifar/data_batch_3.bin")
    assertRefused("\(folder)/cifar", naming: ["data_batch_3.bin", "3072 bytes", "3073"])
    try write([1, 2, 3], "odd.bin")
    assertRefused("\(folder)/odd.bin", naming: ["3 bytes", "3073 or 3074"])
    try write([], "empty.bin")
    assertRefused("\(folder)/empty.bin", naming: ["is empty"])
  }

  func testLabelsBeyondTheClassesAreRefusedNamingTheRecord() throws {
    try writeTen()
    try write(record([3]) + record([10]), "cifar/data_batch_2.bin")
    assertRefused(
      "\(folder)/cifar", naming: ["data_batch_2.bin", "label 10 in record 1", "0 to 9"])
    try write(record([20, 0]), "hundred/train.bin")
    assertRefused("\(folder)/hundred", naming: ["label 20 in record 0", "0 to 19"])
  }

  func testTheVersionForPythonIsRecognised() throws {
    try write([0x80, 2], "python/data_batch_1")
    assertRefused("\(folder)/python", kind: .unusable, naming: ["binary version"])
  }

  func testTheRuleOfBinaryDataIsRefused() throws {
    try writeTen()
    assertRefused("\(folder)/cifar", rule: "binary", kind: .unusable, naming: ["binary"])
  }

  func testTheRecordsOfTrainBinTellTheSet() throws {
    try write(record([4]) + record([2]), "ten/train.bin")
    try write(record([9]), "ten/test.bin")
    let ten = try DataSource.open("\(folder)/ten")
    XCTAssertEqual(ten.train.labels, [4, 2])
    XCTAssertEqual(ten.test?.labels, [9])
    try write(record([1, 40]) + record([1, 41]), "hundred/train.bin")
    XCTAssertEqual(try DataSource.open("\(folder)/hundred").train.labels, [40, 41])
  }

  func testCompressedFilesAreReadAsOthersAre() throws {
    let records = record([4]) + record([2]) + record([7])
    try write(TestFiles.gzip(records), "gz/data_batch_1.bin.gz")
    try write(TestFiles.gzip(record([9])), "gz/test_batch.bin.gz")
    let source = try DataSource.open("\(folder)/gz")
    let plain = try DataSource.open(try write(records, "plain.bin"))
    XCTAssertEqual(source.train.labels, [4, 2, 7])
    XCTAssertEqual(values(source.train), values(plain.train))
    XCTAssertEqual(source.test?.labels, [9])
    let one = try DataSource.open(try write(TestFiles.gzip(records), "one.bin.gz"))
    XCTAssertEqual(one.train.labels, [4, 2, 7])
    assertRefused(
      try write(TestFiles.gzip([1, 2, 3]), "odd.bin.gz"), naming: ["3 bytes", "3073 or 3074"])
  }
}

import VAEData
import XCTest

/// Folders of IDX files, and single ones.
final class IDXTests: DataTestCase {
  private let train = "train-images-idx3-ubyte"
  /// Four images of 2x3.
  private let pixels = (0..<24).map { UInt8($0 * 11) }

  private func images(_ count: Int = 4, height: Int = 2, width: Int = 3) -> [UInt8] {
    let size = count * height * width
    return TestFiles.idx([count, height, width], (0..<size).map { UInt8($0 * 11 % 256) })
  }

  // MARK: What is read

  func testBytesAreDividedBy255InTheOrderAskedFor() throws {
    try write(images(), train)
    let source = try DataSource.open(folder)
    XCTAssertEqual(source.name, folder)
    XCTAssertEqual(source.shape, ImageShape(height: 2, width: 3, channels: 1))
    XCTAssertEqual(source.shape.description, "2x3x1")
    XCTAssertEqual(source.train.count, 4)
    let expected = pixels.map { Float($0) / 255 }
    XCTAssertEqual(values(source.train), expected)
    XCTAssertEqual(
      values(source.train, [3, 0, 3]), Array(expected[18...] + expected[..<6] + expected[18...]))
    XCTAssertEqual(values(source.train, []), [])
    XCTAssertEqual(source.valueRange, .unit)
    XCTAssertEqual(source.rule, "bytes/255")
    XCTAssertEqual(source.ruleSentence, "bytes divided by 255")
    XCTAssertTrue(source.isDiscrete)
  }

  func testTrainingFilesAloneAreOneSplitWithoutLabelsOrFactors() throws {
    try write(images(), train)
    let source = try DataSource.open(folder)
    XCTAssertEqual(source.splits.map(\.name), ["train"])
    XCTAssertNil(source.train.labels)
    XCTAssertNil(source.train.factors)
  }

  func testEverySplitHasItsImagesAndLabels() throws {
    for (number, name) in ["train", "valid", "t10k"].enumerated() {
      try write(images(number + 1), "\(name)-images-idx3-ubyte")
      try write(
        TestFiles.idx([number + 1], (0...number).map { UInt8(10 * number + $0) }),
        "\(name)-labels-idx1-ubyte")
    }
    let source = try DataSource.open(folder + "/")
    XCTAssertEqual(source.splits.map(\.name), ["train", "valid", "test"])
    XCTAssertEqual(source.splits.map(\.count), [1, 2, 3])
    XCTAssertEqual(source.splits.map(\.labels), [[0], [10, 11], [20, 21, 22]])
    for split in source.splits {
      XCTAssertEqual(try source.split(named: split.name).count, split.count)
    }
  }

  func testTheTestSplitMayBeCalledTest() throws {
    try write(images(), train)
    try write(images(2), "test-images-idx3-ubyte")
    XCTAssertEqual(try DataSource.open(folder).test?.count, 2)
  }

  func testASplitThatIsNotThereIsRefusedListingTheOthers() throws {
    try write(images(), train)
    try write(images(2), "test-images-idx3-ubyte")
    let source = try DataSource.open(folder)
    XCTAssertThrowsError(try source.split(named: "valid")) { error in
      XCTAssertEqual(
        "\(error)",
        "\(self.folder) has no split valid; what it has: train, test; choose one by split")
    }
  }

  func testCompressedFilesHoldTheSame() throws {
    try write(images(), "plain/\(train)")
    try write(TestFiles.gzip(images()), "compressed/\(train).gz")
    try write(
      TestFiles.gzip(TestFiles.idx([4], [7, 0, 9, 2])), "compressed/train-labels-idx1-ubyte.gz")
    let source = try DataSource.open(folder + "/compressed")
    XCTAssertEqual(values(source.train), try values(DataSource.open(folder + "/plain").train))
    XCTAssertEqual(source.train.labels, [7, 0, 9, 2])
  }

  func testImagesLargerThanEveryBufferAreReadWhole() throws {
    let content = (0..<100 * 90 * 70).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
    try write(TestFiles.gzip(TestFiles.idx([100, 90, 70], content)), "\(train).gz")
    XCTAssertEqual(
      try values(DataSource.open(folder).train), content.map { Float($0) / 255 })
  }

  func testSeveralGzipMembersAreOneFile() throws {
    let file = images()
    try write(
      TestFiles.gzip(Array(file[..<9])) + TestFiles.gzip([]) + TestFiles.gzip(Array(file[9...])),
      "\(train).gz")
    XCTAssertEqual(try values(DataSource.open(folder).train), pixels.map { Float($0) / 255 })
  }

  func testAnUncompressedFileIsTakenBeforeACompressedOne() throws {
    try write(images(3), train)
    try write(TestFiles.gzip(images(4)), "\(train).gz")
    XCTAssertEqual(try DataSource.open(folder).train.count, 3)
  }

  func testColorImagesHaveTheirChannelsLast() throws {
    let content = (0..<2 * 3 * 2 * 3).map { UInt8($0) }
    try write(TestFiles.idx([2, 3, 2, 3], content), "train-images-idx4-ubyte")
    let source = try DataSource.open(folder)
    XCTAssertEqual(source.shape, ImageShape(height: 3, width: 2, channels: 3))
    XCTAssertEqual(values(source.train), content.map { Float($0) / 255 })
  }

  func testOneFileIsTheTrainingSplit() throws {
    let path = try write(images(), "pictures.idx")
    let compressed = try write(TestFiles.gzip(images()), "pictures.idx.gz")
    for path in [path, compressed] {
      let source = try DataSource.open(path)
      XCTAssertEqual(source.splits.map(\.name), ["train"])
      XCTAssertEqual(values(source.train), pixels.map { Float($0) / 255 })
    }
  }

  // MARK: The rule for values

  func testTrainingBytesOfZeroAndOneAreBinary() throws {
    try write(TestFiles.idx([2, 1, 2], [0, 1, 1, 1]), train)
    let source = try DataSource.open(folder)
    XCTAssertEqual(values(source.train), [0, 1, 1, 1])
    XCTAssertEqual(source.valueRange, .binary)
    XCTAssertEqual(source.rule, "binary")
    XCTAssertEqual(source.ruleSentence, "0 and 1 taken as binary")
    XCTAssertTrue(source.isDiscrete)
  }

  func testTrainingBytesDecideForTheOtherSplits() throws {
    try write(TestFiles.idx([1, 1, 2], [0, 2]), train)
    try write(TestFiles.idx([1, 1, 2], [0, 1]), "t10k-images-idx3-ubyte")
    let test = try XCTUnwrap(try DataSource.open(folder).test)
    XCTAssertEqual(values(test), [0, 1 / 255])
  }

  func testARuleFromTrainingIsUsedAgain() throws {
    try write(TestFiles.idx([1, 1, 2], [0, 1]), train)
    let source = try DataSource.open(folder, rule: "bytes/255")
    XCTAssertEqual(values(source.train), [0, 1 / 255])
    XCTAssertEqual(source.rule, "bytes/255")
    XCTAssertEqual(source.valueRange, .unit)
    XCTAssertEqual(try DataSource.open(folder, rule: "binary").rule, "binary")
    XCTAssertEqual(
      try DataSource.open(folder, rule: "floats").rule, "binary",
      "a rule for floats is none for bytes")
  }

  func testOtherBytesThanZeroAndOneAreRefusedWhereTheModelIsBinary() throws {
    try write(TestFiles.idx([2, 1, 2], [0, 1, 1, 17]), train)
    assertRefused(
      folder, rule: "binary", kind: .unusable,
      naming: [train + "[1, 0, 1] is 17", "trained on binary data"])
  }

  func testOtherBytesThanZeroAndOneAreRefusedBesideBinaryTrainingImages() throws {
    try write(TestFiles.idx([1, 1, 2], [0, 1]), train)
    try write(TestFiles.idx([1, 1, 2], [255, 0]), "valid-images-idx3-ubyte")
    assertRefused(
      folder, kind: .unusable,
      naming: ["valid-images-idx3-ubyte[0, 0, 0] is 255", train, "0 or 1"])
  }

  func testAnUnknownRuleIsRefusedListingTheKnownOnes() {
    XCTAssertThrowsError(try DataSource.open("shapes:32", rule: "bytes\n/256")) { error in
      XCTAssertEqual((error as? DataError)?.kind, .unusable)
      XCTAssertEqual(
        "\(error)",
        "\"bytes\\u{a}/256\" is no rule for reading values; there are binary, binary/255, bytes/255, floats, table"
      )
    }
  }

  func testBytesOf0And255AloneAreBinaryAndTheRuleSaysThatTheyWereDivided() throws {
    try write(TestFiles.idx([2, 1, 2], [0, 255, 255, 0]), train)
    try write(TestFiles.idx([1, 1, 2], [255, 255]), "t10k-images-idx3-ubyte")
    let source = try DataSource.open(folder)
    XCTAssertEqual(values(source.train), [0, 1, 1, 0])
    XCTAssertEqual(source.valueRange, .binary)
    XCTAssertEqual(source.rule, "binary/255")
    XCTAssertTrue(source.ruleSentence.contains("0 and 255"), source.ruleSentence)
    // A model's rule holds for other bytes, or refuses them.
    XCTAssertEqual(try DataSource.open(folder, rule: "bytes/255").valueRange, .unit)
    assertRefused(folder, rule: "binary", kind: .unusable, naming: ["is 255", "0 and 1"])
    // A split of other bytes widens the range of all, for their scale is the same.
    try write(TestFiles.idx([1, 1, 2], [255, 128]), "t10k-images-idx3-ubyte")
    let grey = try DataSource.open(folder)
    XCTAssertEqual(grey.rule, "bytes/255")
    XCTAssertEqual(grey.valueRange, .unit)
    assertRefused(
      folder, rule: "binary/255", kind: .unusable, naming: ["[0, 0, 1] is 128", "0 and 255"])
  }

  // MARK: Other places

  func testADotBeforeIdxIsReadAsTheHyphenIs() throws {
    try write(TestFiles.idx([2, 1, 2], [0, 51, 102, 7]), "train-images.idx3-ubyte")
    try write(TestFiles.idx([2], [3, 4]), "train-labels.idx1-ubyte")
    try write(
      TestFiles.gzip(TestFiles.idx([1, 1, 2], [204, 255])), "t10k-images.idx3-ubyte.gz")
    let source = try DataSource.open(folder)
    XCTAssertEqual(values(source.train), [0, 0.2, 0.4, 7 / 255])
    XCTAssertEqual(source.train.labels, [3, 4])
    XCTAssertEqual(source.test?.count, 1)
  }

  func testTheFoldersOfTorchvisionAreRead() throws {
    try write(TestFiles.idx([2, 1, 2], [0, 51, 102, 7]), "MNIST/raw/\(train)")
    for place in ["", "/MNIST", "/MNIST/raw"] {
      let source = try DataSource.open(folder + place)
      XCTAssertEqual(values(source.train), [0, 0.2, 0.4, 7 / 255], place)
      XCTAssertEqual(source.name, folder + place)
    }
    try write(TestFiles.idx([2, 1, 2], [0, 51, 102, 7]), "FashionMNIST/raw/\(train)")
    assertRefused(folder, kind: .unusable, naming: ["/MNIST/raw", "/FashionMNIST/raw"])
  }
}

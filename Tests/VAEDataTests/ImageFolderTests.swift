import Foundation
import Tensors
import VAEData
import XCTest

/// Splits, classes, damaged files and preparation of folders of images.
final class ImageFolderTests: DataTestCase {
  /// Writes images of the given names, the byte of each being its place.
  private func writeImages(_ names: [String], height: Int = 2, width: Int = 2) throws {
    for (number, name) in names.enumerated() {
      try write(TestDecoder.file(height, width, UInt8(number)), "images/\(name)")
    }
  }

  /// Runs a closure with several numbers of threads.
  private func withThreads(_ body: (Int) throws -> Void) rethrows {
    let before = Engine.threads
    defer { Engine.threads = before }
    for threads in [1, 2, 5] {
      Engine.threads = threads
      try body(threads)
    }
  }

  private func assertRefused(
    kind: DataFault, _ words: [String], line: UInt = #line, _ body: () throws -> DataSource
  ) {
    let error = dataError(body)
    XCTAssertEqual(error?.kind, kind, error?.description ?? "not refused", line: line)
    for word in words where error?.description.contains(word) != true {
      XCTFail("\"\(word)\" is not in: \(error?.description ?? "")", line: line)
    }
    XCTAssertFalse(error?.description.contains("\n") ?? false, line: line)
  }

  // MARK: Splits and classes

  func testFoldersAreSplitsAndFoldersBelowAreClassesInTheOrderOfTheirNames() throws {
    try writeImages([
      "train/wren/b.img", "train/wren/a.img", "train/Owl/x/deep.img", "train/jay/c.PNG",
      "val/jay/a.img", "test/zebra/a.img",
    ])
    let source = try openImages()
    XCTAssertEqual(source.train.classes, ["Owl", "jay", "wren", "zebra"])
    XCTAssertEqual(firstBytes(source.train), [2, 3, 1, 0])
    XCTAssertEqual(source.train.labels, [0, 1, 2, 2])
    XCTAssertEqual(source.validation?.labels, [1])
    XCTAssertEqual(source.test?.labels, [3])
    XCTAssertEqual(source.rule, "bytes/255")
    XCTAssertEqual(source.valueRange, .unit)
    XCTAssertNil(source.preparation)
  }

  func testAFolderTrainWithoutImagesIsNamedNotPassedOver() throws {
    try writeImages(["a.img", "b.img", "test/c.img"])
    try FileManager.default.createDirectory(
      atPath: folder + "/images/train/cats", withIntermediateDirectories: true)
    assertRefused(kind: .unusable, ["images", "a folder train without images", "a.img"]) {
      try openImages()
    }
    try writeImages(["train/cats/a.img"])
    try FileManager.default.removeItem(atPath: folder + "/images/a.img")
    try FileManager.default.removeItem(atPath: folder + "/images/b.img")
    XCTAssertEqual(try openImages().train.count, 1)
  }

  func testSplitsAndClassesWithoutImagesAreNamed() throws {
    try writeImages(["train/jay/a.img", "train/jay/b.img"])
    XCTAssertFalse("\(try openImages().notices)".contains("no images in"))
    for name in ["train/owl/deep/deeper", "valid", "other"] {
      try FileManager.default.createDirectory(
        atPath: folder + "/images/\(name)", withIntermediateDirectories: true)
    }
    let notices = "\(try openImages().notices)"
    XCTAssertTrue(
      notices.contains("no images in the folder train/owl and 1 other, which would make"), notices)
  }

  /// To Swift an accented letter equals a letter and an accent; to the system they are two names.
  func testNamesThatOnlyLookTheSameAreTwoClasses() throws {
    try writeImages(["train/caf\u{e9}/1.img", "train/cafe\u{301}/1.img", "train/\u{301}/1.img"])
    let source = try openImages()
    XCTAssertEqual(source.train.classes.map { Array($0.utf8).count }, [6, 5, 2])
    XCTAssertEqual(source.train.labels?.sorted(), [0, 1, 2])
  }

  func testASplitWithImagesOutsideOfFoldersHasNoClasses() throws {
    try writeImages(["train/a/1.img", "train/b/1.img", "test/1.img", "test/a/2.img"])
    let source = try openImages()
    XCTAssertEqual(source.train.labels, [0, 1])
    XCTAssertEqual(source.train.classes, ["a", "b"])
    XCTAssertNil(source.test?.labels)
    try write(TestDecoder.file(2, 2), "images/train/loose.img")
    let mixed = try openImages()
    XCTAssertNil(mixed.train.labels)
    XCTAssertEqual(mixed.train.classes, [])
  }

  func testWithoutTrainATenthBecomesTheTestSplitWhateverElseIsThere() throws {
    let names = (0..<40).map { "photo\($0).img" }
    try writeImages(names)
    let source = try openImages()
    XCTAssertEqual(source.train.count, 36)
    let test = firstBytes(source.test)
    XCTAssertEqual(test.count, 4)
    XCTAssertEqual(Set(test).union(firstBytes(source.train)), Set(0..<40))
    XCTAssertTrue(
      source.notices.contains { $0.description.contains("4 of its images are set apart as test") })
    XCTAssertNil(source.train.labels)
    // Where the folder lies does not matter.
    try FileManager.default.moveItem(atPath: "\(folder)/images", toPath: "\(folder)/moved")
    XCTAssertEqual(firstBytes(try openImages("moved").test), test)
  }

  func testFewImagesAllTrain() throws {
    try writeImages(["a.img", "b.img"])
    let source = try openImages()
    XCTAssertEqual(source.train.count, 2)
    XCTAssertNil(source.test)
  }

  func testImagesBesideTheSplitsAreRefused() throws {
    try writeImages(["train/a.img", "plane/b.img"])
    assertRefused(kind: .unusable, ["plane/b.img", "train, valid and test"]) { try openImages() }
  }

  func testHiddenAndOtherFilesAreLeftAlone() throws {
    try writeImages(["a.img", ".hidden.img", ".git/b.img", "notes.txt", "img"])
    XCTAssertEqual(firstBytes(try openImages().train), [0])
  }

  func testLinksAreFollowedButNotInCircles() throws {
    try writeImages(["train/a/1.img"])
    for (link, target) in [("images/train/a/up", "../.."), ("images/test", "train")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/\(link)", withDestinationPath: target)
    }
    let source = try openImages()
    XCTAssertEqual(source.train.count, 1)
    XCTAssertEqual(source.test?.count, 1)
  }

  func testAFolderOfHardlyAnyImagesIsRefusedBeforeAllOfItIsSeen() throws {
    // Two links in each folder to the next one: a million ways to the last.
    try writeImages(["train/a/1.img"])
    for level in 0..<20 {
      try write([], "images/train/\(level)/notes.txt")
      for name in ["x", "y"] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder)/images/train/\(level)/\(name)", withDestinationPath: "../\(level + 1)")
      }
    }
    assertRefused(kind: .unusable, ["images among its first", "give the folder"]) {
      try openImages()
    }
  }

  // MARK: Damaged files

  func testDamagedFilesAreNamedAndLeftOut() throws {
    try writeImages((10..<50).map { "train/c/\($0).img" })
    try write([1, 2, 3], "images/train/c/12.img")
    try write([], "images/train/c/20.img")
    try FileManager.default.createSymbolicLink(
      atPath: "\(folder)/images/train/c/99.img", withDestinationPath: "nowhere")
    XCTAssertEqual(mkfifo("\(folder)/images/train/c/98.img", 0o600), 0)
    try withThreads { threads in
      let source = try openImages(cache: "\(folder)/cache\(threads)")
      XCTAssertEqual(firstBytes(source.train), (0..<40).filter { $0 != 2 && $0 != 10 })
      XCTAssertEqual(source.train.labels?.count, 38)
      XCTAssertEqual(
        source.notices.map(\.description).filter { $0.hasPrefix("left out") },
        [
          "left out: \(folder)/images/train/c/12.img: no image",
          "left out: \(folder)/images/train/c/20.img: is empty",
          "left out: \(folder)/images/train/c/98.img: is neither a file nor a folder",
          "left out: \(folder)/images/train/c/99.img: does not exist",
        ])
    }
    // The cache remembers them.
    XCTAssertTrue(
      try openImages(cache: "\(folder)/cache1").notices.contains {
        $0.description.contains("20.img: is empty")
      }
    )
  }

  func testMoreDamagedFilesThanTheLimitAreRefusedNamingTheFirst() throws {
    try writeImages((10..<50).map { "\($0).img" })
    for number in [14, 15, 18, 20, 21, 22, 33, 34, 35, 40] {
      try write([1], "images/\(number).img")
    }
    try withThreads { threads in
      XCTAssertEqual(
        try openImages(cache: "\(folder)/cache\(threads)").splits.map(\.count).reduce(0, +), 30)
    }
    try write([1], "images/13.img")
    withThreads { _ in
      assertRefused(kind: .malformed, ["more than 10 of 40 images", "13.img: no image"]) {
        try openImages()
      }
    }
    XCTAssertFalse(FileManager.default.fileExists(atPath: "\(folder)/images.cache.npz"))
  }

  func testAtMostHalfOfFewFilesMayBeDamaged() throws {
    try writeImages(["a.img", "b.img", "c.img"])
    try write([1], "images/a.img")
    XCTAssertEqual(firstBytes(try openImages().train), [1, 2])
    try write([1], "images/b.img")
    assertRefused(kind: .malformed, ["more than 1 of 3 images", "a.img: no image"]) {
      try openImages()
    }
  }

  func testASplitOfDamagedFilesAloneIsRefused() throws {
    try writeImages(["train/a.img", "train/b.img", "test/c.img"])
    try write([1], "images/test/c.img")
    assertRefused(kind: .malformed, ["test split"]) { try openImages() }
  }

  func testTheFirstImageOfAnotherSizeIsNamedWithAnyNumberOfThreads() throws {
    try writeImages((10..<40).map { "train/\($0).img" })
    for number in [18, 19, 25] { try write(TestDecoder.file(3, 5), "images/train/\(number).img") }
    withThreads { _ in
      assertRefused(
        kind: .unusable, ["train/10.img has 2x2", "train/18.img has 5x3;", "size=N"]
      ) { try openImages() }
    }
  }

  func testControlCharactersOfNamesDoNotBreakTheLine() throws {
    try writeImages(["a.img", "b\nc.img", "d.img"])
    try write([1], "images/b\nc.img")
    let notices = try openImages().notices
    XCTAssertTrue(
      notices.contains { $0.description.hasSuffix("b\\u{a}c.img: no image") }, "\(notices)")
  }

  // MARK: Preparation

  func testCropKeepsTheMiddleSquare() throws {
    let pixels = (0..<15).map(UInt8.init)
    try write(TestDecoder.file(3, 5, pixels: pixels), "images/a.img")
    try write(TestDecoder.file(5, 3, pixels: pixels), "images/b.img")
    let source = try openImages("images", ImagePreparation(crops: true))
    XCTAssertEqual(source.shape, ImageShape(height: 3, width: 3, channels: 1))
    XCTAssertEqual(
      values(source.train).map { Int(($0 * 255).rounded()) },
      [1, 2, 3, 6, 7, 8, 11, 12, 13, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    XCTAssertEqual(source.preparation, "crop")
    // One pixel more lies on the right.
    try write(TestDecoder.file(3, 6, pixels: Array(0..<18)), "wide/a.img")
    let even = try openImages("wide", ImagePreparation(crops: true))
    XCTAssertEqual(Int((values(even.train)[0] * 255).rounded()), 1)
  }

  func testSmallerImagesAreMeansOfTheAreasThatTheirPixelsCover() throws {
    try write(TestDecoder.file(1, 3, pixels: [10, 40, 100]), "images/a.img")
    // Two pixels cover one and a half each: (10 + 40/2) / 1.5 and (40/2 + 100) / 1.5; both rows are
    // the one there is.
    let source = try openImages("images", ImagePreparation(size: 2))
    XCTAssertEqual(values(source.train).map { Int(($0 * 255).rounded()) }, [20, 80, 20, 80])
  }

  func testLargerImagesAreInterpolatedBetweenPixelCentres() throws {
    try write(TestDecoder.file(1, 2, pixels: [0, 100]), "images/a.img")
    let source = try openImages("images", ImagePreparation(size: 4))
    XCTAssertEqual(
      values(source.train).prefix(4).map { Int(($0 * 255).rounded()) }, [0, 25, 75, 100])
  }

  func testGreyIsTheLumaOfColours() throws {
    try write(
      TestDecoder.file(1, 4, channels: 3, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]),
      "images/a.img")
    let source = try openImages("images", ImagePreparation(isGrey: true))
    XCTAssertEqual(values(source.train).map { Int(($0 * 255).rounded()) }, [76, 150, 29, 9])
  }

  func testAllBecomeColoursWhereOneImageHasSome() throws {
    try writeImages((10..<30).map { "train/\($0).img" }, height: 1, width: 1)
    XCTAssertEqual(try openImages().shape.channels, 1)
    try write(TestDecoder.file(1, 1, channels: 3, pixels: [7, 8, 9]), "images/train/25.img")
    try withThreads { threads in
      let source = try openImages(cache: "\(folder)/cache\(threads)")
      XCTAssertEqual(source.shape.channels, 3)
      let bytes = values(source.train).map { Int(($0 * 255).rounded()) }
      XCTAssertEqual(Array(bytes[42..<51]), [14, 14, 14, 7, 8, 9, 16, 16, 16])
    }
  }

  func testTheRecordedPreparationIsRepeatedUnlessAnotherIsGiven() throws {
    try writeImages(["a.img", "b.img"], height: 4, width: 6)
    XCTAssertEqual(
      try openImages(recorded: "size=3 crop").shape, ImageShape(height: 3, width: 3, channels: 1))
    XCTAssertEqual(try openImages(recorded: "size=3 crop").preparation, "size=3 crop")
    XCTAssertEqual(
      try openImages("images", ImagePreparation(size: 5), recorded: "size=3 crop").preparation,
      "size=5")
    for text in ["size=0", "size=4097", "size=x", "turn", "crop\ngrey!"] {
      assertRefused(kind: .unusable, ["no preparation of images"]) {
        try openImages(recorded: text)
      }
    }
  }

  // MARK: What is no folder of images

  func testOptionsForImagesAreRefusedForOtherData() throws {
    try write(TestFiles.npy([1, 2, 2], [0, 1, 2, 3]), "images.npy")
    try write(TestFiles.idx([1, 2, 2], [0, 1, 2, 3]), "idx/train-images-idx3-ubyte")
    for name in ["\(folder)/images.npy", "\(folder)/idx", "shapes:32"] {
      for options in [
        ImageFolderOptions(decoder: TestDecoder(), preparation: ImagePreparation(size: 4)),
        ImageFolderOptions(decoder: TestDecoder(), cache: folder),
      ] {
        assertRefused(kind: .unusable, [name, "leave"]) {
          try DataSource.open(name, images: options)
        }
      }
      XCTAssertNoThrow(
        try DataSource.open(
          name, preparation: "size=4", images: ImageFolderOptions(decoder: TestDecoder())))
    }
  }

  func testWithoutADecoderFoldersOfImagesAreRefusedSayingWhatReadsThem() throws {
    try write([1], "images/a.jpeg")
    assertRefused(kind: .unusable, ["\(folder)/images", "vae-zoo", ".cache.npz"]) {
      try DataSource.open("\(folder)/images")
    }
  }

  func testAFolderWithoutImagesIsRefusedNamingWhatIsRead() throws {
    try write([1], "images/a.txt")
    assertRefused(
      kind: .unusable, ["\(folder)/images", "train-images-idx3-ubyte", "data_batch_1.bin", ".png"]
    ) { try openImages() }
  }

  func testAFolderThatCannotBeReadIsNamed() throws {
    try writeImages(["train/a.img"])
    let closed = "\(folder)/images/train/closed"
    try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: closed)
    defer {
      try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: closed)
    }
    try XCTSkipIf(FileManager.default.isReadableFile(atPath: closed), "root may read everything")
    assertRefused(kind: .unusable, [closed]) { try openImages() }
  }

  func testAStopIsHeardWhileImagesAreDecoded() throws {
    try writeImages((10..<60).map { "\($0).img" })
    let decoder = TestDecoder()
    let options = ImageFolderOptions(decoder: decoder) { done, total in
      XCTAssertEqual(total, 50)
      return done < 10
    }
    assertRefused(kind: .cancelled, ["\(folder)/images"]) {
      try DataSource.open("\(folder)/images", images: options)
    }
    XCTAssertLessThan(decoder.count.withLock { $0 }, 50)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder), ["images"])
  }

  // MARK: Black and white

  func testPicturesOf0And255AreBinaryAndThoseOf0And1AreNearlyBlack() throws {
    try write(TestDecoder.file(1, 3, pixels: [0, 255, 255]), "white/train/a.img")
    try write(TestDecoder.file(1, 3, pixels: [255, 0, 0]), "white/test/b.img")
    let white = try openImages("white")
    XCTAssertEqual(white.rule, "binary/255")
    XCTAssertEqual(white.valueRange, .binary)
    XCTAssertEqual(values(white.train), [0, 1, 1])
    try write(TestDecoder.file(1, 3, pixels: [0, 1, 1]), "dark/train/a.img")
    let dark = try openImages("dark")
    XCTAssertEqual(dark.rule, "bytes/255")
    XCTAssertEqual(values(dark.train), [0, 1 / 255, 1 / 255])
  }

  // MARK: What is not read, and what is set apart

  func testAnAutomaticSplitSetsExactlyATenthOfTheReadableImagesApart() throws {
    // 500 images of which no two are alike, and names that their place does not follow from.
    for number in 0..<500 {
      try write(
        TestDecoder.file(1, 2, pixels: [UInt8(number / 2), UInt8(number % 2)]),
        "images/\(number * 7919 % 500)-\(number).img")
    }
    let source = try openImages(cache: "\(folder)/cache")
    XCTAssertEqual(source.train.count, 450)
    XCTAssertEqual(source.test?.count, 50)
    func images(_ split: DataSplit?) -> Set<[Float]> {
      guard let split else { return [] }
      return Set((0..<split.count).map { values(split, [$0]) })
    }
    let test = images(source.test)
    XCTAssertEqual(images(source.train).union(test).count, 500)
    XCTAssertTrue(images(source.train).isDisjoint(with: test))
    // From the cache it is the same, and it hardly changes where images are added or damaged.
    XCTAssertEqual(images(try openImages(cache: "\(folder)/cache").test), test)
    try write(TestDecoder.file(1, 2, pixels: [255, 255]), "images/new.img")
    try write([1], "images/0-0.img")
    try write([1], "images/419-1.img")
    let changed = try openImages(cache: "\(folder)/cache")
    XCTAssertEqual(changed.train.count + (changed.test?.count ?? 0), 499)
    XCTAssertEqual(changed.test?.count, 49)
    XCTAssertGreaterThanOrEqual(images(changed.test).intersection(test).count, 46)
  }

  func testADamagedImageIsNeverTheWholeAutomaticSplit() throws {
    // Whichever of the twelve has the lowest hash, the split has one that can be read.
    for damaged in 10..<22 {
      try writeImages((10..<22).map { "\($0).img" })
      try write([1], "images/\(damaged).img")
      let source = try openImages(cache: "\(folder)/cache\(damaged)")
      XCTAssertEqual(source.train.count, 10)
      XCTAssertEqual(source.test?.count, 1)
      XCTAssertFalse(firstBytes(source.test).contains(damaged - 10))
    }
  }

  func testPicturesOfKindsThatAreNotReadAreCountedAndNamed() throws {
    try writeImages(["a.img", "b.img"])
    for name in ["x/2.webp", "x/1.WEBP", "3.bmp", ".4.bmp", "notes.txt"] {
      try write([1], "images/\(name)")
    }
    let notice = try openImages().notices.map(\.description).first { $0.contains("not read") }
    XCTAssertEqual(
      notice,
      "\(folder)/images: pictures of kinds that are not read: 1 .bmp (3.bmp), 2 .webp (the first is "
        + "x/1.WEBP); convert them to PNG or JPEG")
    try write([1], "others/a.tif")
    assertRefused(kind: .unusable, ["1 .tif (a.tif)", "convert"]) { try openImages("others") }
  }
}

import Foundation
import Tensors
import VAEData
import XCTest

/// When packed images are used, when they are made anew, and what a failure leaves behind.
final class ImageCacheTests: DataTestCase {
  private var cachePath: String { "\(folder)/images.cache.npz" }

  override func setUpWithError() throws {
    try super.setUpWithError()
    for number in 10..<32 {
      try write(
        TestDecoder.file(2, 3, channels: 3, UInt8(number)),
        "images/\(number % 2 == 0 ? "even" : "odd")/\(number).img")
    }
  }

  /// The files that are decoded when the folder is opened. The first image is decoded once more
  /// beforehand, to know the size of all.
  private func decoded(_ preparation: ImagePreparation? = nil, cache: String? = nil) throws -> Int {
    let decoder = TestDecoder()
    _ = try openImages("images", preparation, decoder: decoder, cache: cache)
    return decoder.count.withLock { $0 }
  }

  private func content(_ source: DataSource) -> [[Float]] { source.splits.map { values($0) } }

  func testASecondStartDecodesNothingAndGivesTheSame() throws {
    let first = try openImages()
    XCTAssertTrue(first.notices.contains { $0.description.contains(cachePath) })
    XCTAssertEqual(try decoded(), 0)
    let second = try openImages()
    XCTAssertEqual(content(second), content(first))
    for (one, other) in zip(first.splits, second.splits) {
      XCTAssertEqual(one.labels, other.labels)
      XCTAssertEqual(one.classes, other.classes)
    }
    XCTAssertEqual(second.train.classes, ["even", "odd"])
    XCTAssertFalse(second.notices.contains { $0.description.contains(cachePath) })
  }

  func testTheCacheIsTheSameWithAnyNumberOfThreads() throws {
    let before = Engine.threads
    defer { Engine.threads = before }
    var files: Set<Data> = []
    for threads in [1, 2, 7] {
      Engine.threads = threads
      try? FileManager.default.removeItem(atPath: cachePath)
      _ = try openImages()
      files.insert(try Data(contentsOf: URL(fileURLWithPath: cachePath)))
    }
    XCTAssertEqual(files.count, 1)
  }

  func testTheCacheIsAnArchiveThatOpensAsDataOfItsOwn() throws {
    let images = try openImages()
    let archive = try DataSource.open(cachePath)
    XCTAssertEqual(content(archive), content(images))
    XCTAssertEqual(archive.train.labels, images.train.labels)
    XCTAssertEqual(archive.train.classes, images.train.classes)
    XCTAssertEqual(archive.test?.labels, images.test?.labels)
  }

  func testAChangedFolderIsDecodedAnew() throws {
    let path = "\(folder)/images/even/12.img"
    XCTAssertEqual(try decoded(), 23)
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: path)
    XCTAssertEqual(try decoded(), 23, "another time")
    try write(TestDecoder.file(2, 3, channels: 3, 9), "images/even/99.img")
    XCTAssertEqual(try decoded(), 24, "one file more")
    try FileManager.default.removeItem(atPath: path)
    XCTAssertEqual(try decoded(), 23, "one file less")
    try FileManager.default.moveItem(
      atPath: "\(folder)/images/even/14.img", toPath: "\(folder)/images/odd/14.img")
    XCTAssertEqual(try decoded(), 23, "another class")
    XCTAssertEqual(try decoded(), 0)
  }

  func testEachPreparationHasACacheOfItsOwn() throws {
    let preparations: [ImagePreparation?] = [
      nil, ImagePreparation(size: 4), ImagePreparation(size: 4, crops: true),
      ImagePreparation(size: 5), ImagePreparation(isGrey: true),
    ]
    for preparation in preparations { XCTAssertEqual(try decoded(preparation), 23) }
    for preparation in preparations { XCTAssertEqual(try decoded(preparation), 0) }
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    XCTAssertEqual(
      files,
      [
        "images", "images-4-crop.cache.npz", "images-4.cache.npz", "images-5.cache.npz",
        "images-grey.cache.npz", "images.cache.npz",
      ])
  }

  func testAnotherFolderForTheCacheIsMadeAndTellsFoldersOfOneNameApart() throws {
    let cache = "\(folder)/packed"
    XCTAssertEqual(try decoded(cache: cache), 23)
    XCTAssertEqual(try decoded(cache: cache), 0)
    for number in 0..<3 {
      try write(TestDecoder.file(1, 1, UInt8(number)), "other/images/\(number).img")
    }
    let other = try openImages("other/images", cache: cache)
    XCTAssertEqual(firstBytes(other.train), [0, 1, 2])
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: cache).count, 2)
    XCTAssertFalse(FileManager.default.fileExists(atPath: cachePath))
    // A slash at the end, or a way around, does not make another one.
    XCTAssertEqual(try openImages("other/../other/images//", cache: cache).train.count, 3)
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: cache).count, 2)
  }

  func testNothingIsWrittenThroughALinkInPlaceOfACache() throws {
    let victim = try write(Array("precious".utf8), "victim")
    XCTAssertEqual(symlink(victim, cachePath), 0)
    let source = try openImages()
    XCTAssertTrue(
      source.notices.contains {
        "\($0)".contains("\(cachePath) cannot be written: it is a symbolic link")
      },
      "\(source.notices)")
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: victim)), Data("precious".utf8))
    XCTAssertEqual(try FileManager.default.destinationOfSymbolicLink(atPath: cachePath), victim)
  }

  func testAFileThatIsNoCacheIsLeftAlone() throws {
    for content in [
      Array("precious".utf8),
      TestFiles.zip([.init("train", TestFiles.npy([1, 2, 2], [1, 2, 3, 4]))]),
    ] {
      try write(content, "images.cache.npz")
      for _ in 0..<2 {
        let source = try openImages()
        XCTAssertEqual(source.train.count, 20)
        XCTAssertTrue(
          source.notices.contains {
            "\($0)".contains(
              "\(cachePath) cannot be written: what is there is no cache of this program")
          },
          "\(source.notices)")
        XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: cachePath)), Data(content))
      }
    }
  }

  func testImagesOfAFolderThatARecordNamesAreNotWrittenBesideIt() throws {
    let source = try openImages(keepsImages: false)
    XCTAssertEqual(source.train.count, 20)
    XCTAssertTrue(source.notices.contains { "\($0)".contains("are not kept") }, "\(source.notices)")
    XCTAssertFalse(FileManager.default.fileExists(atPath: cachePath))
    // One that is there serves.
    _ = try openImages()
    let decoder = TestDecoder()
    _ = try openImages(decoder: decoder, keepsImages: false)
    XCTAssertEqual(decoder.count.withLock { $0 }, 0)
  }

  func testAFolderThatBecomesMuchMoreThanItsFilesIsRefusedBeforeAllAreDecoded() throws {
    struct Large: ImageDecoder {
      let count = Lock(0)
      var endings: [String] { ["img"] }
      func decode(_ file: [UInt8], atLeast side: Int?) throws -> DecodedImage {
        count.withLock { $0 += 1 }
        let shape = ImageShape(height: 4096, width: 4096, channels: 1)
        return DecodedImage(shape: shape, bytes: [UInt8](repeating: file[6], count: shape.count))
      }
    }
    let decoder = Large()
    let error = dataError {
      try DataSource.open("\(folder)/images", images: ImageFolderOptions(decoder: decoder))
    }
    XCTAssertEqual(error?.kind, .unusable)
    XCTAssertTrue(
      error?.description.contains("beyond the limit inflation_ratio of 250 times") ?? false,
      error?.description ?? "")
    XCTAssertEqual(decoder.count.withLock { $0 }, 1)
    XCTAssertFalse(FileManager.default.fileExists(atPath: cachePath))
  }

  func testPicturesThatAreEnlargedAreNoMoreThanTheyWere() throws {
    // 22 images of 2048×2048 pixels in colour would be beyond the ratio.
    let preparation = ImagePreparation(size: 2048, crops: false, isGrey: false)
    XCTAssertEqual(try openImages("images", preparation).train.shape.height, 2048)
    try FileManager.default.removeItem(atPath: "\(folder)/images-2048.cache.npz")
  }

  func testFilesOfAbsurdSizesAreNoTrap() throws {
    // Some file systems make files of so many bytes, of which none is there.
    var made = 0
    for number in 0..<2 {
      let path = try write([], "images/huge\(number).img")
      made += truncate(path, 7 << 60) == 0 ? 1 : 0
    }
    let result = Result { try openImages() }
    // What cannot be read is left out and named.
    XCTAssertNotNil(try? result.get(), "\(made) files: \(result)")
  }

  func testWhatAKilledProcessLeftBesideTheCacheGoes() throws {
    let left = try write([1, 2, 3], ".tmp-vae-zoo-0123456789abcdef")
    _ = try openImages()
    XCTAssertFalse(FileManager.default.fileExists(atPath: left))
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
      ["images", "images.cache.npz"])
  }

  func testADamagedCacheIsNamedAndMadeAnew() throws {
    let truth = content(try openImages())
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: cachePath)))
    var damages = [0, 100, whole.count / 2, whole.count - 1].map { Array(whole.prefix($0)) }
    // In the header of an array, among its bytes, and in the key.
    let key = try XCTUnwrap(whole.firstRange(of: Array("cache_key".utf8))).lowerBound
    for position in [70, 400, key + 170] {
      var flipped = whole
      flipped[position] ^= 4
      damages.append(flipped)
    }
    for (number, damaged) in damages.enumerated() {
      try Data(damaged).write(to: URL(fileURLWithPath: cachePath))
      let source = try openImages()
      XCTAssertEqual(content(source), truth, "\(number)")
      XCTAssertTrue(
        source.notices.contains {
          $0.description.contains(cachePath) && $0.description.contains("made anew")
        },
        "\(number): \(source.notices)")
      XCTAssertTrue(
        try Data(contentsOf: URL(fileURLWithPath: cachePath)).elementsEqual(whole), "\(number)")
    }
  }

  func testWhereNoCacheCanBeKeptTheImagesAreReadEvenSo() throws {
    // A folder in its place.
    try FileManager.default.createDirectory(
      atPath: cachePath + "/x", withIntermediateDirectories: true)
    let source = try openImages()
    XCTAssertEqual(source.train.count, 20)
    XCTAssertTrue(
      source.notices.contains {
        $0.description.contains("cannot be written") && $0.description.contains("a cache")
      },
      "\(source.notices)")
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
      ["images", "images.cache.npz"], "a part was left behind")
  }

  func testACacheThatWasAskedForAndCannotBeKeptIsAnError() throws {
    let file = try write([1], "file")
    for cache in [file, "\(folder)/no/where"] {
      let decoder = TestDecoder()
      let error = dataError { try openImages("images", decoder: decoder, cache: cache) }
      XCTAssertEqual(error?.kind, .unwritable)
      XCTAssertTrue(error?.description.contains(cache) ?? false, error?.description ?? "")
      XCTAssertEqual(decoder.count.withLock { $0 }, 0, "images were decoded before")
    }
  }

  func testAnOldCacheStaysWhereTheNewOneCannotBeWritten() throws {
    _ = try openImages()
    let old = try Data(contentsOf: URL(fileURLWithPath: cachePath))
    try write(TestDecoder.file(2, 3, channels: 3, 9), "images/even/99.img")
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    let before = limit
    let action = signal(SIGXFSZ, SIG_IGN)
    limit.rlim_cur = 200
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    let result = Result { try openImages() }
    limit = before
    setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    signal(SIGXFSZ, action)
    let notices = try result.get().notices
    XCTAssertTrue(notices.contains { $0.description.contains("cannot be written") }, "\(notices)")
    XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: cachePath)), old)
    XCTAssertEqual(
      try FileManager.default.contentsOfDirectory(atPath: folder).sorted(),
      ["images", "images.cache.npz"], "a part was left behind")
  }
}

import VAEData
import VAEFiles
import XCTest

/// Small files that ask for much are refused before they get it, with the limit and how to raise it.
final class InputLimitTests: DataTestCase {
  private var before = InputLimits.current

  override func setUpWithError() throws {
    try super.setUpWithError()
    before = .current
  }

  override func tearDownWithError() throws {
    for name in InputLimits.names { try before[name].map { try InputLimits.set(name, to: $0) } }
    try super.tearDownWithError()
  }

  /// The bytes of an array that inflate to more than may be taken unseen.
  private func zeros(beyond floor: Int = InputLimits.alwaysInflated) -> (
    sizes: [Int], content: [UInt8]
  ) {
    let count = floor / 4096 + 1
    return ([count, 64, 64], [UInt8](repeating: 0, count: count * 4096))
  }

  func testAnArchiveThatInflatesTooMuchIsRefusedBeforeItsMemoryIsTaken() throws {
    let (sizes, content) = zeros()
    let bomb = TestFiles.zip([.init("train", TestFiles.npy(sizes, content)).deflated])
    XCTAssertLessThan(bomb.count, 1 << 20)
    let path = try write(bomb, "bomb.npz")
    assertRefused(
      path, kind: .unusable, naming: ["train", "inflation_ratio", "the limit inflation_ratio=10"])
    // What the user allows is not refused for this any more.
    try InputLimits.set("inflation_ratio", to: 1032)
    try InputLimits.set("inflated_bytes", to: 1 << 27)
    assertRefused(
      path, kind: .unusable, naming: ["train", "inflated_bytes=\(content.count + 128)"])
  }

  func testWhatTheAdviceSaysLetsAFileThrough() throws {
    let array = TestFiles.npy([9, 8, 8], [UInt8](repeating: 0, count: 576))
    let archive = try write(TestFiles.zip([.init("train", array).deflated]), "a.npz")
    let idx = try write(
      TestFiles.gzip(TestFiles.idx([9, 8, 8], [UInt8](repeating: 0, count: 576))),
      "train-images-idx3-ubyte.gz")
    for (path, size) in [(archive, array.count), (idx, 576 + 16)] {
      try InputLimits.set("inflated_bytes", to: 100)
      assertRefused(path, kind: .unusable, naming: ["the limit inflated_bytes=\(size)"])
      try InputLimits.set("inflated_bytes", to: size)
      XCTAssertEqual(try DataSource.open(path).train.count, 9)
    }
  }

  func testACompressedIDXFileIsHeldToTheSameLimits() throws {
    let (sizes, content) = zeros()
    let path = try write(
      TestFiles.gzip(TestFiles.idx(sizes, content)), "train-images-idx3-ubyte.gz")
    assertRefused(path, kind: .unusable, naming: ["the limit inflation_ratio=10"])
  }

  func testWhatIsNotCompressedIsNeverTooMuch() throws {
    try InputLimits.set("inflated_bytes", to: 1)
    try InputLimits.set("inflation_ratio", to: 1)
    let array = TestFiles.npy([2, 3, 3], [UInt8](repeating: 7, count: 18))
    XCTAssertEqual(try DataSource.open(write(array, "a.npy")).train.count, 2)
    let archive = TestFiles.zip([.init("train", array)])
    XCTAssertEqual(try DataSource.open(write(archive, "a.npz")).train.count, 2)
  }

  func testSparseImagesOfAUsualSizeInflateByAnyRatio() throws {
    let array = TestFiles.npy([1000, 64, 64], [UInt8](repeating: 0, count: 1000 * 4096))
    let archive = TestFiles.zip([.init("train", array).deflated])
    XCTAssertGreaterThan(array.count / archive.count, 500)
    XCTAssertEqual(try DataSource.open(write(archive, "sparse.npz")).train.count, 1000)
  }

  func testAnArchiveOfTooManyMembersIsRefused() throws {
    try InputLimits.set("archive_members", to: 3)
    let array = TestFiles.npy([1, 2, 2], [1, 2, 3, 4])
    func archive(_ count: Int) -> [UInt8] {
      TestFiles.zip([.init("train", array)] + (1..<count).map { .init("a\($0)", array) })
    }
    XCTAssertEqual(try DataSource.open(write(archive(3), "three.npz")).train.count, 1)
    let path = try write(archive(4), "four.npz")
    assertRefused(path, kind: .unusable, naming: ["archive_members", "more than 3"])
  }

  func testNamesOutOfFilesAreShownAsTheyAre() throws {
    let array = TestFiles.npy([1, 2, 2], [1, 2, 3, 4])
    let path = try write(TestFiles.zip([.init("\u{1b}[31m\u{202e}", array)]), "names.npz")
    assertRefused(path, naming: ["\"\\u{1b}[31m\\u{202e}\""])
    let header = try write(TestFiles.npy(header: "{\u{9b}\u{7f}", []), "header.npy")
    assertRefused(header, naming: ["{\\u{9b}\\u{7f}"])
  }
}

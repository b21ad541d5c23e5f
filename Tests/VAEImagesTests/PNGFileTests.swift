import Foundation
import VAEFiles
import VAEImages
import XCTest

final class PNGFileTests: XCTestCase {
  private var folder = URL(fileURLWithPath: "/")

  override func setUpWithError() throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("PNGFileTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
  }

  override func tearDownWithError() throws {
    try FileManager.default.removeItem(at: folder)
  }

  private let image = PixelImage(width: 2, height: 1, channels: 1, pixels: [3, 250])

  private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  func testAWrittenFileHoldsThePictureAndLeavesNothingBeside() throws {
    try image.writePNG(to: path("picture.png"))
    XCTAssertEqual(
      try PixelImage(png: [UInt8](Data(contentsOf: URL(fileURLWithPath: path("picture.png"))))),
      image)
    XCTAssertEqual(try names(), ["picture.png"])
  }

  func testAFileThatStoodThereIsReplaced() throws {
    try Data("older".utf8).write(to: URL(fileURLWithPath: path("picture.png")))
    try image.writePNG(to: path("picture.png"))
    XCTAssertEqual(
      try [UInt8](Data(contentsOf: URL(fileURLWithPath: path("picture.png")))),
      try image.pngData())
    XCTAssertEqual(try names(), ["picture.png"])
  }

  func testAMissingFolderIsReportedWithThePath() {
    let target = path("missing/picture.png")
    XCTAssertThrowsError(try image.writePNG(to: target)) { error in
      XCTAssertEqual("\(error)", "cannot write \(target): the folder it belongs to does not exist")
    }
  }

  func testAPathThroughAFileIsReportedWithThePath() throws {
    try Data().write(to: URL(fileURLWithPath: path("file")))
    let target = path("file/picture.png")
    XCTAssertThrowsError(try image.writePNG(to: target)) { error in
      XCTAssertEqual("\(error)", "cannot write \(target): Not a directory")
    }
  }

  func testAFolderAtThePathIsKept() throws {
    try FileManager.default.createDirectory(
      atPath: path("folder"), withIntermediateDirectories: false)
    XCTAssertThrowsError(try image.writePNG(to: path("folder"))) { error in
      XCTAssertEqual(
        error as? FileError,
        FileError(.unwritable, "write", path("folder"), "it is not a file"))
    }
    XCTAssertEqual(try names(), ["folder"])
  }

  func testAPipeAtThePathIsKept() throws {
    XCTAssertEqual(mkfifo(path("pipe"), 0o600), 0)
    XCTAssertThrowsError(try image.writePNG(to: path("pipe"))) { error in
      XCTAssertEqual(
        error as? FileError,
        FileError(.unwritable, "write", path("pipe"), "it is not a file"))
    }
    XCTAssertEqual(try names(), ["pipe"])
  }
}

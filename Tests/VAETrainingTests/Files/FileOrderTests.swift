import Foundation
import Synchronization
import VAEFiles
import XCTest

/// The order in which files are changed, so that a machine that stops in between leaves what is whole.
final class FileOrderTests: FilesTestCase {
  /// The changes of a closure in words, with names in place of paths and of random names.
  private func changes(_ body: () throws -> Void) throws -> [String] {
    let found = Mutex<[DurableFiles.Change]>([])
    try DurableFiles.withChanges(
      announcedTo: { change in found.withLock { $0.append(change) } }, body)
    func name(_ path: String) -> String {
      let name = DurableFiles.name(of: path)
      return path == folder ? "folder" : name.hasPrefix(".tmp-") ? "temporary" : name
    }
    return found.withLock { $0 }.map { change in
      switch change {
      case .create(let path): "create \(name(path))"
      case .write(let path): "write \(name(path))"
      case .truncate(let path): "truncate \(name(path))"
      case .synchronize(let path): "synchronize \(name(path))"
      case .link(let path): "link \(name(path))"
      case .makeFolder(let path): "make folder \(name(path))"
      case .rename(let path, let target): "rename \(name(path)) to \(name(target))"
      case .removeFile(let path): "remove \(name(path))"
      case .removeFolder(let path): "remove folder \(name(path))"
      }
    }
  }

  private func opened() throws -> Folder { try Folder(opening: folder) }

  func testAFileIsOnTheDiskBeforeItHasItsName() throws {
    let expected = [
      "create temporary", "write temporary", "synchronize temporary", "rename temporary to file",
      "synchronize folder",
    ]
    XCTAssertEqual(
      try changes { try DurableFiles.replace(path("file"), with: [1]) }, expected)
    XCTAssertEqual(try changes { try opened().replace("file", with: [2]) }, expected)
  }

  func testSeveralFilesAreAllOnTheDiskBeforeTheFirstHasItsName() throws {
    XCTAssertEqual(
      try changes {
        try opened().replace([(name: "one", bytes: [1]), (name: "two", bytes: [2])])
      },
      [
        "create temporary", "write temporary", "create temporary", "write temporary",
        "synchronize temporary", "synchronize temporary", "rename temporary to one",
        "rename temporary to two", "synchronize folder",
      ])
    XCTAssertEqual(try snapshot(), ["one": "\u{1}", "two": "\u{2}"])
  }

  func testManyFilesAreReplacedFewAtATime() throws {
    let files = (0..<70).map { (name: "f\($0)", bytes: [UInt8($0)]) }
    let changes = try changes { try opened().replace(files) }
    let firstRename = changes.firstIndex { $0.hasPrefix("rename") } ?? 0
    XCTAssertEqual(changes[..<firstRename].filter { $0.hasPrefix("create") }.count, 64)
    XCTAssertEqual(changes.filter { $0.hasPrefix("rename") }.count, 70)
    XCTAssertEqual(changes.filter { $0 == "synchronize folder" }.count, 1)
    for file in files { XCTAssertEqual(try opened().read(file.name), file.bytes) }
  }

  func testALineIsOnTheDiskAndTheFolderIsWaitedForWhereTheFileIsNew() throws {
    XCTAssertEqual(
      try changes { try opened().append("lines", [65]) },
      ["create lines", "write lines", "synchronize lines", "synchronize folder"])
    XCTAssertEqual(
      try changes { try opened().append("lines", [66]) },
      ["create lines", "write lines", "synchronize lines"])
    XCTAssertEqual(
      try changes { try opened().truncate("lines", to: 1) },
      ["truncate lines", "synchronize lines"])
    XCTAssertEqual(try text("lines"), "A")
  }

  func testAFileOfAFolderThatIsPublishedIsOnTheDiskUnderItsOwnName() throws {
    XCTAssertEqual(
      try changes { try opened().create("file", [1]) },
      ["create file", "write file", "synchronize file"])
    XCTAssertEqual(
      try changes { try DurableFiles.makeFolder(path("inner")) },
      ["make folder inner", "synchronize folder"])
    XCTAssertEqual(
      try changes { try opened().publish("inner", as: "final") },
      ["rename inner to final", "synchronize folder"])
    XCTAssertEqual(
      try changes { try opened().link("latest", to: "final") },
      ["link temporary", "rename temporary to latest", "synchronize folder"])
  }

  func testAFolderIsRemovedAfterWhatItHolds() throws {
    try write("x", "tree/inner/file")
    XCTAssertEqual(
      try changes { try opened().removeTree("tree") },
      ["remove file", "remove folder inner", "remove folder tree"])
    XCTAssertEqual(try changes { try opened().remove("missing") }, [])
  }

  /// A line is never written into a file that another name leads to.
  func testAFileOfTwoNamesIsCopiedBeforeItGrows() throws {
    try write("old", "file")
    XCTAssertEqual(link(path("file"), path("other")), 0)
    try opened().append("file", Array("+".utf8))
    XCTAssertEqual(try snapshot(), ["file": "old+", "other": "old"])
    try write("whole", "long")
    XCTAssertEqual(link(path("long"), path("kept")), 0)
    try opened().truncate("long", to: 2)
    XCTAssertEqual(try text("long"), "wh")
    XCTAssertEqual(try text("kept"), "whole")
  }
}

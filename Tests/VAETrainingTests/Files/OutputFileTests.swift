import Foundation
import Synchronization
import VAEFiles
import VAETraining
import XCTest

/// The one way in which files are written: temporary names, modes, owners, links, leftovers.
final class OutputFileTests: FilesTestCase {
  private func status(_ name: String) throws -> stat {
    var status = stat()
    XCTAssertEqual(lstat(path(name), &status), 0, name)
    return status
  }

  private func mode(_ name: String) throws -> mode_t { try status(name).st_mode & 0o7777 }

  // MARK: Content

  func testAFileIsThereWhenItIsCompleteAndNotBefore() throws {
    let file = try OutputFile(replacing: path("file"))
    for part in 0..<100 { try file.write([UInt8](repeating: UInt8(part), count: 1000)) }
    XCTAssertFalse(DurableFiles.exists(path("file")))
    try file.commit()
    XCTAssertEqual(
      try DurableFiles.read(path("file")), (0..<100).flatMap { [UInt8](repeating: $0, count: 1000) }
    )
    XCTAssertEqual(try names(""), ["file"])
  }

  func testWhatIsNotCompletedGoes() throws {
    try write("old", "file")
    do {
      let file = try OutputFile(replacing: path("file"))
      try file.write([1, 2, 3])
      XCTAssertEqual(try names("").count, 2)
    }
    XCTAssertEqual(try snapshot(), ["file": "old"])
  }

  func testTemporaryNamesCannotBeKnownBeforehand() throws {
    let found = Mutex<[String]>([])
    for _ in 0..<50 {
      try DurableFiles.withChanges(announcedTo: { change in
        if case .create(let path) = change { found.withLock { $0.append(path) } }
      }) { try DurableFiles.replace(path("file"), with: [1]) }
    }
    let names = found.withLock { $0 }
    XCTAssertEqual(names.count, 50)
    // Two names of one stem, such as the process's number, would share many characters.
    for (one, other) in zip(names, names.dropFirst()) {
      let random = zip(one.suffix(16), other.suffix(16)).filter { $0 != $1 }.count
      XCTAssertGreaterThan(random, 6, "\(one) \(other)")
    }
  }

  // MARK: Mode and owner

  func testSavingOverAFileKeepsItsMode() throws {
    for wanted in [0o600, 0o640, 0o644, 0o444, 0o755, 0o666] as [mode_t] {
      try write("old", "file")
      XCTAssertEqual(chmod(path("file"), wanted), 0)
      try DurableFiles.replace(path("file"), with: Array("new".utf8))
      XCTAssertEqual(try mode("file"), wanted)
      XCTAssertEqual(try text("file"), "new")
      try Folder(opening: folder).replace("file", with: [])
      XCTAssertEqual(try mode("file"), wanted)
      try FileManager.default.removeItem(atPath: path("file"))
    }
  }

  func testANewFileHasTheModeThatTheMaskLeaves() throws {
    for (mask, wanted) in [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)] as [(mode_t, mode_t)] {
      let old = umask(mask)
      defer { umask(old) }
      try DurableFiles.replace(path("\(mask)"), with: [1])
      try Folder(opening: folder).append("line\(mask)", [1])
      XCTAssertEqual(try mode("\(mask)"), wanted)
      XCTAssertEqual(try mode("line\(mask)"), wanted)
    }
  }

  func testSavingOverAFileKeepsItsOwnerWhereTheSystemAllows() throws {
    try XCTSkipIf(geteuid() != 0, "only a superuser may give files away")
    try write("old", "file")
    XCTAssertEqual(chown(path("file"), 12345, 23456), 0)
    XCTAssertEqual(chmod(path("file"), 0o664), 0)
    try DurableFiles.replace(path("file"), with: [1])
    XCTAssertEqual(try status("file").st_uid, 12345)
    XCTAssertEqual(try status("file").st_gid, 23456)
    XCTAssertEqual(try mode("file"), 0o664)
    // Who may not give it away keeps it, and gives its own group no more than everybody.
    XCTAssertEqual(chmod(folder, 0o777), 0)
    try withoutPrivileges { try DurableFiles.replace(path("file"), with: [2]) }
    XCTAssertEqual(try status("file").st_uid, 65534)
    XCTAssertEqual(try mode("file") & 0o7707, 0o604)
  }

  // MARK: Links

  func testALinkThatAUserNamedIsWrittenThrough() throws {
    try write("old", "there/file")
    XCTAssertEqual(chmod(path("there/file"), 0o600), 0)
    try makeFolder("links")
    XCTAssertEqual(symlink("../there/file", path("links/relative")), 0)
    XCTAssertEqual(symlink(path("there/file"), path("links/absolute")), 0)
    XCTAssertEqual(symlink("relative", path("links/chain")), 0)
    XCTAssertEqual(symlink("../there", path("links/folder")), 0)
    for name in ["relative", "absolute", "chain", "folder/file"] {
      try DurableFiles.replace(path("links/\(name)"), with: Array(name.utf8))
      XCTAssertEqual(try text("there/file"), name)
      XCTAssertEqual(try mode("there/file"), 0o600)
    }
    XCTAssertEqual(try names("there"), ["file"])
    XCTAssertEqual(try linkTarget("links/relative"), "../there/file")
    XCTAssertEqual(try linkTarget("links/absolute"), path("there/file"))
    XCTAssertEqual(try linkTarget("links/chain"), "relative")
    XCTAssertEqual(symlink("../there/new", path("links/dangling")), 0)
    try DurableFiles.replace(path("links/dangling"), with: [65])
    XCTAssertEqual(try text("there/new"), "A")
  }

  func testLinksThatLeadToNoFileAreRefused() throws {
    try makeFolder("folder")
    for (name, target) in [
      ("loop", "loop"), ("device", "/dev/null"), ("folder-link", "folder"),
      ("nowhere", "missing/file"),
    ] {
      XCTAssertEqual(symlink(target, path(name)), 0)
      assertFails(.unwritable, naming: [path(name)]) {
        try DurableFiles.replace(path(name), with: [1])
      }
      XCTAssertEqual(try linkTarget(name), target)
    }
    XCTAssertEqual(try names("folder"), [])
  }

  func testAFileThatHasLostItsNameIsNotTakenForAnother() throws {
    let file = open(path("gone"), O_RDWR | O_CREAT, 0o600)
    defer { close(file) }
    XCTAssertEqual(unlink(path("gone")), 0)
    try write("kept", "gone (deleted)")
    assertFails(.unwritable, naming: ["/proc/self/fd/\(file)"]) {
      try DurableFiles.replace("/proc/self/fd/\(file)", with: [1])
    }
    XCTAssertEqual(try text("gone (deleted)"), "kept")
  }

  func testInAFolderALinkIsRefused() throws {
    try write("kept", "outside")
    XCTAssertEqual(symlink("outside", path("link")), 0)
    assertFails(.malformed, naming: [path("link"), "symbolic link"]) {
      try Folder(opening: folder).replace("link", with: [1])
    }
    XCTAssertEqual(try text("outside"), "kept")
    XCTAssertEqual(try names(""), ["outside", "link"])
  }

  // MARK: Leftovers

  func testWhatKilledProcessesHaveLeftIsRemovedByTheNextThatWrites() throws {
    // A process that is killed while it writes.
    let isWhole = try SimulatedProcess(killedAfter: 2).run {
      try DurableFiles.replace(path("file"), with: [1, 2, 3])
    }
    XCTAssertFalse(isWhole)
    let left = try names("")
    XCTAssertEqual(left.count, 1)
    XCTAssertTrue(left.allSatisfy(OutputFile.isTemporary))
    let living = try OutputFile(replacing: path("other"))
    let others = [
      ".tmp-notes", ".tmp-vae-zoo-1", ".tmp-vae-zoo-0123456789abcdeg", "vae-zoo-0123456789abcdef",
    ]
    for name in others { try write("mine", name) }
    OutputFile.removeLeftovers(in: try Folder(opening: folder))
    XCTAssertEqual(try names("").subtracting(others).filter { left.contains($0) }, [])
    XCTAssertTrue(Set(others).isSubset(of: try names("")))
    // One that is being written at this moment stays.
    try living.write([65])
    try living.commit()
    XCTAssertEqual(try text("other"), "A")
  }

  func testTheFirstFileThatAProcessWritesToAFolderRemovesLeftovers() throws {
    try makeFolder("there")
    try write("left", "there/.tmp-vae-zoo-0123456789abcdef")
    XCTAssertEqual(symlink("../kept", path("there/.tmp-vae-zoo-0123456789abcdee")), 0)
    try write("kept", "kept")
    try DurableFiles.replace(path("there/file"), with: [1])
    XCTAssertEqual(try names("there"), ["file", ".tmp-vae-zoo-0123456789abcdee"])
    XCTAssertEqual(try text("kept"), "kept")
  }
}

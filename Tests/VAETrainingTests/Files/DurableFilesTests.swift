import Foundation
import Glibc
import Synchronization
import Tensors
import VAEFiles
import VAETraining
import XCTest

final class DurableFilesTests: FilesTestCase {
  private func opened() throws -> Folder { try Folder(opening: folder) }

  // MARK: Reading

  func testADeviceWithoutAnEndIsRefusedBeforeMemoryIsShort() throws {
    XCTAssertThrowsError(try DurableFiles.read("/dev/zero")) { error in
      XCTAssertTrue("\(error)".contains("beyond the limit"), "\(error)")
    }
    XCTAssertEqual(try DurableFiles.read("/dev/null"), [])
  }

  func testReadingGivesTheWholeFile() throws {
    for size in [0, 1, 65_535, 65_536, 3_000_001] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try Data(bytes).write(to: URL(fileURLWithPath: path("file")))
      XCTAssertEqual(try DurableFiles.read(path("file")), bytes)
      XCTAssertEqual(try DurableFiles.read(path("file"), limit: .bytes(size)), bytes)
    }
  }

  func testFilesWithoutASizeAreReadToTheirEnd() throws {
    XCTAssertTrue(
      String(decoding: try DurableFiles.read("/proc/self/status"), as: UTF8.self)
        .contains("\nVmRSS:"))
  }

  func testAFileBeyondTheLimitIsRefused() throws {
    try write("12345", "file")
    assertFails(.unreadable, naming: [path("file"), "5", "4"]) {
      try DurableFiles.read(path("file"), limit: .bytes(4))
    }
    assertFails(.unreadable, naming: ["/proc/self/status", "limit of 10"]) {
      try DurableFiles.read("/proc/self/status", limit: .bytes(10))
    }
    assertFails(.unreadable, naming: ["/dev/zero", "limit of 100000"]) {
      try DurableFiles.read("/dev/zero", limit: .bytes(100_000))
    }
  }

  func testATextBeyondItsLimitIsRefusedWithTheOneThatLetsItThrough() throws {
    try write("12345", "file")
    let before = InputLimits.current.textBytes
    defer { XCTAssertNoThrow(try InputLimits.set("text_bytes", to: before)) }
    try InputLimits.set("text_bytes", to: 4)
    assertFails(.unreadable, naming: [path("file"), "limit of 4", "text_bytes=5"]) {
      try DurableFiles.read(path("file"), limit: .text)
    }
    // Of a pipe nobody knows how much more there is.
    var ends: [Int32] = [0, 0]
    XCTAssertEqual(pipe(&ends), 0)
    XCTAssertEqual("123456".withCString { Glibc.write(ends[1], $0, 6) }, 6)
    close(ends[1])
    defer { close(ends[0]) }
    assertFails(.unreadable, naming: ["limit of 4", "text_bytes=8"]) {
      try DurableFiles.read("/dev/fd/\(ends[0])", limit: .text, proceed: {})
    }
    try InputLimits.set("text_bytes", to: 5)
    XCTAssertEqual(try DurableFiles.read(path("file"), limit: .text), Array("12345".utf8))
  }

  func testAFileLargerThanTheMemoryIsRefusedBeforeMemoryIsTaken() throws {
    try write("", "sparse")
    XCTAssertEqual(truncate(path("sparse"), 1 << 42), 0)
    XCTAssertThrowsError(try DurableFiles.read(path("sparse"))) { error in
      XCTAssertTrue(error is MemoryError, "\(error)")
      XCTAssertTrue("\(error)".contains("reading \(path("sparse")) needs 4398 GB"), "\(error)")
      XCTAssertTrue("\(error)".contains("free memory"), "\(error)")
    }
  }

  func testWhatCannotBeReadIsToldApart() throws {
    try write("", "file")
    for missing in [path("missing"), path("file/below"), path("missing/below")] {
      assertFails(.missing, naming: [missing]) { try DurableFiles.read(missing) }
      assertFails(.missing, naming: [missing]) { try Folder(opening: missing) }
      XCTAssertNil(try DurableFiles.kind(of: missing))
    }
    assertFails(.missing, naming: ["cannot read an empty path"]) { try DurableFiles.read("") }
    assertFails(.malformed, naming: [folder, "folder"]) { try DurableFiles.read(folder) }
    XCTAssertEqual(chmod(path("file"), 0), 0)
    withoutPrivileges {
      assertFails(.unreadable, naming: [path("file"), "Permission denied"]) {
        try DurableFiles.read(path("file"))
      }
    }
  }

  // MARK: Writing

  func testCreatingRefusesAnythingThatIsThere() throws {
    try write("old", "file")
    XCTAssertEqual(symlink("nowhere", path("link")), 0)
    for name in ["file", "link"] {
      assertFails(.exists, naming: [path(name)]) {
        try opened().create(name, Array("new".utf8))
      }
    }
    XCTAssertEqual(try text("file"), "old")
    XCTAssertEqual(try names(""), ["file", "link"])
  }

  func testReplacingPutsTheContentInPlaceAndLeavesNothingElse() throws {
    for content in ["", "first", "second"] {
      try DurableFiles.replace(path("file"), with: Array(content.utf8))
      XCTAssertEqual(try text("file"), content)
    }
    XCTAssertEqual(try names(""), ["file"])
  }

  func testReplacingRefusesFoldersAndDevices() throws {
    try write("kept", "folder/file")
    for target in [path("folder"), "/dev/null"] {
      assertFails(.unwritable, naming: [target]) { try DurableFiles.replace(target, with: [1]) }
    }
    XCTAssertEqual(try text("folder/file"), "kept")
  }

  func testWhatCannotBeWrittenIsNamedWithItsReason() throws {
    try write("", "file")
    try makeFolder("locked")
    XCTAssertEqual(chmod(path("locked"), 0o555), 0)
    try withoutPrivileges {
      for operation in [
        { try DurableFiles.replace($0, with: [1]) }, { try DurableFiles.makeFolder($0) },
      ] as [(String) throws -> Void] {
        let name = path("locked/new")
        assertFails(.unwritable, naming: [name, "Permission denied"]) { try operation(name) }
        let below = path("missing/new")
        assertFails(.unwritable, naming: [below, "folder"]) { try operation(below) }
        let under = path("file/new")
        assertFails(.unwritable, naming: [under, "Not a directory"]) { try operation(under) }
      }
      let locked = try Folder(opening: path("locked"))
      for operation in [
        { try locked.create("new", [1]) }, { try locked.append("new", [1]) },
        { try locked.replace("new", with: [1]) }, { try locked.makeFolder("new") },
        { try locked.link("new", to: "target") },
      ] as [() throws -> Void] {
        assertFails(.unwritable, naming: [path("locked/new"), "Permission denied"]) {
          try operation()
        }
      }
    }
  }

  func testAFullDiskIsNamed() throws {
    let full = open("/dev/full", O_WRONLY)
    defer { close(full) }
    assertFails(.unwritable, naming: ["/dev/full", "No space left on device"]) {
      try [1, 2, 3].withUnsafeBytes { try DurableFiles.write($0, to: full, "/dev/full") }
    }
  }

  func testAReplacementThatFailsLeavesTheOldContentAndNoOtherFile() throws {
    try write("old", "file")
    var failures = 0
    while true {
      do {
        try FailingDisk(failingAt: failures).run {
          try DurableFiles.replace(path("file"), with: Array("new".utf8))
        }
        break
      } catch let error as FileError {
        XCTAssertEqual(error.path, path("file"))
        XCTAssertEqual(error.reason, FailingDisk.error.reason)
      }
      failures += 1
      XCTAssertEqual(try names(""), ["file"])
      // The last change, waiting for the folder, comes after the new content is in place.
      XCTAssertEqual(try text("file"), failures == 5 ? "new" : "old")
    }
    XCTAssertEqual(failures, 5)
  }

  func testALineIsAppendedWholeOrNotAtAll() throws {
    try opened().append("file", Array("one\n".utf8))
    for number in 0..<3 {
      assertFails(.unwritable, naming: []) {
        try FailingDisk(failingAt: number).run {
          try opened().append("file", Array("two\n".utf8))
        }
      }
      XCTAssertEqual(try text("file"), "one\n")
    }
    try opened().append("file", Array("three\n".utf8))
    XCTAssertEqual(try text("file"), "one\nthree\n")
  }

  func testTruncatingCutsToTheLength() throws {
    try write("12345", "file")
    try opened().truncate("file", to: 2)
    XCTAssertEqual(try text("file"), "12")
    assertFails(.unwritable, naming: [path("missing")]) {
      try opened().truncate("missing", to: 0)
    }
  }

  // MARK: Signals and parts

  /// A pipe with a name, whose other end works in small parts while signals interrupt this thread.
  private func withInterruptions(
    _ name: String, other: @escaping @Sendable (_ descriptor: Int32) -> Void, flags: Int32,
    _ body: () throws -> Void
  ) throws {
    var action = sigaction()
    var previous = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    XCTAssertEqual(sigaction(SIGUSR1, &action, &previous), 0)
    defer { sigaction(SIGUSR1, &previous, nil) }
    // A pipe that the tested side has given up must not end the tests.
    let previousPipe = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previousPipe) }
    XCTAssertEqual(mkfifo(path(name), 0o600), 0)
    let (pipe, reader) = (path(name), pthread_self())
    let isDone = Mutex(false)
    let signals = Thread {
      while !isDone.withLock({ $0 }) {
        pthread_kill(reader, SIGUSR1)
        usleep(200)
      }
    }
    let end = DispatchSemaphore(value: 0)
    let peer = Thread {
      let descriptor = open(pipe, flags)
      other(descriptor)
      close(descriptor)
      end.signal()
    }
    peer.start()
    signals.start()
    defer {
      isDone.withLock { $0 = true }
      while !signals.isFinished { usleep(100) }
    }
    try body()
    end.wait()
  }

  func testReadingGoesOnAfterSignals() throws {
    var bytes: [UInt8] = []
    try withInterruptions(
      "pipe",
      other: { descriptor in
        for part in 0..<50 {
          let bytes = [UInt8](repeating: UInt8(part), count: 3000)
          XCTAssertEqual(Glibc.write(descriptor, bytes, bytes.count), bytes.count)
          usleep(500)
        }
      }, flags: O_WRONLY
    ) { bytes = try DurableFiles.read(path("pipe"), proceed: {}) }
    XCTAssertEqual(bytes, (0..<50).flatMap { [UInt8](repeating: $0, count: 3000) })
  }

  func testWritingGoesOnAfterSignalsAndParts() throws {
    let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let received = Mutex<[UInt8]>([])
    try withInterruptions(
      "pipe",
      other: { descriptor in
        var part = [UInt8](repeating: 0, count: 10_000)
        while true {
          let count = Glibc.read(descriptor, &part, part.count)
          if count <= 0 { break }
          received.withLock { $0 += part.prefix(count) }
          usleep(50)
        }
      }, flags: O_RDONLY
    ) {
      var pipe = open(path("pipe"), O_WRONLY)
      while pipe < 0 && errno == EINTR { pipe = open(path("pipe"), O_WRONLY) }
      defer { close(pipe) }
      try bytes.withUnsafeBytes { try DurableFiles.write($0, to: pipe, path("pipe")) }
    }
    XCTAssertEqual(received.withLock { $0 }, bytes)
  }

  // MARK: Folders and links

  func testAFolderIsMadeOnce() throws {
    try DurableFiles.makeFolder(path("folder"))
    XCTAssertEqual(try DurableFiles.kind(of: path("folder")), .folder)
    assertFails(.exists, naming: [path("folder")]) {
      try DurableFiles.makeFolder(path("folder"))
    }
  }

  func testListingIsSortedAndWhole() throws {
    for number in 0..<300 { try write("", "folder/\(number)") }
    try write("", "folder/.hidden")
    try makeFolder("folder/inner")
    XCTAssertEqual(
      try Folder(opening: path("folder")).list(),
      ([".hidden", "inner"] + (0..<300).map(String.init)).sorted())
  }

  func testPublishingRenamesAFolderWithAllItHolds() throws {
    try write("content", "folder/file")
    try opened().publish("folder", as: "final")
    XCTAssertEqual(try snapshot(), ["final": "folder", "final/file": "content"])
  }

  func testALinkIsReplacedWithWhateverItLeadTo() throws {
    try write("one", "1/file")
    try write("two", "2/file")
    for target in ["1", "2", "nowhere", "1"] {
      try opened().link("link", to: target)
      XCTAssertEqual(try opened().linkTarget("link"), target)
      XCTAssertEqual(try names(""), ["1", "2", "link"])
    }
    XCTAssertEqual(try text("link/file"), "one")
    XCTAssertNil(try opened().linkTarget("1"))
    XCTAssertNil(try opened().linkTarget("missing"))
  }

  func testALinkThatCannotBePutInPlaceLeavesNothing() throws {
    try write("kept", "folder/file")
    let before = try snapshot()
    assertFails(.unwritable, naming: [path("folder")]) {
      try opened().link("folder", to: "elsewhere")
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testKindsAreToldWithAndWithoutFollowingLinks() throws {
    try write("", "file")
    XCTAssertEqual(symlink("file", path("link")), 0)
    XCTAssertEqual(symlink("nowhere", path("dangling")), 0)
    XCTAssertEqual(try DurableFiles.kind(of: path("link")), .file)
    XCTAssertEqual(try opened().kind(of: "link"), .link)
    XCTAssertNil(try DurableFiles.kind(of: path("dangling")))
    XCTAssertTrue(DurableFiles.exists(path("dangling")))
    XCTAssertEqual(try DurableFiles.kind(of: "/dev/null"), .other)
  }

  // MARK: Removing

  func testRemovingATreeTakesLinksAndNeverWhatTheyLeadTo() throws {
    try write("kept", "outside/file")
    try write("", "root/tree/a/b/c/file")
    try write("", "root/tree/.hidden")
    try write("kept", "root/other")
    XCTAssertEqual(symlink("../../outside", path("root/tree/link")), 0)
    XCTAssertEqual(symlink(path("outside"), path("root/tree/a/link")), 0)
    XCTAssertEqual(symlink("nowhere", path("root/tree/dangling")), 0)
    try Folder(opening: path("root")).removeTree("tree")
    XCTAssertEqual(
      try snapshot(),
      ["outside": "folder", "outside/file": "kept", "root": "folder", "root/other": "kept"])
    XCTAssertEqual(symlink("../outside", path("root/link")), 0)
    try Folder(opening: path("root")).removeTree("link")
    XCTAssertEqual(try text("outside/file"), "kept")
  }

  func testNamesThatTheSystemDoesNotSpellInUTF8AreRemovedToo() throws {
    try makeFolder("root/tree")
    let name = Array("\(path("root/tree"))/".utf8CString.dropLast()) + [-1, 0]
    let file = open(name, O_CREAT, 0o644)
    XCTAssertGreaterThanOrEqual(file, 0)
    close(file)
    try Folder(opening: path("root")).removeTree("tree")
    XCTAssertEqual(try names("root"), [])
  }

  func testOnlyWhatLiesInTheFolderIsRemoved() throws {
    try write("kept", "root/inner/file")
    try write("kept", "file")
    let before = try snapshot()
    for name in ["", ".", "..", "../file", "inner/file", "/tmp", path("file"), "inner/"] {
      let root = try Folder(opening: path("root"))
      for operation in [
        { try root.removeTree(name) }, { try root.create(name, []) }, { try root.append(name, []) },
        { try root.replace(name, with: []) }, { _ = try root.read(name) },
        { try root.makeFolder(name) }, { _ = try root.folder(name) },
        { try root.rename("inner", to: name) }, { try root.rename(name, to: "new") },
      ] as [() throws -> Void] {
        assertFails(.malformed, naming: ["\(path("root"))/\(name): only"], operation)
      }
    }
    XCTAssertEqual(try snapshot(), before)
  }

  func testRemovingWhatIsNotThereIsNoError() throws {
    try opened().remove("missing")
    try opened().removeTree("missing")
    XCTAssertTrue(try opened().removeFolder("missing"))
  }

  func testRemovingAFileLeavesFoldersAlone() throws {
    try write("kept", "folder/file")
    assertFails(.unwritable, naming: ["cannot remove", path("folder")]) {
      try opened().remove("folder")
    }
    XCTAssertEqual(try text("folder/file"), "kept")
    XCTAssertFalse(try opened().removeFolder("folder"))
    try Folder(opening: path("folder")).remove("file")
    XCTAssertEqual(try names("folder"), [])
  }

  // MARK: Pipes

  func testAPipeThatNobodyWritesIntoIsRefused() {
    XCTAssertEqual(mkfifo(path("pipe"), 0o600), 0)
    XCTAssertThrowsError(try DurableFiles.read(path("pipe"), proceed: {})) { error in
      XCTAssertEqual(
        error as? FileError,
        FileError(
          .malformed, "read", path("pipe"), "it is a pipe, and nothing comes out of it"))
    }
    for readsPart in [
      { _ = try DurableFiles.readStart(of: self.path("pipe"), count: 4) },
      { _ = try SHA256.hash(ofFile: self.path("pipe")) },
      // Nobody could end the waiting.
      { _ = try DurableFiles.read(self.path("pipe")) },
    ] {
      XCTAssertThrowsError(try readsPart()) { error in
        XCTAssertEqual(
          error as? FileError, FileError(.malformed, "read", path("pipe"), "it is not a file"))
      }
    }
  }

  func testAPipeWhoseWriterComesLaterIsRead() throws {
    XCTAssertEqual(mkfifo(path("pipe"), 0o600), 0)
    let path = path("pipe")
    let thread = Thread {
      usleep(300_000)
      let writer = open(path, O_WRONLY)
      usleep(300_000)
      _ = "late".withCString { Glibc.write(writer, $0, 4) }
      close(writer)
    }
    thread.start()
    XCTAssertEqual(try DurableFiles.read(path, proceed: {}), Array("late".utf8))
  }

  func testAPipeThatHadAWriterWithoutAWordIsNotWaitedFor() throws {
    var ends: [Int32] = [0, 0]
    XCTAssertEqual(pipe(&ends), 0)
    close(ends[1])
    defer { close(ends[0]) }
    var parts = 0
    XCTAssertThrowsError(try DurableFiles.read("/dev/fd/\(ends[0])", proceed: { parts += 1 }))
    XCTAssertEqual(parts, 1)
  }

  func testWhoWaitsForAWriterCanBeStopped() throws {
    struct Stop: Error {}
    XCTAssertEqual(mkfifo(path("pipe"), 0o600), 0)
    for hasWriter in [false, true] {
      let writer = hasWriter ? open(path("pipe"), O_RDWR) : -1
      defer { close(writer) }
      var parts = 0
      XCTAssertThrowsError(
        try DurableFiles.read(path("pipe")) {
          parts += 1
          if parts == 3 { throw Stop() }
        }
      ) { XCTAssertTrue($0 is Stop, "\($0)") }
    }
  }

  func testAPipeIsReadUntilItsWriterEnds() throws {
    var ends: [Int32] = [0, 0]
    XCTAssertEqual(pipe(&ends), 0)
    let writer = ends[1]
    let thread = Thread {
      for piece in ["ab", "c"] {
        usleep(20_000)
        _ = piece.withCString { Glibc.write(writer, $0, piece.utf8.count) }
      }
      close(writer)
    }
    thread.start()
    XCTAssertEqual(try DurableFiles.read("/dev/fd/\(ends[0])", proceed: {}), Array("abc".utf8))
    close(ends[0])
  }
}

import Foundation
import Glibc
import VAEFiles
import XCTest

/// Parts of paths, and what calls of the system that fail are called.
final class PathPartTests: FilesTestCase {
  func testAPathIsAFolderAndAName() {
    for (path, folder, name) in [
      ("a/b/c", "a/b", "c"), ("c", ".", "c"), ("/c", "/", "c"), ("/a/c", "/a", "c"),
      ("a/", "a", ""), ("../x.y", "..", "x.y"), ("a//b", "a/", "b"),
    ] {
      XCTAssertEqual(DurableFiles.folder(of: path), folder, path)
      XCTAssertEqual(DurableFiles.name(of: path), name, path)
    }
  }

  func testPathsThatLeadToOneFileAreTheSame() throws {
    try write("x", "a")
    try write("x", "b")
    XCTAssertEqual(symlink("a", path("link")), 0)
    XCTAssertEqual(Glibc.link(path("a"), path("hard")), 0)
    XCTAssertTrue(DurableFiles.isSame(path("a"), path("link")))
    XCTAssertTrue(DurableFiles.isSame(path("hard"), path("a")))
    XCTAssertTrue(DurableFiles.isSame(folder, "\(folder)/."))
    XCTAssertFalse(DurableFiles.isSame(path("a"), path("b")), "equal content is not enough")
    XCTAssertFalse(DurableFiles.isSame(path("missing"), path("missing")))
    XCTAssertFalse(DurableFiles.isSame(path("a"), path("missing")))
    XCTAssertEqual(try DurableFiles.absolute(path("link")), try DurableFiles.absolute(path("a")))
    assertFails(.missing, naming: [path("missing")]) {
      try DurableFiles.absolute(path("missing"))
    }
  }

  func testTheStartOfAFileIsAsLongAsAskedOrAsTheFile() throws {
    try write("hello", "file")
    XCTAssertEqual(try DurableFiles.readStart(of: path("file"), count: 3), Array("hel".utf8))
    XCTAssertEqual(try DurableFiles.readStart(of: path("file"), count: 5), Array("hello".utf8))
    XCTAssertEqual(try DurableFiles.readStart(of: path("file"), count: 50), Array("hello".utf8))
    assertFails(.missing, naming: [path("none")]) {
      try DurableFiles.readStart(of: path("none"), count: 1)
    }
  }

  func testAFolderNamesWhatLiesInItAndReadsItWithinALimit() throws {
    XCTAssertEqual(try Folder(opening: "/").path(of: "a"), "/a")
    XCTAssertEqual(try Folder(opening: folder).path(of: "a"), "\(folder)/a")
    try write("12345", "file")
    let opened = try Folder(opening: folder)
    XCTAssertEqual(try opened.read("file", limit: .bytes(5)), Array("12345".utf8))
    assertFails(.unreadable, naming: [path("file"), "beyond the limit of 4"]) {
      try opened.read("file", limit: .bytes(4))
    }
    XCTAssertTrue(opened.has("file"))
    XCTAssertFalse(opened.has("none"))
    XCTAssertNil(try opened.folder("none"))
    assertFails(.malformed, naming: [path("file"), "not a folder"]) { try opened.folder("file") }
  }

  func testOpeningAFolderWithinARootFollowsNoLinkBelowIt() throws {
    try write("x", "root/inner/file")
    XCTAssertEqual(symlink("inner", path("root/link")), 0)
    XCTAssertEqual(symlink("root", path("elsewhere")), 0)
    let inner = try Folder.opening(path("root/inner"), within: path("root"))
    XCTAssertEqual(try inner.list(), ["file"])
    XCTAssertEqual(
      try Folder.opening(path("elsewhere/inner"), within: path("root")).list(), ["file"])
    XCTAssertEqual(try Folder.opening(path("root/link"), within: nil).list(), ["file"])
    assertFails(.malformed, naming: ["symbolic link"]) {
      try Folder.opening(path("root/link"), within: path("root"))
    }
    assertFails(.unwritable, naming: [path("root/none"), "does not exist"]) {
      try Folder.opening(path("root/none"), within: path("root"))
    }
    assertFails(.unwritable, naming: [path("root/inner/file"), "not a folder"]) {
      try Folder.opening(path("root/inner/file"), within: nil)
    }
  }

  func testReadingAsksWhetherToGoOnAndStopsWithTheAnswersError() throws {
    struct Stop: Error {}
    try write("12345", "file")
    var asked = 0
    XCTAssertEqual(
      try DurableFiles.read(path("file")) { asked += 1 }, Array("12345".utf8))
    XCTAssertGreaterThan(asked, 0)
    XCTAssertThrowsError(try DurableFiles.read(path("file")) { throw Stop() }) {
      XCTAssertTrue($0 is Stop)
    }
  }

  func testNothingHasANameThatIsTooLong() throws {
    let name = String(repeating: "a", count: 300)
    XCTAssertNil(try DurableFiles.kind(of: path(name)))
    XCTAssertFalse(DurableFiles.exists(path(name)))
    XCTAssertNil(try Folder(opening: folder).kind(of: name))
    assertFails(.unreadable, naming: ["too long"]) { try DurableFiles.read(path(name)) }
    assertFails(.unwritable, naming: ["too long"]) {
      try Folder(opening: folder).create(name, [1])
    }
  }

  // MARK: Errors

  func testFailuresOfReadingAreToldApartByTheirCode() {
    for (code, kind, words) in [
      (ENOENT, .missing, "it does not exist"), (ENOTDIR, .missing, "it does not exist"),
      (EACCES, .unreadable, "Permission denied"), (EIO, .unreadable, "Input/output error"),
      (EMFILE, .exhausted, "ulimit -n"), (ENFILE, .exhausted, "end other programs"),
    ] as [(Int32, FileError.Kind, String)] {
      let error = FileError(reading: "a/b", code)
      XCTAssertEqual(error.kind, kind, words)
      XCTAssertTrue("\(error)".hasPrefix("cannot read a/b: "), "\(error)")
      XCTAssertTrue("\(error)".contains(words), "\(error)")
    }
  }

  func testFailuresOfWritingAreToldApartByTheirCode() {
    for (code, kind, words) in [
      (EEXIST, .exists, "it exists"),
      (ENOENT, .unwritable, "the folder it belongs to does not exist"),
      (ENOSPC, .unwritable, "No space left"), (EMFILE, .exhausted, "ulimit -n"),
    ] as [(Int32, FileError.Kind, String)] {
      let error = FileError(writing: "a/b", code)
      XCTAssertEqual(error.kind, kind, words)
      XCTAssertTrue("\(error)".hasPrefix("cannot write a/b: "), "\(error)")
      XCTAssertTrue("\(error)".contains(words), "\(error)")
    }
    let error = FileError(writing: "a/b", to: "create", EEXIST)
    XCTAssertEqual("\(error)", "cannot create a/b: it exists")
    XCTAssertEqual("\(error.at("c"))", "cannot create c: it exists")
    XCTAssertEqual(error.at("c").kind, .exists)
    XCTAssertEqual(error.operation, "create")
  }

  func testOnlyALackOfDescriptorsIsExhaustion() {
    XCTAssertEqual(
      [EMFILE, ENFILE, ENOMEM, EACCES].map { SystemFault($0).isExhaustion },
      [true, true, false, false])
    XCTAssertEqual(SystemFault(EACCES).text, "Permission denied")
  }

  func testTemporaryNamesHaveSixteenDigitsOfBaseSixteen() {
    let digits = "0123456789abcdef"
    XCTAssertTrue(OutputFile.isTemporary(".tmp-vae-zoo-\(digits)"))
    for name in [
      ".tmp-vae-zoo-\(digits)0", ".tmp-vae-zoo-\(digits.dropLast())",
      ".tmp-vae-zoo-\(digits.uppercased())", ".tmp-vae-zoo-0123456789abcde/",
      ".tmp-vae-zoo-0123456789abcdeg", ".tmp-vae-zoo-:123456789abcdef", "tmp-vae-zoo-\(digits)",
      ".tmp-link-\(digits)",
    ] {
      XCTAssertFalse(OutputFile.isTemporary(name), name)
    }
    for _ in 0..<20 {
      let name = RandomName.make()
      XCTAssertTrue(RandomName.isOne(name[...]), name)
    }
  }

  // MARK: Limits

  func testLimitsAreUsuallyThoseThatAreDocumented() {
    let limits = InputLimits()
    XCTAssertEqual(limits["inflation_ratio"], 250)
    XCTAssertEqual(limits["picture_bytes"], 1 << 28)
    XCTAssertEqual(limits["archive_members"], 10_000)
    XCTAssertEqual(limits["text_bytes"], 1 << 24)
    XCTAssertGreaterThanOrEqual(limits.inflatedBytes, 1 << 30)
    XCTAssertNil(limits["pictures"])
    XCTAssertEqual(InputLimits.alwaysInflated, 1 << 28)
    XCTAssertEqual(
      limits.json.object?.members.map(\.name),
      ["inflated_bytes", "inflation_ratio", "picture_bytes", "archive_members", "text_bytes"])
    XCTAssertEqual(limits.json.object?["archive_members"], .integer(10_000))
    XCTAssertEqual(JSON.Limits(bytes: 5).depth, 128)
    XCTAssertEqual(JSON.Limits(bytes: 5).values, 1 << 22)
    XCTAssertEqual(JSON.Limits(bytes: 1 << 26).values, 1 << 24)
    XCTAssertEqual(JSON.Limits(bytes: 1 << 26, values: 7, depth: 3).values, 7)
  }

  func testEachLimitHasARangeThatIncludesItsEnds() throws {
    let before = InputLimits.current
    let most = [
      "inflated_bytes": 1 << 48, "inflation_ratio": 1032, "picture_bytes": 1 << 31,
      "archive_members": 1 << 48, "text_bytes": 1 << 31,
    ]
    for name in InputLimits.names {
      let (old, largest) = (try XCTUnwrap(before[name]), try XCTUnwrap(most[name]))
      defer { try? InputLimits.set(name, to: old) }
      for value in [1, largest] {
        try InputLimits.set(name, to: value)
        XCTAssertEqual(InputLimits.current[name], value)
      }
      XCTAssertThrowsError(try InputLimits.set(name, to: largest + 1)) {
        XCTAssertEqual("\($0)", "the limit \(name) must be in 1…\(largest), not \(largest + 1)")
      }
    }
    XCTAssertEqual(InputLimits.current, before)
  }

  func testTheRatioThatIsAdvisedIsEnoughAndNeverMoreThanDeflateReaches() {
    var limits = InputLimits()
    limits.inflatedBytes = 1 << 33
    let size = InputLimits.alwaysInflated + 1
    for (compressed, ratio) in [(1 << 20, 500), (1 << 18, 1025), (400_000, 672), (1000, 1032)] {
      let refusal = limits.refusal(ofInflated: size, from: compressed)?.description ?? ""
      XCTAssertTrue(refusal.contains("inflation_ratio=\(ratio)"), refusal)
      XCTAssertTrue(refusal.hasPrefix("has \(compressed) bytes that become \(size)"), refusal)
    }
    XCTAssertEqual(limits.inflated(from: 2_000_000), 500_000_000)
  }

  // MARK: Tensors in files

  func testTypesOfTensorsHaveTheirNamesAndSizes() {
    let types: [(Safetensors.ElementType, String, Int)] = [
      (.boolean, "BOOL", 1), (.uint8, "U8", 1), (.int8, "I8", 1), (.int16, "I16", 2),
      (.uint16, "U16", 2), (.float16, "F16", 2), (.bfloat16, "BF16", 2), (.int32, "I32", 4),
      (.uint32, "U32", 4), (.float32, "F32", 4), (.float64, "F64", 8), (.int64, "I64", 8),
      (.uint64, "U64", 8),
    ]
    XCTAssertEqual(Safetensors.ElementType.allCases, types.map { $0.0 })
    for (type, name, size) in types {
      XCTAssertEqual(type.rawValue, name)
      XCTAssertEqual(type.byteCount, size, name)
    }
    var file = Safetensors()
    file.add("half", shape: [2], [1.5, -2] as [Float16])
    file.add("bytes", shape: [1], [7] as [UInt8])
    XCTAssertEqual(file.entries.map(\.type), [.float16, .uint8])
    XCTAssertEqual(file.path, "tensors in memory")
    XCTAssertEqual(try file.values("half", shape: [2]), [1.5, -2] as [Float16])
  }

  func testShapesOfManyAxesAreShownByTheirFirstEight() {
    var file = Safetensors(path: "x")
    file.add("w", shape: [1, 2, 1, 1, 1, 1, 1, 1, 1], [1, 2] as [Float])
    XCTAssertThrowsError(try file.floats("w", shape: [2])) {
      XCTAssertEqual(
        "\($0)",
        "x: tensor \"w\" has shape [1, 2, 1, 1, 1, 1, 1, 1, …], but [2] is needed")
    }
  }
}

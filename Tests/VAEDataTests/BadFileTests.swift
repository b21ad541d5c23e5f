import Foundation
import VAEData
import XCTest

/// Files that are missing, damaged, or lie about themselves: one line that says what and where.
final class BadFileTests: DataTestCase {
  private let train = "train-images-idx3-ubyte"
  private let content = (0..<24).map { UInt8($0 * 7) }
  private var idx: [UInt8] { TestFiles.idx([4, 2, 3], content) }
  private var npy: [UInt8] { TestFiles.npy([4, 2, 3], content) }

  /// A folder named after the test's case with one file.
  private func folder(_ name: String, _ bytes: [UInt8], _ file: String? = nil) throws -> String {
    try write(bytes, "\(name)/\(file ?? train)")
    return "\(folder)/\(name)"
  }

  // MARK: Missing and empty

  func testAMissingPathIsRefused() {
    for name in ["none", "none/", "none.npy", "none.npz", "none.gz"] {
      assertRefused("\(folder)/\(name)", kind: .missing, naming: ["does not exist"])
    }
  }

  func testAnUnknownNameIsRefusedListingTheBuiltInSets() {
    for name in ["shape", "shapes:48", "mnist-that-is-not-here"] {
      assertRefused(
        name, kind: .missing,
        naming: ["path that exists", "shapes, shapes:32, shapes-color"])
    }
    XCTAssertThrowsError(try DataSource.open("")) { error in
      XCTAssertTrue("\(error)".hasPrefix("an empty name is neither"), "\(error)")
    }
  }

  func testAFolderWithoutTrainingImagesIsRefusedNamingThem() throws {
    assertRefused(folder, kind: .unusable, naming: [train, ".gz"])
    try write(idx, "t10k-images-idx3-ubyte")
    assertRefused(folder, kind: .unusable, naming: [train])
  }

  /// A descriptor that is closed twice may by then be one that another thread has just opened.
  func testRefusingAnEmptyFileClosesNoDescriptorOfAnotherThread() throws {
    let empty = try write([], "empty.npy")
    let refusals = Thread { for _ in 0..<20_000 { _ = try? DataSource.open(empty) } }
    refusals.start()
    defer { while !refusals.isFinished { usleep(1000) } }
    while !refusals.isFinished {
      let file = open("/dev/null", O_RDONLY)
      XCTAssertGreaterThanOrEqual(file, 0)
      sched_yield()
      guard close(file) == 0 else { return XCTFail("somebody else has closed it") }
    }
  }

  func testEmptyFilesAreRefused() throws {
    assertRefused(try folder("plain", []), naming: [train + " is empty"])
    assertRefused(try folder("compressed", [], train + ".gz"), naming: [train + ".gz is empty"])
    for name in ["images.npy", "images.npz"] {
      assertRefused(try write([], name), naming: ["is empty"])
    }
  }

  func testAFolderWhereAFileIsExpectedIsRefused() throws {
    try FileManager.default.createDirectory(
      atPath: "\(folder)/\(train)", withIntermediateDirectories: true)
    assertRefused(folder, kind: .unusable, naming: [train + " is a folder"])
  }

  func testADeviceIsRefused() {
    assertRefused("/dev/zero", kind: .unusable, naming: ["neither a file nor a folder"])
  }

  func testTwoFilesForOnePartAreRefusedNamingBoth() throws {
    try write(idx, train)
    try write(idx, "t10k-images-idx3-ubyte")
    try write(idx, "test-images-idx3-ubyte")
    assertRefused(
      folder, kind: .unusable, naming: ["t10k-images-idx3-ubyte", "test-images-idx3-ubyte"])
  }

  // MARK: Truncated, too long

  func testATruncatedIDXFileIsRefusedNamingTheMissingBytes() throws {
    for length in [1, 3, 4, 15] {
      let data = try folder("header\(length)", Array(idx.prefix(length)))
      assertRefused(data, naming: [train, "truncated", "IDX header"])
    }
    for length in [16, 17, idx.count - 1] {
      let data = try folder("content\(length)", Array(idx.prefix(length)))
      assertRefused(
        data, naming: [train, "truncated", "4x2x3", "24 bytes", "holds \(length - 16) bytes"])
    }
  }

  func testATruncatedNPYFileIsRefusedNamingTheMissingBytes() throws {
    for length in [1, 7, 9, 60, 127] {
      assertRefused(
        try write(Array(npy.prefix(length)), "images.npy"), naming: ["truncated", "NPY header"])
    }
    for length in [128, npy.count - 1] {
      assertRefused(
        try write(Array(npy.prefix(length)), "images.npy"),
        naming: ["truncated", "4x2x3", "holds \(length - 128) bytes"])
    }
  }

  func testATruncatedGzipFileIsRefused() throws {
    let gzip = TestFiles.gzip(idx)
    for length in 1..<gzip.count {
      let data = try folder("gz", Array(gzip.prefix(length)), train + ".gz")
      assertRefused(data, naming: [train + ".gz", "truncated"])
    }
  }

  func testAGzipFileOfTooFewBytesIsRefusedNamingTheirNumber() throws {
    let data = try folder("gz", TestFiles.gzip(idx.dropLast(5)), train + ".gz")
    assertRefused(data, naming: [train + ".gz", "truncated", "24 bytes", "holds 19 bytes"])
  }

  func testATruncatedArchiveIsRefused() throws {
    let file = TestFiles.zip([TestFiles.Member("train", npy)])
    for length in stride(from: 1, to: file.count, by: 3) {
      assertRefused(try write(Array(file.prefix(length)), "images.npz"), naming: ["end record"])
    }
  }

  func testBytesBehindTheContentAreRefused() throws {
    assertRefused(try folder("idx", idx + [1, 2]), naming: [train, "24 bytes", "2 more bytes"])
    assertRefused(try write(npy + [1], "images.npy"), naming: ["24 bytes", "1 more bytes"])
    let inside = try folder("inside", TestFiles.gzip(idx + [1]), train + ".gz")
    assertRefused(inside, naming: [train + ".gz", "more bytes follow"])
    let behind = try folder("behind", TestFiles.gzip(idx) + [1, 2, 3], train + ".gz")
    assertRefused(behind, naming: [train + ".gz", "damaged"])
    let stored = try write(TestFiles.zip([TestFiles.Member("train", npy + [1])]), "images.npz")
    assertRefused(stored, naming: ["images.npz: train", "1 more bytes"])
    let archive = try write(TestFiles.zip([TestFiles.Member("train", npy)]) + [0], "images.npz")
    assertRefused(archive, naming: ["end record"])
  }

  // MARK: Wrong magic, wrong types

  func testWrongMagicIsRefusedNamingWhatWasFound() throws {
    let picture = Array("GIF89a, and then something else".utf8)
    assertRefused(try folder("gif", picture), naming: [train, "47 49 46 38", "no IDX file"])
    assertRefused(try write(picture, "images.npy"), naming: ["\"GIF89a\"", "NUMPY"])
    assertRefused(try write(npy, "images.npz"), naming: ["no readable ZIP archive"])
    assertRefused(
      try folder("plain", idx, train + ".gz"), naming: [train + ".gz", "incorrect header check"])
    assertRefused(
      try folder("compressed", TestFiles.gzip(idx)), naming: [train, "1f 8b", ".gz"])
  }

  func testOtherElementsThanBytesInIDXAreRefused() throws {
    let floats = TestFiles.idx([1, 2, 3], content, type: 0x0d)
    assertRefused(try folder("floats", floats), naming: [train, "0x0d", "0x08"])
  }

  func testWrongNumbersOfDimensionsAreRefused() throws {
    assertRefused(
      try folder("flat", TestFiles.idx([24], content)),
      naming: [train, "1 dimension,", "images have 3 or 4"])
    let labels = try folder("labels", idx)
    try write(idx, "labels/train-labels-idx1-ubyte")
    assertRefused(
      labels, naming: ["train-labels-idx1-ubyte", "3 dimensions", "labels have 1"])
    assertRefused(
      try write(TestFiles.npy([24], content), "images.npy"),
      naming: ["[24]", "[N, height, width]", "numpy.reshape"])
    let column = TestFiles.npy([4, 2], [0, 1, 2, 3, 4, 5, 6, 7])
    let path = try write(
      TestFiles.zip([TestFiles.Member("train", npy), TestFiles.Member("train_labels", column)]),
      "images.npz")
    assertRefused(path, naming: ["train_labels", "2 dimensions"])
  }

  func testTypesThatAreNoImagesAreRefused() throws {
    for type in ["<f3", "<U1", "|O", "<c8", "|f4", "?", "<f4 ", "<m8[ns]"] {
      assertRefused(
        try write(TestFiles.npy([4, 2, 3], content, type: type), "images.npy"),
        naming: ["\"\(type)\"", "numpy.asarray(…, 'f4')"])
    }
    for (value, type) in [(16_777_217, "<i8"), (-16_777_217, "<i8"), (1 << 60 + 1, "<u8")] {
      let integers = [0, 1, value, 3].flatMap { TestFiles.littleEndian(Int64($0)) }
      assertRefused(
        try write(TestFiles.npy([2, 1, 2], integers, type: type), "images.npy"), kind: .unusable,
        naming: ["[1, 0, 0] is \(value), an integer that 32-bit floats do not have", "astype"])
    }
  }

  func testIntegersOf64BitsWithoutASignAreNamedAsTheyAre() throws {
    let large = UInt64(1) << 63 + 2048
    let integers = [0, 1, large, 3].flatMap { TestFiles.littleEndian($0) }
    let path = try write(TestFiles.npy([2, 2], integers, type: "<u8"), "rows.npy")
    XCTAssertThrowsError(try DataSource.open(path, rule: "floats")) {
      XCTAssertTrue("\($0)".contains("is \(large), an integer"), "\($0)")
    }
  }

  func testTypesThatAreNoLabelsAreRefused() throws {
    let labels = TestFiles.npy([4], TestFiles.bytes([0, 1, 2, 3] as [Float]), type: "<f4")
    let path = try write(
      TestFiles.zip([TestFiles.Member("train", npy), TestFiles.Member("train_labels", labels)]),
      "images.npz")
    assertRefused(path, naming: ["train_labels", "floating-point", "labels are integers"])
  }

  func testALabelBeyond32BitsIsRefusedNamingItsPlace() throws {
    for (value, type) in [(UInt64(1) << 31, "<i8"), (UInt64(bitPattern: -1), "<u8")] {
      let labels = ([0, 0, value, 0] as [UInt64]).flatMap { TestFiles.littleEndian($0) }
      let path = try write(
        TestFiles.zip([
          TestFiles.Member("train", npy),
          TestFiles.Member("train_labels", TestFiles.npy([4], labels, type: type)),
        ]), "images.npz")
      assertRefused(path, kind: .unusable, naming: ["train_labels[2]", "32-bit"])
    }
  }

  func testABooleanBesideZeroAndOneIsRefused() throws {
    let path = try write(TestFiles.npy([1, 2, 2], [0, 1, 2, 1], type: "|b1"), "images.npy")
    assertRefused(path, naming: ["[0, 1, 0] is 2", "boolean"])
  }

  func testFortranOrderIsRefusedNamingTheRemedy() throws {
    let path = try write(TestFiles.npy([4, 2, 3], content, isFortranOrder: true), "images.npy")
    assertRefused(path, kind: .unusable, naming: ["Fortran", "ascontiguousarray"])
  }

  func testHeadersThatNumPyDoesNotWriteAreRefusedQuotingThem() throws {
    for header in [
      "", "{", "{}", "{'descr'", "{'descr': '|u1'}", "{'descr': '|u1', 'fortran_order': False}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3)",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3)} more",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3), 'more': 1}",
      "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3)}",
      "{'descr': '|u1' 'fortran_order': False, 'shape': (4, 2, 3)}",
      "{'descr': '|u1', 'fortran_order': 0, 'shape': (4, 2, 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, , 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2 3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, -2, -3)}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 99999999999999999999)}",
      "{'descr': '|u1\n', 'fortran_order': False, 'shape': 24}",
    ] {
      let path = try write(TestFiles.npy(header: header, content), "images.npy")
      assertRefused(path, naming: ["NPY header \"\(header.prefix(15).filter { $0 != "\n" })"])
    }
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 2, 3)}"
    let path = try write(TestFiles.npy(header: header, version: 4, content), "images.npy")
    assertRefused(path, naming: ["version 4.0"])
  }

  // MARK: Sizes that lie

  func testSizesOfZeroAreRefused() throws {
    for sizes in [[0, 2, 3], [4, 0, 3], [4, 2, 0]] {
      let text = sizes.map(String.init).joined(separator: "x")
      assertRefused(
        try folder(text, TestFiles.idx(sizes, [])), naming: [train, text, "at least one"])
      assertRefused(
        try write(TestFiles.npy(sizes, []), "images.npy"), naming: [text, "at least one"])
    }
  }

  func testOversizedDimensionsAreRefused() throws {
    let largest = Int(UInt32.max)
    for sizes in [[largest, largest, largest], [largest, largest, largest, largest]] {
      let file = TestFiles.idx(sizes, content)
      assertRefused(try folder("plain", file), naming: [train, "4294967295x", "any file"])
      assertRefused(
        try folder("gz", TestFiles.gzip(file), train + ".gz"), naming: ["4294967295x", "any file"])
      assertRefused(
        try write(TestFiles.npy(sizes, content), "images.npy"), naming: ["4294967295x"])
    }
    let sizes = [1 << 20, 1 << 10, 1 << 10]
    assertRefused(try folder("plain", TestFiles.idx(sizes, content)), naming: ["truncated"])
    assertRefused(
      try write(TestFiles.npy(sizes, content, type: "<f4"), "images.npy"), naming: ["truncated"])
    let compressed = TestFiles.gzip(TestFiles.idx(sizes, content))
    assertRefused(
      try folder("gz", compressed, train + ".gz"),
      naming: [
        "1048576x1024x1024", "compressed data can hold \(compressed.count * 1032 - 16) at most",
      ])
  }

  func testAHugeNPYHeaderIsRefused() throws {
    let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255]
    assertRefused(
      try write(start + Array("{'descr'".utf8), "images.npy"), naming: ["4294967295 bytes"])
  }

  /// The most memory that this process has held, in bytes.
  private func peakMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try XCTUnwrap(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return 1024 * (try XCTUnwrap(Int(line.split(whereSeparator: \.isWhitespace)[1])))
  }

  func testAGzipBombIsRefusedWithoutTakingItsMemory() throws {
    let size = 512 << 20
    // Put together from members of zeros, so that the test itself does not hold them all.
    let zeros = TestFiles.gzip([UInt8](repeating: 0, count: 8 << 20))
    let members = Array(repeatElement(zeros, count: size / (8 << 20)).joined())
    let small = TestFiles.gzip(TestFiles.idx([4, 2, 3], [])) + members
    let data = try folder("small", small, train + ".gz")
    let before = try peakMemory()
    assertRefused(data, naming: [train + ".gz", "4x2x3", "some more bytes follow"])
    let archived = TestFiles.Member("train", npy).deflated.with { $0.declaredSize = 1 << 30 }
    assertRefused(
      try write(TestFiles.zip([archived]), "images.npz"),
      naming: ["images.npz: train", "1073741824 bytes", "at most"])
    XCTAssertLessThan(try peakMemory() - before, size / 8)
  }

  // MARK: Archives

  func testAnArchiveWithoutTrainingImagesIsRefusedListingWhatItHas() throws {
    let path = try write(
      TestFiles.zip([
        TestFiles.Member("arr_0", npy), TestFiles.Member("arr_1", npy),
        TestFiles.Member("te\nst", npy),
      ]),
      "images.npz")
    assertRefused(
      path,
      naming: ["no array train", "\"arr_0\", \"arr_1\", \"te\\u{a}st\"", "numpy.savez"])
    assertRefused(
      try write(TestFiles.zip([]), "images.npz"), naming: ["no array train", "nothing"])
  }

  func testAnArrayThatIsThereTwiceIsRefused() throws {
    let member = TestFiles.Member("train", npy)
    assertRefused(
      try write(TestFiles.zip([member, member]), "images.npz"),
      naming: ["images.npz: train", "2 times"])
  }

  func testEncryptedAndUnknownCompressionIsRefused() throws {
    let member = TestFiles.Member("train", npy)
    assertRefused(
      try write(TestFiles.zip([member.with { $0.flags = 1 }]), "images.npz"), kind: .unusable,
      naming: ["images.npz: train", "encrypted"])
    assertRefused(
      try write(TestFiles.zip([member.with { $0.method = 14 }]), "images.npz"), kind: .unusable,
      naming: ["images.npz: train", "method 14", "savez_compressed"])
  }

  func testADeclaredSizeThatAnEntryDoesNotHaveIsRefused() throws {
    let member = TestFiles.Member("train", npy)
    for size in [npy.count - 1, 3] {
      for member in [member, member.deflated] {
        assertRefused(
          try write(TestFiles.zip([member.with { $0.declaredSize = size }]), "images.npz"),
          naming: ["images.npz: train"])
      }
    }
    assertRefused(
      try write(TestFiles.zip([member.with { $0.declaredSize = npy.count + 1 }]), "images.npz"),
      naming: ["images.npz: train", "\(npy.count + 1) bytes", "\(npy.count) at most"])
  }

  func testAWrongChecksumIsRefused() throws {
    for member in [TestFiles.Member("train", npy), TestFiles.Member("train", npy).deflated] {
      var file = TestFiles.zip([member])
      let directory = try XCTUnwrap(
        file.indices.dropLast(3).first { file[$0..<$0 + 4].elementsEqual([0x50, 0x4b, 1, 2]) })
      file[directory + 16] ^= 1
      assertRefused(
        try write(file, "images.npz"), naming: ["images.npz: train", "checksum"])
    }
  }

  // MARK: Parts that do not agree

  func testLabelsAndImagesOfDifferentNumbersAreRefusedNamingBoth() throws {
    try write(idx, train)
    try write(TestFiles.idx([5], [0, 1, 2, 3, 4]), "train-labels-idx1-ubyte")
    assertRefused(
      folder, naming: ["train-labels-idx1-ubyte has 5 labels", train + " has 4 images"])
  }

  func testSplitsOfDifferentSizesAreRefusedNamingBoth() throws {
    try write(idx, train)
    try write(TestFiles.idx([4, 3, 2], content), "t10k-images-idx3-ubyte")
    assertRefused(
      folder, naming: ["t10k-images-idx3-ubyte has images of 3x2x1", train, "2x3x1"])
  }

  func testSplitsOfDifferentTypesAreRefusedNamingBoth() throws {
    let floats = TestFiles.npy(
      [1, 2, 3], TestFiles.bytes([Float](repeating: 0, count: 6)), type: "<f4")
    let path = try write(
      TestFiles.zip([TestFiles.Member("train", npy), TestFiles.Member("test", floats)]),
      "images.npz")
    assertRefused(
      path, naming: ["images.npz: test holds floating-point numbers", "train holds bytes"])
  }

  // MARK: Values

  func testNotANumberIsAMissingValueWhosePlaceIsKept() throws {
    for (count, known) in [(24, Float(1)), (24, 0.5), (24, 3), (10_000, -2)] {
      var floats = [Float](repeating: known, count: count)
      floats[count - 3] = .nan
      floats[count - 1] = .nan
      let path = try write(
        TestFiles.npy([2, 1, count / 2], TestFiles.bytes(floats), type: "<f4"), "images.npy")
      let source = try DataSource.open(path)
      XCTAssertEqual(
        source.missingValue?.hasSuffix("images.npy[1, 0, \(count / 2 - 3)] is nan"), true,
        source.missingValue ?? "nothing")
      // It lies in the range of the others.
      XCTAssertEqual(source.valueRange, known == 1 ? .binary : known == 0.5 ? .unit : .real)
      XCTAssertTrue(source.train.batch([1]).floats[count / 2 - 3].isNaN)
    }
  }

  func testValuesThatAreInfiniteAreRefusedNamingArrayAndPlace() throws {
    for (value, text) in [(Float.infinity, "inf"), (-.infinity, "-inf")] {
      var floats = [Float](repeating: 0.5, count: 24)
      floats[16] = value
      let single = TestFiles.npy([4, 2, 3], TestFiles.bytes(floats), type: "<f4")
      assertRefused(
        try write(single, "images.npy"), kind: .unusable, naming: ["[2, 1, 1] is \(text)"])
      let double = TestFiles.npy(
        [2, 2, 2, 3], TestFiles.bytes(floats.map { Double($0) }), type: "<f8")
      assertRefused(
        try write(double, "images.npy"), kind: .unusable, naming: ["[1, 0, 1, 1] is \(text)"])
      let fine = TestFiles.npy(
        [1, 2, 3], TestFiles.bytes([Float](repeating: 0, count: 6)), type: "<f4")
      assertRefused(
        try write(
          TestFiles.zip([TestFiles.Member("train", fine), TestFiles.Member("test", single)]),
          "images.npz"), kind: .unusable, naming: ["images.npz: test[2, 1, 1] is \(text)"])
    }
  }
}

import Tensors
import VAECore
import VAEData
import XCTest

/// NPY files and NPZ archives of them.
final class NumPyTests: DataTestCase {
  private let bytes: [UInt8] = [0, 51, 102, 153, 204, 255]
  private let units: [Float] = [0, 0.2, 0.4, 0.6, 0.8, 1]

  private func open(_ npy: [UInt8], rule: String? = nil) throws -> DataSource {
    try DataSource.open(write(npy, "images.npy"), rule: rule)
  }

  // MARK: Tensors

  func testATensorComesBackAsItWasWritten() throws {
    let floats = Tensor([1, -2.5, .infinity, 0], shape: [2, 1, 2])
    let codes = Tensor(indices: [7, -1, .max], shape: [3])
    let found = [
      try NPYReader.tensor(write(NPYWriter.bytes(floats), "floats.npy")),
      try NPYReader.tensor(write(NPYWriter.bytes(codes), "codes.npy")),
    ]
    XCTAssertEqual(found[0].shape, floats.shape)
    XCTAssertEqual(found[0].floats, floats.floats)
    XCTAssertEqual(found[1].shape, codes.shape)
    XCTAssertEqual(found[1].indices, codes.indices)
  }

  func testAnArraySaysWhatItsElementsAreInTheFileAndBeginsAtAMultipleOf64() throws {
    let doubles = NPYWriter.bytes([0.5, -2, 7] as [Double], shape: [3, 1])
    let bytes = NPYWriter.bytes([3, 255] as [UInt8], shape: [1, 2])
    let flags = TestFiles.npy([2], [0, 1], type: "|b1")
    for (file, elements, isOfBytes, size) in [
      (doubles, "64-bit floating-point numbers", false, 24), (bytes, "bytes", true, 2),
      (flags, "booleans", false, 2),
    ] {
      let stored = try NPYReader.stored(write(file, "stored.npy"))
      XCTAssertEqual(stored.elements, elements)
      XCTAssertEqual(stored.isOfBytes, isOfBytes)
      XCTAssertEqual((file.count - size) % 64, 0)
    }
    XCTAssertEqual(try NPYReader.tensor(write(doubles, "stored.npy")).floats, [0.5, -2, 7])
    XCTAssertEqual(try NPYReader.tensor(write(doubles, "stored.npy")).shape, [3, 1])
    for width in 1...70 {
      let shape = [Int](repeating: 1, count: 1 + width / 10) + [width]
      let file = NPYWriter.bytes([UInt8](repeating: 7, count: width), shape: shape)
      XCTAssertEqual((file.count - width) % 64, 0, "\(shape)")
    }
  }

  func testAnyIntegersAndFloatsAreRead() throws {
    let wide = TestFiles.npy([2], TestFiles.bytes([0.5, 2] as [Double]), type: "<f8")
    XCTAssertEqual(try NPYReader.tensor(write(wide, "wide.npy")).floats, [0.5, 2])
    let bytes = TestFiles.npy([2], [3, 255])
    XCTAssertEqual(try NPYReader.tensor(write(bytes, "bytes.npy")).indices, [3, 255])
    let large = TestFiles.npy([1], [0, 0, 0, 0, 1, 0, 0, 0], type: "<i8")
    XCTAssertThrowsError(try NPYReader.tensor(write(large, "large.npy")))
    XCTAssertThrowsError(try NPYReader.tensor(folder + "/missing.npy")) {
      XCTAssertEqual(($0 as? DataError)?.kind, .missing)
    }
  }

  func testMoreAxesThanATensorCanHaveAreRefusedNamingBoth() throws {
    let most = TestFiles.npy([1, 1, 1, 1, 1, 1, 1, 2], [3, 255])
    XCTAssertEqual(try NPYReader.tensor(write(most, "most.npy")).rank, 8)
    let more = TestFiles.npy([1, 1, 1, 1, 1, 1, 1, 1, 2], [3, 255])
    XCTAssertThrowsError(try NPYReader.tensor(write(more, "more.npy"))) {
      XCTAssertEqual(($0 as? DataError)?.kind, .unusable)
      XCTAssertTrue("\($0)".contains("9 axes, more than the 8"), "\($0)")
    }
  }

  func testImagesWhoseChannelsComeFirstAreRefusedSayingHowToTurnThem() throws {
    for sizes in [[2, 1, 7, 7], [2, 3, 6, 8]] {
      let count = sizes.reduce(1, *)
      XCTAssertThrowsError(
        try open(TestFiles.npy(sizes, [UInt8](repeating: 5, count: count)))
      ) {
        XCTAssertEqual(($0 as? DataError)?.kind, .unusable)
        XCTAssertTrue("\($0)".contains("transpose"), "\($0)")
      }
    }
    // Sequences and small images in colour are what they seem.
    for sizes in [[2, 1, 7, 6], [2, 3, 4, 5], [2, 5, 3, 3]] {
      let count = sizes.reduce(1, *)
      XCTAssertNoThrow(try open(TestFiles.npy(sizes, [UInt8](repeating: 5, count: count))))
    }
  }

  // MARK: NPY

  func testBytesAreDividedBy255() throws {
    let source = try open(TestFiles.npy([1, 2, 3], bytes))
    XCTAssertEqual(source.shape, ImageShape(height: 2, width: 3, channels: 1))
    XCTAssertEqual(values(source.train), units)
    XCTAssertEqual(source.splits.map(\.name), ["train"])
    XCTAssertTrue(source.isDiscrete)
  }

  func testChannelsAreTheFourthSize() throws {
    let source = try open(TestFiles.npy([2, 1, 1, 3], bytes))
    XCTAssertEqual(source.shape, ImageShape(height: 1, width: 1, channels: 3))
    XCTAssertEqual(values(source.train, [1]), Array(units[3...]))
  }

  func testFloatsAreTakenAsTheyAre() throws {
    let floats: [Float] = [0, 0.2, 0.4, 0.5, 0.8, 1]
    let source = try open(TestFiles.npy([3, 1, 2], TestFiles.bytes(floats), type: "<f4"))
    XCTAssertEqual(values(source.train, [2, 0]), [0.8, 1, 0, 0.2])
    XCTAssertEqual(source.valueRange, .unit)
    XCTAssertEqual(source.rule, "floats")
    XCTAssertEqual(source.ruleSentence, "floating-point numbers taken as they are")
    XCTAssertFalse(source.isDiscrete)
    XCTAssertEqual(source.unquantizedValue, "\(folder)/images.npy[1, 0, 1] is 0.5")
  }

  func testFloatsThatAreAllMultiplesOfTheLevelsOfBytesCountAsBytes() throws {
    let levels = (0...255).map { Float($0) / 255 }
    let computed: [(name: String, values: [Float])] = [
      ("divided", levels), ("by a reciprocal", (0...255).map { Float($0) * (1 / 255) }),
      ("in small steps", (0...255).map { Float(Double($0) / 51 / 5) }),
      ("up by a bit", levels.map { min(1, $0.nextUp) }),
    ]
    for (name, floats) in computed {
      for wanted in [nil, "bytes/255"] {
        let npy = TestFiles.npy([4, 8, 8], TestFiles.bytes(floats), type: "<f4")
        let source = try open(npy, rule: wanted)
        XCTAssertEqual(source.rule, "bytes/255", name)
        XCTAssertEqual(source.valueRange, .unit, name)
        XCTAssertTrue(source.isDiscrete, name)
        XCTAssertNil(source.unquantizedValue, name)
        XCTAssertTrue(source.ruleSentence.contains("multiples of 1/255"), source.ruleSentence)
        XCTAssertEqual(values(source.train), floats, name)
      }
      let doubles = TestFiles.npy(
        [4, 8, 8], TestFiles.bytes((0...255).map { Double($0) / 255 }), type: "<f8")
      XCTAssertEqual(try open(doubles).rule, "bytes/255")
    }
    // A run that took them as floats before goes on as it began.
    let npy = TestFiles.npy([4, 8, 8], TestFiles.bytes(levels), type: "<f4")
    XCTAssertEqual(try open(npy, rule: "floats").rule, "floats")
  }

  func testTheFirstValueOffTheGridIsNamedWhereverItLies() throws {
    for position in [0, 63, 64, 5000, 9999] {
      for miss in [Float(2e-6), -2e-6, 1.9e-3] {
        var floats = (0..<10_000).map { Float(1 + $0 % 254) / 255 }
        floats[position] += miss
        if position < 9000 { floats[9500] = 0.5001 }
        let source = try open(
          TestFiles.npy([100, 10, 10], TestFiles.bytes(floats), type: "<f4"))
        let place = "[\(position / 100), \(position / 10 % 10), \(position % 10)]"
        XCTAssertEqual(
          source.unquantizedValue, "\(folder)/images.npy\(place) is \(floats[position])")
        XCTAssertEqual(source.rule, "floats")
      }
    }
  }

  func testFloatsAreBinaryUnitOrRealByTheirValues() throws {
    let cases: [([Float], ValueRange, String)] = [
      ([0, 1, -0.0], .binary, "binary"), ([0, 1, 0.5], .unit, "floats"),
      ([0, 1, 1.001], .real, "floats"), ([0, 1, -0.001], .real, "floats"),
    ]
    for (floats, range, rule) in cases {
      for wanted in [nil, "binary", "bytes/255", "floats"] {
        let npy = TestFiles.npy([1, 1, 3], TestFiles.bytes(floats), type: "<f4")
        let source = try open(npy, rule: wanted)
        XCTAssertEqual(source.valueRange, range)
        XCTAssertEqual(source.rule, rule)
        XCTAssertEqual(values(source.train), floats)
      }
    }
  }

  func testDoublesBecomeFloats() throws {
    // More than are converted at a time.
    let doubles = (0..<20_000).map { Double($0) / 19_999 }
    let source = try open(TestFiles.npy([2, 100, 100], TestFiles.bytes(doubles), type: "<f8"))
    XCTAssertEqual(values(source.train), doubles.map { Float($0) })
  }

  func testDoublesBeyondFloatsAreRefusedNamingTheirPlace() throws {
    let doubles = [0, 1e39, -1e300, 0]
    let path = try write(
      TestFiles.npy([2, 1, 2], TestFiles.bytes(doubles), type: "<f8"), "images.npy")
    assertRefused(path, kind: .unusable, naming: ["[0, 0, 1] is 1e+39", "32-bit"])
  }

  func testBigEndianNumbersAreRead() throws {
    let floats = TestFiles.npy(
      [1, 1, 6], units.flatMap { TestFiles.bytes([$0]).reversed() }, type: ">f4")
    XCTAssertEqual(values(try open(floats).train), units)
    let doubles = TestFiles.npy(
      [1, 1, 6], units.flatMap { TestFiles.bytes([Double($0)]).reversed() }, type: ">f8")
    XCTAssertEqual(values(try open(doubles).train), units)
  }

  func testBooleansAreBinaryWhateverTheRule() throws {
    for rule in [nil, "bytes/255"] {
      let source = try open(TestFiles.npy([1, 1, 3], [0, 1, 1], type: "|b1"), rule: rule)
      XCTAssertEqual(values(source.train), [0, 1, 1])
      XCTAssertEqual(source.valueRange, .binary)
    }
  }

  func testEveryHeaderThatNumPyWritesIsRead() throws {
    let headers = [
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 2, 3), }",
      "{\"shape\":(1,2,3),\"descr\":\"|u1\",\"fortran_order\":False}",
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1L, 2L, 3L,)}",
      // Of one line of pixels both orders are the same.
      "{'descr': '|u1', 'fortran_order': True, 'shape': (1, 1, 6), }",
    ]
    for header in headers {
      for version in UInt8(1)...3 {
        let source = try open(TestFiles.npy(header: header, version: version, bytes))
        XCTAssertEqual(values(source.train), units, header)
      }
    }
  }

  // MARK: NPZ

  private func archive(deflated: Bool = false) -> [TestFiles.Member] {
    let labels = [5, -6].flatMap { TestFiles.littleEndian(Int64($0)) }
    let members = [
      TestFiles.Member("test_labels", TestFiles.npy([1], [200])),
      TestFiles.Member("train", TestFiles.npy([2, 1, 3], bytes)),
      TestFiles.Member("other", [1, 2, 3]),
      TestFiles.Member("train_labels", TestFiles.npy([2], labels, type: "<i8")),
      TestFiles.Member("test", TestFiles.npy([1, 1, 3], [255, 0, 51])),
      TestFiles.Member("valid", TestFiles.npy([1, 1, 3], [0, 0, 255])),
      TestFiles.Member("valid_labels", TestFiles.npy([1], [1, 2], type: ">u2")),
    ]
    return deflated ? members.map(\.deflated) : members
  }

  func testArchivesHoldSplitsAndLabels() throws {
    let files = [
      TestFiles.zip(archive()), TestFiles.zip(archive(deflated: true)),
      TestFiles.zip(archive().map { $0.with { $0.isExtended = true } }, isExtended: true),
      TestFiles.zip(archive(), comment: String(repeating: "PK", count: 1000)),
    ]
    for file in files {
      let source = try DataSource.open(write(file, "images.npz"))
      XCTAssertEqual(source.splits.map(\.name), ["train", "valid", "test"])
      XCTAssertEqual(values(source.train), units)
      XCTAssertEqual(values(try source.split(named: "valid")), [0, 0, 1])
      XCTAssertEqual(values(try source.split(named: "test")), [1, 0, 0.2])
      XCTAssertEqual(source.splits.map(\.labels), [[5, -6], [258], [200]])
    }
  }

  func testFloatsOfAllSplitsDecideOnTheRange() throws {
    let path = try write(
      TestFiles.zip([
        TestFiles.Member(
          "train", TestFiles.npy([1, 1, 1], TestFiles.bytes([1 as Float]), type: "<f4")),
        TestFiles.Member(
          "test", TestFiles.npy([1, 1, 1], TestFiles.bytes([2 as Float]), type: "<f4")),
      ]), "images.npz")
    let source = try DataSource.open(path)
    XCTAssertEqual(source.valueRange, .real)
    XCTAssertEqual(source.rule, "floats")
  }

  func testATestSplitOffTheGridOfBytesIsNamed() throws {
    let path = try write(
      TestFiles.zip([
        TestFiles.Member(
          "train", TestFiles.npy([1, 2, 3], TestFiles.bytes(units), type: "<f4")),
        TestFiles.Member(
          "test",
          TestFiles.npy([1, 2, 3], TestFiles.bytes([0, 1, 0.3, 0, 0, 0] as [Float]), type: "<f4")),
      ]), "images.npz")
    let source = try DataSource.open(path, rule: "bytes/255")
    XCTAssertEqual(source.unquantizedValue, "\(path): test[0, 0, 2] is 0.3")
    XCTAssertFalse(source.isDiscrete)
  }

  func testLabelsHaveTheNamesThatTheArchiveGivesTheirClasses() throws {
    func path(_ type: String, _ texts: [UInt8], labels: [UInt8] = [1, 0]) throws -> String {
      try write(
        TestFiles.zip([
          TestFiles.Member("train", TestFiles.npy([2, 1, 3], bytes)),
          TestFiles.Member("train_labels", TestFiles.npy([2], labels)),
          TestFiles.Member("class_names", TestFiles.npy([2], texts, type: type)),
        ]), "images.npz")
    }
    func wide(_ texts: [String]) -> [UInt8] {
      texts.flatMap { text in
        let scalars = text.unicodeScalars.map(\.value)
        return (scalars + [UInt32](repeating: 0, count: 3 - scalars.count)).flatMap {
          TestFiles.littleEndian($0)
        }
      }
    }
    let short = Array("cat\0\0".utf8) + Array("Kühe".utf8)
    for (type, content) in [("|S5", short), ("<U3", wide(["cat", "Küh"]))] {
      let source = try DataSource.open(path(type, content))
      XCTAssertEqual(source.train.classes, ["cat", type == "|S5" ? "Kühe" : "Küh"])
      XCTAssertEqual(source.train.labels, [1, 0])
      XCTAssertFalse(source.notices.contains { $0.description.contains("not used") })
    }
    assertRefused(
      try path("|S5", short, labels: [1, 2]), kind: .unusable, naming: ["[1] is 2", "2 classes"])
    assertRefused(
      try path("<U3", wide(["cat", "cat"])), kind: .unusable, naming: ["the name cat twice"])
    assertRefused(try path("|S2", [65, 0, 0, 0]), kind: .unusable, naming: ["an empty name"])
    assertRefused(try path("|S2", [65, 0, 0xff, 66]), kind: .malformed, naming: ["class_names[1]"])
    assertRefused(try path("|u1", [1, 2]), kind: .malformed, naming: ["class_names", "texts"])
    assertRefused(try path("|S9", short), kind: .malformed, naming: ["class_names", "18 bytes"])
    assertRefused(
      try path("<U1", [0, 0, 0, 0x7f, 0, 0, 0, 0]), kind: .malformed, naming: ["[0] is no valid"])
  }

  func testLabelsThatAreWordsAreRefusedWithWhatMakesNumbersOfThem() throws {
    let path = try write(
      TestFiles.zip([
        TestFiles.Member("train", TestFiles.npy([2, 1, 3], [0, 1, 2, 250, 251, 252])),
        TestFiles.Member("train_labels", TestFiles.npy([2], Array("catdog".utf8), type: "|S3")),
      ]), "words.npz")
    assertRefused(
      path, kind: .malformed,
      naming: ["train_labels", "holds words or objects", "return_inverse", "class_names"])
  }

  // MARK: Other types, sizes and names

  func testEveryNumericTypeGivesTheNumbersThatNumPyGives() throws {
    let numbers = [-3, 0, 7, 100, -128, 127]
    func content<Number: FixedWidthInteger>(_ type: Number.Type) -> [UInt8] {
      numbers.flatMap { TestFiles.littleEndian(Number(truncatingIfNeeded: $0)) }
    }
    let signed = numbers.map(Float.init)
    let cases: [(String, [UInt8], [Float])] = [
      ("|i1", content(Int8.self), signed), ("<i2", content(Int16.self), signed),
      ("<i4", content(Int32.self), signed), ("<i8", content(Int64.self), signed),
      ("<u2", content(UInt16.self), [65533, 0, 7, 100, 65408, 127]),
      (">i2", numbers.flatMap { TestFiles.littleEndian(Int16($0)).reversed() }, signed),
      // 1.5, -0.0999755859375, the largest, the least normal and subnormal number, and zero.
      (
        "<f2",
        [0x3e00, 0xae66, 0x7bff, 0x0400, 0x0001, 0x8000].flatMap {
          TestFiles.littleEndian(UInt16($0))
        },
        [1.5, -0.0999755859375, 65504, 0x1p-14, 0x1p-24, -0.0]
      ),
    ]
    for (type, content, expected) in cases {
      for limit in [nil, 0] {
        let path = try write(TestFiles.npy([2, 3], content, type: type), "numbers.npy")
        let source = try DataSource.open(path, largestArray: limit)
        XCTAssertEqual(source.train.ownBatch([0, 1]).floats, expected, type)
        XCTAssertEqual(source.valueRange, .real, type)
        XCTAssertEqual(
          source.notices.contains { $0.description.contains("integers") }, type != "<f2", type)
      }
    }
    let endless = TestFiles.npy([1, 2], [0, 0x7c, 0, 0xfe], type: "<f2")
    assertRefused(try write(endless, "endless.npy"), kind: .unusable, naming: ["[0, 0] is inf"])
  }

  func testAMatrixIsExamplesOfAsManyNumbersAsItHasColumns() throws {
    // Those of pixels stay as they are; others are standardized by their columns.
    let numbers = (0..<12).map { Float($0) / 15 }
    let source = try open(TestFiles.npy([4, 3], TestFiles.bytes(numbers), type: "<f4"))
    XCTAssertEqual(source.shape, ImageShape(height: 1, width: 3, channels: 1))
    XCTAssertEqual(source.train.count, 4)
    XCTAssertEqual(values(source.train, [2]), Array(numbers[6..<9]))
  }

  func testVectorsOfMoreNumbersThanATableHasColumnsAreRefused() throws {
    let width = TableColumns.limit + 1
    for value in [0.5, 7] as [Float] {
      let floats = [Float](repeating: value, count: 2 * width)
      assertRefused(
        try write(TestFiles.npy([2, width], TestFiles.bytes(floats), type: "<f4"), "wide.npy"),
        kind: .unusable, naming: ["\(width) columns", "\(TableColumns.limit)", "exchanged"])
      try floats.withUnsafeBytes { bytes in
        let start = try XCTUnwrap(bytes.baseAddress)
        let images = MemoryImages(
          at: start, count: 2, shape: ImageShape(height: 1, width: width, channels: 1),
          strides: [width, width, 1, 1], element: .float32)
        XCTAssertThrowsError(try DataSource.inMemory(train: images, test: nil, range: nil)) {
          XCTAssertTrue("\($0)".contains("\(width) columns"), "\($0)")
        }
      }
    }
    // Of a model that is there they are what it takes, and bytes are pictures.
    let bytes = TestFiles.npy([1, width], [UInt8](repeating: 9, count: width))
    XCTAssertEqual(try open(bytes).shape.width, width)
  }

  func testArraysOfUsualNamesAreUnderstoodAndOthersAreNamed() throws {
    let labels = [5, -6].flatMap { TestFiles.littleEndian(Int64($0)) }
    for (train, valid, test, names) in [
      ("x_train", "x_val", "x_test", ["y_train", "y_val", "y_test"]),
      ("X_train", "validation", "test", ["train_labels", "validation_labels", "y_test"]),
      ("train_images", "val_images", "test_images", ["train_labels", "val_labels", "test_labels"]),
    ] {
      let path = try write(
        TestFiles.zip([
          TestFiles.Member(train, TestFiles.npy([2, 1, 3], bytes)),
          TestFiles.Member(valid, TestFiles.npy([1, 1, 3], [1, 2, 3])),
          TestFiles.Member(test, TestFiles.npy([1, 1, 3], [255, 0, 51])),
          TestFiles.Member(names[0], TestFiles.npy([2, 1], labels, type: "<i8")),
          TestFiles.Member(names[1], TestFiles.npy([1], [7])),
          TestFiles.Member(names[2], TestFiles.npy([1], [8])),
          TestFiles.Member("extra", TestFiles.npy([1], [9])),
        ]), "images.npz")
      let source = try DataSource.open(path)
      XCTAssertEqual(values(source.train), units)
      XCTAssertEqual(source.splits.map(\.name), ["train", "valid", "test"])
      XCTAssertEqual(source.splits.map(\.labels), [[5, -6], [7], [8]], train)
      XCTAssertEqual(
        source.notices.map(\.description).filter { $0.contains("not used") }.count, 1)
      XCTAssertTrue(source.notices.contains { $0.description.contains("not used: \"extra\";") })
    }
    let single = try write(
      TestFiles.zip([TestFiles.Member("arr_0", TestFiles.npy([2, 1, 3], bytes))]), "images.npz")
    XCTAssertEqual(values(try DataSource.open(single).train), units)
    // Targets of a regression are no labels.
    let targets = TestFiles.npy([2], TestFiles.bytes([0.5, 2] as [Float]), type: "<f4")
    let path = try write(
      TestFiles.zip([
        TestFiles.Member("x_train", TestFiles.npy([2, 1, 3], bytes)),
        TestFiles.Member("y_train", targets),
      ]), "images.npz")
    let source = try DataSource.open(path)
    XCTAssertNil(source.train.labels)
    XCTAssertTrue(source.notices.contains { $0.description.contains("\"y_train\"") })
  }

  func testFilesOfOtherFormatsAreCalledWhatTheyAre() throws {
    let cases: [(String, [UInt8], [String])] = [
      ("a.zip", [1], ["ZIP archive", "unpack"]),
      ("a.h5", [1], ["HDF5", "h5py"]),
      ("a.hdf5", [1], ["HDF5"]), ("a.mat", [1], ["MATLAB", "loadmat"]),
      ("a.pkl", [1], ["pickle", "numpy.save"]), ("a.pt", [1], ["PyTorch", "torch.load"]),
      ("a.parquet", [1], ["Parquet", "read_parquet"]), ("a.tar", [1], ["tar archive", "unpack"]),
      ("a.tar.gz", [1], ["tar archive"]), ("a.PNG", [1], ["one picture", "folder"]),
      ("b1", [0x50, 0x4b, 3, 4, 0], ["ZIP archive"]), ("b2", [0x80, 4, 1], ["pickle"]),
      ("b3", [0x89, 0x48, 0x44, 0x46, 13], ["HDF5"]), ("b4", Array("PAR1..".utf8), ["Parquet"]),
      ("b5", [UInt8](repeating: 0, count: 257) + Array("ustar ".utf8), ["tar archive"]),
      ("b6", TestFiles.npy([1, 1, 1], [1]), ["NumPy", ".npy"]),
    ]
    for (name, content, words) in cases {
      assertRefused(try write(content, name), kind: .unusable, naming: words)
    }
  }

  // MARK: Values far from what models expect

  private func scaleNotices(_ values: [Float], sizes: [Int]) throws -> [String] {
    try open(TestFiles.npy(sizes, TestFiles.bytes(values), type: "<f4")).notices.map(\.description)
  }

  func testNumbersFarFromWhatModelsExpectAreSaidWithTheRemedy() throws {
    let bytes = (0..<600).map { Float($0 * 89 % 256) }
    let asBytes = try scaleNotices(bytes, sizes: [100, 2, 3])
    XCTAssertEqual(asBytes.count, 1)
    XCTAssertTrue(asBytes[0].contains("0 to 255") && asBytes[0].contains("uint8"), asBytes[0])
    let large = try scaleNotices(bytes.map { $0 * 1000 + 0.5 }, sizes: [100, 2, 3])
    XCTAssertTrue(large.first?.contains("(X - X.mean()) / X.std()") == true, "\(large)")
    // Age and income; the third column never changes. Columns are standardized, so that there is nothing to say.
    var people: [Float] = []
    for number in 0..<200 {
      people += [Float(40 + number % 23), 90_000 * Float(number * 31 % 97), 5]
    }
    XCTAssertEqual(try scaleNotices(people, sizes: [200, 3]), [])
    // Standardized numbers, and those of a few units, are as expected.
    XCTAssertEqual(try scaleNotices(bytes.map { $0 / 64 - 2 }, sizes: [100, 2, 3]), [])
    XCTAssertEqual(try scaleNotices(bytes.map { $0 / 64 - 2 }, sizes: [100, 6]), [])
  }
  func testColumnsOfWhichOneVariesAThousandTimesAsMuchAreSaidToBe() throws {
    func notices(_ larger: Float) throws -> [String] {
      let rows: [Float] = [5, 0, 0, 5, 2, larger, 5, 0, 0, 5, 2, larger]
      return try open(TestFiles.npy([4, 3], TestFiles.bytes(rows), type: "<f4"), rule: "floats")
        .notices.map(\.description)
    }
    let found = try notices(2000)
    XCTAssertTrue(
      found.contains {
        $0.contains("column 1 has the deviation 1.0, column 2 1000.0; standardize them")
      }, "\(found)")
    XCTAssertFalse(try notices(1996).contains { $0.contains("differ in scale") })
  }

  func testNumbersOfAMagnitudeAboveThirtyAreSaidWithTheirBounds() throws {
    func values(_ magnitude: Float) -> [Float] {
      (0..<24).map { $0 % 3 == 0 ? -magnitude : magnitude }
    }
    XCTAssertEqual(try scaleNotices(values(29.5), sizes: [4, 2, 3]), [])
    let found = try scaleNotices(values(30.5), sizes: [4, 2, 3])
    XCTAssertEqual(found.count, 1)
    XCTAssertTrue(found[0].contains("reach from -30.5 to 30.5,"), found[0])
    // One large number among small ones is none of a large magnitude.
    XCTAssertEqual(try scaleNotices([100] + values(1).dropFirst(), sizes: [4, 2, 3]), [])
  }

  func testWholeNumbersUpTo255AreTakenForBytesOnlyWhereNoByteCouldBeLarger() throws {
    for (largest, least, areBytes) in [
      (127, 0, false), (128, 0, true), (255, 0, true), (256, 0, false), (200, -1, false),
    ] as [(Float, Float, Bool)] {
      let values = [largest, least] + [Float](repeating: 3, count: 10)
      let found = try scaleNotices(values, sizes: [2, 2, 3])
      XCTAssertEqual(found.contains { $0.contains("uint8") }, areBytes, "\(largest) \(found)")
      if areBytes { XCTAssertTrue(found[0].contains("from 0 to \(Int(largest)),"), found[0]) }
    }
  }

  func testShortRowsOfWholeNumbersAreNotTakenForBytes() throws {
    let numbers = (0..<640).map { Float($0 * 89 % 256) }
    XCTAssertEqual(try scaleNotices(numbers, sizes: [128, 5]), [])
    // Rows as long as pictures may be bytes of such.
    XCTAssertTrue(try scaleNotices(numbers, sizes: [10, 64]).first?.contains("uint8") == true)
  }
}

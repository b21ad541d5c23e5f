import CVAE
import VAEZoo
import XCTest

final class DataTests: CTestCase {
  private func info(_ data: OpaquePointer) throws -> vae_data_info {
    var info = vae_data_info()
    info.struct_size = UInt32(MemoryLayout<vae_data_info>.size)
    try succeed { vae_data_describe(data, &info, $0) }
    return info
  }

  private func images(
    _ data: OpaquePointer, _ split: String, _ first: Int64, _ count: Int64
  ) throws -> ArrayContents {
    let array = try made(freedBy: vae_array_free) {
      vae_data_images(data, split, first, count, $0, $1)
    }
    return try contents(of: array)
  }

  func testABuiltInSetIsDescribedAndItsImagesAreThoseOfSwift() throws {
    let data = try made(freedBy: vae_data_free) { vae_data_open("shapes:32", $0, $1) }
    let source = try DataSource.open("shapes:32")
    let info = try info(data)
    XCTAssertEqual(info.range, VAE_RANGE_BINARY)
    XCTAssertEqual([info.height, info.width, info.channels], [32, 32, 1])
    XCTAssertEqual(info.train_count, Int64(source.train.count))
    XCTAssertEqual(info.valid_count, Int64(source.validation?.count ?? 0))
    XCTAssertEqual(info.test_count, Int64(source.test?.count ?? 0))
    let found = try images(data, "train", 5, 3)
    XCTAssertEqual(found.shape, [3, 32, 32, 1])
    XCTAssertEqual(found.floats, source.train.batch([5, 6, 7]).floats)
  }

  func testTheRangeIsFoundOrCheckedAgainstTheValues() throws {
    let cases: [(values: [Float], range: Int32)] = [
      ([0, 1, 1, 0], VAE_RANGE_BINARY), ([0, 0.5, 1, 0], VAE_RANGE_UNIT),
      ([-1, 0.5, 1, 0], VAE_RANGE_REAL), ([0, 1, 1.5, 0], VAE_RANGE_REAL),
    ]
    let width: [Int32: Int] = [VAE_RANGE_BINARY: 0, VAE_RANGE_UNIT: 1, VAE_RANGE_REAL: 2]
    for (values, range) in cases {
      let tensor = CTensor(values, [1, 2, 2])
      XCTAssertEqual(try info(makeData(train: tensor)).range, range, "\(values)")
      for wanted in [VAE_RANGE_BINARY, VAE_RANGE_UNIT, VAE_RANGE_REAL] {
        if try XCTUnwrap(width[wanted]) >= XCTUnwrap(width[range]) {
          XCTAssertEqual(try info(makeData(train: tensor, range: wanted)).range, wanted)
        } else {
          refuse(VAE_ERR_DATA, "train holds") {
            var data: OpaquePointer?
            return vae_data_from_tensors(tensor.pointer, nil, wanted, &data, $0)
          }
        }
      }
    }
  }

  func testFloatsThatAreDividedBytesAreBytesAndOthersAreRefusedAsSuchNamingTheFirst() throws {
    let levels = CTensor((0..<8).map { Float($0) / 255 }, [2, 2, 2])
    for range in [VAE_RANGE_AUTO, VAE_RANGE_BYTES] {
      XCTAssertEqual(try info(makeData(train: levels, range: range)).range, VAE_RANGE_BYTES)
    }
    XCTAssertEqual(
      try info(makeData(train: levels, range: VAE_RANGE_UNIT)).range, VAE_RANGE_UNIT,
      "what is announced holds")
    let others = CTensor([0, 0.2, 0.4, 0.6, 0.8, 1, 0.3, 0.5], [2, 2, 2])
    XCTAssertEqual(try info(makeData(train: others)).range, VAE_RANGE_UNIT)
    refuse(VAE_ERR_DATA, "train[1, 1, 0] is 0.3") {
      var data: OpaquePointer?
      return vae_data_from_tensors(others.pointer, nil, VAE_RANGE_BYTES, &data, $0)
    }
    refuse(VAE_ERR_DATA, "test[1, 1, 0] is 0.3") {
      var data: OpaquePointer?
      return vae_data_from_tensors(levels.pointer, others.pointer, VAE_RANGE_BYTES, &data, $0)
    }
  }

  func testMissingValuesAreForModelsThatTakeMasksAlone() throws {
    var values = (0..<40 * 16).map { Float($0 * 7 % 11) / 10 }
    for place in stride(from: 3, to: values.count, by: 5) { values[place] = .nan }
    let tensor = CTensor(values, [40, 4, 4])
    let data = try makeData(train: tensor)
    let settings = [("hidden", "8"), ("latent", "2")]
    let plain = try makeModel("gaussian-vae", settings, range: VAE_RANGE_UNIT)
    refuse(VAE_ERR_DATA, "train[0, 0, 3] is nan") {
      var trainer: OpaquePointer?
      return vae_trainer_create(plain, data, nil, &trainer, $0)
    }
    let model = try makeModel(
      "gaussian-vae", settings + [("encoder.name", "masked-mlp")], range: VAE_RANGE_UNIT)
    try succeed { vae_trainer_fit(try? makeTrainer(model, data), nil, nil, nil, $0) }
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, tensor.pointer, 0, $0, $1)
    }
    let means = try contents(
      of: made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
      })
    XCTAssertTrue(means.floats.allSatisfy(\.isFinite))
    var out: OpaquePointer?
    refuse(VAE_ERR_DATA, "is nan") { vae_encode(plain, tensor.pointer, 0, &out, $0) }
  }

  func testValuesThatAreInfiniteAreRefusedNamingTheirPlace() {
    for bad in [Float.infinity, -.infinity] {
      for position in [0, 7, 1000, 10_000] {
        var values = [Float](repeating: 0.5, count: 3 * 64 * 64)
        values[position] = bad
        let tensor = CTensor(values, [3, 64, 64, 1])
        refuse(
          VAE_ERR_DATA, "train[\(position / 4096), \(position / 64 % 64), \(position % 64), 0] is"
        ) {
          var data: OpaquePointer?
          return vae_data_from_tensors(tensor.pointer, nil, VAE_RANGE_AUTO, &data, $0)
        }
      }
    }
  }

  func testBytesAreDividedBy255UnlessTheyAreBinary() throws {
    let grey = CTensor([0, 51, 255, 1] as [UInt8], VAE_UINT8, shape: [1, 2, 2])
    let found = try makeData(train: grey)
    XCTAssertEqual(try info(found).range, VAE_RANGE_BYTES)
    XCTAssertEqual(try images(found, "train", 0, 1).floats, [0, 0.2, 1, 1 / 255])

    let binary = CTensor([0, 1, 1, 0] as [UInt8], VAE_UINT8, shape: [1, 2, 2])
    let plain = try makeData(train: binary)
    XCTAssertEqual(try info(plain).range, VAE_RANGE_BINARY)
    XCTAssertEqual(try images(plain, "train", 0, 1).floats, [0, 1, 1, 0])

    // Of 0 and 255 the narrowest range is binary, as it is in files.
    let black = CTensor([0, 255, 255, 0] as [UInt8], VAE_UINT8, shape: [1, 2, 2])
    for range in [VAE_RANGE_AUTO, VAE_RANGE_BINARY] {
      let divided = try makeData(train: black, range: range)
      XCTAssertEqual(try info(divided).range, VAE_RANGE_BINARY)
      XCTAssertEqual(try images(divided, "train", 0, 1).floats, [0, 1, 1, 0])
    }
    XCTAssertEqual(try info(makeData(train: black, range: VAE_RANGE_BYTES)).range, VAE_RANGE_BYTES)

    for range in [VAE_RANGE_BYTES, VAE_RANGE_UNIT] {
      let divided = try makeData(train: binary, range: range)
      XCTAssertEqual(try info(divided).range, VAE_RANGE_BYTES)
      XCTAssertEqual(try images(divided, "train", 0, 1).floats, [0, 1 / 255, 1 / 255, 0])
    }
    refuse(VAE_ERR_DATA, "train holds") {
      var data: OpaquePointer?
      return vae_data_from_tensors(grey.pointer, nil, VAE_RANGE_BINARY, &data, $0)
    }
    refuse(VAE_ERR_DATA, "test[0, 0, 1] is 51") {
      var data: OpaquePointer?
      return vae_data_from_tensors(binary.pointer, grey.pointer, VAE_RANGE_AUTO, &data, $0)
    }
  }

  func testStridedAndDoubleImagesAreThoseOfTheirDenseCopy() throws {
    let dense = (0..<24).map { Float($0) / 32 }
    let expected = try images(makeData(train: CTensor(dense, [2, 3, 4])), "train", 0, 2).floats
    // Columns before rows, every second number unused.
    var spread = [Float](repeating: 9, count: 48)
    for n in 0..<2 {
      for y in 0..<3 {
        for x in 0..<4 { spread[n * 24 + x * 6 + y * 2] = dense[n * 12 + y * 4 + x] }
      }
    }
    let strided = CTensor(spread, VAE_FLOAT32, shape: [2, 3, 4], strides: [24, 2, 6])
    XCTAssertEqual(try images(makeData(train: strided), "train", 0, 2).floats, expected)
    // Backwards.
    let backwards = CTensor(
      Array(dense.reversed()), VAE_FLOAT32, shape: [2, 3, 4], strides: [-12, -4, -1], first: 23)
    XCTAssertEqual(try images(makeData(train: backwards), "train", 0, 2).floats, expected)
    // At an offset of bytes.
    let offset = CTensor(dense, VAE_FLOAT32, shape: [2, 3, 4], byteOffset: 12)
    XCTAssertEqual(try images(makeData(train: offset), "train", 0, 2).floats, expected)
    let doubles = CTensor(dense.map(Double.init), VAE_FLOAT64, shape: [2, 3, 4])
    XCTAssertEqual(try images(makeData(train: doubles), "train", 0, 2).floats, expected)
    let bytes = CTensor(dense.map { UInt8($0 * 255) }, VAE_UINT8, shape: [2, 3, 4])
    XCTAssertEqual(
      try images(makeData(train: bytes), "train", 0, 2).floats,
      dense.map { Float(UInt8($0 * 255)) / 255 })
  }

  func testShapesOfTwoToFourAxesAreImages() throws {
    let values = Self.pixels(2)
    for (shape, size) in [
      ([2, 4, 4, 1], [4, 4, 1]), ([2, 4, 2, 2], [4, 2, 2]), ([2, 4, 4], [4, 4, 1]),
      ([2, 16], [1, 16, 1]),
    ] as [([Int], [Int64])] {
      let info = try info(makeData(train: CTensor(values, shape)))
      XCTAssertEqual([info.height, info.width, info.channels], size)
      XCTAssertEqual(info.train_count, 2)
    }
    for shape in [[32], [], [2, 2, 2, 2, 2], [0, 4, 4], [2, 0, 16]] {
      let tensor = CTensor(values, shape)
      refuse(VAE_ERR_INVALID_ARGUMENT, "train") {
        var data: OpaquePointer?
        return vae_data_from_tensors(tensor.pointer, nil, 0, &data, $0)
      }
    }
  }

  func testTheMemoryOfDataIsReadWhereItIs() throws {
    let tensor = self.images(4)
    let data = try makeData(train: tensor)
    let before = try images(data, "train", 2, 1).floats
    tensor.set(2 * 16 + 3, 1 - before[3])
    let after = try images(data, "train", 2, 1).floats
    XCTAssertEqual(after[3], 1 - before[3], "the data were copied")
    XCTAssertEqual(after.dropFirst(4), before.dropFirst(4))
  }

  func testSplitsAndRangesOutsideAreRefused() throws {
    let data = try makeData(train: images(4))
    var out: OpaquePointer?
    refuse(VAE_ERR_INVALID_ARGUMENT, "train, valid and test") {
      vae_data_images(data, "rest", 0, 1, &out, $0)
    }
    refuse(VAE_ERR_NOT_FOUND, "it has: train") { vae_data_images(data, "test", 0, 1, &out, $0) }
    for (first, count) in [
      (-1, 1), (0, 0), (0, -1), (0, 5), (4, 1), (3, 2), (Int64.max, 1), (1, Int64.max),
      (Int64.max, Int64.max), (Int64.min, Int64.min),
    ] as [(Int64, Int64)] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "of train") {
        vae_data_images(data, "train", first, count, &out, $0)
      }
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "range is 9") {
      vae_data_from_tensors(images(4).pointer, nil, 9, &out, $0)
    }
    let other = CTensor([0, 1], [1, 1, 2])
    refuse(VAE_ERR_DATA, "test has images of 1x2x1") {
      vae_data_from_tensors(images(4).pointer, other.pointer, 0, &out, $0)
    }
    let bytes = CTensor([UInt8](repeating: 1, count: 16), VAE_UINT8, shape: [1, 4, 4])
    refuse(VAE_ERR_DATA, "not both bytes") {
      vae_data_from_tensors(images(4).pointer, bytes.pointer, 0, &out, $0)
    }
  }

  func testSourcesThatAreNotThereAreNotFound() throws {
    var out: OpaquePointer?
    refuse(VAE_ERR_NOT_FOUND) { vae_data_open("no-such-set", &out, $0) }
    refuse(VAE_ERR_NOT_FOUND) { vae_data_open("/no/such/path", &out, $0) }
    refuse(VAE_ERR_NOT_FOUND) { vae_data_open("", &out, $0) }
    // Words of the command line in a path are the caller's.
    for path in [
      "/no/such--force--run.npz", "/no/such--resume.npz", "/no/--epochs/--batch-size.npz",
      "/no/such--learning-rate.npz",
    ] {
      refuse(VAE_ERR_NOT_FOUND, path) { vae_data_open(path, &out, $0) }
    }
    let path = try temporaryFolder() + "/junk.npy"
    try Data("junk".utf8).write(to: URL(fileURLWithPath: path))
    refuse(VAE_ERR_FORMAT) { vae_data_open(path, &out, $0) }
  }
}

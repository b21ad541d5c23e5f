import CDLPack
import CVAE
import VAEData
import XCTest

final class TensorTests: CTestCase {
  // MARK: Hostile tensors

  func testTensorsThatContradictThemselvesAreRefusedSayingWhere() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    func refusal(
      _ status: vae_status, _ words: String, line: UInt = #line,
      _ change: (inout vae_tensor) -> Void
    ) {
      let tensor = images(2)
      change(&tensor.view)
      refuse(status, words, #filePath, line) { vae_encode(model, tensor.pointer, 0, &out, $0) }
    }
    refusal(VAE_ERR_INVALID_ARGUMENT, "dtype 0") { $0.dtype = 0 }
    refusal(VAE_ERR_UNSUPPORTED, "dtype 77") { $0.dtype = 77 }
    refusal(VAE_ERR_UNSUPPORTED, "dtype -1") { $0.dtype = -1 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "device 0") { $0.device = 0 }
    refusal(VAE_ERR_UNSUPPORTED, "device 2") { $0.device = 2 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "rank 9") { $0.rank = 9 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "rank -1") { $0.rank = -1 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "no shape") { $0.shape = nil }
    refusal(VAE_ERR_INVALID_ARGUMENT, "no data") { $0.data = nil }
    refusal(VAE_ERR_INVALID_ARGUMENT, "outside of memory") { $0.byte_offset = .max }
    refusal(VAE_ERR_INVALID_ARGUMENT, "outside of memory") { $0.byte_offset = 1 << 63 }
    refusal(VAE_ERR_INVALID_ARGUMENT, "struct_size") { $0.struct_size = 0 }
    refuse(VAE_ERR_INVALID_ARGUMENT, "images is NULL") { vae_encode(model, nil, 0, &out, $0) }
  }

  func testShapesThatNoMemoryHoldsAreRefused() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    let shapes: [[Int]] = [
      [-1, 4, 4, 1], [2, -4, 4, 1], [.max, 4, 4, 1], [.max, .max, .max, .max], [.min, 4, 4, 1],
      [1 << 32, 1 << 32, 4, 1], [1 << 40, 16], [2, .max], [1 << 62, 4],
      [0, 4, 4, 1], [2, 4, 4, 0], [2, 0], [0, 0, .max, 2],
    ]
    for shape in shapes {
      let tensor = CTensor([Float](repeating: 0, count: 32), shape)
      refuse(VAE_ERR_INVALID_ARGUMENT, "images") { vae_encode(model, tensor.pointer, 0, &out, $0) }
    }
  }

  func testStridesThatReachOutsideOfMemoryAreRefused() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    let strides: [[Int]] = [
      [.max, 4, 1, 1], [.min, 4, 1, 1], [16, .max / 2, 1, 1], [16, .min / 2, 1, 1],
      [-(1 << 46), 4, 1, 1], [1 << 50, 4, 1, 1],
    ]
    for strides in strides {
      let tensor = CTensor(
        [Float](repeating: 0, count: 32), VAE_FLOAT32, shape: [2, 4, 4, 1], strides: strides)
      refuse(VAE_ERR_INVALID_ARGUMENT, "outside of memory") {
        vae_encode(model, tensor.pointer, 0, &out, $0)
      }
    }
  }

  /// As a column slice of NumPy's, `X[:, ::2]`, and the rows of a Fortran array have them.
  func testRowsOfNumbersAreReadByTheirStrides() throws {
    let model = try makeModel(range: VAE_RANGE_UNIT)
    func means(_ images: CTensor) throws -> [Float] { try self.means(of: images, by: model) }
    let values = (0..<48).map { Float($0 * $0 % 47) / 47 }
    let dense = try means(CTensor(values, [3, 16]))
    XCTAssertEqual(Set(dense).count, dense.count, "images that look alike tell nothing")
    let spread = values.flatMap { [$0, 1 - $0] }
    XCTAssertEqual(
      try means(CTensor(spread, VAE_FLOAT32, shape: [3, 16], strides: [32, 2])), dense)
    let columns = (0..<16).flatMap { column in (0..<3).map { values[$0 * 16 + column] } }
    XCTAssertEqual(
      try means(CTensor(columns, VAE_FLOAT32, shape: [3, 16], strides: [1, 3])), dense)
  }

  func testRowsOfNumbersAreCutIntoRowsColumnsAndChannels() throws {
    var options = modelOptions(range: VAE_RANGE_UNIT)
    (options.height, options.width, options.channels) = (2, 3, 2)
    let model = try makeModel(options: options)
    let info = try info(of: model)
    XCTAssertEqual([info.height, info.width, info.channels], [2, 3, 2])
    func means(_ images: CTensor) throws -> [Float] { try self.means(of: images, by: model) }
    let values = (0..<36).map { Float($0 * $0 * 5 % 37) / 37 }
    let dense = try means(CTensor(values, [3, 2, 3, 2]))
    XCTAssertEqual(Set(dense).count, dense.count, "images that look alike tell nothing")
    XCTAssertEqual(try means(CTensor(values, [3, 12])), dense)
    let spread = values.flatMap { [$0, 1 - $0] }
    XCTAssertEqual(
      try means(CTensor(spread, VAE_FLOAT32, shape: [3, 12], strides: [24, 2])), dense)
    var columns = [Float](repeating: 0, count: 36)
    for (index, value) in values.enumerated() { columns[index % 12 * 3 + index / 12] = value }
    XCTAssertEqual(
      try means(CTensor(columns, VAE_FLOAT32, shape: [3, 12], strides: [1, 3])), dense)
    // Channels first, as others keep images.
    var planes = [Float](repeating: 0, count: 36)
    for (index, value) in values.enumerated() {
      let (image, pixel, channel) = (index / 12, index % 12 / 2, index % 2)
      planes[image * 12 + channel * 6 + pixel] = value
    }
    XCTAssertEqual(
      try means(CTensor(planes, VAE_FLOAT32, shape: [3, 2, 3, 2], strides: [12, 3, 1, 6])), dense)
  }

  func testArraysOfEveryTypeAreDescribedToDLPackAsWhatTheyAre() throws {
    let codes = try makeModel("vq-vae", [("codes", "8"), ("code_size", "3"), ("channels", "4")])
    let batch = images(5)
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(codes, batch.pointer, 0, $0, $1)
    }
    let model = try makeModel()
    let arrays = [
      try made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_CODES, 0, $0, $1)
      },
      try made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_SAMPLE, 0, $0, $1)
      },
      try made(freedBy: vae_array_free) {
        vae_log_likelihood(model, batch.pointer, 0, 0, nil, $0, $1)
      }, try made(freedBy: vae_array_free) { vae_model_save_memory(model, $0, $1) },
    ]
    let expected: [(code: UInt8, bits: UInt8, shape: [Int64]?)] = [
      (0, 32, [5, 1, 1]), (2, 32, [5, 1, 1, 3]), (2, 64, [5]), (1, 8, nil),
    ]
    for (array, wanted) in zip(arrays, expected) {
      var tensor: OpaquePointer?
      try succeed { vae_array_to_dlpack(array, &tensor, $0) }
      let managed = UnsafeMutablePointer<dlpack_managed>(try XCTUnwrap(tensor))
      let type = managed.pointee.tensor.type
      XCTAssertEqual([type.code, type.bits], [wanted.code, wanted.bits])
      XCTAssertEqual(type.lanes, 1)
      let rank = Int(managed.pointee.tensor.rank)
      if let shape = wanted.shape {
        XCTAssertEqual((0..<rank).map { managed.pointee.tensor.shape[$0] }, shape)
      }
      XCTAssertEqual(managed.pointee.tensor.strides[rank - 1], 1)
      managed.pointee.deleter(managed)
    }
  }

  func testElementsThatRepeatAreTakenAsFarAsTheirCopyFitsInMemory() throws {
    let model = try makeModel()
    let row = CTensor(Self.pixels(1), VAE_FLOAT32, shape: [3, 4, 4, 1], strides: [0, 4, 1, 1])
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, row.pointer, 0, $0, $1)
    }
    let mean = try contents(
      of: made(freedBy: vae_array_free) {
        vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
      })
    XCTAssertEqual(mean.shape, [3, 2])
    XCTAssertEqual(Array(mean.floats[0..<2]), Array(mean.floats[4..<6]))

    let endless = CTensor([0], VAE_FLOAT32, shape: [1 << 40, 4, 4, 1], strides: [0, 0, 0, 0])
    var out: OpaquePointer?
    refuse(VAE_ERR_OUT_OF_MEMORY, "GB of memory") {
      vae_encode(model, endless.pointer, 0, &out, $0)
    }
    refuse(VAE_ERR_OUT_OF_MEMORY, "GB of memory") {
      vae_data_from_tensors(endless.pointer, nil, 0, &out, $0)
    }
  }

  func testIntegersAreNoImages() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    let tensor = CTensor([Int32](repeating: 1, count: 16), VAE_INT32, shape: [1, 4, 4, 1])
    refuse(VAE_ERR_UNSUPPORTED, "32-bit integers") {
      vae_encode(model, tensor.pointer, 0, &out, $0)
    }
  }

  func testImagesOfAnotherSizeOrRangeAreRefusedNamingBoth() throws {
    let model = try makeModel()
    var out: OpaquePointer?
    for shape in [[1, 4, 8, 1], [1, 8, 4], [1, 4, 4, 2], [1, 32]] {
      let tensor = CTensor([Float](repeating: 1, count: 32), shape)
      let refusal = refuse(VAE_ERR_INVALID_ARGUMENT, "the model takes 4x4x1") {
        vae_encode(model, tensor.pointer, 0, &out, $0)
      }
      XCTAssertTrue(refusal.message.contains("\(shape)"), refusal.message)
    }
    for (value, words) in [
      (0.5, "values between 0 and 1, but the model takes zeros and ones"),
      (2, "store bytes of 0 to 255 as 8-bit integers (uint8)"), (.nan, "NaN"),
      (.infinity, "infinite"),
    ] as [(Float, String)] {
      var values = Self.pixels(2)
      values[17] = value
      let tensor = CTensor(values, [2, 4, 4])
      refuse(VAE_ERR_DATA, words) { vae_encode(model, tensor.pointer, 0, &out, $0) }
    }
  }

  // MARK: Without a copy

  func testADenseFloatBatchIsUsedWhereItIs() throws {
    let batch = images(64)
    let seen = DenseBatch(
      at: batch.address, count: 64, shape: ImageShape(height: 4, width: 4, channels: 1))
    XCTAssertEqual(seen.first, UnsafeRawPointer(batch.address), "the batch was moved")
    XCTAssertEqual(seen.part, UnsafeRawPointer(batch.address + 3 * 64), "a part was moved")
  }

  func testHandingImagesInTakesNoMemoryForThem() throws {
    let (count, pixels) = (5000, 1024)
    var options = modelOptions()
    (options.height, options.width) = (32, 32)
    let settings = CSettings([("hidden", "1"), ("latent", "1")])
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = 2
    let model = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    func encode(_ images: CTensor) throws -> Int {
      try bytesTaken {
        _ = try made(freedBy: vae_encoding_free) { vae_encode(model, images.pointer, 0, $0, $1) }
      }
    }
    let values = [Float](repeating: 1, count: count * pixels)
    let dense = try encode(CTensor(values, [count, 32, 32, 1]))
    XCTAssertLessThan(dense, 250 * pixels * 4 / 2, "a part of the images was copied")
    // The same measure sees a copy where there must be one: of a part at a time.
    let swapped = try encode(
      CTensor(values, VAE_FLOAT32, shape: [count, 32, 32, 1], strides: [1024, 1, 32, 1]))
    XCTAssertGreaterThanOrEqual(swapped, 250 * pixels * 4)
  }

  func testTrainingOnABatchOfTheCallersLeavesItAlone() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16))
    let trainer = try makeTrainer(model, data)
    let values = Self.pixels(16, seed: 4)
    let batch = CTensor(values, [16, 4, 4, 1])
    try succeed { vae_trainer_step_on(trainer, batch.pointer, nil, $0) }
    let after = Array(
      UnsafeBufferPointer(
        start: batch.address.assumingMemoryBound(to: Float.self), count: values.count))
    XCTAssertEqual(after, values, "the caller's memory was written")
  }

  func testNothingOfTheCallersIsKeptAfterACall() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16))
    let trainer = try makeTrainer(model, data)
    let batch = images(16)
    for _ in 0..<2 { try succeed { vae_trainer_step_on(trainer, batch.pointer, nil, $0) } }
    let encoding = try made(freedBy: vae_encoding_free) {
      vae_encode(model, batch.pointer, 0, $0, $1)
    }
    let result = try made(freedBy: vae_array_free) {
      vae_reconstruct(model, batch.pointer, 0, $0, $1)
    }
    let before = try contents(of: result)
    // What still looked at the batch would now see other numbers.
    for index in 0..<16 * 16 { batch.set(index, .nan) }
    XCTAssertEqual(try contents(of: result), before)
    let mean = try made(freedBy: vae_array_free) {
      vae_encoding_get(encoding, VAE_ENCODING_MEAN, 0, $0, $1)
    }
    XCTAssertTrue(try contents(of: mean).floats.allSatisfy(\.isFinite))
    var bound = vae_bound()
    bound.struct_size = UInt32(MemoryLayout<vae_bound>.size)
    try succeed { vae_trainer_step(trainer, &bound, $0) }
    XCTAssertTrue(bound.elbo.isFinite)
  }

  // MARK: DLPack

  func testAnArrayIsHandedOverSharingItsMemoryAndOutlivesItsHandle() throws {
    let model = try makeModel()
    var array: OpaquePointer?
    try succeed { vae_sample(model, 3, 1, 0, &array, $0) }
    let found = try view(of: XCTUnwrap(array))
    let values = try contents(of: XCTUnwrap(array)).floats
    var tensor: OpaquePointer?
    try succeed { vae_array_to_dlpack(array, &tensor, $0) }
    var versioned: OpaquePointer?
    try succeed { vae_array_to_dlpack_versioned(array, &versioned, $0) }
    vae_array_free(array)

    let plain = UnsafeMutablePointer<dlpack_managed>(try XCTUnwrap(tensor))
    let modern = UnsafeMutablePointer<dlpack_managed_versioned>(try XCTUnwrap(versioned))
    XCTAssertEqual(modern.pointee.major, 1)
    for described in [plain.pointee.tensor, modern.pointee.tensor] {
      XCTAssertEqual(described.data, found.data, "the numbers were copied")
      XCTAssertEqual(described.rank, 4)
      XCTAssertEqual((0..<4).map { described.shape[$0] }, [3, 4, 4, 1])
      XCTAssertEqual((0..<4).map { described.strides[$0] }, [16, 4, 1, 1])
      XCTAssertEqual(described.type.code, 2)
      XCTAssertEqual(described.type.bits, 32)
      XCTAssertEqual(described.type.lanes, 1)
      XCTAssertEqual(described.device.type, 1)
    }
    plain.pointee.deleter(plain)
    let after = Array(
      UnsafeBufferPointer(
        start: modern.pointee.tensor.data.assumingMemoryBound(to: Float.self), count: values.count))
    XCTAssertEqual(after, values, "the memory went with the first of two owners")
    modern.pointee.deleter(modern)
  }

  /// Images as another library would hand them over.
  private func managedTensor(of batch: CTensor) -> dlpack_managed {
    var managed = dlpack_managed()
    managed.tensor.data = batch.address
    managed.tensor.device.type = 1
    managed.tensor.rank = 4
    managed.tensor.type = dlpack_type(code: 2, bits: 32, lanes: 1)
    managed.tensor.shape = UnsafeMutablePointer(mutating: batch.view.shape)
    return managed
  }

  func testADLPackTensorIsSeenWhereItIs() throws {
    let model = try makeModel()
    let batch = images(2)
    var managed = managedTensor(of: batch)
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    try withUnsafeMutablePointer(to: &managed) { managed in
      try succeed { vae_tensor_from_dlpack(OpaquePointer(managed), &view, $0) }
    }
    XCTAssertEqual(view.data, batch.address)
    XCTAssertEqual(view.dtype, VAE_FLOAT32)
    let first = try made(freedBy: vae_array_free) { vae_reconstruct(model, &view, 0, $0, $1) }
    let second = try made(freedBy: vae_array_free) {
      vae_reconstruct(model, batch.pointer, 0, $0, $1)
    }
    XCTAssertEqual(try contents(of: first), try contents(of: second))

    var modern = dlpack_managed_versioned()
    modern.major = 1
    modern.tensor = managed.tensor
    try withUnsafeMutablePointer(to: &modern) { modern in
      try succeed { vae_tensor_from_dlpack_versioned(OpaquePointer(modern), &view, $0) }
      XCTAssertEqual(view.data, batch.address)
      modern.pointee.major = 2
      refuse(VAE_ERR_UNSUPPORTED, "version 2") {
        vae_tensor_from_dlpack_versioned(OpaquePointer(modern), &view, $0)
      }
    }
  }

  func testADLPackTensorBeginsAtItsByteOffset() throws {
    let batch = images(3)
    var managed = managedTensor(of: batch)
    managed.tensor.byte_offset = 64
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    try withUnsafeMutablePointer(to: &managed) { managed in
      try succeed { vae_tensor_from_dlpack(OpaquePointer(managed), &view, $0) }
    }
    XCTAssertEqual(view.data + Int(view.byte_offset), batch.address + 64)
  }

  func testDLPackTensorsOfOtherDevicesAndTypesAreRefused() {
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    func refusal(_ words: String, line: UInt = #line, _ change: (inout dlpack_tensor) -> Void) {
      var managed = dlpack_managed()
      managed.tensor.device.type = 1
      managed.tensor.type = dlpack_type(code: 2, bits: 32, lanes: 1)
      change(&managed.tensor)
      _ = withUnsafeMutablePointer(to: &managed) { managed in
        refuse(VAE_ERR_UNSUPPORTED, words, #filePath, line) {
          vae_tensor_from_dlpack(OpaquePointer(managed), &view, $0)
        }
      }
    }
    refusal("device 2") { $0.device.type = 2 }
    refusal("bits 16") { $0.type.bits = 16 }
    refusal("code 5") { $0.type.code = 5 }
    refusal("lanes 4") { $0.type.lanes = 4 }
    refusal("bits 64") { $0.type = dlpack_type(code: 0, bits: 64, lanes: 1) }
  }

  func testElementTypesOfDLPackAreOurs() throws {
    var view = vae_tensor()
    view.struct_size = UInt32(MemoryLayout<vae_tensor>.size)
    for (code, bits, dtype) in [
      (2, 32, VAE_FLOAT32), (2, 64, VAE_FLOAT64), (1, 8, VAE_UINT8), (0, 32, VAE_INT32),
    ] as [(UInt8, UInt8, Int32)] {
      var managed = dlpack_managed()
      managed.tensor.device.type = 1
      managed.tensor.type = dlpack_type(code: code, bits: bits, lanes: 1)
      try withUnsafeMutablePointer(to: &managed) { managed in
        try succeed { vae_tensor_from_dlpack(OpaquePointer(managed), &view, $0) }
      }
      XCTAssertEqual(view.dtype, dtype)
    }
  }
}

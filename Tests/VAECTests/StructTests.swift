import CVAE
import VAEInterface
import XCTest

/// Structs of callers built against an older or a later header.
final class StructTests: CTestCase {
  /// Memory that holds a struct and more.
  private func withMemory<Value, Result>(
    _ value: Value, size: Int, fill: UInt8 = 0,
    _ body: (UnsafeMutablePointer<Value>) throws -> Result
  ) rethrows -> Result {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 8192, alignment: 16)
    defer { memory.deallocate() }
    memset(memory, Int32(fill), 8192)
    withUnsafeBytes(of: value) { bytes in
      if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
    }
    memory.storeBytes(of: UInt32(size), as: UInt32.self)
    return try body(memory.assumingMemoryBound(to: Value.self))
  }

  private let known = MemoryLayout<vae_model_options>.size

  private func create(_ size: Int, tail: UInt8 = 0, _ error: ErrorSlot?) -> vae_status {
    var options = modelOptions()
    return "gaussian-vae".withCString { name in
      options.variant = name
      return withMemory(options, size: size, fill: 0) { pointer in
        if tail != 0 {
          UnsafeMutableRawPointer(pointer).storeBytes(
            of: tail, toByteOffset: size - 1, as: UInt8.self)
        }
        var model: OpaquePointer? = OpaquePointer(bitPattern: 8)
        let status = vae_model_create(pointer, &model, error)
        XCTAssertEqual(model == nil, status != VAE_OK)
        vae_model_free(model)
        return status
      }
    }
  }

  func testAStructOneFieldShorterTakesTheDefaultOfWhatIsMissing() throws {
    // Without `condition` and what follows it; then without `condition_width`, `from_weights`, `data` and
    // `seed`, too.
    for missing in [8, 16, 24, 32, 40] { try succeed { create(known - missing, $0) } }
    // Without `channels` the sizes are incomplete.
    refuse(VAE_ERR_INVALID_ARGUMENT, "channels") { create(known - 48, $0) }
  }

  func testALongerStructIsTakenWhereItsNewFieldsAreZero() throws {
    try succeed { create(known + 8, $0) }
    try succeed { create(4096, $0) }
  }

  func testALongerStructThatSetsANewFieldIsRefusedNamingItsPlace() {
    refuse(VAE_ERR_UNSUPPORTED, "byte \(known + 7)") { create(known + 8, tail: 1, $0) }
    refuse(VAE_ERR_UNSUPPORTED, "byte \(known + 15)") { create(known + 16, tail: 0x80, $0) }
  }

  func testASizeThatNoVersionHasIsRefused() {
    for size in [0, 1, 4, 7, 4097, 65536] {
      refuse(VAE_ERR_INVALID_ARGUMENT, "struct_size is \(size)") { create(size, $0) }
    }
    refuse(VAE_ERR_INVALID_ARGUMENT, "options is NULL") {
      var model: OpaquePointer?
      return vae_model_create(nil, &model, $0)
    }
  }

  func testTheTableOfFieldsCoversEveryStruct() {
    func check<Value: GrowingStruct>(_ type: Value.Type) {
      XCTAssertEqual(type.fields.first, 0..<4, "\(type)")
      XCTAssertEqual(type.fields.last?.upperBound, MemoryLayout<Value>.size, "\(type)")
      for (field, next) in zip(type.fields, type.fields.dropFirst()) {
        XCTAssertEqual(field.upperBound, next.lowerBound, "\(type)")
      }
      XCTAssertLessThanOrEqual(type.firstSize, MemoryLayout<Value>.size, "\(type)")
    }
    check(vae_tensor.self)
    check(vae_data_info.self)
    check(vae_model_options.self)
    check(vae_model_info.self)
    check(vae_communicator.self)
    check(vae_trainer_options.self)
    check(vae_bound.self)
    check(vae_progress.self)
    check(vae_evaluation_options.self)
    check(vae_call_options.self)
    XCTAssertEqual(vae_trainer_options.fields[2], 8..<16)
  }

  func testASizeThatCutsAFieldInTwoIsRefusedForEveryStruct() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    let trainer = try makeTrainer(model, data)
    let batch = images(2)
    var out: OpaquePointer?
    func check<Value: GrowingStruct>(
      _ value: Value, line: UInt = #line,
      _ call: (UnsafeMutablePointer<Value>, ErrorSlot?) -> vae_status
    ) {
      for field in Value.fields.dropFirst(2) {
        for size in field.lowerBound + 1..<field.upperBound {
          withMemory(value, size: size, fill: 0xaa) { pointer in
            _ = refuse(
              VAE_ERR_INVALID_ARGUMENT, "struct_size is \(size), which ends", #filePath, line
            ) {
              call(pointer, $0)
            }
          }
        }
      }
    }
    check(modelOptions()) { vae_model_create($0, &out, $1) }
    check(trainerOptions()) { vae_trainer_create(model, data, $0, &out, $1) }
    check(batch.view) { vae_encode(model, $0, 0, &out, $1) }
    check(vae_evaluation_options()) { vae_evaluate(model, data, $0, nil, &out, $1) }
    check(vae_call_options()) { vae_sample_with(model, 1, 1, 0, $0, &out, $1) }
    check(vae_model_info()) { vae_model_describe(model, $0, $1) }
    check(vae_data_info()) { vae_data_describe(data, $0, $1) }
    check(vae_bound()) { vae_trainer_step(trainer, $0, $1) }
    XCTAssertNil(out)
    XCTAssertEqual(try metric("step", ofTrainer: trainer), 0)
  }

  func testAFilledInStructIsWrittenAsFarAsItGoesAndNoFurther() throws {
    let model = try makeModel()
    let full = MemoryLayout<vae_model_info>.size
    for size in [8, 16, 24, full - 8, full] {
      try withMemory(vae_model_info(), size: size, fill: 0xaa) { pointer in
        let raw = UnsafeMutableRawPointer(pointer)
        try succeed { vae_model_describe(model, pointer, $0) }
        XCTAssertEqual(pointer.pointee.struct_size, UInt32(size), "the caller's size was changed")
        XCTAssertEqual(pointer.pointee.range, VAE_RANGE_BINARY)
        if size >= 16 { XCTAssertEqual(pointer.pointee.height, 4) }
        let after = raw.load(fromByteOffset: max(size, full), as: UInt8.self)
        XCTAssertEqual(after, 0xaa, "bytes behind the struct were written")
        if size < full {
          XCTAssertEqual(raw.load(fromByteOffset: size, as: UInt8.self), 0)
        }
      }
    }
  }

  func testNewFieldsOfALongerResultAreZeroed() throws {
    let model = try makeModel()
    let full = MemoryLayout<vae_model_info>.size
    try withMemory(vae_model_info(), size: full + 16, fill: 0xaa) { pointer in
      let raw = UnsafeMutableRawPointer(pointer)
      memset(raw + full, 0xaa, 64)
      try succeed { vae_model_describe(model, pointer, $0) }
      for offset in full..<full + 16 {
        XCTAssertEqual(raw.load(fromByteOffset: offset, as: UInt8.self), 0)
      }
      XCTAssertEqual(raw.load(fromByteOffset: full + 16, as: UInt8.self), 0xaa)
    }
  }

  func testAFailureZeroesAFilledInStruct() throws {
    var info = vae_model_info()
    info.struct_size = UInt32(MemoryLayout<vae_model_info>.size)
    info.height = 17
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_model_describe(nil, &info, $0) }
    XCTAssertEqual(info.height, 0)
    var bound = vae_bound()
    bound.struct_size = UInt32(MemoryLayout<vae_bound>.size)
    bound.elbo = 1
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_trainer_step(nil, &bound, $0) }
    XCTAssertEqual(bound.elbo, 0)
    var number = 1.0
    refuse(VAE_ERR_INVALID_ARGUMENT) { vae_metrics_get(nil, "elbo", &number, $0) }
    XCTAssertEqual(number, 0)
  }

  func testEveryOtherStructKeepsTheRules() throws {
    let model = try makeModel()
    let data = try makeData(train: images(16), test: images(8))
    var out: OpaquePointer?
    func evaluate(_ size: Int, tail: UInt8, _ error: ErrorSlot?) -> vae_status {
      let known = MemoryLayout<vae_evaluation_options>.size
      return withMemory(vae_evaluation_options(), size: size) { pointer in
        UnsafeMutableRawPointer(pointer).storeBytes(of: tail, toByteOffset: known, as: UInt8.self)
        defer {
          vae_metrics_free(out)
          out = nil
        }
        return vae_evaluate(model, data, pointer, nil, &out, error)
      }
    }
    func train(_ size: Int, tail: UInt8, _ error: ErrorSlot?) -> vae_status {
      let known = MemoryLayout<vae_trainer_options>.size
      return withMemory(trainerOptions(), size: size) { pointer in
        UnsafeMutableRawPointer(pointer).storeBytes(of: tail, toByteOffset: known, as: UInt8.self)
        defer {
          vae_trainer_free(out)
          out = nil
        }
        return vae_trainer_create(model, data, pointer, &out, error)
      }
    }
    func encode(_ size: Int, tail: UInt8, _ error: ErrorSlot?) -> vae_status {
      let batch = images(2)
      let known = MemoryLayout<vae_tensor>.size
      return withMemory(batch.view, size: size) { pointer in
        UnsafeMutableRawPointer(pointer).storeBytes(of: tail, toByteOffset: known, as: UInt8.self)
        defer {
          vae_encoding_free(out)
          out = nil
        }
        return vae_encode(model, pointer, 0, &out, error)
      }
    }
    func describe(_ size: Int, _ error: ErrorSlot?) -> vae_status {
      withMemory(vae_data_info(), size: size) { vae_data_describe(data, $0, error) }
    }
    let takers: [(known: Int, call: (Int, UInt8, ErrorSlot?) -> vae_status)] = [
      (MemoryLayout<vae_evaluation_options>.size, evaluate),
      (MemoryLayout<vae_trainer_options>.size, train),
      (MemoryLayout<vae_tensor>.size, encode),
    ]
    for (known, call) in takers {
      try succeed { call(known, 0, $0) }
      try succeed { call(known - 8, 0, $0) }
      try succeed { call(known + 8, 0, $0) }
      refuse(VAE_ERR_UNSUPPORTED, "byte \(known)") { call(known + 8, 1, $0) }
      refuse(VAE_ERR_INVALID_ARGUMENT, "struct_size") { call(0, 0, $0) }
    }
    try succeed { describe(8, $0) }
    try succeed { describe(400, $0) }
    refuse(VAE_ERR_INVALID_ARGUMENT, "struct_size") { describe(4, $0) }
  }
}

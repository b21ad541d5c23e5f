import CVAE
import VAEZoo
import XCTest

/// Rows of a table in C, in the table's own units.
final class TableTests: CTestCase {
  private func data(_ columns: String, _ rows: CTensor) throws -> OpaquePointer {
    var options = vae_data_options()
    options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    return try columns.withCString { text in
      options.columns_json = text
      return try made(freedBy: vae_data_free) {
        vae_data_from_tensors_with(rows.pointer, nil, &options, $0, $1)
      }
    }
  }

  private let columns = #"[{"name":"size","decimals":1},{"name":"kind","names":["a","b","c"]}]"#
  private var rows: CTensor {
    let values: [Float] = (0..<40).flatMap { (row: Int) -> [Float] in
      [Float(row % 7) * 50.5 - 99, Float(row % 3)]
    }
    return CTensor(values, [40, 2])
  }

  func testAModelTakesAndGivesRowsInTheTablesOwnUnits() throws {
    let rows = rows
    let data = try data(columns, rows)
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    options.data = data
    let model = try makeModel(options: options)
    let trainer = try makeTrainer(model, data)
    try succeed { vae_trainer_step(trainer, nil, $0) }
    let drawn = try contents(
      of: made(freedBy: vae_array_free) { vae_sample(model, 9, 1, 5, $0, $1) })
    XCTAssertEqual(drawn.shape, [9, 1, 2, 1])
    XCTAssertTrue(
      stride(from: 1, to: 18, by: 2).allSatisfy { [0, 1, 2].contains(drawn.doubles[$0]) })
    for size in stride(from: 0, to: 18, by: 2).map({ drawn.doubles[$0] }) {
      XCTAssertEqual((size * 10).rounded() / 10, size)
    }
    let back = try contents(
      of: made(freedBy: vae_array_free) { vae_reconstruct(model, rows.pointer, 1, $0, $1) })
    XCTAssertEqual(back.shape, [40, 1, 2, 1])
    let unknown = CTensor([-99, 3] as [Float], [1, 2])
    var out: OpaquePointer?
    refuse(VAE_ERR_DATA, "\"kind\"") { vae_reconstruct(model, unknown.pointer, 1, &out, $0) }
  }

  func testMissingCellsAreFilledInAndTheErrorIsThatOfTheTruth() throws {
    let model = try makeModel(
      "missing-vae", [("hidden", "8"), ("latent", "2")], range: VAE_RANGE_UNIT)
    let truth = (0..<64).map { Float($0 % 16) / 16 }
    let torn = truth.enumerated().map { $0 % 3 == 1 ? Float.nan : $1 }
    let images = CTensor(torn, [4, 4, 4, 1])
    let truths = CTensor(truth, [4, 4, 4, 1])
    var options = vae_imputation_options()
    options.struct_size = UInt32(MemoryLayout<vae_imputation_options>.size)
    options.importance_samples = 20
    options.truth = UnsafePointer(truths.pointer)
    var metrics: OpaquePointer?
    defer { vae_metrics_free(metrics) }
    let filled = try contents(
      of: made(freedBy: vae_array_free) {
        vae_impute(model, images.pointer, &options, nil, $0, &metrics, $1)
      })
    XCTAssertEqual(filled.shape, [4, 4, 4, 1])
    var squares = 0.0
    for (place, value) in filled.floats.enumerated() {
      guard torn[place].isNaN else {
        XCTAssertEqual(value, torn[place])
        continue
      }
      squares += pow(Double(value) - Double(truth[place]), 2)
    }
    func metric(_ name: String) throws -> Double {
      var value = 0.0
      try succeed { vae_metrics_get(metrics, name, &value, $0) }
      return value
    }
    let missing = try metric("missing")
    XCTAssertEqual(missing, Double(torn.count(where: \.isNaN)))
    XCTAssertEqual(try metric("rmse"), (squares / missing).squareRoot(), accuracy: 1e-6)
    var out: OpaquePointer?
    let plain = try makeModel(range: VAE_RANGE_UNIT)
    refuse(VAE_ERR_DATA, "masked-mlp") {
      vae_impute(plain, truths.pointer, nil, nil, &out, nil, $0)
    }
    let small = CTensor([0.5], [1, 1, 1, 1])
    options.truth = UnsafePointer(small.pointer)
    refuse(VAE_ERR_INVALID_ARGUMENT, "options->truth") {
      vae_impute(model, images.pointer, &options, nil, &out, nil, $0)
    }
    options.importance_samples = -1
    // Whatever stood there is no result of this call.
    var left = OpaquePointer(bitPattern: 8)
    refuse(VAE_ERR_INVALID_ARGUMENT, "importance_samples") {
      vae_impute(model, images.pointer, &options, nil, &out, &left, $0)
    }
    XCTAssertNil(left)
    refuse(VAE_ERR_INVALID_ARGUMENT, "filled") {
      vae_impute(model, images.pointer, nil, nil, nil, nil, $0)
    }
  }

  func testImagesOfATableAreItsRowsWithAllTheirDigits() throws {
    let values: [Double] = (0..<12).flatMap { row -> [Double] in
      [1e9 + Double(row) + 0.1, Double(row % 3)]
    }
    let rows = CTensor(values, VAE_FLOAT64, shape: [12, 2])
    let data = try data(columns, rows)
    let found = try contents(
      of: made(freedBy: vae_array_free) { vae_data_images(data, "train", 4, 3, $0, $1) })
    XCTAssertEqual(found.dtype, VAE_FLOAT64)
    XCTAssertEqual(found.shape, [3, 1, 2, 1])
    XCTAssertEqual(found.doubles, Array(values[8..<14]))
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    options.data = data
    let model = try makeModel(options: options)
    // Of a table a model is as wide as the table has columns, whatever becomes of words inside.
    let info = try info(of: model)
    XCTAssertEqual([info.height, info.width, info.channels], [1, 2, 1])
    options.data = nil
    var out: OpaquePointer?
    var wanted = vae_data_options()
    wanted.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
    wanted.range = VAE_RANGE_UNIT
    columns.withCString { text in
      wanted.columns_json = text
      refuse(VAE_ERR_INVALID_ARGUMENT, "options give columns, and a range as well") {
        vae_data_from_tensors_with(rows.pointer, nil, &wanted, &out, $0)
      }
    }
  }

  func testWhatIsFilledInFollowsTheOptions() throws {
    let model = try makeModel(
      "missing-vae", [("hidden", "8"), ("latent", "2")], range: VAE_RANGE_UNIT)
    let images = CTensor(
      (0..<64).map { $0 % 3 == 1 ? Float.nan : Float($0 % 16) / 16 }, [4, 4, 4, 1])
    func filled(_ samples: Int32?, seed: UInt64 = 0, draw: Int32? = nil) throws -> [Float] {
      var options = vae_imputation_options()
      options.struct_size = UInt32(MemoryLayout<vae_imputation_options>.size)
      (options.importance_samples, options.seed) = (samples ?? 0, seed)
      var call = vae_call_options()
      call.struct_size = UInt32(MemoryLayout<vae_call_options>.size)
      call.draw = draw ?? 0
      return try contents(
        of: made(freedBy: vae_array_free) { slot, error in
          withUnsafePointer(to: options) { options in
            withUnsafePointer(to: call) { call in
              vae_impute(
                model, images.pointer, samples == nil ? nil : options, draw == nil ? nil : call,
                slot, nil, error)
            }
          }
        }
      ).floats
    }
    let usual = try filled(nil)
    XCTAssertEqual(try filled(0), usual)
    XCTAssertEqual(try filled(1000), usual)
    XCTAssertEqual(try filled(1000, draw: 0), usual)
    XCTAssertNotEqual(try filled(999), usual)
    XCTAssertNotEqual(try filled(1000, seed: 1), usual)
    let drawn = try filled(20, draw: 1)
    XCTAssertNotEqual(drawn, try filled(20))
    XCTAssertNotEqual(drawn, try filled(20, seed: 1, draw: 1))
    XCTAssertEqual(drawn, try filled(20, draw: 1))
  }

  func testAColumnWithoutAnyValueIsRefusedWhereAModelIsMade() throws {
    let torn = CTensor((0..<40).flatMap { [Float($0), Float.nan] }, [40, 2])
    for (text, words) in [
      (#"[{"name":"size"},{"name":"other","type":"real"}]"#, "\"other\""),
      (#"[{"name":"size"},{"name":"kind","type":"category","names":["a"]}]"#, "\"kind\""),
      (nil, "column 1 has no value"),
    ] as [(String?, String)] {
      let data =
        try text.map { try self.data($0, torn) }
        ?? made(freedBy: vae_data_free) { vae_data_from_tensors(torn.pointer, nil, 0, $0, $1) }
      var options = vae_model_options()
      options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
      options.data = data
      "missing-vae".withCString { name in
        options.variant = name
        var out: OpaquePointer?
        refuse(VAE_ERR_DATA, words) { vae_model_create(&options, &out, $0) }
      }
    }
  }

  func testWhatAModelCannotTellApartIsSaidWhereOneIsMadeAndNotOfRowsForOne() throws {
    final class Listener { var sentences: [String] = [] }
    let listener = Listener()
    let callback: vae_log_callback = { message, user in
      guard let message, let user else { return }
      Unmanaged<Listener>.fromOpaque(user).takeUnretainedValue().sentences
        .append(String(cString: message))
    }
    vae_set_log_callback(callback, Unmanaged.passUnretained(listener).toOpaque())
    func count() -> Int { listener.sentences.count { $0.contains("different values are") } }
    // Beside 10^15 the others are all the same.
    let rows = CTensor((0..<40).flatMap { [$0 == 7 ? 1e15 : Float($0), Float($0 % 7)] }, [40, 2])
    let data = try data(#"[{"name":"a","type":"real"},{"name":"b","type":"real"}]"#, rows)
    XCTAssertEqual(count(), 0)
    var options = vae_model_options()
    options.struct_size = UInt32(MemoryLayout<vae_model_options>.size)
    options.data = data
    let model = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    XCTAssertEqual(count(), 1)
    _ = try makeTrainer(model, data)
    XCTAssertEqual(count(), 1)
    // Rows that are set apart take no notice with them.
    let settings = CSettings([("training.holdout", "0.2")])
    (options.settings, options.setting_count) = (
      UnsafePointer(settings.pointer), UInt64(settings.count)
    )
    _ = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
    XCTAssertEqual(count(), 2)
  }

  func testColumnsThatAreNoneOfTheRowsAreRefused() {
    let rows = rows
    let long = String(repeating: "n", count: 5000)
    for (text, words) in [
      ("{}", "no list"), ("[", "options->columns_json"), (#"[{"name":"a"}]"#, "1 columns"),
      (#"[{"name":"a"},{"name":"a"}]"#, "twice"),
      (#"[{"name":"a","type":"count"},{"name":"b"}]"#, "no whole number"),
      (#"[{"name":"a"},{"name":"b","names":["x"]}]"#, "none of the numbers 0 to 0"),
      (#"[{"name":"a","decimals":"two"},{"name":"b"}]"#, "decimals \"two\""),
      (#"[{"name":"a","decimals":1.5},{"name":"b"}]"#, "decimals 1.5"),
      (#"[{"name":"a","kind":"real"},{"name":"b"}]"#, "member \"kind\""),
      (#"[{"name":"a","type":"real","names":["x"]},{"name":"b"}]"#, "real, but has names of"),
      (#"[{"name":"a","type":"category"},{"name":"b"}]"#, "category, but has no names of"),
      ("[{\"name\":\"\(long)\"},{\"name\":\"b\"}]", "5000 bytes"),
      ("[{\"name\":\"a\",\"names\":[\"\(long)\"]},{\"name\":\"b\"}]", "5000 bytes"),
    ] {
      var options = vae_data_options()
      options.struct_size = UInt32(MemoryLayout<vae_data_options>.size)
      text.withCString { text in
        options.columns_json = text
        var out: OpaquePointer?
        refuse(VAE_ERR_DATA, words) {
          vae_data_from_tensors_with(rows.pointer, nil, &options, &out, $0)
        }
      }
    }
  }
}

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
    let settings = CSettings(Self.small)
    options.settings = UnsafePointer(settings.pointer)
    options.setting_count = UInt64(settings.count)
    let model = try "gaussian-vae".withCString { name in
      options.variant = name
      return try made(freedBy: vae_model_free) { vae_model_create(&options, $0, $1) }
    }
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

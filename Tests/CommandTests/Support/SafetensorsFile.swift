import Foundation
import XCTest

/// A safetensors file taken apart, so that tests can damage it.
struct SafetensorsFile {
  var header: [String: Any]
  var data: [UInt8]

  init(_ bytes: [UInt8]) throws {
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let text = Data(bytes[8..<8 + length])
    header = try XCTUnwrap(JSONSerialization.jsonObject(with: text) as? [String: Any])
    data = Array(bytes[(8 + length)...])
  }

  /// The names of the tensors in order.
  var names: [String] { header.keys.filter { $0 != "__metadata__" }.sorted() }

  /// The 32-bit floats of a tensor.
  func floats(_ name: String) throws -> [Float] {
    let entry = try XCTUnwrap(header[name] as? [String: Any], name)
    let offsets = try XCTUnwrap(entry["data_offsets"] as? [Int])
    return stride(from: offsets[0], to: offsets[1], by: 4).map { start in
      let bits = data[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      return Float(bitPattern: bits)
    }
  }

  /// Changes a member of a tensor's entry.
  mutating func set(_ name: String, _ member: String, _ value: Any) throws {
    var entry = try XCTUnwrap(header[name] as? [String: Any], name)
    entry[member] = value
    header[name] = entry
  }

  /// The bytes of the file.
  func encoded() throws -> [UInt8] {
    let text = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
    return Self.length(text.count) + text + data
  }

  static func length(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(value >> (8 * $0) & 255) }
  }
}

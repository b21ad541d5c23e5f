import Foundation
import VAEFiles
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

  /// The bytes of the file without its checksums, as version 0.1 wrote it.
  func unsealed() throws -> [UInt8] {
    var copy = self
    let metadata = header["__metadata__"] as? [String: Any] ?? [:]
    copy.header["__metadata__"] = metadata.filter {
      !["vae_zoo_format", "vae_zoo_checksum", "vae_zoo_tensors"].contains($0.key)
    }
    return try copy.encoded()
  }

  static func length(_ value: Int) -> [UInt8] {
    (0..<8).map { UInt8(value >> (8 * $0) & 255) }
  }
}

extension CommandTestCase {
  /// Makes a checkpoint one as version 0.1 wrote it, without checksums.
  func unseal(_ checkpoint: String) throws {
    for name in ["weights", "optimizer"] {
      let file = "\(checkpoint)/\(name).safetensors"
      try Data(SafetensorsFile(bytes(file)).unsealed()).write(to: URL(fileURLWithPath: file))
    }
    let file = "\(checkpoint)/state.json"
    var state = try SealedObject(parsing: bytes(file), source: file).object
    state["format"] = .integer(1)
    try Data(JSON.object(state).document.utf8).write(to: URL(fileURLWithPath: file))
  }
}

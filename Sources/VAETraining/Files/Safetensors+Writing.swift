import VAECore

extension Safetensors {
  /// The file's bytes: tensors by name, the header padded with spaces to a multiple of eight.
  public func encoded() -> [UInt8] {
    let sorted = entries.sorted { $0.name < $1.name }
    var header: JSON.Object = [:]
    if !metadata.isEmpty {
      var strings: JSON.Object = [:]
      for (name, text) in metadata.sorted(by: { $0.key < $1.key }) { strings[name] = .text(text) }
      header["__metadata__"] = .object(strings)
    }
    var offset = 0
    for entry in sorted {
      let end = offset + entry.range.count
      header[entry.name] = .object([
        "dtype": .text(entry.type.rawValue), "shape": .array(entry.shape.map(JSON.integer)),
        "data_offsets": .array([.integer(offset), .integer(end)]),
      ])
      offset = end
    }
    var text = Array(JSON.object(header).line.utf8)
    text += Array(repeating: UInt8(ascii: " "), count: (8 - text.count % 8) % 8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(8 + text.count + data.count)
    for place in 0..<8 {
      bytes.append(UInt8(truncatingIfNeeded: UInt64(text.count) >> (8 * place)))
    }
    bytes += text
    for entry in sorted { bytes += data[entry.range] }
    return bytes
  }
}

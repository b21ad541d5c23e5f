import Tensors

extension Safetensors {
  /// The file's bytes.
  ///
  /// Tensors stand in the order of their types, those that need the widest alignment first, and by
  /// name within a type; the header is padded with spaces to a multiple of eight. So every tensor
  /// is aligned, and equal content gives equal bytes: those that the format's reference library
  /// writes.
  ///
  /// Where there is no memory for them, none, and `DurableFiles` writes nothing; see
  /// `withMemoryErrors`.
  public func encoded() -> [UInt8] {
    let sorted = entries.sorted { first, second in
      first.type == second.type
        ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
        : first.type.position > second.type.position
    }
    var header = header(of: sorted)
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    let size = sorted.reduce(8 + header.count) { $0 + $1.range.count }
    guard Memory.mayTake(size, usesReserve: true) else { return [] }
    return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      func put(_ source: UnsafeRawBufferPointer) {
        let place = UnsafeMutableBufferPointer(rebasing: buffer[count..<size])
        UnsafeMutableRawBufferPointer(place).copyMemory(from: source)
        count += source.count
      }
      withUnsafeBytes(of: UInt64(header.count).littleEndian, put)
      header.withUnsafeBytes(put)
      bytes.withUnsafeBytes { bytes in
        for entry in sorted { put(UnsafeRawBufferPointer(rebasing: bytes[entry.range])) }
      }
    }
  }

  private func header(of entries: [Entry]) -> [UInt8] {
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(Self.json($0.key)):\(Self.json($0.value))" }
      members.append("\(Self.json(Self.metadataName)):{\(texts.joined(separator: ","))}")
    }
    var offset = 0
    for entry in entries {
      let end = offset + entry.range.count
      let shape = entry.shape.map(String.init).joined(separator: ",")
      members.append(
        """
        \(Self.json(entry.name)):{"dtype":"\(entry.type.rawValue)","shape":[\(shape)],\
        "data_offsets":[\(offset),\(end)]}
        """)
      offset = end
    }
    return Array("{\(members.joined(separator: ","))}".utf8)
  }

  /// A text as JSON, with no more escapes than it needs.
  private static func json(_ text: String) -> String {
    var json = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": json += "\\\""
      case "\\": json += "\\\\"
      case "\u{8}": json += "\\b"
      case "\t": json += "\\t"
      case "\n": json += "\\n"
      case "\u{c}": json += "\\f"
      case "\r": json += "\\r"
      case "\0"..<" ":
        let digits = String(scalar.value, radix: 16)
        json += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: json.unicodeScalars.append(scalar)
      }
    }
    return json + "\""
  }
}

extension Safetensors.ElementType {
  /// The place among all types, which are ordered by alignment.
  fileprivate var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

import Messages

/// Files of NumPy's arrays, `.npy` and `.npz`.
public enum ArrayFile {
  /// What a file of each kind begins with.
  package static let beginnings = [Array("PK".utf8), [0x93] + Array("NUMPY".utf8)]

  /// Reads a file to its end, and looks whether it is as it was written.
  ///
  /// - Returns: whether it has checksums, which then fit: archives have.
  /// - Throws: `DataError` where it is damaged, or no such file.
  public static func check(_ path: String) throws(DataError) -> Bool {
    let file = try InputFile(path: path)
    guard let first = try file.bytes(0..<min(1, file.size)).first, first == UInt8(ascii: "P") else {
      _ = try OpenedArray(npy: FileSection(file), size: file.size, name: path)
      return false
    }
    let archive = try ZIPArchive(file)
    for entry in archive.entries {
      let name = "\(path): array \(PlainText.quoted(entry.name))"
      try readThrough(archive.stream(entry, name: name), size: entry.size, name: name)
      if entry.name.hasSuffix(".npy") {
        _ = try OpenedArray(npy: archive.stream(entry, name: name), size: entry.size, name: name)
      }
    }
    return true
  }

  /// Reads a stream to its end, where it checks itself, a part at a time.
  private static func readThrough(
    _ stream: any ByteStream, size: Int, name: String
  ) throws(DataError) {
    let part = 1 << 20
    var found = 0
    while true {
      let count = try stream.next(part).count
      found += count
      if count < part || found > size { break }
    }
    guard found == size else {
      throw DataError(
        .malformed, "\(name) has \(found) bytes where its archive says \(size); get it again")
    }
  }
}

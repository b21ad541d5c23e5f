import Messages

/// Checksums of a file in its own metadata: under `vae_zoo_tensors` a JSON object with that of each
/// tensor's data, and under `vae_zoo_checksum` that of the header with the length before it, which
/// covers the tensors' names, types and shapes, the metadata and the padding.
extension Safetensors {
  /// What a metadata member of a file with checksums is called.
  private enum SealName: String, CaseIterable {
    /// The number that changes when older versions can no longer check a file.
    case format = "vae_zoo_format"
    case header = "vae_zoo_checksum"
    case tensors = "vae_zoo_tensors"
  }

  private static let sealFormat = "2"
  private static let sealOpening = "\"\(SealName.header.rawValue)\":\"\(Checksum.prefix)"

  /// The file's bytes, as `encoded()` gives them, with checksums.
  public func sealed() -> [UInt8] {
    var file = self
    var checksums: JSON.Object = [:]
    for entry in entries.sorted(by: {
      $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
    }) {
      checksums[entry.name] = .text(Checksum(bytes[entry.range]).description)
    }
    file.metadata[SealName.format.rawValue] = Self.sealFormat
    file.metadata[SealName.header.rawValue] = Seal.blank
    file.metadata[SealName.tensors.rawValue] = JSON.object(checksums).line
    var bytes = file.encoded()
    // Where memory is short there are none.
    guard !bytes.isEmpty else { return [] }
    let size = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    Seal.set(&bytes, in: 0..<8 + size, after: Self.sealOpening)
    return bytes
  }

  /// Verifies the checksums of a file that was read, where it has some, and takes them out of its
  /// metadata.
  ///
  /// - Parameter header: where the header lies.
  mutating func breakSeal(header: Range<Int>) throws(SafetensorsError) {
    // One damaged name does not make a file look like one without checksums.
    guard SealName.allCases.contains(where: { metadata[$0.rawValue] != nil }) else { return }
    guard Seal.isWhole(bytes[..<header.upperBound], after: Self.sealOpening) else {
      throw SafetensorsError(
        path, "the header is damaged: its checksum, \(SealName.header.rawValue), does not fit")
    }
    guard metadata[SealName.format.rawValue] == Self.sealFormat else {
      throw SafetensorsError(
        path,
        "its \(SealName.format.rawValue) is \(metadata[SealName.format.rawValue].map { PlainText.quoted($0) } ?? "missing"), but this "
          + "version reads \(Self.sealFormat)")
    }
    let json = metadata[SealName.tensors.rawValue].flatMap {
      try? JSON(parsing: Array($0.utf8), source: path, limits: Self.headerLimits).object
    }
    guard let checksums = json, checksums.members.count == entries.count else {
      throw SafetensorsError(
        path, "\(SealName.tensors.rawValue) in its metadata does not list its tensors")
    }
    for entry in entries {
      guard checksums[entry.name]?.text == Checksum(bytes[entry.range]).description else {
        throw SafetensorsError(
          path,
          "tensor \(PlainText.quoted(entry.name)) is damaged: its checksum does not fit")
      }
    }
    for name in SealName.allCases { metadata[name.rawValue] = nil }
    isSealed = true
  }
}

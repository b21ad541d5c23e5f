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
    let missing = SealName.allCases.filter { metadata[$0.rawValue] == nil }
    guard missing.count < SealName.allCases.count else { return }
    // What another version writes may have its checksums elsewhere.
    if let format = metadata[SealName.format.rawValue], format != Self.sealFormat {
      throw SafetensorsError(
        path,
        "its \(SealName.format.rawValue) is \(PlainText.quoted(format)), but this version reads "
          + "\(PlainText.quoted(Self.sealFormat)); use the version that wrote it, or restore the file if that is damage"
      )
    }
    guard missing.isEmpty else {
      throw SafetensorsError(
        path,
        "the header is damaged: it has lost \(missing.map(\.rawValue).joined(separator: " and ")) of the checksums "
          + "in its metadata")
    }
    let json = metadata[SealName.tensors.rawValue].flatMap {
      try? JSON(parsing: Array($0.utf8), source: path, limits: Self.headerLimits).object
    }
    guard let checksums = json else {
      throw SafetensorsError(
        path,
        "the header is damaged: \(SealName.tensors.rawValue) in its metadata is no list of checksums"
      )
    }
    if let entry = entries.first(where: { checksums[$0.name] == nil }) {
      throw SafetensorsError(
        path,
        "the header is damaged: there is no checksum of tensor \(PlainText.quoted(entry.name)) in the "
          + "\(SealName.tensors.rawValue) of its metadata")
    }
    if let member = checksums.members.first(where: { entry($0.name) == nil }) {
      throw SafetensorsError(
        path,
        "the header is damaged: \(SealName.tensors.rawValue) in its metadata has a checksum of tensor "
          + "\(PlainText.quoted(member.name)), which there is not")
    }
    guard Seal.isWhole(bytes[..<header.upperBound], after: Self.sealOpening) else {
      throw SafetensorsError(
        path, "the header is damaged: its checksum, \(SealName.header.rawValue), does not fit")
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

extension JSON.Object {
  /// The member that holds the checksum of the text that it ends.
  public static let sealName = "checksum"
  private static let opening = "\"\(sealName)\": \"\(Checksum.prefix)"

  /// The text on one line, with its checksum as the last member.
  public var sealedLine: String { sealed(\.line) }

  /// The text with a member a line, with its checksum as the last member.
  public var sealedDocument: String { sealed(\.document) }

  private func sealed(_ text: (JSON) -> String) -> String {
    var object = self
    object[Self.sealName] = nil
    object[Self.sealName] = .text(Seal.blank)
    var bytes = Array(text(.object(object)).utf8)
    Seal.set(&bytes, in: bytes.indices, after: Self.opening)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// An object out of a text that may hold the checksum of itself.
public struct SealedObject: Equatable, Sendable {
  /// The object without the checksum.
  public let object: JSON.Object
  /// Whether there was a checksum, which then was right. Texts of people, and of versions before
  /// 0.2, have none.
  public let isSealed: Bool

  /// Reads a text.
  ///
  /// - Parameters:
  ///   - bytes: UTF-8.
  ///   - source: what the bytes are, for the error.
  /// - Throws: `JSONError` where the text is no JSON object, or its checksum is wrong.
  public init(parsing bytes: [UInt8], source: String) throws(JSONError) {
    try self.init(parsing: bytes[...], source: source)
  }

  init(parsing bytes: ArraySlice<UInt8>, source: String) throws(JSONError) {
    let json = try JSON(parsing: bytes, source: source)
    guard var object = json.object else {
      throw JSONError(.malformed, source, "is not a JSON object")
    }
    let isMarked =
      object[JSON.Object.sealName] != nil
      || object.members.last?.value.text?.hasPrefix(Checksum.prefix) == true
    guard !isMarked || object.isWhole(bytes) else {
      throw JSONError(
        .damaged, source,
        "is damaged, or was changed by hand: its member \"\(JSON.Object.sealName)\" does not fit the rest"
      )
    }
    object[JSON.Object.sealName] = nil
    self.object = object
    isSealed = isMarked
  }
}

extension JSON.Object {
  /// Whether this object's text ends with its checksum, and that is right.
  fileprivate func isWhole(_ text: ArraySlice<UInt8>) -> Bool {
    members.last?.name == Self.sealName && Seal.isWhole(text, after: Self.opening)
  }
}

import VAEFiles

/// What a recipe says of a plug-in that its variant or components come from.
///
/// It is a record and no request: nothing is loaded because a recipe names it.
public struct RecordedPlugIn: Equatable, Sendable {
  /// Its file, or the name of one that a process brings itself.
  public let origin: String
  /// The SHA-256 of its file, 64 hexadecimal digits; nil for one without a file, and where a recipe of
  /// an earlier version does not say.
  public let sha256: String?

  /// Whether it is a file, and not the name that a program gave to what it brings itself.
  var isFile: Bool { sha256 != nil || isFileOfUnknownHash }
  /// Recipes of earlier versions have a file without its SHA-256.
  private let isFileOfUnknownHash: Bool

  /// A record.
  public init(origin: String, sha256: String?) {
    self.init(origin: origin, sha256: sha256, isFileOfUnknownHash: false)
  }

  private init(origin: String, sha256: String?, isFileOfUnknownHash: Bool) {
    self.origin = origin
    self.sha256 = sha256
    self.isFileOfUnknownHash = isFileOfUnknownHash
  }

  /// As recipes hold it: `{"file": …, "sha256": …}`, or `{"name": …}` of one that a process brings.
  var json: JSON {
    guard let sha256 else { return .object(["name": .text(origin)]) }
    return .object(["file": .text(origin), "sha256": .text(sha256)])
  }

  /// Reads what a recipe holds; earlier versions wrote the file alone, as a string. Nil for anything else.
  init?(_ json: JSON) {
    if let origin = json.text {
      self.init(origin: origin, sha256: nil, isFileOfUnknownHash: true)
      return
    }
    guard let object = json.object else { return nil }
    if let name = object["name"]?.text {
      self.init(origin: name, sha256: nil)
    } else if let file = object["file"]?.text, let sha256 = object["sha256"]?.text,
      sha256.utf8.count == 64, sha256.allSatisfy({ $0.isASCII && $0.isHexDigit })
    {
      self.init(origin: file, sha256: sha256)
    } else {
      return nil
    }
  }

  /// For messages: the file with its hash, as far as it is known.
  var title: String { sha256.map { "\(origin) (SHA-256 \($0))" } ?? origin }
}

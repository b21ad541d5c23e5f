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

  /// Whether it is a file, and not the name that a program gave to what it brings itself. Recipes of earlier versions
  /// have a file without its SHA-256.
  let isFile: Bool

  /// A record.
  public init(origin: String, sha256: String?) {
    (self.origin, self.sha256, isFile) = (origin, sha256, sha256 != nil)
  }

  /// As recipes hold it: `{"file": …, "sha256": …}`, or `{"name": …}` of one that a process brings.
  var json: JSON {
    guard let sha256 else { return .object(["name": .text(origin)]) }
    return .object(["file": .text(origin), "sha256": .text(sha256)])
  }

  /// Reads what a recipe holds; earlier versions wrote the file alone, as a string. Nil for anything else.
  init?(_ json: JSON) {
    if let file = json.text {
      (origin, sha256, isFile) = (file, nil, true)
    } else if let name = json.object?["name"]?.text {
      (origin, sha256, isFile) = (name, nil, false)
    } else if let file = json.object?["file"]?.text, let hash = json.object?["sha256"]?.text,
      hash.utf8.count == 64, hash.allSatisfy({ $0.isASCII && $0.isHexDigit })
    {
      (origin, sha256, isFile) = (file, hash, true)
    } else {
      return nil
    }
  }

  /// For messages: the file with its hash, as far as it is known.
  var title: String { sha256.map { "\(origin) (SHA-256 \($0))" } ?? origin }
}

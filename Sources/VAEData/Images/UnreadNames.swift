import Messages

/// What lies in a folder of pictures beside those that are read: folders, and pictures of other kinds.
package struct UnreadNames {
  private struct Found {
    var count = 0
    /// The first in the order of names.
    var first = ""

    mutating func add(_ name: String) {
      if count == 0 || name.utf8.lexicographicallyPrecedes(first.utf8) { first = name }
      count += 1
    }

    var example: String { (count > 1 ? "the first is " : "") + PlainText.line(first) }
  }

  private var folders = Found()
  /// By their endings.
  private var pictures: [String: Found] = [:]

  /// Nothing yet.
  package init() {}

  /// Whether there are pictures among it.
  package var hasPictures: Bool { !pictures.isEmpty }

  /// Counts a folder.
  package mutating func add(folder name: String) { folders.add(name) }

  /// Counts a name where it is that of a picture of another kind.
  ///
  /// - Returns: whether it is.
  @discardableResult
  package mutating func add(file name: String) -> Bool {
    let ending = ImageListing.ending(of: name)
    guard ImageListing.otherPictures.contains(ending) else { return false }
    pictures[ending, default: Found()].add(name)
    return true
  }

  /// Such as "2 folders (the first is a), 1 .webp (b.webp)", and nil where there is nothing.
  package var text: String? {
    var parts: [String] = []
    if folders.count > 0 {
      parts.append("\(Count.of(folders.count, "folder")) (\(folders.example))")
    }
    parts += pictures.sorted { $0.key < $1.key }.map { "\($1.count) .\($0) (\($1.example))" }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }
}

import Messages

/// What lies in a folder of pictures beside those that are read: folders, and pictures of other kinds.
package struct UnreadNames {
  private var folders: [String] = []
  private var pictures: [String: [String]] = [:]

  /// Nothing yet.
  package init() {}

  /// Counts a folder.
  package mutating func add(folder name: String) { folders.append(name) }

  /// Counts a name where it is that of a picture.
  package mutating func add(file name: String) {
    let ending = ImageListing.ending(of: name)
    guard ImageListing.otherPictures.contains(ending) else { return }
    pictures[ending, default: []].append(name)
  }

  /// Such as "2 folders (the first is a), 1 .webp (b.webp)", and nil where there is nothing.
  package var text: String? {
    var parts: [String] = []
    if let first = folders.first {
      parts.append("\(Count.of(folders.count, "folder")) (\(Self.example(first, folders.count)))")
    }
    for (ending, names) in pictures.sorted(by: { $0.key < $1.key }) {
      guard let first = names.first else { continue }
      parts.append("\(names.count) .\(ending) (\(Self.example(first, names.count)))")
    }
    return parts.isEmpty ? nil : parts.joined(separator: ", ")
  }

  private static func example(_ first: String, _ count: Int) -> String {
    (count > 1 ? "the first is " : "") + PlainText.line(first)
  }
}

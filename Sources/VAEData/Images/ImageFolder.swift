import Messages

/// Which images of a folder belong to which split and class.
///
/// Folders `train` and `test` (and `valid` or `val`) make the splits; where there is no `train`, all
/// train at first, and once it is known which can be read a tenth of these is set apart as the test
/// split. Folders below that are classes, in the order of their names; a split of which images lie
/// in no such folder has no classes.
struct ImageFolder {
  struct Split {
    let name: String
    let files: [ImageListing.File]
    /// A class for each file, nil where there are none.
    let labels: [Int32]?
  }

  /// `train` first.
  let splits: [Split]
  /// The names of the classes.
  let classes: [String]
  /// Whether there is no folder `train`, so that a part of the images is set apart.
  let isUndivided: Bool
  /// Folders that would be a split or a class, had they images.
  let unused: [String]

  private static let splitNames = [
    "train": "train", "valid": "valid", "val": "valid", "test": "test",
  ]

  init(_ listing: ImageListing, name: String) throws(DataError) {
    let hasSplits = listing.files.contains { Self.folders(of: $0.name).first == "train" }
    var members: [String: [ImageListing.File]] = [:]
    if hasSplits {
      for file in listing.files {
        let first = Self.folders(of: file.name).first.map(String.init)
        guard let split = first.flatMap({ Self.splitNames[$0] }) else {
          throw DataError(
            .unusable,
            "\(name) has a folder train, but \(file.name) is in none of train, "
              + "valid and test; move it there, or rename the folder train")
        }
        members[split, default: []].append(file)
      }
    } else {
      members["train"] = listing.files
    }
    if let first = listing.files.first, !hasSplits, listing.emptyFolders.contains("train") {
      throw DataError(
        .unusable,
        "\(name) has a folder train without images, but images outside of it, such as \(first.name); move those to train "
          + "on there, or remove the folder")
    }
    isUndivided = !hasSplits
    // Further down folders mean nothing.
    unused = listing.emptyFolders.filter { folder in
      let names = folder.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
      return hasSplits
        ? names.first.map { Self.splitNames[$0] != nil } == true && names.count <= 2
        : names.count == 1
    }
    func classes(_ files: [ImageListing.File]) -> [String]? {
      var found: [String] = []
      for file in files {
        let folders = Self.folders(of: file.name).dropFirst(hasSplits ? 1 : 0)
        guard let first = folders.first else { return nil }
        found.append(String(first))
      }
      return found
    }
    let found = members.mapValues(classes)
    // By their bytes: Swift's texts are equal where they only look the same.
    let names = Set(found.values.compactMap { $0 }.joined().map { Array($0.utf8) }).sorted {
      $0.lexicographicallyPrecedes($1)
    }
    self.classes = names.map { String(decoding: $0, as: UTF8.self) }
    var numbers: [[UInt8]: Int32] = [:]
    for (number, name) in names.enumerated() { numbers[name] = Int32(number) }
    splits = ["train", "valid", "test"].compactMap { split in
      guard let files = members[split], !files.isEmpty else { return nil }
      let labels = found[split].flatMap { $0 }?.compactMap { numbers[Array($0.utf8)] }
      return Split(name: split, files: files, labels: labels)
    }
  }

  /// The names of the images of each split that were read, in order.
  ///
  /// - Parameter skipped: what is said of those that were not, each beginning with its name, in the order of the files.
  func names(without skipped: [String]) -> [String: [String]] {
    var rest = skipped[...]
    var names: [String: [String]] = [:]
    for split in splits {
      var read: [String] = []
      for file in split.files {
        if let first = rest.first, first.hasPrefix(PlainText.line("\(file.name): ")) {
          rest.removeFirst()
        } else {
          read.append(file.name)
        }
      }
      let apart = isUndivided ? Self.setApart(read) : []
      names[split.name] = read.indices.filter { !apart.contains($0) }.map { read[$0] }
      if !apart.isEmpty { names["test"] = apart.sorted().map { read[$0] } }
    }
    return names
  }

  private static func folders(of name: String) -> [Substring] {
    name.utf8.split(separator: UInt8(ascii: "/")).dropLast().map { Substring($0) }
  }

  /// The places of the images that are set apart as the test split: of n those n / 10, rounded down,
  /// whose names have the lowest hashes. So it is the same on every machine, and an image that is
  /// added or removed moves few others from one split to the other.
  ///
  /// - Parameter names: of the images that can be read, relative to the folder.
  static func setApart(_ names: [String]) -> Set<Int> {
    let ranked = names.indices.map { (hash: NameHash.of(names[$0]), index: $0) }.sorted {
      ($0.hash, $0.index) < ($1.hash, $1.index)
    }
    return Set(ranked.prefix(names.count / 10).map(\.index))
  }
}

/// The hash FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo), whose bits are mixed once more at
/// the end, since names differ in their last characters.
enum NameHash {
  static func of(_ text: String) -> UInt64 {
    var hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    hash ^= hash >> 32
    hash = hash &* 0x9e37_79b9_7f4a_7c15
    return hash ^ hash >> 29
  }

  /// Sixteen hexadecimal digits.
  static func text(of text: String) -> String {
    let digits = String(of(text), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

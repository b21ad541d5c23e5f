import Messages

extension DataSource {
  /// A source out of a folder of IDX files, or of one below it that torchvision makes; nil where
  /// there are none to train on.
  static func idxFolder(
    _ folder: String, _ opening: Opening
  ) throws(DataError) -> DataSource? {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    let sets = ["MNIST", "FashionMNIST", "KMNIST", "QMNIST"]
    var roots = try hasImages(root) ? [root] : []
    if roots.isEmpty {
      for place in ["raw"] + sets.map({ "\($0)/raw" }) where try hasImages("\(root)\(place)/") {
        roots.append("\(root)\(place)/")
      }
    }
    guard roots.count <= 1 else {
      throw DataError(
        .unusable, "\(roots[0]) and \(roots[1]) both have IDX files; give one of them")
    }
    guard let found = roots.first,
      let train = try split("train", prefixes: ["train"], in: found, opening)
    else { return nil }
    let others = [
      try split("valid", prefixes: ["valid"], in: found, opening),
      try split("test", prefixes: ["t10k", "test"], in: found, opening),
    ]
    var source = try DataSource(
      name: folder, train: train, others: others.compactMap { $0 }, opening)
    if found != root { source.notices.append("IDX files are read from \(found)") }
    return source
  }

  /// Whether a folder has IDX files to train on.
  private static func hasImages(_ root: String) throws(DataError) -> Bool {
    try file(["train"], imageKinds, in: root) != nil
  }

  private static let imageKinds = ["images-idx3-ubyte", "images-idx4-ubyte"]

  /// A source out of one IDX file of images, which trains.
  static func idxFile(
    _ path: String, _ opening: Opening
  ) throws(DataError) -> DataSource {
    let images = try ImageArray(reading: .idxImages(path, opening), opening)
    return try DataSource(
      name: path, train: SplitArrays(name: "train", images: images, labels: nil), opening)
  }

  /// The images of a split, with labels where they lie beside them; nil where there are none.
  private static func split(
    _ name: String, prefixes: [String], in root: String, _ opening: Opening
  ) throws(DataError) -> SplitArrays? {
    guard let path = try file(prefixes, imageKinds, in: root) else { return nil }
    let images = try ImageArray(reading: .idxImages(path, opening), opening)
    let labelPath = try file(prefixes, ["labels-idx1-ubyte"], in: root)
    let labels = try labelPath.map { (path) throws(DataError) in
      try LabelArray(reading: IDXFile.open(opening.file(path), content: "labels", ranks: 1...1))
    }
    return SplitArrays(name: name, images: images, labels: labels)
  }

  /// The one file of those names in a folder, nil where there is none; some programs write a dot for
  /// the hyphen before `idx`. Of a file that is there both compressed and not, the latter is taken.
  private static func file(
    _ prefixes: [String], _ kinds: [String], in root: String
  ) throws(DataError) -> String? {
    let found = prefixes.flatMap { prefix in
      kinds.compactMap { kind in
        ["", ".gz"].flatMap { end in
          ["-idx", ".idx"].map { "\(root)\(prefix)-\(kind.replaced("-idx", by: $0))\(end)" }
        }.first { if case .missing = InputFile.kind(of: $0) { false } else { true } }
      }
    }
    guard found.count <= 1 else {
      throw DataError(
        .unusable, "\(found[0]) and \(found[1]) mean the same part of the data; remove one of them")
    }
    return found.first
  }
}

extension OpenedArray {
  fileprivate static func idxImages(
    _ path: String, _ opening: Opening
  ) throws(DataError) -> OpenedArray {
    try IDXFile.open(opening.file(path), content: "images", ranks: 3...4)
  }
}

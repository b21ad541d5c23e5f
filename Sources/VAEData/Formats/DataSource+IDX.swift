extension DataSource {
  /// A source out of a folder of IDX files; nil where it has none to train on.
  static func idxFolder(_ folder: String, rule: ValueRule?) throws(DataError) -> DataSource? {
    let root = folder.hasSuffix("/") ? folder : folder + "/"
    guard let train = try split("train", prefixes: ["train"], in: root) else { return nil }
    let others = [
      try split("valid", prefixes: ["valid"], in: root),
      try split("test", prefixes: ["t10k", "test"], in: root),
    ]
    return try DataSource(
      name: folder, train: train, others: others.compactMap { $0 }, rule: rule)
  }

  /// A source out of one IDX file of images, which trains.
  static func idxFile(_ path: String, rule: ValueRule?) throws(DataError) -> DataSource {
    let images = try ImageArray(reading: .idxImages(path))
    return try DataSource(
      name: path, train: SplitArrays(name: "train", images: images, labels: nil), rule: rule)
  }

  /// The images of a split, with labels where they lie beside them; nil where there are none.
  private static func split(
    _ name: String, prefixes: [String], in root: String
  ) throws(DataError) -> SplitArrays? {
    let kinds = ["images-idx3-ubyte", "images-idx4-ubyte"]
    guard let path = try file(prefixes, kinds, in: root) else { return nil }
    let images = try ImageArray(reading: .idxImages(path))
    let labelPath = try file(prefixes, ["labels-idx1-ubyte"], in: root)
    let labels = try labelPath.map { (path) throws(DataError) in
      try LabelArray(reading: IDXFile.open(path, content: "labels", ranks: 1...1))
    }
    return SplitArrays(name: name, images: images, labels: labels)
  }

  /// The one file of those names in a folder, nil where there is none. Of a file that is there both
  /// compressed and not, the latter is taken.
  private static func file(
    _ prefixes: [String], _ kinds: [String], in root: String
  ) throws(DataError) -> String? {
    let found = prefixes.flatMap { prefix in
      kinds.compactMap { kind in
        ["", ".gz"].map { "\(root)\(prefix)-\(kind)\($0)" }
          .first { if case .missing = InputFile.kind(of: $0) { false } else { true } }
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
  fileprivate static func idxImages(_ path: String) throws(DataError) -> OpenedArray {
    try IDXFile.open(path, content: "images", ranks: 3...4)
  }
}

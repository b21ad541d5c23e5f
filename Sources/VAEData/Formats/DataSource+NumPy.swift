import Messages

extension DataSource {
  /// A source out of one array, which trains.
  static func npyFile(_ path: String, rule: ValueRule?) throws(DataError) -> DataSource {
    let file = try InputFile(path: path)
    let array = try OpenedArray(npy: FileSection(file), size: file.size, name: path)
    return try DataSource(
      name: path,
      train: SplitArrays(name: "train", images: ImageArray(reading: array), labels: nil),
      rule: rule)
  }

  /// A source out of an archive of arrays; arrays of other names than the splits' are not read.
  static func npzFile(_ path: String, rule: ValueRule?) throws(DataError) -> DataSource {
    let archive = try ZIPArchive(path: path)
    guard let train = try split("train", in: archive, path: path) else {
      let names = archive.entries.prefix(10).map { PlainText.quoted($0.name) }
      let rest = archive.entries.count > names.count ? ", …" : ""
      throw DataError(
        .malformed,
        "\(path) has no array train; what it has: "
          + (names.isEmpty ? "nothing" : names.joined(separator: ", ") + rest))
    }
    let others = [
      try split("valid", in: archive, path: path), try split("test", in: archive, path: path),
    ]
    return try DataSource(
      name: path, train: train, others: others.compactMap { $0 }, rule: rule)
  }

  /// The images of a split, with labels where there are some; nil where the archive lacks it.
  static func split(
    _ name: String, in archive: ZIPArchive, path: String
  ) throws(DataError) -> SplitArrays? {
    guard let array = try array(name, in: archive, path: path) else { return nil }
    let images = try ImageArray(reading: array)
    let labels = try Self.array("\(name)_labels", in: archive, path: path).map {
      (array) throws(DataError) in try LabelArray(reading: array)
    }
    return SplitArrays(name: name, images: images, labels: labels)
  }

  /// An array of an archive; nil where there is none of that name.
  static func array(
    _ name: String, in archive: ZIPArchive, path: String
  ) throws(DataError) -> OpenedArray? {
    let found = archive.entries.filter { $0.name == "\(name).npy" }
    guard let entry = found.first else { return nil }
    let title = "\(path): \(name)"
    guard found.count == 1 else {
      throw DataError(.malformed, "\(title) is there \(found.count) times; which one is meant?")
    }
    return try OpenedArray(
      npy: archive.stream(entry, name: title), size: entry.size, name: title)
  }
}

extension OpenedArray {
  /// Opens an NPY array.
  ///
  /// - Parameters:
  ///   - stream: which begins with the array's header.
  ///   - size: of the stream in bytes.
  ///   - name: what messages call the array.
  init(npy stream: any ByteStream, size: Int, name: String) throws(DataError) {
    let header = try NPYHeader(reading: stream, name: name)
    try self.init(
      name: name, type: header.type, sizes: header.sizes, stream: stream,
      extent: .exactly(size - header.size))
  }
}

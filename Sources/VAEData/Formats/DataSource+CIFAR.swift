import Messages

/// The binary version of CIFAR-10 and CIFAR-100: records of labels and an image of 32×32 pixels, all
/// red bytes, then all green, then all blue (A. Krizhevsky, "Learning Multiple Layers of Features
/// from Tiny Images", 2009, and the data's own description).
enum CIFARFiles {
  /// The two sets.
  private struct Kind {
    let train: [String]
    let test: String
    /// Classes by the labels of a record, the last being that of the example.
    let classes: [Int]
    /// The file of the classes' names, a line each.
    let names: String

    var recordSize: Int { classes.count + CIFARFiles.pixels * 3 }
  }

  private static let ten = Kind(
    train: (1...5).map { "data_batch_\($0).bin" }, test: "test_batch.bin", classes: [10],
    names: "batches.meta.txt")
  private static let hundred = Kind(
    train: ["train.bin"], test: "test.bin", classes: [20, 100],
    names: "fine_label_names.txt")

  private static let side = 32
  private static let pixels = side * side
  private static let shape = ImageShape(height: side, width: side, channels: 3)

  /// Whether a folder has the first file of one of the sets.
  static func isThere(_ root: String) -> Bool { kind(of: root) != nil }

  /// The names of the first file tell, but not `train.bin`: there it is the size of the records.
  private static func kind(of root: String) -> Kind? {
    if found("\(root)/\(ten.train[0])") != nil { return ten }
    return found("\(root)/\(hundred.train[0])") != nil ? hundred : nil
  }

  /// A file as it is, or compressed; nil where there is neither.
  private static func found(_ path: String) -> String? {
    [path, path + ".gz"].first(where: exists)
  }

  /// The set whose records fill a file; where both do, the one that its name means.
  private static func kind(
    ofRecordsIn path: String, _ opening: Opening
  ) throws(DataError) -> Kind {
    let size = try size(of: path, opening)
    let kinds =
      path.includes("train.bin") || path.includes("test.bin") ? [hundred, ten] : [ten, hundred]
    guard let kind = kinds.first(where: { size % $0.recordSize == 0 }) else {
      throw misshapen(path, size, [ten, hundred])
    }
    return kind
  }

  /// The bytes of a file, decompressed, which are counted where they are compressed.
  private static func size(of path: String, _ opening: Opening) throws(DataError) -> Int {
    let file = try opening.file(path)
    guard path.hasSuffix(".gz") else { return file.size }
    let stream = try stream(file)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { room.deallocate() }
    var size = 0
    while true {
      let count = try stream.read(into: room)
      size += count
      if count < room.count { return size }
    }
  }

  private static func stream(_ file: InputFile) throws(DataError) -> any ByteStream {
    let section = FileSection(file)
    return file.path.hasSuffix(".gz")
      ? try InflatedStream(section, format: .gzip, name: file.path) : section
  }

  private static func exists(_ path: String) -> Bool {
    if case .file = InputFile.kind(of: path) { true } else { false }
  }

  /// A source out of a folder of such files.
  static func source(
    _ folder: String, _ preparation: ImagePreparation, _ opening: Opening
  ) throws(DataError) -> DataSource {
    guard let files = kind(of: folder) else {
      throw DataError(.missing, "\(folder) has no file \(ten.train[0]) or \(hundred.train[0])")
    }
    let train = files.train.compactMap { found("\(folder)/\($0)") }
    let test = found("\(folder)/\(files.test)")
    let kind = files.train.count == 1 ? try kind(ofRecordsIn: train[0], opening) : files
    let names = try classNames("\(folder)/\(kind.names)", kind, opening)
    var source = try DataSource(
      name: folder, train: split("train", train, kind, preparation, names, opening),
      others: test.map { (path) throws(DataError) in
        [try split("test", [path], kind, preparation, names, opening)]
      } ?? [],
      opening)
    source.preparation = preparation.text
    if train.count < files.train.count {
      source.notices.append(
        "\(folder) has \(train.count) of the \(files.train.count) files \(files.train[0]) to "
          + "\(files.train[files.train.count - 1])")
    }
    return source
  }

  /// The names of the classes; none where they are not as many.
  private static func classNames(
    _ path: String, _ kind: Kind, _ opening: Opening
  ) throws(DataError) -> [String] {
    guard exists(path) else { return [] }
    let file = try opening.file(path)
    let text = String(decoding: try file.bytes(0..<min(file.size, 1 << 16)), as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map { PlainText.line($0) }
      .filter { !$0.allSatisfy(\.isWhitespace) }
    return names.count == kind.classes[kind.classes.count - 1] ? names : []
  }

  /// A source out of one file, which trains.
  static func file(
    _ path: String, _ preparation: ImagePreparation, _ opening: Opening
  ) throws(DataError) -> DataSource {
    let kind = try kind(ofRecordsIn: path, opening)
    var source = try DataSource(
      name: path, train: split("train", [path], kind, preparation, [], opening),
      opening)
    source.preparation = preparation.text
    return source
  }

  private static func misshapen(_ path: String, _ size: Int, _ kinds: [Kind]) -> DataError {
    DataError(
      .malformed,
      "\(path) has \(size) bytes, which are no whole number of CIFAR records of "
        + "\(kinds.map { "\($0.recordSize)" }.joined(separator: " or ")) bytes; get it again")
  }

  private static func split(
    _ name: String, _ paths: [String], _ kind: Kind, _ preparation: ImagePreparation,
    _ classes: [String], _ opening: Opening
  ) throws(DataError) -> SplitArrays {
    var sizes: [Int] = []
    for path in paths {
      let size = try size(of: path, opening)
      guard size % kind.recordSize == 0, size > 0 else { throw misshapen(path, size, [kind]) }
      sizes.append(size)
    }
    let title = paths.count == 1 ? paths[0] : "\(paths[0]) …"
    let count = sizes.reduce(0) { $0 + $1 / kind.recordSize }
    let memory = try ArrayMemory(byteCount: count * shape.count, name: title)
    var labels: [Int32] = []
    labels.reserveCapacity(count)
    for (path, size) in zip(paths, sizes) {
      let file = try opening.file(path)
      let stream = try stream(file)
      for record in 0..<size / kind.recordSize {
        let bytes = try stream.next(kind.recordSize)
        guard bytes.count == kind.recordSize else {
          throw DataError(.malformed, "\(file.path) became shorter while it was read")
        }
        for (label, classes) in zip(bytes, kind.classes) where label >= classes {
          throw DataError(
            .malformed,
            "\(file.path) has the label \(label) in record \(record), expected 0 to "
              + "\(classes - 1); it is no CIFAR-\(kind.classes[kind.classes.count - 1]) file")
        }
        let image = labels.count * shape.count
        labels.append(Int32(bytes[kind.classes.count - 1]))
        for place in 0..<pixels {
          for channel in 0..<3 {
            memory.bytes[image + 3 * place + channel] =
              bytes[kind.classes.count + channel * pixels + place]
          }
        }
      }
    }
    let images = ImageArray(name: title, count: count, shape: shape, bytes: memory)
    return SplitArrays(
      name: name, images: try images.prepared(preparation),
      labels: LabelArray(name: title, values: labels, classes: classes))
  }
}

import Messages
import VAECore

extension DataSource {
  /// A source out of one array, which trains.
  static func npyFile(
    _ path: String, _ opening: Opening
  ) throws(DataError) -> DataSource {
    let file = try opening.file(path)
    let array = try OpenedArray(npy: FileSection(file), size: file.size, name: path)
    return try DataSource(
      name: path,
      train: SplitArrays(name: "train", images: ImageArray(reading: array, opening), labels: nil),
      opening)
  }

  /// A source out of an archive of arrays; those that are not used are named.
  static func npzFile(
    _ path: String, _ opening: Opening
  ) throws(DataError) -> DataSource {
    let archive = try ZIPArchive(opening.file(path))
    var used: Set<String> = [ImageCache.keyName, ImageCache.skippedName]
    let classes = try classNames(in: archive, path: path)
    var splits: [SplitArrays] = []
    for names in SplitNames.all {
      if var split = try split(names, in: archive, path: path, opening, used: &used) {
        if let labels = split.labels { split.labels = try labels.named(classes) }
        splits.append(split)
      }
    }
    if splits.contains(where: { $0.labels != nil }) { used.insert(ImageCache.classesName) }
    let unused = archive.arrayNames.filter { !used.contains($0) }
    guard let train = splits.first, train.name == "train" else {
      let names = archive.arrayNames.isEmpty ? "nothing" : Self.list(archive.arrayNames)
      throw DataError(
        .malformed,
        "\(path) has no array train; what it has: \(names); save it by numpy.savez(path, train=…, "
          + "test=…)")
    }
    var source = try DataSource(
      name: path, train: train, others: Array(splits.dropFirst()), opening)
    if !unused.isEmpty {
      let names = Self.list(unused)
      source.notices.append(
        "\(path): arrays that are not used: \(names); read are train, valid, test, train_labels, "
          + "train_attributes, train_conditions, train_hidden, …, class_names"
      )
    }
    return source
  }

  /// Names for a message, the first ten of them.
  private static func list(_ names: [String]) -> String {
    names.prefix(10).map { PlainText.quoted($0) }.joined(separator: ", ")
      + (names.count > 10 ? ", …" : "")
  }

  /// The images of a split by the first of its names that there is, with labels; nil for none.
  private static func split(
    _ names: SplitNames, in archive: ZIPArchive, path: String, _ opening: Opening,
    used: inout Set<String>
  ) throws(DataError) -> SplitArrays? {
    guard let name = archive.first(of: names.images),
      let array = try array(name, in: archive, path: path)
    else { return nil }
    used.insert(name)
    let images = try ImageArray(reading: array, opening)
    var labels: LabelArray?
    if let name = archive.first(of: names.labels),
      let array = try Self.array(name, in: archive, path: path)
    {
      // What an array of that name holds may also be targets of a regression.
      if name == names.labels[0] || LabelArray.isFit(array) {
        labels = try LabelArray(reading: array)
        used.insert(name)
      }
    }
    var conditions: ConditionTable?
    for (kind, known) in [
      (ConditionSpace.Kind.attributes, names.attributes), (.vector, names.conditions),
    ]
    where conditions == nil {
      guard let name = archive.first(of: known),
        let array = try Self.array(name, in: archive, path: path)
      else { continue }
      conditions = try ConditionTable(reading: array, as: kind)
      used.insert(name)
    }
    var hidden: ImageArray?
    if let name = archive.first(of: names.hidden),
      let array = try Self.array(name, in: archive, path: path)
    {
      hidden = try ImageArray(reading: array, opening)
      used.insert(name)
    }
    return SplitArrays(
      name: names.split, images: images, labels: labels, conditions: conditions, hidden: hidden)
  }

  /// The images of a split by its own name, with labels where there are some; nil where the archive
  /// lacks it.
  static func split(
    _ name: String, in archive: ZIPArchive, path: String, _ opening: Opening
  ) throws(DataError) -> SplitArrays? {
    guard let array = try array(name, in: archive, path: path) else { return nil }
    let images = try ImageArray(reading: array, opening)
    let labels = try Self.array("\(name)_labels", in: archive, path: path).map {
      (array) throws(DataError) in try LabelArray(reading: array)
    }
    return SplitArrays(name: name, images: images, labels: labels)
  }

  /// An array of an archive; nil where there is none of that name.
  static func array(
    _ name: String, in archive: ZIPArchive, path: String
  ) throws(DataError) -> OpenedArray? {
    guard let found = try stream(name, in: archive, path: path) else { return nil }
    return try OpenedArray(npy: found.stream, size: found.size, name: "\(path): \(name)")
  }

  /// The names of the classes of labels; none where the archive has none.
  private static func classNames(
    in archive: ZIPArchive, path: String
  ) throws(DataError) -> [String] {
    let name = ImageCache.classesName
    guard let found = try stream(name, in: archive, path: path) else { return [] }
    return try NPYTexts.read(found.stream, size: found.size, name: "\(path): \(name)")
  }

  private static func stream(
    _ name: String, in archive: ZIPArchive, path: String
  ) throws(DataError) -> (stream: any ByteStream, size: Int)? {
    let found = archive.entries.filter { $0.name == "\(name).npy" }
    guard let entry = found.first else { return nil }
    let title = "\(path): \(name)"
    guard found.count == 1 else {
      throw DataError(.malformed, "\(title) is there \(found.count) times; which one is meant?")
    }
    return (try archive.stream(entry, name: title), entry.size)
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

/// What the arrays of a split are called in archives, those first that are looked for first.
private struct SplitNames {
  /// `train`, `valid` or `test`.
  let split: String
  let images: [String]
  let labels: [String]
  let attributes: [String]
  let conditions: [String]
  let hidden: [String]

  /// The names of numpy.savez without keywords come last, and only the first of them has a meaning.
  static let all = [
    SplitNames("train", ["train"], last: ["arr_0"]),
    SplitNames("valid", ["valid", "val", "validation"]), SplitNames("test", ["test"]),
  ]

  private init(_ split: String, _ words: [String], last: [String] = []) {
    self.split = split
    images =
      words
      + words.flatMap { ["\($0)_images", "x_\($0)", "\($0)_x", "images_\($0)", "\($0)_data"] }
      + last
    attributes = words.flatMap { ["\($0)_attributes", "attributes_\($0)"] }
    conditions = words.flatMap { ["\($0)_conditions", "conditions_\($0)"] }
    hidden = words.flatMap { ["\($0)_hidden", "hidden_\($0)"] }
    labels =
      words.flatMap { ["\($0)_labels"] }
      + words.flatMap { ["y_\($0)", "\($0)_y", "labels_\($0)", "\($0)_targets"] }
  }
}

extension ZIPArchive {
  /// The names of the arrays, as NumPy gives them; other files by their whole names.
  fileprivate var arrayNames: [String] {
    entries.map { $0.name.hasSuffix(".npy") ? String($0.name.dropLast(4)) : $0.name }
  }

  /// The array that has the first of some names, in small letters or capitals.
  fileprivate func first(of names: [String]) -> String? {
    for name in names {
      if name == "arr_0", arrayNames.contains("arr_1") { continue }
      if let found = arrayNames.first(where: { $0 == name })
        ?? arrayNames.first(where: { $0.lowercased() == name })
      {
        return found
      }
    }
    return nil
  }
}

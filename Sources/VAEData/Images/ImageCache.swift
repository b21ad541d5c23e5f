import Glibc
import Messages
import VAEFiles

/// The packed images of a folder: an NPZ archive of the splits' arrays, as `DataSource.open` reads
/// it too, with two more that say what it was made from and which files it lacks.
struct ImageCache {
  let path: String
  /// Names, sizes and times of the files with the preparation, hashed.
  private let key: String
  private let folder: String?

  static let keyName = "cache_key"
  static let skippedName = "cache_skipped"
  static let classesName = "class_names"
  /// The number that changes when images are decoded or packed otherwise.
  private static let format = 3

  /// - Parameters:
  ///   - root: the folder of images.
  ///   - folder: for the archive; nil for the one that has `root`.
  ///   - preparation: of the images.
  ///   - listing: the files.
  init(root: String, folder: String?, preparation: ImagePreparation, listing: ImageListing) {
    let words = preparation.text ?? "plain"
    var description = "\(Self.format) \(words)\n"
    for file in listing.files { description += "\(file.name)/\(file.size)/\(file.time)\n" }
    key = NameHash.text(of: description)
    let suffix = preparation.text.map {
      "-" + $0.replaced("size=", by: "").replaced(" ", by: "-")
    }
    let absolute = Self.absolutePath(root)
    self.folder = folder
    if let folder {
      // Folders of one name in different places have different caches.
      let name = absolute.split(separator: "/").last.map(String.init) ?? "images"
      let place = NameHash.text(of: absolute).prefix(8)
      path = "\(folder)/\(name)-\(place)\(suffix ?? "").cache.npz"
    } else {
      path = "\(absolute)\(suffix ?? "").cache.npz"
    }
  }

  private static func absolutePath(_ path: String) -> String {
    guard let resolved = realpath(path.systemPath, nil) else { return path }
    defer { free(resolved) }
    return String(systemPath: resolved)
  }

  /// What is stored, nil where there is nothing, or something made from other files.
  ///
  /// - Throws: `DataError` where it is damaged.
  func read(_ opening: Opening) throws(DataError) -> PackedImages? {
    guard case .file = InputFile.kind(of: path) else { return nil }
    let archive = try ZIPArchive(opening.file(path))
    guard try text(Self.keyName, in: archive) == key else { return nil }
    var splits: [SplitArrays] = []
    for name in ["train", "valid", "test"] {
      if let split = try DataSource.split(name, in: archive, path: path, opening) {
        splits.append(split)
      }
    }
    guard splits.first?.name == "train" else {
      throw DataError(.malformed, "\(path) has no array train")
    }
    let skipped = try text(Self.skippedName, in: archive) ?? ""
    return PackedImages(
      splits: splits, skipped: skipped.split(separator: "\n").map(String.init))
  }

  /// Whether the file there is a cache, whole or damaged, or empty: what somebody else keeps under its name is not.
  private func isCache() throws -> Bool {
    let start = try DurableFiles.readStart(of: path, count: 64)
    guard !start.isEmpty, !String(decoding: start, as: UTF8.self).includes(Self.keyName) else {
      return true
    }
    guard let archive = try? ZIPArchive(Opening().file(path)) else { return false }
    return (try? text(Self.keyName, in: archive)) != nil
  }

  private func text(_ name: String, in archive: ZIPArchive) throws(DataError) -> String? {
    guard let array = try DataSource.array(name, in: archive, path: path) else { return nil }
    let memory = try array.readBytes()
    return withExtendedLifetime(memory) { String(decoding: $0.bytes, as: UTF8.self) }
  }

  /// Makes the folder that was asked for, where there is none.
  ///
  /// - Throws: `DataError` of kind `unwritable`.
  func makeFolder() throws(DataError) {
    guard let folder else { return }
    if mkdir(folder.systemPath, 0o777) == 0 { return }
    let reason = errno
    guard reason == EEXIST, access(folder.systemPath, W_OK | X_OK) == 0 else {
      let text = String(cString: strerror(reason == EEXIST ? errno : reason))
      throw DataError(.unwritable, "no packed images can be kept in \(folder): \(text)")
    }
  }

  /// Stores images: whole, or not at all.
  ///
  /// - Throws: `DataError` of kind `unwritable`.
  func write(_ images: PackedImages) throws(DataError) {
    var archive = ZIPWriter()
    // What it is stands at its start, where damage that follows leaves it.
    archive.add(
      "\(Self.keyName).npy",
      bytes: NPYWriter.header(type: "|u1", sizes: [key.utf8.count]) + key.utf8)
    for split in images.splits {
      guard case .bytes(let memory) = split.images.elements else { continue }
      let shape = split.images.shape
      let sizes = [split.images.count, shape.height, shape.width, shape.channels]
      archive.add(
        "\(split.name).npy", header: NPYWriter.header(type: "|u1", sizes: sizes),
        content: UnsafeRawBufferPointer(rebasing: memory.bytes.prefix(sizes.reduce(1, *))),
        keeping: memory)
      if let labels = split.labels {
        let bytes = labels.values.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
        archive.add(
          "\(split.name)_labels.npy",
          bytes: NPYWriter.header(type: "<i4", sizes: [labels.values.count]) + bytes)
      }
    }
    // Other programs know them by this; here they are those of the folders.
    let classes = images.splits.lazy.compactMap(\.labels).first?.classes ?? []
    if !classes.isEmpty {
      archive.add("\(Self.classesName).npy", bytes: NPYTexts.array(classes))
    }
    let skipped = images.skipped.joined(separator: "\n")
    if !skipped.isEmpty {
      archive.add(
        "\(Self.skippedName).npy",
        bytes: NPYWriter.header(type: "|u1", sizes: [skipped.utf8.count]) + skipped.utf8)
    }
    do {
      // Nobody named this path: where it is a link, it leads to something else than a cache.
      let folder = try Folder(opening: DurableFiles.folder(of: path)) {
        FileError(writing: path, $0)
      }
      let name = DurableFiles.name(of: path)
      if try folder.kind(of: name) == .file, try !isCache() {
        throw FileError(
          .exists, "write", path, "what is there is no cache of this program, and stays as it is")
      }
      try archive.write(to: OutputFile(replacing: name, in: folder))
    } catch let error as FileError {
      throw DataError(.unwritable, "\(path) cannot be written: \(error.reason)")
    } catch {
      throw DataError(.unwritable, "\(path) cannot be written: \(error)")
    }
  }
}

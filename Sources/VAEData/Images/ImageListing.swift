import Glibc
import Messages
import VAEFiles

/// The image files below a folder.
struct ImageListing {
  struct File {
    /// Relative to the folder.
    let name: String
    /// In bytes, zero for a link to nothing.
    let size: Int
    /// When it was changed, in nanoseconds since 1970.
    let time: Int
  }

  /// The endings of names that are taken for images where no decoder names others.
  static let commonEndings = ["png", "jpg", "jpeg", "jpe", "jfif"]

  /// The endings of other kinds of pictures, which a user may take for part of the data.
  static let otherPictures: Set<String> = [
    "arw", "avif", "bmp", "cr2", "dib", "dng", "gif", "heic", "heif", "ico", "jp2", "jxl", "nef",
    "pbm", "pgm", "ppm", "pnm", "psd", "svg", "tga", "tif", "tiff", "webp",
  ]

  /// Pictures that are not read, relative to the folder.
  private(set) var unread = UnreadNames()

  /// Folders with no image in them or below, of several in one another the outermost, relative to the
  /// folder that is listed.
  private(set) var emptyFolders: [String] = []

  /// In the order of their names, byte by byte.
  private(set) var files: [File] = []
  /// The folders that are being visited.
  private var ancestors: [[UInt64]] = []
  /// The names that were looked at.
  private var nameCount = 0
  private let root: String
  private let endings: Set<String>

  /// Names beside those of images that a folder may hold, and more of them for each image: links
  /// between folders can make of a few names more than anybody waits for.
  private let otherNames: Int
  private static let otherNamesPerImage = 100

  /// Lists a folder and all below it. Names that begin with a dot are left out.
  init(_ root: String, endings: [String], otherNames: Int = 100_000) throws(DataError) {
    self.root = root
    self.endings = Set(endings)
    self.otherNames = otherNames
    try visit("")
    files.sort { Self.precedes($0.name, $1.name) }
    emptyFolders.sort(by: Self.precedes)
  }

  private mutating func visit(_ folder: String) throws(DataError) {
    let path = folder.isEmpty ? root : "\(root)/\(folder)"
    guard let stream = opendir(path.systemPath) else {
      throw DataError(reading: path)
    }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let capacity = MemoryLayout.size(ofValue: entry.pointee.d_name)
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: capacity) { String(systemPath: $0) }
      }
      guard !name.hasPrefix(".") else { continue }
      nameCount += 1
      guard nameCount <= otherNames + Self.otherNamesPerImage * files.count else {
        throw DataError(
          .unusable,
          "\(root) has \(Count.of(files.count, "image")) among its first \(nameCount) names; "
            + "give the folder that holds the images")
      }
      let relative = folder.isEmpty ? name : "\(folder)/\(name)"
      var status = stat()
      guard stat("\(root)/\(relative)".systemPath, &status) == 0 else {
        // Its being no image is found out, and said, where images are read.
        if isImage(name) { files.append(File(name: relative, size: 0, time: 0)) }
        continue
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        // A link may lead back to a folder above.
        let identity = [UInt64(status.st_dev), UInt64(status.st_ino)]
        guard !ancestors.contains(identity) else { continue }
        ancestors.append(identity)
        let before = (files: files.count, empty: emptyFolders.count)
        try visit(relative)
        ancestors.removeLast()
        if files.count == before.files {
          emptyFolders.removeSubrange(before.empty...)
          emptyFolders.append(relative)
        }
      case S_IFREG where isImage(name):
        files.append(
          File(
            name: relative, size: Int(status.st_size),
            time: status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec))
      // A pipe or a device of an image's name is no image either.
      case _ where isImage(name): files.append(File(name: relative, size: 0, time: 0))
      case S_IFREG: unread.add(file: relative)
      default: break
      }
    }
  }

  private func isImage(_ name: String) -> Bool { endings.contains(Self.ending(of: name)) }

  /// What follows the last dot, in small letters; nothing where there is none.
  static func ending(of name: String) -> String {
    guard let dot = name.lastIndex(of: ".") else { return "" }
    return name[name.index(after: dot)...].lowercased()
  }

  private static func precedes(_ first: String, _ second: String) -> Bool {
    first.utf8.lexicographicallyPrecedes(second.utf8)
  }
}

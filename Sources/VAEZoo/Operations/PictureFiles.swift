import Messages
import VAEData
import VAEFiles
import VAERecipes

/// Pictures in files, each of its own size.
public struct PictureFiles: Sendable {
  /// The paths, in order.
  public let paths: [String]
  /// What each picture is called: its file's name without folder and ending, with its ending where another
  /// one has the same.
  public let names: [String]
  /// What lies in the folders that were named and is not read, a line for each of them.
  public let notices: [String]
  private let decoder: any ImageDecoder

  /// Files, and all pictures that lie in folders, in the order of their names. Folders in folders are not looked into.
  ///
  /// - Parameters:
  ///   - named: paths of files and folders.
  ///   - decoder: of the files' formats.
  /// - Throws: `FileError` where one of them is not there, or a folder holds no picture.
  public init(_ named: [String], decoder: any ImageDecoder) throws {
    var paths: [String] = []
    var notices: [String] = []
    for path in named {
      guard let kind = try DurableFiles.kind(of: path) else {
        throw FileError(.missing, "read", path, "it does not exist")
      }
      guard kind != .other else { throw Self.refusal(ofNoFile: path) }
      guard kind == .folder else {
        paths.append(path)
        continue
      }
      let folder = try Folder(opening: path)
      var names: [String] = []
      var unread = UnreadNames()
      for name in try folder.list().sorted(by: {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }) where !name.hasPrefix(".") {
        if (try? DurableFiles.kind(of: folder.path(of: name))) == .folder {
          unread.add(folder: name)
          continue
        }
        if decoder.endings.contains(where: { name.lowercased().hasSuffix(".\($0)") }) {
          names.append(name)
        } else {
          unread.add(file: name)
        }
      }
      guard !names.isEmpty else {
        throw FileError(
          .malformed, "read", path,
          "it holds no picture (\(decoder.endings.joined(separator: ", ")))"
            + (unread.text.map { ", but \($0)" } ?? ""))
      }
      if let text = unread.text {
        notices.append(
          "\(PlainText.line(path)): not read: \(text)\(unread.hasPictures ? "; convert pictures to PNG or JPEG" : "")"
        )
      }
      paths += names.map(folder.path(of:))
    }
    self.paths = paths
    self.notices = notices
    names = Self.names(paths)
    self.decoder = decoder
  }

  private static func names(_ paths: [String]) -> [String] {
    let stems = paths.map(MapLatents.stem)
    let counts = Dictionary(stems.map { ($0, 1) }, uniquingKeysWith: +)
    return zip(paths, stems).map { path, stem in
      counts[stem] == 1 ? stem : DurableFiles.name(of: path)
    }
  }

  /// A pipe may have no end, and opening one waits for somebody who writes.
  private static func refusal(ofNoFile path: String) -> FileError {
    FileError(.malformed, "read", path, "it is neither a file nor a folder")
  }

  /// The picture of a file.
  ///
  /// - Throws: `FileError` or `DataError`, which names the file.
  public func picture(_ index: Int) throws -> DecodedImage {
    let path = paths[index]
    guard try DurableFiles.kind(of: path) != .other else { throw Self.refusal(ofNoFile: path) }
    let bytes = try DurableFiles.read(path)
    do {
      return try decoder.decode(bytes, atLeast: nil)
    } catch {
      throw DataError(.malformed, "\(path) cannot be decoded: \(error)")
    }
  }
}

import Messages
import VAEData
import VAEFiles
import VAERecipes

/// Pictures in files, each of its own size.
public struct PictureFiles: Sendable {
  /// The paths, in order.
  public let paths: [String]
  private let decoder: any ImageDecoder

  /// Files, and all pictures that lie in folders, in the order of their names.
  ///
  /// - Parameters:
  ///   - named: paths of files and folders.
  ///   - decoder: of the files' formats.
  /// - Throws: `FileError` where one of them is not there, or a folder holds no picture.
  public init(_ named: [String], decoder: any ImageDecoder) throws {
    var paths: [String] = []
    for path in named {
      guard let kind = try DurableFiles.kind(of: path) else {
        throw FileError(.missing, "read", path, "it does not exist")
      }
      guard kind == .folder else {
        paths.append(path)
        continue
      }
      let folder = try Folder(opening: path)
      let names = try folder.list().filter { name in
        decoder.endings.contains { name.lowercased().hasSuffix(".\($0)") } && !name.hasPrefix(".")
      }
      guard !names.isEmpty else {
        throw FileError(
          .malformed, "read", path,
          "it holds no picture (\(decoder.endings.joined(separator: ", ")))")
      }
      paths += names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map(folder.path(of:))
    }
    self.paths = paths
    self.decoder = decoder
  }

  /// What a picture is called: its file's name without folder and ending, with its ending where another
  /// one has the same.
  public func name(of index: Int) -> String {
    let name = MapLatents.stem(paths[index])
    let isShared = paths.indices.contains { $0 != index && MapLatents.stem(paths[$0]) == name }
    return isShared ? DurableFiles.name(of: paths[index]) : name
  }

  /// The picture of a file.
  ///
  /// - Throws: `DataError` that names the file.
  public func picture(_ index: Int) throws -> DecodedImage {
    let path = paths[index]
    let bytes = try DurableFiles.read(path)
    do {
      return try decoder.decode(bytes, atLeast: nil)
    } catch {
      throw DataError(.malformed, "\(path) cannot be decoded: \(error)")
    }
  }
}

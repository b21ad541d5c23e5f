import Glibc
import VAEFiles
import VAETraining

/// What a run has on record of files that it does not hold itself. Paths are kept as they were typed,
/// with the folder that they were typed in.
extension RunFolder {
  /// The folder in which the run was last begun or continued, nil where it has no record of it.
  public func recordedFolder() throws -> String? {
    try readSessions().objects.last { $0["folder"] != nil }?["folder"]?.text
  }

  /// A path that the run has on record, as it leads to the file from the present folder: from the
  /// recorded one on where that is there, and else as it stands.
  public func located(_ path: String) throws -> String {
    guard path.utf8.first != UInt8(ascii: "/"), let folder = try recordedFolder() else {
      return path
    }
    let whole = "\(folder)/\(path)"
    return DurableFiles.exists(whole) ? whole : path
  }
}

/// The folder that relative paths begin at; nil where it has none, such as one that was removed.
func presentFolder() -> String? {
  guard let folder = getcwd(nil, 0) else { return nil }
  defer { free(folder) }
  return String(systemPath: folder)
}

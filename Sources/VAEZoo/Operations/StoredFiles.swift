import VAECore
import VAEData
import VAEFiles
import VAETraining

/// Looks whether what was stored is still as it was written.
public enum StoredFiles {
  /// What a check found.
  public struct Report: Equatable, Sendable {
    /// What was checked.
    public let path: String
    /// Whether it is the folder of a run.
    public let isRun: Bool
    /// The file, or those of the run.
    public let files: [CheckedFile]

    /// Whether none is damaged or unusable.
    public var isSound: Bool { count(.damaged) + count(.unusable) == 0 }

    /// The files in a state.
    public func count(_ state: CheckedFile.State) -> Int {
      files.count { $0.state == state }
    }

    /// The report as JSON.
    public var json: JSON {
      .object([
        "path": .text(path), "kind": .text(isRun ? "run" : "file"), "sound": .bool(isSound),
        "damaged": .integer(count(.damaged)), "unusable": .integer(count(.unusable)),
        "unchecked": .integer(count(.unchecked)),
        "files": .array(files.map(\.json)),
      ])
    }
  }

  /// Checks a run folder with all its files, or one file: a model or other safetensors file, `.npz` or
  /// `.npy` arrays, a recipe or another JSON object. Form and checksums must be right; of a recipe it
  /// must be possible to make a model, of which weights beside it must be, and these must be finite.
  ///
  /// - Parameters:
  ///   - path: of the folder or the file.
  ///   - registry: the variants and components that a recipe may name.
  /// - Throws: `FileError` where there is nothing to check, or it cannot be read; `MemoryError` where
  ///   there is no memory for a model. What is damaged or unusable is in the report.
  public static func check(_ path: String, registry: Registry) throws -> Report {
    guard try DurableFiles.kind(of: path) != .folder else {
      let run = try RunFolder.open(path)
      return Report(path: path, isRun: true, files: try run.check(registry))
    }
    let start = try DurableFiles.readStart(of: path, count: 6)
    let file = try CheckedFile(path) {
      if ArrayFile.beginnings.contains(where: start.starts) { return try ArrayFile.check(path) }
      let bytes = try DurableFiles.read(path)
      guard start.first == UInt8(ascii: "{") else {
        return try StoredContents.isSealed(
          model: Safetensors(parsing: bytes, path: path), registry: registry)
      }
      let json = try SealedObject(parsing: bytes, source: path)
      // Other objects that runs are made of have no variant.
      if json.object["variant"] != nil {
        _ = try StoredContents(recipe: bytes, source: path, registry: registry)
      }
      return json.isSealed
    }
    return Report(path: path, isRun: false, files: [file])
  }
}

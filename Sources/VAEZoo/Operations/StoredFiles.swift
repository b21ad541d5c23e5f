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

    /// Whether none is damaged.
    public var isSound: Bool { count(.damaged) == 0 }

    /// The files in a state.
    public func count(_ state: CheckedFile.State) -> Int {
      files.count { $0.state == state }
    }

    /// The report as JSON.
    public var json: JSON {
      .object([
        "path": .text(path), "kind": .text(isRun ? "run" : "file"), "sound": .bool(isSound),
        "damaged": .integer(count(.damaged)), "unchecked": .integer(count(.unchecked)),
        "files": .array(files.map(\.json)),
      ])
    }
  }

  /// Checks the form and the checksums of a run folder with all its files, or of one file: a model or
  /// other safetensors file, `.npz` or `.npy` arrays, a recipe or another JSON object.
  ///
  /// - Throws: `FileError` where there is nothing to check, or it cannot be read. What is damaged is
  ///   in the report.
  public static func check(_ path: String) throws -> Report {
    guard try DurableFiles.kind(of: path) != .folder else {
      let run = try RunFolder.open(path)
      return Report(path: path, isRun: true, files: try run.check())
    }
    let start = try DurableFiles.readStart(of: path, count: 6)
    let file = CheckedFile(path) {
      if ArrayFile.beginnings.contains(where: start.starts) { return try ArrayFile.check(path) }
      let bytes = try DurableFiles.read(path)
      return start.first == UInt8(ascii: "{")
        ? try SealedObject(parsing: bytes, source: path).isSealed
        : try Safetensors(parsing: bytes, path: path).isSealed
    }
    return Report(path: path, isRun: false, files: [file])
  }
}

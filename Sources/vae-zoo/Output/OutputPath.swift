import Glibc
import Messages
import VAERecipes

/// What `--out` names.
enum OutputPath {
  /// Refuses to write over what a command reads, whatever the names by which the two are called.
  ///
  /// - Parameters:
  ///   - out: the file that will be written.
  ///   - inputs: what is read: files, folders, or names of no file.
  /// - Throws: `RecipeError` where they are one file.
  static func check(_ out: String, isNoneOf inputs: [String]) throws(RecipeError) {
    guard let target = identity(out) else { return }
    for input in inputs where identity(input) == target {
      throw RecipeError(
        .invalid,
        "--out \(out) is \(input == out ? "what is read" : "the same file as \(input)"), which would be lost; name another file"
      )
    }
  }

  /// The file that a path leads to; nil for none.
  private static func identity(_ path: String) -> [UInt64]? {
    var status = stat()
    guard stat(path.systemPath, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return nil
    }
    return [UInt64(status.st_dev), UInt64(status.st_ino)]
  }
}

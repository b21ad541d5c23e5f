/// Why a picture could not be read or written; the description is one line.
public enum PixelImageError: Error, Equatable, CustomStringConvertible {
  /// The bytes are not a PNG that can be read.
  case malformed(reason: String)
  /// The picture cannot be stored as a PNG.
  case unencodable(reason: String)
  /// The file at `path` could not be written.
  case unwritable(path: String, reason: String)

  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .malformed(let reason): "not a readable PNG: \(reason)"
    case .unencodable(let reason): "the picture cannot be stored as a PNG: \(reason)"
    case .unwritable(let path, let reason): "cannot write \(path): \(reason)"
    }
  }
}

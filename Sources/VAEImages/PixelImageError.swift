/// Why a picture or an animation could not be read or stored in a format; the description is one line.
public enum PixelImageError: Error, Equatable, CustomStringConvertible {
  /// The bytes are not a picture that can be read.
  case malformed(reason: String)
  /// The picture cannot be stored in the format asked for.
  case unencodable(reason: String)

  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .malformed(let reason): "not a readable picture: \(reason)"
    case .unencodable(let reason): "the picture cannot be stored: \(reason)"
    }
  }
}

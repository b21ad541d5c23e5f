/// The largest size of a file that is read; a larger one is refused before memory is taken for it.
public enum SizeLimit: Sendable {
  /// As much as there is memory for.
  case unlimited
  /// So many bytes.
  case bytes(Int)
  /// What `InputLimits` allows a text, which the user can raise.
  case text

  /// The size in bytes.
  var byteCount: Int {
    switch self {
    case .unlimited: .max
    case .bytes(let bytes): bytes
    case .text: InputLimits.current.textBytes
    }
  }
}

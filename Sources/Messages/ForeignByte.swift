/// Bytes of names that are no UTF-8, as characters.
///
/// Names of files are bytes, and text is not: in a `String` such a byte stands as the character
/// U+10F700 plus the byte, from a plane for private use. `String(systemPath:)` of `VAEFiles` puts it
/// there and `systemPath` takes it back, without loss; `PlainText` shows people `\xe9`.
public enum ForeignByte {
  /// The characters in which such bytes stand: those of ASCII never do.
  private static let scalars = ("\u{10F780}" as Unicode.Scalar)...("\u{10F7FF}" as Unicode.Scalar)

  /// The byte that a character stands for, nil where it stands for itself.
  public static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    scalars.contains(scalar) ? UInt8(truncatingIfNeeded: scalar.value) : nil
  }

  /// The UTF-8 code units of the character that stands for a byte.
  public static func codeUnits(for byte: UInt8) -> [UInt8] {
    [0xf4, 0x8f, 0x9c | byte >> 6, 0x80 | byte & 0x3f]
  }
}

/// Searches for texts in others.
///
/// The standard library has them in its module of regular expressions, which would be a megabyte of a library that holds the
/// standard library.
extension StringProtocol {
  /// Where a text is found first; nil where it is not.
  package func place(of text: some StringProtocol) -> Range<Index>? {
    var start = utf8.startIndex
    while true {
      let rest = utf8[start...]
      if rest.starts(with: text.utf8) {
        return start..<utf8.index(start, offsetBy: text.utf8.count)
      }
      guard start < utf8.endIndex else { return nil }
      start = utf8.index(after: start)
    }
  }

  /// Whether a text is found in this one.
  package func includes(_ text: some StringProtocol) -> Bool { place(of: text) != nil }

  /// This text with another one in the place of each that is found.
  ///
  /// - Parameters:
  ///   - text: what is looked for, which has at least one character.
  ///   - other: what takes its place.
  package func replaced(_ text: some StringProtocol, by other: some StringProtocol) -> String {
    var (result, rest) = ("", self[...])
    while !text.isEmpty, let found = rest.place(of: text) {
      result += rest[..<found.lowerBound]
      result += other
      rest = rest[found.upperBound...]
    }
    return result + rest
  }
}

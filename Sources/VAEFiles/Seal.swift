/// A text that holds the checksum of itself: of all its bytes, with zeros for the checksum's digits.
///
/// So a flipped bit is found wherever it is, also where the text means the same with it, as between
/// letters of an escape or digits that no double can tell apart. That the text has a seal at all
/// shows in two places, the name before the checksum and how the checksum begins, so that no flipped
/// bit makes it look like a text of the time before there were seals.
enum Seal {
  /// A checksum whose digits are still to come.
  static let blank = Checksum.prefix + zeros
  private static let zeros = String(repeating: "0", count: Checksum.digitCount)

  /// Puts the digits in place of the zeros.
  ///
  /// - Parameters:
  ///   - text: a text with `blank`.
  ///   - opening: what stands before the digits there.
  static func set(_ text: inout [UInt8], in range: Range<Int>, after opening: String) {
    guard let digits = digits(of: text[range], after: opening) else { return }
    text.replaceSubrange(digits, with: Checksum(text[range]).digits.utf8)
  }

  /// Whether a text holds the checksum of itself.
  static func isWhole(_ text: ArraySlice<UInt8>, after opening: String) -> Bool {
    guard let digits = digits(of: text, after: opening) else { return false }
    var blank = Array(text)
    let place = digits.lowerBound - text.startIndex
    blank.replaceSubrange(place..<place + digits.count, with: zeros.utf8)
    return text[digits].elementsEqual(Checksum(blank).digits.utf8)
  }

  /// Where the digits stand: after the last opening.
  private static func digits(of text: ArraySlice<UInt8>, after opening: String) -> Range<Int>? {
    let opening = Array(opening.utf8)
    var start = text.endIndex - opening.count - Checksum.digitCount
    while start >= text.startIndex {
      if text[start] == opening[0], text[start...].starts(with: opening) {
        return start + opening.count..<start + opening.count + Checksum.digitCount
      }
      start -= 1
    }
    return nil
  }
}

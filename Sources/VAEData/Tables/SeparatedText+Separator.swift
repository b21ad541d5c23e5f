import Messages

extension SeparatedText {
  /// Bytes of a text's beginning in which its first line must end.
  private static let longestHeader = 1 << 24

  /// Bytes of a line that are looked at for spaces.
  private static let longestLine = 1 << 16

  /// Whether names and the row below seem to be separated by spaces: as many words in both, some of which are numbers
  /// in the row.
  private static func areSeparatedBySpaces(_ lines: [[UInt8]]) -> Bool {
    let words = lines.map { $0.split(separator: UInt8(ascii: " ")) }
    return words.count == 2 && words[0].count > 1 && words[0].count == words[1].count
      && words[1].contains { CellNumber.parse($0) != nil }
  }

  /// What separates the cells of a text, by its first line: of comma, semicolon and tab the one that
  /// stands there most often. Where none does the table has one column.
  ///
  /// - Parameters:
  ///   - stream: of the text.
  ///   - name: its path, whose ending says what is expected.
  /// - Throws: `DataError` of kind `malformed` where another character seems to separate them, or another
  ///   one than the ending says.
  static func separator(of stream: any ByteStream, name: String) throws(DataError) -> UInt8 {
    let known: [(byte: UInt8, name: String)] = [
      (UInt8(ascii: ","), "commas"), (UInt8(ascii: ";"), "semicolons"),
      (UInt8(ascii: "\t"), "tabs"),
    ]
    var counts = [Int](repeating: 0, count: 256)
    var (isQuoted, total, ended) = (false, 0, false)
    // The first line with anything in it, and the one after it.
    var lines: [[UInt8]] = [[]]
    while !ended, total < longestHeader {
      let piece = try stream.next(1 << 16)
      for byte in piece {
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        guard !isQuoted else { continue }
        if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
          if lines[lines.count - 1].isEmpty { continue }
          ended = lines.count == 2
          if ended { break }
          lines.append([])
          continue
        }
        if lines.count == 1 { counts[Int(byte)] += 1 }
        if lines[lines.count - 1].count < longestLine { lines[lines.count - 1].append(byte) }
      }
      total += piece.count
      if piece.count < 1 << 16 { break }
    }
    let isTabs = name.hasSuffix(".tsv") || name.hasSuffix(".tsv.gz")
    let found = known.max { counts[Int($0.byte)] < counts[Int($1.byte)] } ?? known[0]
    guard counts[Int(found.byte)] > 0 else {
      for other in "|:" where counts[Int(other.asciiValue ?? 0)] > 0 {
        throw DataError(
          .malformed,
          "\(name), line 1: has neither commas, semicolons nor tabs, but \(counts[Int(other.asciiValue ?? 0)]) of "
            + "\(PlainText.quoted("\(other)")); separate columns by one of the three")
      }
      guard !areSeparatedBySpaces(lines) else {
        throw DataError(
          .malformed,
          "\(name), line 1: has neither commas, semicolons nor tabs, but spaces between what seem to be columns; separate "
            + "these by one of the three, as to_csv(path, index=False) does")
      }
      return isTabs ? UInt8(ascii: "\t") : UInt8(ascii: ",")
    }
    if isTabs, counts[9] == 0 {
      throw DataError(
        .malformed,
        "\(name), line 1: columns of a .tsv file are separated by tabs, but there are only \(found.name); "
          + "rename it so that it ends in .csv")
    }
    return isTabs ? UInt8(ascii: "\t") : found.byte
  }
}

import Messages

/// Words of a column that are dates, of which a model can make nothing.
enum ColumnDates {
  /// Whether all words are dates with a year of four digits, such as 2026-11-29, 29/11/2026 or 2026-11-29 10:30.
  static func are(_ words: [String]) -> Bool {
    !words.isEmpty && words.allSatisfy(isDate)
  }

  private static func isDate(_ word: String) -> Bool {
    let date = word.utf8.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "T") }
    for separator in "-/.".utf8 {
      let parts = date.split(separator: separator, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isNumber = parts.allSatisfy { part in
        (1...4).contains(part.count) && part.allSatisfy { (48...57).contains($0) }
      }
      return isNumber && parts.count { $0.count == 4 } == 1 && parts[1].count <= 2
    }
    return false
  }

  /// Why they cannot be a column.
  ///
  /// - Parameters:
  ///   - words: the different ones.
  ///   - title: what the column is called in errors.
  ///   - name: of the column.
  static func fault(_ words: [String], _ title: String, name: String) -> DataError {
    DataError(
      .unusable,
      "\(title) has \(words.count) different dates or times, such as \(PlainText.quoted(words[0])); store them as numbers, "
        + "such as days since the first, leave the column out by \(.columnType(name, "ignore")), or take them for names by "
        + "\(.columnType(name, "category"))")
  }
}

import Messages

/// Words of a column that are dates, of which a model can make nothing.
enum ColumnDates {
  /// Whether all words are dates: with a year of four digits, such as 2026-11-29, 29/11/2026, 2026-11 or 2026-11-29 10:30,
  /// with one of two, such as 1/1/20, or with an English month, such as 1-Jan-2020 or Mar 2020.
  static func are(_ words: [String]) -> Bool {
    !words.isEmpty && words.allSatisfy { isDate($0) || namesMonth($0) }
  }

  private static func isDate(_ word: String) -> Bool {
    let date = word.utf8.prefix { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "T") }
    for separator in "-/.".utf8 {
      let parts = date.split(separator: separator, omittingEmptySubsequences: false)
      let areNumbers = parts.allSatisfy { part in
        (1...4).contains(part.count) && part.allSatisfy { (48...57).contains($0) }
      }
      guard areNumbers else { continue }
      let years = parts.count { $0.count == 4 }
      let areShort = parts.allSatisfy { $0.count <= 2 || $0.count == 4 }
      switch parts.count {
      case 2 where separator != UInt8(ascii: "."):
        let isMonth = parts.contains {
          $0.count <= 2 && (1...12).contains(Int(String(decoding: $0, as: UTF8.self)) ?? 0)
        }
        return years == 1 && isMonth
      case 3:
        return areShort
          && (years == 1 || years == 0 && separator == UInt8(ascii: "/") && parts[2].count == 2)
      default: continue
      }
    }
    return false
  }

  private static let months: Set<String> = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
    "january", "february",
    "march", "april", "june", "july", "august", "september", "october", "november", "december",
  ]

  /// Whether a word has a month by its English name, and numbers beside it.
  private static func namesMonth(_ word: String) -> Bool {
    let parts = word.split { " -/.,".contains($0) }
    guard (2...3).contains(parts.count) else { return false }
    let others = parts.filter { !months.contains($0.lowercased()) }
    return others.count == parts.count - 1
      && others.allSatisfy { $0.count <= 4 && $0.utf8.allSatisfy { (48...57).contains($0) } }
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

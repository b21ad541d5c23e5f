import Messages

/// Words of a column that are numbers as people write them, with signs that no number has: 12 %, $5, 1,200.
enum WrittenNumbers {
  /// The first word with such a sign, and the number that it stands for; nil where none has one, or some word is no number.
  static func first(in words: [String]) -> (word: String, number: String)? {
    var first: (word: String, number: String)?
    for word in words {
      let cell = CellNumber.trimmed(Array(word.utf8)[...])
      if CellNumber.parse(cell) != nil { continue }
      guard let number = plain(String(decoding: cell, as: UTF8.self)) else { return nil }
      if first == nil { first = (word, number) }
    }
    return first
  }

  /// Codes of currencies that tables often have.
  private static let currencies: Set<String> = [
    "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN",
    "CZK", "BRL",
  ]

  /// The number without such signs; nil where there is none.
  private static func plain(_ word: String) -> String? {
    let spaces: Set<Character> = [" ", "\u{a0}", "\u{2009}", "\u{202f}"]
    var rest = word[...]
    let isNegative = rest.first == "-"
    if let sign = rest.first, sign == "-" || sign == "+" { rest = rest.dropFirst() }
    func dropSpaces() {
      rest = rest.drop { spaces.contains($0) }
      while let last = rest.last, spaces.contains(last) { rest = rest.dropLast() }
    }
    let isSign = { (character: Character) in
      character == "%" || character == "‰"
        || character.unicodeScalars.allSatisfy { $0.properties.generalCategory == .currencySymbol }
    }
    dropSpaces()
    if let sign = rest.first, isSign(sign) { rest = rest.dropFirst() }
    if let sign = rest.last, isSign(sign) { rest = rest.dropLast() }
    if currencies.contains(String(rest.prefix(3))) { rest = rest.dropFirst(3) }
    if currencies.contains(String(rest.suffix(3))) { rest = rest.dropLast(3) }
    dropSpaces()
    let halves = rest.split(separator: ",", omittingEmptySubsequences: false)
    if halves.count == 2, (1...2).contains(halves[1].count) {
      // Where a comma stands before the decimals, points part the thousands.
      rest = (joined(rest, ".", decimals: ",") ?? halves.joined(separator: "."))[...]
    }
    for separator in [",", "'", "’", "_"] + spaces.sorted() {
      if let joined = joined(rest, separator) {
        rest = joined[...]
        break
      }
    }
    guard let first = rest.utf8.first, (48...57).contains(first) || first == UInt8(ascii: "."),
      CellNumber.parse(Array(rest.utf8)[...]) != nil
    else { return nil }
    return (isNegative ? "-" : "") + rest
  }

  /// A number whose thousands are parted, as one; nil of any other.
  private static func joined(
    _ text: Substring, _ separator: Character, decimals: Character = "."
  ) -> String? {
    let halves = text.split(separator: decimals, maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = halves.first else { return nil }
    let groups = whole.split(separator: separator, omittingEmptySubsequences: false)
    let areDigits = groups.allSatisfy { $0.utf8.allSatisfy { (48...57).contains($0) } }
    guard groups.count > 1, areDigits, (1...3).contains(groups[0].count),
      groups.dropFirst().allSatisfy({ $0.count == 3 })
    else { return nil }
    return groups.joined() + (halves.count > 1 ? "." + halves[1] : "")
  }
}

extension DataError {
  /// Why words of which nobody has said that they are categories cannot be a column: they are dates, or numbers as people
  /// write them; nil of others.
  ///
  /// - Parameters:
  ///   - words: the different ones.
  ///   - title: what the column is called in errors.
  ///   - name: of the column.
  static func misread(_ words: [String], _ title: String, name: String) -> DataError? {
    if ColumnDates.are(words) { return ColumnDates.fault(words, title, name: name) }
    guard let (word, number) = WrittenNumbers.first(in: words) else { return nil }
    return DataError(
      .unusable,
      "\(title) holds numbers with other signs, such as \(PlainText.quoted(word)); write plain numbers, such as \(number), or "
        + "take them for names by \(.columnType(name, "category"))")
  }
}

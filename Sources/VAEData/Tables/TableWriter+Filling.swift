import Messages
import Tensors
import VAECore

extension TableWriter {
  /// Whether a path is one of a file whose rows can be filled in where they stand.
  package static func canFill(_ path: String) -> Bool { TableFile.isTable(path) }

  /// A file of a table again, with missing cells filled in: all other cells as they stand there, with those of
  /// columns that no model looks at.
  ///
  /// - Parameters:
  ///   - path: of the file.
  ///   - values: its rows in the table's own units, as many numbers each as there are columns.
  ///   - missing: ones for the cells that are filled in, else zeros.
  /// - Returns: nil where the path is none of a table, or these are not its rows.
  /// - Throws: `DataError` where it cannot be read.
  package func bytes(
    filling path: String, _ values: [Double], where missing: Tensor
  ) throws(DataError) -> [UInt8]? {
    guard TableFile.isTable(path) else { return nil }
    let file = try InputFile(path: path) { false }
    let text = SeparatedText(
      name: path, separator: try SeparatedText.separator(of: TableFile.stream(file), name: path))
    let chosen = missing.floats
    let places = Dictionary(
      columns.columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    // For each column of the file the one of the rows that it is.
    var known: [Int?] = []
    var row = -1
    var result: [UInt8] = []
    try text.forEachRecord(of: TableFile.stream(file)) { (record) throws(DataError) in
      if row < 0 {
        for number in 0..<record.count {
          known.append(places[String(decoding: record.word(number), as: UTF8.self)])
        }
      }
      for number in 0..<min(record.count, known.count) {
        if number > 0 { result += separator.utf8 }
        if row >= 0, let column = known[number],
          case let place = row * columns.count + column, place < values.count, chosen[place] != 0
        {
          result += cell(values[place], of: column).utf8
        } else {
          // Spaces around a cell that had no quotation marks would mean something between them.
          let word = record.word(number)
          let quoted = Self.quoted(bytes: word, separator: separator)
          result +=
            quoted.count == word.count
            ? Array(record.isQuoted[number] ? word : record.cell(number)) : quoted
        }
      }
      result.append(UInt8(ascii: "\n"))
      row += 1
    }
    return row * columns.count == values.count ? result : nil
  }
}

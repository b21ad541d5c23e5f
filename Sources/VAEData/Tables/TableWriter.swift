import Tensors
import VAECore

/// Writes rows of a table as text, as RFC 4180 describes it, with LF at the ends of lines.
public struct TableWriter {
  private let columns: TableColumns
  private let separator: String

  /// A writer.
  ///
  /// - Parameters:
  ///   - columns: with their names, which stand in the first line.
  ///   - separator: what stands between cells, `,` or a tab.
  public init(_ columns: TableColumns, separator: String = ",") {
    self.columns = columns
    self.separator = separator
  }

  /// A file of rows in the table's own units: numbers, the names of categories, the words for no and yes
  /// (from a half on), and nothing for NaN.
  ///
  /// - Parameters:
  ///   - rows: `columns` numbers each.
  ///   - label: a column of words behind them, one for each row; nil for none.
  public func bytes(
    _ rows: [Double], label: (column: String, words: [String])? = nil
  ) -> [UInt8] {
    let width = columns.count
    let names = columns.columns.map { $0.names.map { Self.quoted($0, separator: separator) } }
    let titles = columns.columns.map(\.name) + (label.map { [$0.column] } ?? [])
    var text =
      titles.map { Self.quoted($0, separator: separator) }.joined(separator: separator) + "\n"
    for start in stride(from: 0, to: rows.count, by: width) {
      for column in 0..<width {
        if column > 0 { text += separator }
        let value = rows[start + column]
        guard !value.isNaN else { continue }
        let known = names[column]
        text +=
          known.isEmpty
          ? Self.text(value, columns.columns[column])
          : known[max(0, min(known.count - 1, Int(max(-1, min(65536, value)).rounded())))]
      }
      if let label {
        text += separator + Self.quoted(label.words[start / width], separator: separator)
      }
      text += "\n"
    }
    return Array(text.utf8)
  }

  /// A number with the digits that it has: a whole one that doubles tell from its neighbours by all its digits, any
  /// other by as few as it takes.
  private static func text(_ value: Double, _ column: TableColumn) -> String {
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int(value)) }
    if column.decimals != nil, column.rounded(value) == value { return "\(value)" }
    // What is not rounded was a standardized 32-bit float, whose digits a centre that is large needs more for.
    let short = Float(value)
    let isEnough = column.kind != .real || abs(Double(short) - value) <= 1e-6 * column.scale
    return isEnough ? "\(short)" : "\(value)"
  }

  /// A cell, between quotation marks where it needs them.
  ///
  /// - Parameters:
  ///   - cell: what it holds.
  ///   - separator: what stands between cells.
  public static func quoted(_ cell: String, separator: String = ",") -> String {
    let needs =
      cell.utf8.contains { byte in
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
          || separator.utf8.contains(byte)
      } || cell.first == " " || cell.last == " "
    guard needs else { return cell }
    return "\""
      + cell.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
      + "\""
  }
}

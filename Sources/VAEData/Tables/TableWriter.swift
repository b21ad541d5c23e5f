import Tensors
import VAECore

/// Writes rows of a table as text, as RFC 4180 describes it, with LF at the ends of lines.
public struct TableWriter {
  let columns: TableColumns
  let separator: String
  /// The words of each column as cells.
  private let names: [[String]]

  /// A writer.
  ///
  /// - Parameters:
  ///   - columns: with their names, which stand in the first line.
  ///   - separator: what stands between cells, `,` or a tab.
  public init(_ columns: TableColumns, separator: String = ",") {
    self.columns = columns
    self.separator = separator
    names = columns.columns.map { $0.names.map { Self.quoted($0, separator: separator) } }
  }

  /// A file of rows in the table's own units: numbers, the names of categories, the words for no and yes
  /// (from a half on), and nothing for NaN.
  ///
  /// - Parameters:
  ///   - rows: `columns` numbers each.
  ///   - marks: columns that stand before those of the table, a text for each row.
  ///   - label: a column of words behind them, one for each row; nil for none.
  ///   - made: ones for what a model has made, zeros for what the data have and keeps all its digits; nil where a
  ///     model made all.
  public func bytes(
    _ rows: [Double], marks: [(name: String, cells: [String])] = [],
    label: (column: String, words: [String])? = nil, made: Tensor? = nil
  ) -> [UInt8] {
    let made = made?.floats
    let width = columns.count
    let titles =
      marks.map(\.name) + columns.columns.map(\.name) + (label.map { [$0.column] } ?? [])
    var text = titles.map(quoted).joined(separator: separator) + "\n"
    for start in stride(from: 0, to: rows.count, by: width) {
      let row = start / width
      let cells =
        marks.map { quoted($0.cells[row]) }
        + (0..<width).map { column in
          cell(
            rows[start + column], of: column, isMade: made.map { $0[start + column] != 0 } ?? true)
        }
        + (label.map { [quoted($0.words[row])] } ?? [])
      text += cells.joined(separator: separator) + "\n"
    }
    return Array(text.utf8)
  }

  private func quoted(_ cell: String) -> String { Self.quoted(cell, separator: separator) }

  /// A value in the table's own units as a cell.
  ///
  /// - Parameter isMade: whether a model has made it.
  func cell(_ value: Double, of column: Int, isMade: Bool = true) -> String {
    guard !value.isNaN else { return "" }
    let known = names[column]
    return known.isEmpty
      ? Self.text(value, columns.columns[column], isMade)
      : known[max(0, min(known.count - 1, Int(max(-1, min(65536, value)).rounded())))]
  }

  /// A number with the digits that it has: a whole one that doubles tell from its neighbours by all its digits, any
  /// other by as few as it takes.
  private static func text(_ value: Double, _ column: TableColumn, _ isMade: Bool) -> String {
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return String(Int(value)) }
    if !isMade || column.decimals != nil && column.rounded(value) == value { return "\(value)" }
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
    String(decoding: quoted(bytes: Array(cell.utf8)[...], separator: separator), as: UTF8.self)
  }

  /// The same of bytes, which need not be UTF-8.
  package static func quoted(bytes cell: ArraySlice<UInt8>, separator: String) -> [UInt8] {
    let mark = UInt8(ascii: "\"")
    let needs =
      cell.contains { byte in
        byte == mark || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
          || separator.utf8.contains(byte)
      } || CellNumber.trimmed(cell).count < cell.count
    guard needs else { return Array(cell) }
    return [mark] + cell.flatMap { $0 == mark ? [mark, mark] : [$0] } + [mark]
  }
}

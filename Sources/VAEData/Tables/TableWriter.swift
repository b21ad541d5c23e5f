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
  /// - Parameter rows: `columns` numbers each.
  public func bytes(_ rows: Tensor) -> [UInt8] {
    let width = columns.count
    let names = columns.columns.map { $0.names.map { Self.quoted($0, separator: separator) } }
    var text =
      columns.columns.map { Self.quoted($0.name, separator: separator) }.joined(
        separator: separator) + "\n"
    rows.withFloats { values in
      for start in stride(from: 0, to: values.count, by: width) {
        for column in 0..<width {
          if column > 0 { text += separator }
          let value = values[start + column]
          guard !value.isNaN else { continue }
          let known = names[column]
          text +=
            known.isEmpty
            ? Self.text(value, columns.columns[column])
            : known[max(0, min(known.count - 1, Int(max(-1, min(65536, value)).rounded())))]
        }
        text += "\n"
      }
    }
    return Array(text.utf8)
  }

  /// A number with the digits that it has.
  private static func text(_ value: Float, _ column: TableColumn) -> String {
    if value == value.rounded(), abs(value) < 16_777_216, column.decimals == 0 {
      return String(Int(value))
    }
    return "\(value)"
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

import Messages

/// Text made safe for HTML and SVG: markup is quoted, and what nobody would see is shown (`PlainText`).
func escaped(_ text: String) -> String {
  var result = ""
  for character in text.unicodeScalars {
    switch character {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case "\n", "\t": result.unicodeScalars.append(character)
    case _ where PlainText.isHidden(character): result += PlainText.escape(character)
    default:
      if let byte = ForeignByte.byte(of: character) {
        result += PlainText.escape(byte)
      } else {
        result.unicodeScalars.append(character)
      }
    }
  }
  return result
}

/// Parts of a page, one below the other.
@resultBuilder
enum MarkupBuilder {
  static func buildExpression(_ text: String) -> [String] { [text] }
  static func buildExpression(_ texts: [String]) -> [String] { texts }
  static func buildBlock(_ parts: [String]...) -> [String] { parts.flatMap(\.self) }
  static func buildOptional(_ part: [String]?) -> [String] { part ?? [] }
  static func buildEither(first part: [String]) -> [String] { part }
  static func buildEither(second part: [String]) -> [String] { part }
  static func buildArray(_ parts: [[String]]) -> [String] { parts.flatMap(\.self) }
}

/// Parts joined by line breaks.
func markup(@MarkupBuilder _ parts: () -> [String]) -> String {
  parts().joined(separator: "\n")
}

/// A table.
///
/// - Parameters:
///   - caption: what it is, for those who do not see where it stands.
///   - rows: markup of cells; the first of each row heads it.
func table(caption: String, header: [String], rows: [[String]]) -> String {
  let head = header.map { "<th scope=\"col\">\($0)</th>" }.joined()
  let body = rows.map { row in
    let cells = row.enumerated().map { column, cell in
      column == 0 ? "<th scope=\"row\">\(cell)</th>" : "<td>\(cell)</td>"
    }
    return "<tr>\(cells.joined())</tr>"
  }
  return markup {
    "<div class=\"table\" tabindex=\"0\" role=\"region\" aria-label=\"\(escaped(caption))\"><table>"
    "<caption>\(escaped(caption))</caption>"
    "<thead><tr>\(head)</tr></thead><tbody>"
    body
    "</tbody></table></div>"
  }
}

import Messages
import VAECore

/// What a user says of a column of a table.
public enum TableColumnType: String, Sendable, CaseIterable {
  /// Numbers.
  case real
  /// Numbers above zero.
  case positive
  /// Whole numbers from zero on.
  case count
  /// One of two.
  case yesNo = "yes-no"
  /// One of several, without an order.
  case category
  /// Not looked at.
  case ignore
  /// The class of each row, which is known beside it and is no part of it.
  case label

  /// What the values of such a column are; nil of one that is no part of a row.
  var kind: TableColumn.Kind? { TableColumn.Kind(rawValue: rawValue) }
}

/// How the columns of a table are read.
public struct TableOptions: Sendable {
  /// What somebody says of columns, by their names; of the others it is found out.
  public var types: [String: TableColumnType]
  /// The columns of the data that a model was trained on, which hold for these; nil for what the values
  /// say.
  public var recorded: TableColumns?

  /// The column of these data that had the labels, which has them here too where there is one of that name and
  /// nobody says another; nil where none had.
  public var recordedLabel: String?
  /// Whether the model is told these labels, so that no row can be without one.
  public var needsLabels: Bool

  /// Options.
  public init(
    types: [String: TableColumnType] = [:], recorded: TableColumns? = nil,
    recordedLabel: String? = nil, needsLabels: Bool = false
  ) {
    self.needsLabels = needsLabels
    self.types = types
    self.recorded = recorded
    self.recordedLabel = recordedLabel
  }

  /// The same for a file: where it has the column of the labels that is one, unless rows lack a label and the model is
  /// told none.
  ///
  /// - Parameter notices: gets what the user should know of it.
  func suiting(_ file: TableFile, _ notices: inout [Message]) -> TableOptions {
    guard let label = recordedLabel, let column = file.names.firstIndex(of: label),
      types[label] == nil, !types.values.contains(.label)
    else { return self }
    var options = self
    options.types[label] = .label
    if !needsLabels, file.hasMissing(column) {
      options.types[label] = .ignore
      notices.append(
        "\(file.title(column)) had the labels of the data that the model was trained on, but not every row has one here, so "
          + "that none is used")
    }
    return options
  }

  /// What somebody says of columns, as after `--column`: `name=type` each, of several columns at once `a,b=type`, and of
  /// all others `*=type`; see `resolved(for:)`.
  ///
  /// - Throws: `DataError` of kind `unusable` for another form, an unknown type or a name twice.
  public init(parsing texts: [String]) throws(DataError) {
    self.init()
    for text in texts {
      // A name may hold the sign itself.
      guard let sign = text.lastIndex(of: "="), sign != text.startIndex else {
        throw DataError(
          .unusable,
          "\(PlainText.quoted(text)) does not say what a column is; write its name, = and a type, such as age=real"
        )
      }
      let (name, word) = (String(text[..<sign]), String(text[text.index(after: sign)...]))
      guard let type = TableColumnType(rawValue: word) else {
        let known = TableColumnType.allCases.map(\.rawValue).joined(separator: ", ")
        throw DataError(
          .unusable,
          "\(PlainText.quoted(word)) is not a type of a column, in \(PlainText.quoted(text)); there are: \(known)"
        )
      }
      guard types.updateValue(type, forKey: name) == nil else {
        throw DataError(
          .unusable, "the type of the column \(PlainText.quoted(name)) is given twice; give it once"
        )
      }
    }
  }

  /// The same with one type for each column that a list, `a,b`, or `*`, which is all others, names. What is a column's own
  /// name is no list.
  ///
  /// - Parameter names: of the columns.
  /// - Throws: `DataError` of kind `unusable` where lists name a column twice.
  func resolved(for names: [String]) throws(DataError) -> TableOptions {
    let known = Set(names)
    var resolved: [String: TableColumnType] = [:]
    for (name, type) in types.sorted(by: { $0.key < $1.key })
    where known.contains(name) || name != "*" {
      let listed =
        known.contains(name)
        ? [name] : name.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      for column in listed where resolved.updateValue(type, forKey: column) != nil {
        throw DataError(
          .unusable,
          "the type of the column \(PlainText.quoted(column)) is given twice; give it once")
      }
    }
    if !known.contains("*"), let type = types["*"] {
      for name in names where resolved[name] == nil { resolved[name] = type }
    }
    var options = self
    options.types = resolved
    return options
  }

  /// Refuses types where there is no table.
  func refuse(for specification: String) throws(DataError) {
    guard let name = types.keys.min() else { return }
    throw DataError(
      .unusable,
      "\(.columnType(name)) is for tables (.csv, .tsv, and arrays [N, columns]), and \(specification) is none; leave it out"
    )
  }
}

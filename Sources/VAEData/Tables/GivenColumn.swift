import Messages
import VAECore
import VAEFiles

/// A column of rows in memory, as their owner describes it.
package struct GivenColumn: Sendable {
  /// What it is called.
  package let name: String
  /// What its values are; nil for what they seem to be.
  package let kind: TableColumn.Kind?
  /// What the numbers 0, 1, … stand for; empty for numbers.
  package let names: [String]
  /// How many digits behind the point its numbers have; nil where that is not known.
  package let decimals: Int?

  /// The columns of a JSON text: a list of objects, each with "name", and where it has them "type", the
  /// "names" that the numbers 0, 1, … stand for, and the "decimals" of numbers.
  ///
  /// - Parameters:
  ///   - text: the JSON.
  ///   - source: what the text is, for errors.
  package static func list(parsing text: String, source: String) throws(DataError) -> [GivenColumn]
  {
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: Array(text.utf8), source: source)
    } catch {
      throw DataError(.unusable, error.message)
    }
    guard case .array(let items) = json, (1...TableColumns.limit).contains(items.count) else {
      throw DataError(.unusable, "\(source) is no list of 1 to \(TableColumns.limit) columns")
    }
    var columns: [GivenColumn] = []
    var known: Set<String> = []
    for (number, item) in items.enumerated() {
      let column = try GivenColumn(item, path: "\(source)[\(number)]")
      guard known.insert(column.name).inserted else {
        throw DataError(
          .unusable,
          "\(source) has the column \(PlainText.quoted(column.name)) twice; give each its own name")
      }
      columns.append(column)
    }
    return columns
  }

  private init(_ json: JSON, path: String) throws(DataError) {
    guard let object = json.object, let name = object["name"]?.text, !name.isEmpty else {
      throw DataError(.unusable, "\(path) is no column: an object with \"name\"")
    }
    var kind: TableColumn.Kind?
    if let given = object["type"], given != .null {
      guard let found = given.text.flatMap(TableColumn.Kind.init(rawValue:)) else {
        let known = TableColumn.Kind.allCases.map(\.rawValue).joined(separator: ", ")
        throw DataError(
          .unusable,
          "the column \(PlainText.quoted(name)) has the type \(given.line), which is none of \(known)"
        )
      }
      kind = found
    }
    var names: [String] = []
    if let given = object["names"], given != .null {
      names = given.array?.compactMap(\.text) ?? []
      guard let array = given.array, array.count == names.count,
        (1...TableColumn.categoryLimit).contains(names.count)
      else {
        throw DataError(
          .unusable,
          "the column \(PlainText.quoted(name)) has no list of 1 to \(TableColumn.categoryLimit) categories; leave it out, "
            + "or give it as numbers")
      }
      if let misfit = ConditionSpace.misfit(names: names) {
        throw DataError(
          .unusable, "the categories of the column \(PlainText.quoted(name)) \(misfit)")
      }
    }
    let isNumber = kind.map { $0 != .category && $0 != .yesNo } ?? false
    guard names.isEmpty || !isNumber, !names.isEmpty || kind != .category else {
      throw DataError(
        .unusable,
        "the column \(PlainText.quoted(name)) is \(kind?.rawValue ?? "of numbers"), but has \(names.isEmpty ? "no" : "") names of categories"
      )
    }
    decimals = object["decimals"]?.integer
    guard decimals == nil || decimals.map({ (0...12).contains($0) }) == true else {
      throw DataError(
        .unusable,
        "the column \(PlainText.quoted(name)) has \(decimals ?? 0) decimals, which are not in 0…12")
    }
    (self.name, self.kind, self.names) = (name, kind, names)
  }

  /// The column of some values.
  ///
  /// - Parameter values: of it, NaN where one is missing.
  func column(of values: [Float]) throws(DataError) -> TableColumn {
    let title = "column \(PlainText.quoted(name))"
    guard names.isEmpty else {
      let isYesNo = kind == .yesNo || kind == nil && TableColumn.areYesAndNo(names)
      guard !isYesNo || names.count == 2 else {
        throw DataError(
          .unusable, "\(title) is yes-no, but has \(Count.of(names.count, "category"))")
      }
      guard values.contains(where: { !$0.isNaN }) else {
        throw DataError(
          .unusable,
          "\(title) has no value in any row; leave it out by \(.columnType(name, "ignore"))")
      }
      return TableColumn(name: name, kind: isYesNo ? .yesNo : .category, names: names)
    }
    return try ColumnValues(title: title, name: name, values: values, decimals: decimals)
      .column(told: kind)
  }
}

extension TableColumns {
  /// The columns of rows as their owner describes them.
  init(_ given: [GivenColumn], of rows: any ExampleStore) throws(DataError) {
    let width = rows.shape.count
    guard rows.shape.height == 1, rows.shape.channels == 1, width == given.count else {
      throw DataError(
        .unusable,
        "there are \(given.count) columns, but the rows are of \(rows.shape): give one number for each column"
      )
    }
    let all = [Float](unsafeUninitializedCapacity: rows.count * width) { buffer, used in
      buffer.initialize(repeating: 0)
      rows.write(Array(0..<rows.count), into: buffer)
      used = rows.count * width
    }
    if let fault = rows.takeFault() { throw fault }
    var columns: [TableColumn] = []
    for (number, column) in given.enumerated() {
      columns.append(
        try column.column(of: stride(from: number, to: all.count, by: width).map { all[$0] }))
    }
    self.init(columns)
    guard elementCount <= Self.elementLimit else {
      throw DataError(
        .tooLarge,
        "the rows have \(elementCount) numbers for a model, more than \(Self.elementLimit); leave out columns of many "
          + "categories")
    }
  }
}

import Messages
import Tensors
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
  /// Whether it has the labels of rows and is no part of them.
  let isLabel: Bool

  /// The columns of a JSON text: a list of objects, each with "name", and where it has them "type", the
  /// "names" that the numbers 0, 1, … stand for, and the "decimals" of numbers; and the name of the one of type
  /// "label", which is no part of the rows.
  ///
  /// - Parameters:
  ///   - text: the JSON.
  ///   - source: what the text is, for errors.
  package static func list(
    parsing text: String, source: String
  ) throws(DataError) -> (columns: [GivenColumn], label: String?) {
    let json: JSON
    do throws(JSONError) {
      json = try JSON(parsing: Array(text.utf8), source: source)
    } catch {
      throw DataError(.unusable, error.message)
    }
    guard case .array(let items) = json, items.count <= TableColumns.limit else {
      throw DataError(.unusable, "\(source) is no list of up to \(TableColumns.limit) columns")
    }
    var columns: [GivenColumn] = []
    var label: String?
    var known: Set<String> = []
    var byteCount = 0
    for (number, item) in items.enumerated() {
      let column = try GivenColumn(item, path: "\(source)[\(number)]")
      byteCount += column.names.reduce(column.name.utf8.count) { $0 + $1.utf8.count }
      guard byteCount <= TableColumns.namesLimit else {
        throw DataError(
          .unusable,
          "\(source) has names of columns and categories of more than \(TableColumns.namesLimit) bytes; shorten them, or "
            + "leave out columns of long words")
      }
      guard known.insert(column.name).inserted else {
        throw DataError(
          .unusable,
          "\(source) has the column \(PlainText.quoted(column.name)) twice; give each its own name")
      }
      if column.isLabel {
        if let label {
          throw DataError(
            .unusable,
            "\(source) has the labels \(PlainText.quoted(label)) and \(PlainText.quoted(column.name)); choose one"
          )
        }
        label = column.name
      } else {
        columns.append(column)
      }
    }
    return (columns, label)
  }

  private init(_ json: JSON, path: String) throws(DataError) {
    guard let object = json.object, let name = object["name"]?.text, !name.isEmpty else {
      throw DataError(.unusable, "\(path) is no column: an object with \"name\"")
    }
    guard name.utf8.count <= TableColumn.nameLimit else {
      throw DataError(
        .unusable,
        "\(path) has a name of \(name.utf8.count) bytes, more than the \(TableColumn.nameLimit) that a name may have; "
          + "shorten it")
    }
    for member in object.members where !Self.members.contains(member.name) {
      throw DataError(
        .unusable,
        "the column \(PlainText.quoted(name)) has the member \(PlainText.quoted(member.name)), which is none of "
          + "\(Self.members.joined(separator: ", "))")
    }
    var kind: TableColumn.Kind?
    var isLabel = false
    if let given = object["type"], given != .null {
      isLabel = given.text == TableColumnType.label.rawValue
      let found = given.text.flatMap(TableColumn.Kind.init(rawValue:))
      guard isLabel || found != nil else {
        let known = (TableColumn.Kind.allCases.map(\.rawValue) + [TableColumnType.label.rawValue])
          .joined(separator: ", ")
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
      if let long = names.first(where: { $0.utf8.count > TableColumn.nameLimit }) {
        throw DataError(
          .unusable,
          "the column \(PlainText.quoted(name)) has a category of \(long.utf8.count) bytes, more than the "
            + "\(TableColumn.nameLimit) that its name may have; leave the column out, or shorten its words"
        )
      }
    }
    let isNumber = kind.map { $0 != .category && $0 != .yesNo } ?? false
    guard names.isEmpty || !isNumber else {
      throw DataError(
        .unusable,
        "the column \(PlainText.quoted(name)) is \(kind?.rawValue ?? "of numbers"), but has names of categories"
      )
    }
    var decimals: Int?
    if let given = object["decimals"], given != .null {
      guard let digits = given.integer, (0...12).contains(digits) else {
        throw DataError(
          .unusable,
          "the column \(PlainText.quoted(name)) has the decimals \(given.line), which are no whole number in 0…12"
        )
      }
      decimals = digits
    }
    (self.name, self.kind, self.names, self.decimals) = (name, kind, names, decimals)
    self.isLabel = isLabel
  }

  /// What is said of some columns of vectors, or of none, by their numbers; nil where columns have names of their own,
  /// or more than their types is said of them.
  ///
  /// - Parameters:
  ///   - given: what somebody says of columns.
  ///   - width: the numbers of a row.
  static func types(
    _ given: [GivenColumn], ofVectors width: Int
  ) -> [Int: TableColumn.Kind]? {
    // A list of all columns says what they are in their order, whatever their names.
    guard given.count < width || given.enumerated().allSatisfy({ $1.name == "\($0)" }) else {
      return nil
    }
    var types: [Int: TableColumn.Kind] = [:]
    for column in given {
      guard let kind = column.kind, column.names.isEmpty, column.decimals == nil,
        let number = TableColumns.number(of: column.name, among: width)
      else { return nil }
      types[number] = kind
    }
    return types
  }

  /// What an object may have.
  private static let members = ["name", "type", "names", "decimals"]

  /// The column of some values.
  ///
  /// - Parameters:
  ///   - values: of it, NaN where one is missing, as all may be where somebody says what they are.
  ///   - notices: gets what the user should know of it.
  func column(
    of values: UnsafeBufferPointer<Double>, _ notices: inout [Message]
  ) throws(DataError) -> TableColumn {
    let title = "column \(PlainText.quoted(name))"
    guard !names.isEmpty || kind != .category else {
      throw DataError(.unusable, "the \(title) is category, but has no names of categories")
    }
    guard names.isEmpty else {
      if kind == nil, let fault = DataError.misread(names, title, name: name) { throw fault }
      let isYesNo = kind == .yesNo || kind == nil && TableColumn.areYesAndNo(names)
      guard !isYesNo || names.count == 2 else {
        throw DataError(
          .unusable, "\(title) is yes-no, but has \(Count.of(names.count, "category"))")
      }
      guard kind != nil || values.contains(where: { !$0.isNaN }) else {
        throw DataError(
          .unusable,
          "\(title) has no value in any row; leave it out by \(.columnType(name, "ignore"))")
      }
      return TableColumn(name: name, kind: isYesNo ? .yesNo : .category, names: names)
    }
    // Of rows for a model that exists all that is known of a column may be its kind.
    if let kind, values.allSatisfy(\.isNaN) {
      return TableColumn(
        name: name, kind: kind, names: kind == .yesNo ? ["0", "1"] : [], decimals: decimals)
    }
    let all = try ColumnValues(
      title: title, name: name, decimals: decimals, count: values.count
    ) { values[$0] }
    let column = try all.column(told: kind)
    if let notice = all.collapseNotice(column) { notices.append(notice) }
    return column
  }
}

extension TableColumns {
  /// The columns of rows as their owner describes them.
  init(
    _ given: [GivenColumn], of rows: any ExampleStore, _ notices: inout [Message]
  ) throws(DataError) {
    let width = rows.shape.count
    guard rows.shape.height == 1, rows.shape.channels == 1, width == given.count else {
      throw DataError(
        .unusable,
        "there are \(given.count) columns, but the rows are of \(rows.shape): give one number for each column"
      )
    }
    var columns: [TableColumn] = []
    try Self.forEachColumn(of: rows) { (number, values) throws(DataError) in
      columns.append(try given[number].column(of: values, &notices))
    }
    self.init(columns)
    try checkElements(of: "the table")
  }

  /// Refuses rows that would be too many numbers for a model.
  ///
  /// - Parameter name: what messages call the table.
  func checkElements(of name: String) throws(DataError) {
    guard elementCount > Self.elementLimit else { return }
    throw DataError(
      .tooLarge,
      "\(name) has rows of \(elementCount) numbers for a model, more than \(Self.elementLimit); leave out columns of many "
        + "categories")
  }

  /// The same columns with centres and scales of other rows of the table, such as those that training sees; one
  /// that has no value there keeps its own.
  func standardizing(_ rows: any ExampleStore) throws(DataError) -> TableColumns {
    var changed = columns
    try Self.forEachColumn(of: rows) { (number, values) throws(DataError) in
      changed[number] = ColumnValues.standardizing(columns[number], values)
    }
    return TableColumns(changed)
  }

  /// Gives a closure the values of one column of some rows after the other.
  static func forEachColumn(
    of rows: any ExampleStore,
    _ body: (Int, UnsafeBufferPointer<Double>) throws(DataError) -> Void
  ) throws(DataError) {
    let width = rows.shape.count
    // As many columns at a time as there is memory for, since each time all rows are read; and half of it stays free.
    var together = width
    while together > 1, together * rows.count > valuesTogether,
      !Memory.grants(2 * together * rows.count * MemoryLayout<Double>.size)
    {
      together = (together + 1) / 2
    }
    for first in stride(from: 0, to: width, by: together) {
      let numbers = first..<min(first + together, width)
      let values = try Self.values(numbers, of: rows)
      try withExtendedLifetime(values) { () throws(DataError) in
        let all = values.elements(as: Double.self)
        for (place, number) in numbers.enumerated() {
          let own = all[place * rows.count..<(place + 1) * rows.count]
          try body(number, UnsafeBufferPointer(rebasing: own))
        }
      }
    }
  }

  /// Values of columns that are taken out of rows at once, however little memory there is.
  private static let valuesTogether = 1 << 24

  /// Some columns of rows, one after the other.
  private static func values(
    _ columns: Range<Int>, of rows: any ExampleStore
  ) throws(DataError) -> ArrayMemory {
    let (width, count) = (rows.shape.count, rows.count)
    let memory = try ArrayMemory(
      byteCount: max(1, columns.count * count) * MemoryLayout<Double>.size, name: "the table")
    let values = memory.bytes.bindMemory(to: Double.self)
    try rows.forEachPart { (first, part) throws(DataError) in
      for (place, column) in columns.enumerated() {
        for row in 0..<part.count / width {
          values[place * count + first + row] = part[row * width + column]
        }
      }
    }
    return memory
  }
}

import Messages
import VAECore
import VAEFiles

/// A file of a table: its names of columns, and what its cells hold.
///
/// The file is read twice. The first time says of each column whether its cells are numbers, the second
/// time keeps them; so no text is kept but the names of categories.
struct TableFile {
  let path: String
  private let file: InputFile
  private let text: SeparatedText
  /// The names of the columns, in order.
  let names: [String]
  /// What the cells hold.
  private var surveys: [Survey]
  /// The rows below the names.
  private(set) var rowCount = 0

  /// What is known of a column after the first reading.
  private struct Survey {
    var numbers = 0
    var texts = 0
    var firstText: (line: Int, text: String)?
    /// How many of the texts are numbers but for a comma in place of the point, such as `3,14`.
    var commas = 0
    var decimals = 0
  }

  /// The first of the names that is a number, so that its line may be a row; nil where none is.
  private(set) var numberAmongNames: String?

  /// Whether a path is one of such a file, by its ending.
  static func isTable(_ path: String) -> Bool {
    let path = path.lowercased()
    return [".csv", ".tsv", ".csv.gz", ".tsv.gz"].contains { path.hasSuffix($0) }
  }

  /// Reads a file once.
  ///
  /// - Throws: `DataError` naming file, line and column where it is no table.
  init(_ path: String, _ opening: Opening) throws(DataError) {
    self.path = path
    let file = try opening.file(path)
    let text = SeparatedText(
      name: path,
      separator: try SeparatedText.separator(of: Self.stream(file), name: path))
    (self.file, self.text) = (file, text)
    var names: [String]?
    var surveys: [Survey] = []
    var rows = 0
    try text.forEachRecord(of: Self.stream(file)) { (record) throws(DataError) in
      guard let known = names else {
        names = try Self.names(record, path, recorded: opening.table.recorded)
        surveys = [Survey](repeating: Survey(), count: record.count)
        return
      }
      try Self.check(record, names: known, path)
      rows += 1
      for column in 0..<record.count {
        let cell = CellNumber.trimmed(record.cell(column))
        if let number = CellNumber.parse(cell) {
          surveys[column].numbers += 1
          surveys[column].decimals = max(surveys[column].decimals, number.decimals)
        } else if !CellNumber.isMissing(cell) {
          surveys[column].texts += 1
          if CellNumber.hasDecimalComma(cell) { surveys[column].commas += 1 }
          if surveys[column].firstText == nil {
            surveys[column].firstText = (record.line, Self.shown(cell))
          }
        }
      }
    }
    guard let names else {
      throw DataError(.malformed, "\(path) has no line with the names of columns")
    }
    guard rows > 0 else {
      throw DataError(.malformed, "\(path) has names of columns, but no row below them")
    }
    self.names = names
    numberAmongNames = names.first { CellNumber.parse(ArraySlice($0.utf8)) != nil }
    self.surveys = surveys
    rowCount = rows
  }

  static func stream(_ file: InputFile) throws(DataError) -> any ByteStream {
    let section = FileSection(file)
    guard file.path.lowercased().hasSuffix(".gz") else { return section }
    return try InflatedStream(section, format: .gzip, name: file.path)
  }

  /// A cell as messages quote it.
  private static func shown(_ cell: ArraySlice<UInt8>) -> String {
    PlainText.quoted(bytes: cell, limit: 40)
  }

  /// The names in the first line, which are numbers only where they are those of an array's columns: of a model's, or 0, 1, 2
  /// and so on.
  private static func names(
    _ record: borrowing SeparatedText.Record, _ path: String, recorded: TableColumns?
  ) throws(DataError) -> [String] {
    func refusal(_ text: Message) -> DataError {
      DataError(.malformed, "\(path), line \(record.line): " + text)
    }
    guard record.count <= TableColumns.limit else {
      throw refusal(
        "has \(record.count) columns, more than the \(TableColumns.limit) that a table may have; are its rows and columns "
          + "exchanged?")
    }
    var names: [String] = []
    var places: [String: Int] = [:]
    var numbers = 0
    var byteCount = 0
    for column in 0..<record.count {
      let cell = record.word(column)
      byteCount += cell.count
      guard cell.count <= TableColumn.nameLimit else {
        throw refusal(
          "the name of column \(column + 1), \(shown(cell)), has \(cell.count) bytes, more than the "
            + "\(TableColumn.nameLimit) that a name may have; shorten it")
      }
      guard byteCount <= TableColumns.namesLimit else {
        throw refusal(
          "the names of columns have more than \(TableColumns.namesLimit) bytes; shorten them")
      }
      guard let name = String(validating: cell, as: UTF8.self) else {
        throw refusal(
          "the name of column \(column + 1), \(shown(cell)), is no UTF-8; store the table as UTF-8")
      }
      guard !CellNumber.trimmed(cell).isEmpty else {
        throw refusal(
          "column \(column + 1) has no name; give it one, or write the table without an index, as to_csv(path, index=False)"
        )
      }
      if let other = places.updateValue(column, forKey: name) {
        throw refusal(
          "columns \(other + 1) and \(column + 1) have the same name \(shown(cell)); give each its own, or add a line with "
            + "names above, where this is a row"
        )
      }
      if CellNumber.parse(cell) != nil { numbers += 1 }
      names.append(name)
    }
    let areNumbered =
      recorded?.columns.allSatisfy { places[$0.name] != nil }
      ?? (names.count > 2 && names.indices.allSatisfy { names[$0] == "\($0)" })
    guard numbers < names.count || areNumbered else {
      throw refusal(
        "holds numbers, where the names of the columns should stand; add a line with names above it"
      )
    }
    return names
  }

  /// Refuses a row of more or fewer cells than there are names.
  private static func check(
    _ record: borrowing SeparatedText.Record, names: [String], _ path: String
  ) throws(DataError) {
    guard record.count != names.count else { return }
    let remedy: Message =
      record.count > names.count
      ? "put cells that hold a separator between quotation marks"
      : "write nothing between two separators for a missing value"
    throw DataError(
      .malformed,
      "\(path), line \(record.line): has \(Count.of(record.count, "cell")), but there are \(names.count) names of columns; "
        + remedy)
  }
}

// MARK: - What the columns are

extension TableFile {
  /// What becomes of a column of the file.
  enum Use {
    /// A column of numbers; nil for what they seem to be.
    case numbers(TableColumn.Kind?)
    /// Categories, or yes and no, with the words that are known.
    case words(TableColumn.Kind, known: [String]?)
    /// Names of classes.
    case label
    case nothing
  }

  /// What becomes of each column, by what somebody says and by what the cells hold.
  func uses(_ options: TableOptions) throws(DataError) -> [Use] {
    let found = Set(names)
    for name in options.types.keys.sorted() where !found.contains(name) {
      let near = names.prefix(20).map { PlainText.quoted($0) }.joined(separator: ", ")
      throw DataError(
        .unusable,
        "\(path) has no column \(PlainText.quoted(name)); there are: \(near)\(names.count > 20 ? ", …" : "")"
      )
    }
    if let recorded = options.recorded { return try uses(recorded, options) }
    var uses: [Use] = []
    for (column, name) in names.enumerated() {
      uses.append(try use(column, name, options.types[name]))
    }
    guard
      uses.contains(where: {
        switch $0 {
        case .numbers, .words: true
        case .label, .nothing: false
        }
      })
    else {
      throw DataError(.unusable, "\(path) has no column that is neither ignored nor a label")
    }
    return uses
  }

  private func use(
    _ column: Int, _ name: String, _ type: TableColumnType?
  ) throws(DataError) -> Use {
    let survey = surveys[column]
    switch type {
    case .ignore: return .nothing
    case .label: return .label
    case .category: return .words(.category, known: nil)
    case .yesNo: return survey.texts == 0 ? .numbers(.yesNo) : .words(.yesNo, known: nil)
    case .real, .positive, .count:
      if let text = survey.firstText {
        if survey.commas > 0 { throw decimalComma(column, text) }
        throw notANumber(column, text, told: type)
      }
      return .numbers(type?.kind)
    case nil:
      guard survey.numbers + survey.texts > 0 else {
        throw DataError(
          .unusable,
          "\(title(column)) has no value in any row; leave it out by \(.columnType(name, "ignore"))"
        )
      }
      guard let text = survey.firstText else { return .numbers(nil) }
      if survey.commas == survey.texts { throw decimalComma(column, text) }
      guard survey.texts > survey.numbers else { throw notANumber(column, text) }
      return .words(.category, known: nil)
    }
  }

  /// The columns of the data that a model was trained on, of which nothing else can be said.
  private func uses(
    _ recorded: TableColumns, _ options: TableOptions
  ) throws(DataError) -> [Use] {
    let own = Dictionary(
      recorded.columns.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let found = Set(names)
    for column in recorded.columns where !found.contains(column.name) {
      throw DataError(
        .unusable,
        "\(path) has no column \(PlainText.quoted(column.name)), which the model was trained on")
    }
    var uses: [Use] = []
    for (column, name) in names.enumerated() {
      guard let known = own[name] else {
        uses.append(try use(ofUnknown: name, options.types[name]))
        continue
      }
      if let type = options.types[name], type.kind != known.kind {
        throw DataError(
          .unusable,
          "the model was trained on the column \(PlainText.quoted(name)) as \(known.kind.rawValue), which stays so; "
            + "leave out \(.columnType(name, type.rawValue))")
      }
      if known.isNumeric {
        if let text = surveys[column].firstText { throw notANumber(column, text) }
        uses.append(.numbers(known.kind))
      } else if known.kind == .yesNo, known.names == ["0", "1"] {
        if let text = surveys[column].firstText { throw notANumber(column, text) }
        uses.append(.numbers(.yesNo))
      } else {
        uses.append(.words(known.kind, known: known.names))
      }
    }
    return uses
  }

  /// What becomes of a column that a model was not trained on.
  private func use(
    ofUnknown name: String, _ type: TableColumnType?
  ) throws(DataError) -> Use {
    switch type {
    case .label: return .label
    case .ignore, nil: return .nothing
    case .real, .positive, .count, .yesNo, .category:
      throw DataError(
        .unusable,
        "the model was not trained on the column \(PlainText.quoted(name)), so that it can be nothing but ignore or "
          + "label; leave out \(.columnType(name, type?.rawValue))")
    }
  }

  private func decimalComma(_ column: Int, _ text: (line: Int, text: String)) -> DataError {
    DataError(
      .unusable,
      "\(path), line \(text.line), column \(PlainText.quoted(names[column])): \(text.text) has a comma where numbers have "
        + "a point; write points, as to_csv(path, decimal=\".\"), take the commas out if they stand between thousands, or choose \(.columnType(names[column], "category"))"
    )
  }

  private func notANumber(
    _ column: Int, _ text: (line: Int, text: String), told: TableColumnType? = nil
  ) -> DataError {
    if let told {
      return DataError(
        .unusable,
        "\(path), line \(text.line), column \(PlainText.quoted(names[column])): \(text.text) is no number, as all are of a "
          + "column of type \(told.rawValue); correct it, leave the cell empty where the value is missing, or leave out "
          + "\(.columnType(names[column], told.rawValue))")
    }
    return DataError(
      .unusable,
      "\(path), line \(text.line), column \(PlainText.quoted(names[column])): \(text.text) is no number, but "
        + "\(surveys[column].numbers) of \(rowCount) rows have one there; correct it, leave the cell empty where the value is "
        + "missing, or choose \(.columnType(names[column], "category"))")
  }

  /// Whether a column has numbers alone, of which some have digits behind the point.
  func hasFractions(_ column: Int) -> Bool {
    surveys[column].texts == 0 && surveys[column].decimals > 0
  }

  /// Whether a column has no value in some row.
  func hasMissing(_ column: Int) -> Bool {
    surveys[column].numbers + surveys[column].texts < rowCount
  }

  /// A column as messages call it.
  func title(_ column: Int) -> String { "\(path), column \(PlainText.quoted(names[column]))" }

  /// The digits behind the points of a column's numbers; nil where they have more than can be told.
  func decimals(_ column: Int) -> Int? {
    surveys[column].decimals <= 15 ? surveys[column].decimals : nil
  }
}

// MARK: - What the cells hold

extension TableFile {
  /// The cells of the file.
  struct Cells {
    /// Row by row, a number for each column that is used: numbers as they are, words by their number, NaN
    /// for what is missing.
    let memory: ArrayMemory
    /// The columns of the file that are used.
    let columns: [Int]
    /// The words of each of these, by their number; empty for numbers.
    let words: [[String]]
    /// The first cell without a value, with its place.
    let missing: String?
    /// The line in which each row begins.
    let lines: [Int]
  }

  /// Reads the file again and keeps what its cells hold.
  func cells(_ uses: [Use]) throws(DataError) -> Cells {
    let columns = uses.indices.filter {
      if case .nothing = uses[$0] { false } else { true }
    }
    // With room asked for, though not used, for the numbers of the lines.
    let memory = try ArrayMemory(
      byteCount: rowCount * (columns.count + 1) * MemoryLayout<Double>.size, name: path)
    let values = UnsafeMutableBufferPointer(
      rebasing: memory.bytes.bindMemory(to: Double.self)[..<(rowCount * columns.count)])
    var dictionaries = uses.map { WordNumbers($0) }
    // Of all names that a recipe will hold.
    var nameBytes = columns.reduce(0) { $0 + names[$1].utf8.count }
    var missing: String?
    var isNames = true
    var row = 0
    var lines: [Int] = []
    lines.reserveCapacity(rowCount)
    try text.forEachRecord(of: Self.stream(file)) { (record) throws(DataError) in
      guard record.count == names.count else { throw changed() }
      if isNames {
        isNames = false
        return
      }
      guard row < rowCount else { throw changed() }
      for (place, column) in columns.enumerated() {
        let cell = CellNumber.trimmed(record.cell(column))
        let value: Double
        if CellNumber.isMissing(cell) {
          value = .nan
          if case .label = uses[column] {
            throw fault(
              record.line, column,
              "has no class; give every row one, or leave the column out by \(.columnType(names[column], "ignore"))"
            )
          }
          if missing == nil {
            missing =
              "\(path), line \(record.line), column \(PlainText.quoted(names[column])) is empty"
          }
        } else if case .numbers = uses[column] {
          guard let number = CellNumber.parse(cell) else { throw changed() }
          value = number.value
          guard Float(value).isFinite else {
            throw fault(record.line, column, "is beyond the range of 32-bit floats")
          }
        } else {
          value = Double(
            try number(
              of: record.word(column), in: &dictionaries[column], &nameBytes, record.line, column))
        }
        values[row * columns.count + place] = value
      }
      lines.append(record.line)
      row += 1
    }
    guard row == rowCount else { throw changed() }
    var words: [[String]] = []
    for (place, column) in columns.enumerated() {
      words.append(dictionaries[column].sort(values, place: place, width: columns.count))
    }
    return Cells(
      memory: memory, columns: columns, words: words, missing: missing, lines: lines)
  }

  private func changed() -> DataError {
    DataError(.unusable, "\(path) was changed while it was read; begin again")
  }

  private func fault(_ line: Int, _ column: Int, _ text: Message) -> DataError {
    DataError(
      .unusable, "\(path), line \(line), column \(PlainText.quoted(names[column])): " + text)
  }

  /// The number of a cell's word; the bytes of a new one are added to those of all names.
  private func number(
    of cell: ArraySlice<UInt8>, in words: inout WordNumbers, _ nameBytes: inout Int, _ line: Int,
    _ column: Int
  ) throws(DataError) -> Int {
    if let number = words[cell] { return number }
    guard let word = String(validating: cell, as: UTF8.self) else {
      throw fault(line, column, "\(Self.shown(cell)) is no UTF-8; store the table as UTF-8")
    }
    if words.areKnown {
      let known = words.list.prefix(10).map { PlainText.quoted($0) }.joined(separator: ", ")
      throw fault(
        line, column,
        "\(Self.shown(cell)) is none of the categories that the model was trained on: \(known)\(words.list.count > 10 ? ", …" : ""); "
          + "leave the row out, or the cell empty where the model is one for missing values")
    }
    let limit = words.limit
    guard words.list.count < limit else {
      if limit == 2 {
        throw fault(
          line, column,
          "\(Self.shown(cell)) is a third word, after \(words.list.map { PlainText.quoted($0) }.joined(separator: " and ")), "
            + "but the column is yes-no")
      }
      throw textFault(words.list + [word], column)
    }
    guard cell.count <= TableColumn.nameLimit else {
      throw fault(
        line, column,
        "\(Self.shown(cell)) has \(cell.count) bytes, more than the \(TableColumn.nameLimit) that the name of a "
          + "category may have; leave the column out by \(.columnType(names[column], "ignore"))")
    }
    nameBytes += cell.count
    guard nameBytes <= TableColumns.namesLimit else {
      throw fault(
        line, column,
        "\(Self.shown(cell)) is one of too many categories: their names and those of the columns have more than "
          + "\(TableColumns.namesLimit) bytes; leave out columns of long words by \(.columnType(names[column], "ignore"))"
      )
    }
    guard let number = words.add(word, cell) else {
      throw fault(
        line, column,
        "\(Self.shown(cell)) stands in an earlier row too, but composed of other characters; write it alike in all rows, "
          + "such as in Unicode's form NFC")
    }
    return number
  }

  /// What to say of a column with more different words than a category may have, or seems to have.
  func textFault(_ words: [String], _ column: Int) -> DataError {
    let areDates = words.prefix(20).allSatisfy { word in
      let digits = word.utf8.count { (48...57).contains($0) }
      return digits >= 4 && word.utf8.contains { "-/.:T".utf8.contains($0) }
    }
    let found = "\(title(column)) has \(words.count) different"
    if surveys[column].texts == 0 {
      return DataError(
        .unusable,
        "\(found) numbers, such as \(PlainText.quoted(words[0])), which are more than a category has; make it one of numbers by "
          + "\(.columnType(names[column], "real")), or leave it out by \(.columnType(names[column], "ignore"))"
      )
    }
    guard !areDates else { return ColumnDates.fault(words, title(column), name: names[column]) }
    return DataError(
      .unusable,
      "\(found) texts, such as \(PlainText.quoted(words[0])), which are no categories; leave it out by \(.columnType(names[column], "ignore"))"
    )
  }
}

/// The numbers of words, in the order in which they are met, or as they are known.
private struct WordNumbers {
  private(set) var list: [String]
  /// The same words, of which no two are canonically equal: as names they could not be told apart.
  private var known: Set<String>
  private var numbers: [ArraySlice<UInt8>: Int] = [:]
  let areKnown: Bool
  /// How many different ones there may be.
  let limit: Int

  init(_ use: TableFile.Use) {
    switch use {
    case .words(let kind, let known):
      (list, areKnown) = (known ?? [], known != nil)
      limit = kind == .yesNo ? 2 : TableColumn.categoryLimit
    case .label: (list, areKnown, limit) = ([], false, ConditionSpace.widthLimit)
    case .numbers, .nothing: (list, areKnown, limit) = ([], false, 0)
    }
    known = Set(list)
    for (number, word) in list.enumerated() { numbers[ArraySlice(word.utf8)] = number }
  }

  subscript(word: ArraySlice<UInt8>) -> Int? { numbers[word] }

  /// The number of a word that is new, as its bytes are; nil where another word is the same but for the
  /// characters that it is composed of.
  mutating func add(_ word: String, _ bytes: ArraySlice<UInt8>) -> Int? {
    guard known.insert(word).inserted else { return nil }
    numbers[ArraySlice(Array(bytes))] = list.count
    list.append(word)
    return list.count - 1
  }

  /// The words that mean no, where two words are yes and no.
  private static let negative: Set = ["no", "n", "false", "f", "0", "off"]

  /// Brings words that were met to the order of their names, or no before yes, and their numbers in a
  /// column of the values with them.
  mutating func sort(
    _ values: UnsafeMutableBufferPointer<Double>, place: Int, width: Int
  ) -> [String] {
    guard !areKnown, !list.isEmpty else { return list }
    var order = list.indices.sorted { list[$0] < list[$1] }
    if order.count == 2, Self.negative.contains(list[order[1]].lowercased()) { order.reverse() }
    var table = [Double](repeating: 0, count: list.count)
    for (place, number) in order.enumerated() { table[number] = Double(place) }
    for position in stride(from: place, to: values.count, by: width)
    where !values[position].isNaN {
      values[position] = table[Int(values[position])]
    }
    list = order.map { list[$0] }
    return list
  }
}

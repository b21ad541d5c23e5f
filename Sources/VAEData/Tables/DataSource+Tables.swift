import Messages
import VAECore

extension DataSource {
  /// A source out of a file of a table, which trains.
  static func tableFile(_ path: String, _ opening: Opening) throws(DataError) -> DataSource {
    if let rule = opening.rule, rule != .table {
      throw DataError(
        .unusable, "\(path) is a table, but the model was trained on data of rule \(rule.rawValue)")
    }
    let file = try TableFile(path, opening)
    var notices: [Message] = []
    let options = try opening.table.resolved(for: file.names).suiting(file, &notices)
    let cells = try file.cells(file.uses(options))
    let given = try file.given(cells, options)
    if let number = file.numberAmongNames, opening.table.recorded == nil {
      notices.append(
        "\(path): line 1 is taken for the names of the columns, though \(PlainText.quoted(number)) is a number; add a line "
          + "with names above it where it is a row")
    }
    var source = try DataSource(
      name: path, train: file.split(cells, given, recorded: opening.table.recorded, &notices),
      test: nil)
    source.notices += notices
    source.labelColumn = given.label.map { file.names[cells.columns[$0]] }
    if let recorded = opening.table.recorded {
      let known = Set(recorded.columns.map(\.name))
      let unused = file.names.filter { !known.contains($0) && options.types[$0] == nil }
      if !unused.isEmpty {
        let list = unused.prefix(10).map { PlainText.quoted($0) }.joined(separator: ", ")
        source.notices.append(
          "\(path): columns that the model was not trained on are not used: \(list)\(unused.count > 10 ? ", …" : "")"
        )
      }
    }
    source.missingValue = cells.missing
    source.toldColumns = Set(options.types.filter { $0.value.kind != nil }.keys)
    return source
  }

  /// A source of tables whose columns are known.
  init(name: String, train: DataSplit, test: DataSplit?) throws(DataError) {
    self.init(name: name, ValueReading.table(missing: nil), train: train, test: test)
  }
}

extension TableFile {
  /// A column of the file that is a part of its rows.
  fileprivate struct Given {
    /// Its place among the columns that were kept.
    let place: Int
    /// Of it in the file.
    let number: Int
    let told: TableColumn.Kind?
    let words: [String]
  }

  /// The columns that are parts of rows, and the label among the others.
  fileprivate func given(
    _ cells: Cells, _ options: TableOptions
  ) throws(DataError) -> (columns: [Given], label: Int?) {
    var given: [Given] = []
    var label: Int?
    for (place, number) in cells.columns.enumerated() {
      let type = options.types[names[number]]
      if type == .label {
        if let label {
          throw DataError(
            .unusable,
            "\(path) has the labels \(PlainText.quoted(names[cells.columns[label]])) and \(PlainText.quoted(names[number])); "
              + "choose one")
        }
        // A few rows for a model may have as many classes as there are rows.
        if options.recorded == nil { try checkLabels(cells.words[place], number) }
        label = place
        continue
      }
      let words = cells.words[place]
      if type == nil, options.recorded == nil,
        let fault = DataError.misread(words, title(number), name: names[number])
      {
        throw fault
      }
      if type == nil, options.recorded == nil, words.count > 20 {
        guard words.count * 2 <= rowCount else { throw textFault(words, number) }
      }
      given.append(
        Given(place: place, number: number, told: type?.kind, words: words))
    }
    return (given, label)
  }

  /// Refuses labels that are numbers of a scale, or texts.
  private func checkLabels(_ words: [String], _ column: Int) throws(DataError) {
    guard words.count > 20 else { return }
    if words.count * 2 > rowCount || hasFractions(column) {
      throw DataError(
        .unusable,
        "\(title(column)) has \(words.count) different labels, such as \(PlainText.quoted(words[0])), which are no classes; "
          + "numbers that a model is to be told of go into the array train_conditions of an .npz file"
      )
    }
  }

  /// The rows as a split that trains.
  fileprivate func split(
    _ cells: Cells, _ given: (columns: [Given], label: Int?), recorded: TableColumns?,
    _ notices: inout [Message]
  ) throws(DataError) -> DataSplit {
    let width = cells.columns.count
    let values = cells.memory.elements(as: Double.self)
    var columns: [TableColumn] = []
    // The columns of a model in the model's order.
    var places = given.columns.map(\.place)
    if let recorded {
      columns = recorded.columns
      let own = Dictionary(
        given.columns.map { (names[$0.number], $0.place) }, uniquingKeysWith: { first, _ in first })
      places = columns.compactMap { own[$0.name] }
    } else {
      for column in given.columns {
        columns.append(try self.column(column, values, width, .lines(cells.lines), &notices))
      }
    }
    let table = TableColumns(columns)
    try table.checkElements(of: path)
    let memory = try ArrayMemory(
      byteCount: max(1, rowCount * places.count) * MemoryLayout<Double>.size, name: path)
    let rows = memory.bytes.bindMemory(to: Double.self)
    for row in 0..<rowCount {
      for (number, place) in places.enumerated() {
        rows[row * places.count + number] = values[row * width + place]
      }
    }
    let store = DoubleStore(
      count: rowCount, shape: ImageShape(height: 1, width: places.count, channels: 1),
      memory: memory)
    let origins = ExampleOrigins.lines(cells.lines)
    if recorded != nil { _ = try table.check(store, name: path, origins) }
    var split = DataSplit(name: "train", store: TableStore(store, columns: table))
    if let label = given.label {
      split = DataSplit(
        name: "train", store: split.store,
        labels: (0..<rowCount).map { Int32(values[$0 * width + label]) },
        classes: cells.words[label])
    }
    split.origins = origins
    return split
  }

  /// What a column of the file is.
  private func column(
    _ given: Given, _ values: UnsafeBufferPointer<Double>, _ width: Int,
    _ origins: ExampleOrigins, _ notices: inout [Message]
  ) throws(DataError) -> TableColumn {
    let name = names[given.number]
    guard given.words.isEmpty else {
      let isYesNo =
        given.told == .yesNo || given.told == nil && TableColumn.areYesAndNo(given.words)
      guard !isYesNo || given.words.count == 2 else {
        throw DataError(
          .unusable,
          "\(title(given.number)) is yes-no, but holds nothing but \(PlainText.quoted(given.words[0]))"
        )
      }
      return TableColumn(name: name, kind: isYesNo ? .yesNo : .category, names: given.words)
    }
    let all = try ColumnValues(
      title: title(given.number), name: name, decimals: decimals(given.number), count: rowCount,
      origins: origins
    ) { values[$0 * width + given.place] }
    let column = try all.column(told: given.told)
    if let notice = all.collapseNotice(column) { notices.append(notice) }
    return column
  }
}

extension TableColumn {
  /// The pairs of words that are yes and no, no first.
  private static let pairs = [
    ["no", "yes"], ["n", "y"], ["false", "true"], ["f", "t"], ["off", "on"],
  ]

  /// Whether two words, no first, are yes and no.
  static func areYesAndNo(_ words: [String]) -> Bool {
    pairs.contains(words.map { $0.lowercased() })
  }
}

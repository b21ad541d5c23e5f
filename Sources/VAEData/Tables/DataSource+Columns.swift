import Messages
import VAECore

extension DataSource {
  /// The same data by the columns of those that a model was trained on: numbers standardized as theirs were,
  /// categories by the numbers that theirs have. Data that are no rows of such columns stay as they are.
  ///
  /// - Throws: `DataError` of kind `unusable` where a column is missing, or a value is none that the model's
  ///   column may have.
  package func asSeen(by recorded: TableColumns) throws(DataError) -> DataSource {
    guard columns != recorded else { return self }
    var splits: [DataSplit] = []
    for split in self.splits {
      guard let seen = try split.asSeen(by: recorded, of: name) else { return self }
      splits.append(seen)
    }
    func named(_ name: String) -> DataSplit? { splits.first { $0.name == name } }
    guard let train = named(self.train.name) else { return self }
    var source = DataSource(
      name: name, .table(missing: missingValue), train: train,
      validation: validation.flatMap { named($0.name) }, test: test.flatMap { named($0.name) })
    source.notices = notices
    source.labelColumn = labelColumn
    source.isInMemory = isInMemory
    return source
  }
}

extension DataSource {
  /// The same rows with counts for columns, whatever whole numbers from zero on seem to be, but for columns of which
  /// somebody has said what they are; data that are no rows of numbers stay as they are.
  ///
  /// - Throws: `DataError` of kind `unusable` where a number is no whole one from zero on.
  public func counted() throws(DataError) -> DataSource {
    guard let table = train.store as? TableStore,
      table.columns.columns.allSatisfy({ $0.isNumeric || $0.names == ["0", "1"] })
    else { return self }
    let plain = TableColumns(
      table.columns.columns.map {
        toldColumns.contains($0.name) ? $0 : TableColumn(name: $0.name, kind: .count, decimals: 0)
      })
    var source = self
    let columns = try plain.standardizing(table.rows)
    source.train = try train.retyped(columns, of: name)
    source.validation = try validation.map { (split) throws(DataError) in
      try split.retyped(columns, of: name)
    }
    source.test = try test.map { (split) throws(DataError) in try split.retyped(columns, of: name) }
    source.columnNotices = []
    // What numbers seemed to be has been said of other columns.
    let misread = ScaleNotice.of(train)
    source.notices.removeAll { $0 == misread }
    return source
  }

  /// Refuses a table for a new model one of whose columns has no value in any row of training.
  ///
  /// - Throws: `DataError` of kind `unusable` naming the column, and what `checkExamples` throws.
  package func checkColumnsHaveValues() throws(DataError) {
    guard missingValue != nil, let table = train.store as? TableStore else { return }
    guard let number = try table.rows.firstColumnWithoutValue() else { return }
    let name = table.columns.columns[number].name
    throw DataError(
      .unusable,
      table.isNamed
        ? "\(self.name), column \(PlainText.quoted(name)), has no value in any row; leave it out by \(.columnType(name, "ignore"))"
        : "\(self.name): column \(number) has no value in any row; leave it out, as by numpy.delete(X, \(number), 1)"
    )
  }

  /// The same data for a new model, whose user is told of its columns.
  package func sayingNoticesOfColumns() -> DataSource {
    var source = self
    source.notices += columnNotices
    source.columnNotices = []
    return source
  }
}

extension ExampleStore {
  /// The first column of rows of which each value is missing; nil where none is.
  fileprivate func firstColumnWithoutValue() throws(DataError) -> Int? {
    let width = shape.count
    var lacking = Array(0..<width)
    try forEachPart { (_, values) throws(DataError) in
      guard !lacking.isEmpty else { return }
      lacking.removeAll { column in
        stride(from: column, to: values.count, by: width).contains { !values[$0].isNaN }
      }
    }
    return lacking.first
  }
}

extension DataSplit {
  /// The same rows of a table, of which other columns are said.
  fileprivate func retyped(_ columns: TableColumns, of source: String) throws(DataError)
    -> DataSplit
  {
    guard let table = store as? TableStore else { return self }
    _ = try columns.check(table.rows, name: source, origins)
    var split = DataSplit(
      name: name, store: TableStore(table.rows, columns: columns, isNamed: table.isNamed),
      labels: labels, classes: classes, conditions: conditions, factors: factors)
    split.hiddenStore = (hiddenStore as? HiddenCells).map {
      HiddenCells($0.cells, columns: columns)
    }
    split.origins = origins
    return split
  }

  /// The same examples by the columns of a model; nil where they are neither a table nor rows of as many
  /// numbers.
  package func asSeen(
    by recorded: TableColumns, of source: String
  ) throws(DataError) -> DataSplit? {
    let table = store as? TableStore
    var rows = table?.rows ?? store
    guard rows.shape.height == 1, rows.shape.channels == 1 else { return nil }
    // Bytes of rows that nobody has taken for a table are divided like those of images.
    if table == nil { rows = try rows.keepingBytes() }
    // Cells, of a table or of rows that nobody has taken for one.
    var hidden = (hiddenStore as? HiddenCells)?.cells ?? hiddenStore
    if let table, table.isNamed {
      let order = try ColumnOrder(of: table.columns, as: recorded, name: source)
      try order.checkWords(of: rows, table.columns, recorded, name: source, origins)
      if !order.changesNothing {
        rows = RearrangedRows(rows: rows, order: order)
        hidden = hidden.map { RearrangedRows(rows: $0, order: order.ofCells) }
      }
    }
    guard rows.shape.width == recorded.count else {
      if table == nil { return nil }
      throw DataError(
        .unusable,
        "\(source) has rows of \(Count.of(rows.shape.width, "number")), but the model takes rows of \(recorded.count) columns"
      )
    }
    guard hidden.map({ $0.shape == rows.shape }) ?? true else {
      throw DataError(
        .unusable, "\(source) hides cells of \(name) that its rows of \(rows.shape) do not have")
    }
    _ = try recorded.check(rows, name: origins == nil ? name : source, origins)
    var split = DataSplit(
      name: name, store: TableStore(rows, columns: recorded, isNamed: table?.isNamed ?? false),
      labels: labels, classes: classes, conditions: conditions, factors: factors)
    split.hiddenStore = hidden.map { HiddenCells($0, columns: recorded) }
    split.origins = origins
    return split
  }
}

/// Where the columns of one table stand in another one, found by their names.
private struct ColumnOrder {
  /// How many columns the rows have.
  let width: Int
  /// For each column of the result the one of the rows that it is.
  let sources: [Int]
  /// For each column of the result the numbers that categories have, -1 for those that it has not; none for numbers.
  let numbers: [[Float]]

  /// Whether rows stay as they are.
  var changesNothing: Bool {
    sources == Array(0..<width)
      && numbers.allSatisfy { $0.enumerated().allSatisfy { $1 == Float($0) } }
  }

  /// The same order for what is known of cells, and is the number of no category.
  var ofCells: ColumnOrder {
    ColumnOrder(width: width, sources: sources, numbers: sources.map { _ in [] })
  }

  private init(width: Int, sources: [Int], numbers: [[Float]]) {
    (self.width, self.sources, self.numbers) = (width, sources, numbers)
  }

  init(
    of own: TableColumns, as wanted: TableColumns, name: String
  ) throws(DataError) {
    var sources: [Int] = []
    var numbers: [[Float]] = []
    let places = Dictionary(
      own.columns.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    for column in wanted.columns {
      guard let place = places[column.name] else {
        throw DataError(
          .unusable,
          "\(name) has no column \(PlainText.quoted(column.name)), which the model was trained on")
      }
      let found = own.columns[place]
      sources.append(place)
      // Zeros and ones are numbers too.
      let areNumbers = column.names.isEmpty && found.names == ["0", "1"]
      guard areNumbers || found.names.isEmpty == column.names.isEmpty else {
        throw DataError(
          .unusable,
          "\(name): the column \(PlainText.quoted(column.name)) is \(found.kind.rawValue), but the model was trained on one "
            + "that is \(column.kind.rawValue)")
      }
      let known = Dictionary(
        column.names.enumerated().map { ($1, Float($0)) }, uniquingKeysWith: { first, _ in first })
      numbers.append(areNumbers ? [] : found.names.map { known[$0] ?? -1 })
    }
    self.init(width: own.count, sources: sources, numbers: numbers)
  }

  /// Refuses rows with a category that the result has not.
  func checkWords(
    of rows: any ExampleStore, _ own: TableColumns, _ wanted: TableColumns, name: String,
    _ origins: ExampleOrigins?
  ) throws(DataError) {
    let lacking = numbers.indices.filter { numbers[$0].contains(-1) }
    guard !lacking.isEmpty else { return }
    try rows.forEachPart { (first, values) throws(DataError) in
      for start in stride(from: 0, to: values.count, by: width) {
        for column in lacking {
          let value = values[start + sources[column]]
          let words = own.columns[sources[column]].names
          guard !value.isNaN, let number = Int(exactly: value), words.indices.contains(number),
            numbers[column][number] < 0
          else { continue }
          throw DataError(
            .unusable,
            "\(name): \(PlainText.quoted(words[number])) in \(origins.title(ofRow: first + start / width)) is none of the categories of column "
              + "\(PlainText.quoted(wanted.columns[column].name)) that the model was trained on; leave such rows out"
          )
        }
      }
    }
  }
}

/// Rows of a table, or what is known of their cells, with the columns of another one and its numbers of
/// categories.
private struct RearrangedRows: ExampleStore {
  let rows: any ExampleStore
  let order: ColumnOrder

  var count: Int { rows.count }
  var shape: ImageShape { ImageShape(height: 1, width: order.sources.count, channels: 1) }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    rearrange(indices, into: destination, zero: 0) { rows.write(indices, into: $0) }
  }

  func writeDoubles(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Double>) {
    rearrange(indices, into: destination, zero: 0) { rows.writeDoubles(indices, into: $0) }
  }

  private func rearrange<Number: BinaryFloatingPoint>(
    _ indices: [Int], into destination: UnsafeMutableBufferPointer<Number>, zero: Number,
    _ read: (UnsafeMutableBufferPointer<Number>) -> Void
  ) {
    let (width, sources) = (order.width, order.sources)
    let own = [Number](unsafeUninitializedCapacity: indices.count * width) { buffer, used in
      buffer.initialize(repeating: zero)
      read(UnsafeMutableBufferPointer(rebasing: buffer[..<(indices.count * width)]))
      used = indices.count * width
    }
    for position in indices.indices {
      for (column, source) in sources.enumerated() {
        let value = own[position * width + source]
        let known = order.numbers[column]
        destination[position * sources.count + column] =
          known.isEmpty || value.isNaN
          ? value : Number(known[max(0, min(known.count - 1, Int(value)))])
      }
    }
  }

  func takeFault() -> DataError? { rows.takeFault() }
}

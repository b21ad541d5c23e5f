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
    return source
  }
}

extension DataSplit {
  /// The same examples by the columns of a model; nil where they are no rows.
  package func asSeen(
    by recorded: TableColumns, of source: String
  ) throws(DataError) -> DataSplit? {
    var rows = (store as? TableStore)?.rows ?? store
    guard rows.shape.height == 1, rows.shape.channels == 1 else { return nil }
    if let columns,
      columns.columns.map(\.name) != recorded.columns.map(\.name)
        || columns.columns.map(\.names) != recorded.columns.map(\.names)
    {
      rows = try RearrangedRows(rows, columns, as: recorded, name: source)
    }
    guard rows.shape.width == recorded.count else { return nil }
    _ = try recorded.check(rows, name: name)
    var split = DataSplit(
      name: name, store: TableStore(rows, columns: recorded), labels: labels, classes: classes,
      conditions: conditions, factors: factors)
    split.hiddenStore = (hiddenStore as? HiddenCells).map {
      HiddenCells($0.cells, columns: recorded)
    }
    return split
  }
}

/// Rows of a table with the columns of another one, found by their names, and with its numbers of
/// categories.
private struct RearrangedRows: ExampleStore {
  let rows: any ExampleStore
  let shape: ImageShape
  /// For each column the one of the rows that it is.
  private let sources: [Int]
  /// For each column the numbers that categories have; none for numbers.
  private let numbers: [[Float]]

  var count: Int { rows.count }

  init(
    _ rows: any ExampleStore, _ own: TableColumns, as wanted: TableColumns, name: String
  ) throws(DataError) {
    self.rows = rows
    shape = ImageShape(height: 1, width: wanted.count, channels: 1)
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
      guard found.names.isEmpty == column.names.isEmpty else {
        throw DataError(
          .unusable,
          "\(name): the column \(PlainText.quoted(column.name)) is \(found.kind.rawValue), but the model was trained on one "
            + "that is \(column.kind.rawValue)")
      }
      var known: [Float] = []
      for word in found.names {
        guard let number = column.names.firstIndex(of: word) else {
          throw DataError(
            .unusable,
            "\(name): \(PlainText.quoted(word)) is none of the categories of column "
              + "\(PlainText.quoted(column.name)) that the model was trained on; leave such rows out"
          )
        }
        known.append(Float(number))
      }
      numbers.append(known)
    }
    (self.sources, self.numbers) = (sources, numbers)
  }

  func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
    let width = rows.shape.width
    let own = [Float](unsafeUninitializedCapacity: indices.count * width) { buffer, used in
      buffer.initialize(repeating: 0)
      rows.write(indices, into: buffer)
      used = indices.count * width
    }
    for position in indices.indices {
      for (column, source) in sources.enumerated() {
        let value = own[position * width + source]
        let known = numbers[column]
        destination[position * sources.count + column] =
          known.isEmpty || value.isNaN ? value : known[max(0, min(known.count - 1, Int(value)))]
      }
    }
  }

  func takeFault() -> DataError? { rows.takeFault() }
}

import Messages
import VAECore

extension DataSource {
  /// A source of images in memory, which are drawn from where they are.
  ///
  /// - Parameters:
  ///   - train: the training split.
  ///   - test: the test split, nil for none.
  ///   - conditions: what is known of each example of `train` and `test` beside it.
  ///   - range: where all values must lie; nil for the narrowest range that holds those of `train`
  ///     and `test`.
  ///   - rule: how bytes are read; nil for the rule of files: bytes are taken as binary where all of
  ///     `train` are 0 or 1, and else divided by 255. Floats of rule `bytes/255` must be multiples
  ///     of 1/255; those of no rule have it where they are.
  ///   - given: what the columns are of rows of a table, or the types of some columns of vectors, by their numbers; nil
  ///     for images, and for vectors, which are rows of a table where nothing is said of their range, and their values
  ///     are none of pixels (`ValueScan.areMeasurements`).
  ///   - label: the column that the labels of a table have come from; nil for none.
  /// - Throws: `DataError` where sizes, types or values do not agree.
  package static func inMemory(
    train: MemoryImages, test: MemoryImages?,
    conditions: (train: GivenConditions?, test: GivenConditions?) = (nil, nil),
    range wanted: ValueRange?, rule: String? = nil, columns given: [GivenColumn]? = nil,
    label: String? = nil
  ) throws(DataError) -> DataSource {
    try train.shape.checkChannelsComeLast(of: "train")
    let announcedRule = try rule.map { (text) throws(DataError) in try ValueRule(parsing: text) }
    if let test, test.shape != train.shape {
      throw DataError(
        .unusable, "test has images of \(test.shape), but train has images of \(train.shape)")
    }
    if let test, (test.element == .uint8) != (train.element == .uint8) {
      throw DataError(.unusable, "train and test are not both bytes, or both floating point")
    }
    if let given, let types = GivenColumn.types(given, ofVectors: train.shape.count), label == nil {
      return try vectorTable(types, train: train, test: test, conditions: conditions)
    }
    if let given {
      var source = try table(given, train: train, test: test, conditions: conditions)
      source.labelColumn = label
      return source
    }
    let scanned = [train.scanned(name: "train")] + (test.map { [$0.scanned(name: "test")] } ?? [])
    let reading = try ValueReading(of: scanned, wanted: announcedRule, announced: wanted)
    if let wanted, !wanted.holds(reading.range) {
      // The split that the announced range does not hold, which need not be the first.
      var outside = scanned[0]
      for values in scanned.reversed() {
        let range = try ValueReading(of: [values], wanted: reading.rule).range
        if !wanted.holds(range) { outside = values }
      }
      throw DataError(
        .unusable,
        "\(outside.name) holds \(reading.range.rawValue) values, but \(wanted.rawValue) ones were announced"
      )
    }
    if announcedRule == .bytes, let unquantized = reading.unquantizedValue {
      throw DataError(
        .unusable, "\(unquantized), which is no multiple of 1/255, but bytes were announced")
    }
    let areVectors =
      wanted == nil && announcedRule == nil && train.shape.height == 1 && train.shape.channels == 1
    let areBytes = train.element == .uint8
    if areVectors, !areBytes { try TableColumns.checkWidth(train.shape.width, name: "train") }
    let isTable = areVectors && (reading.range == .real || scanned[0].areMeasurements)
    let notice = vectorNotice(
      "train", width: train.shape.width, areBytes: areBytes, isTable: isTable)
    if isTable {
      var source = try vectorTable([:], train: train, test: test, conditions: conditions)
      source.plainReading = reading
      source.columnNotices = [notice]
      return source
    }
    var (train, test) = (train, test)
    train.divisor = reading.rule.divisor
    test?.divisor = reading.rule.divisor
    var source = DataSource(
      name: "memory", reading,
      train: DataSplit(name: "train", store: train, given: conditions.train),
      test: test.map { DataSplit(name: "test", store: $0, given: conditions.test) })
    source.isInMemory = true
    if areVectors { source.columnNotices = [notice] }
    return source
  }

  /// Vectors as rows of a table.
  private static func vectorTable(
    _ types: [Int: TableColumn.Kind], train: MemoryImages, test: MemoryImages?,
    conditions: (train: GivenConditions?, test: GivenConditions?)
  ) throws(DataError) -> DataSource {
    var rows = train
    rows.divisor = 1
    guard rows.shape.height == 1, rows.shape.channels == 1 else {
      throw DataError(
        .unusable, "train has images of \(rows.shape), but the rows of a table are [N, columns]")
    }
    try TableColumns.checkWidth(rows.shape.count, name: "train")
    var source = try table(
      TableColumns(standardizing: rows, told: types, name: "train"), isNamed: false, train: train,
      test: test, conditions: conditions)
    source.toldColumns = Set(types.keys.map { "\($0)" })
    return source
  }

  private static func table(
    _ given: [GivenColumn], train: MemoryImages, test: MemoryImages?,
    conditions: (train: GivenConditions?, test: GivenConditions?)
  ) throws(DataError) -> DataSource {
    var rows = train
    rows.divisor = 1
    var notices: [Message] = []
    var source = try table(
      TableColumns(given, of: rows, &notices), isNamed: true, train: train, test: test,
      conditions: conditions)
    source.columnNotices = notices
    source.toldColumns = Set(given.filter { $0.kind != nil }.map(\.name))
    return source
  }

  /// A source of rows of a table in memory.
  private static func table(
    _ columns: TableColumns, isNamed: Bool, train: MemoryImages, test: MemoryImages?,
    conditions: (train: GivenConditions?, test: GivenConditions?)
  ) throws(DataError) -> DataSource {
    var (train, test) = (train, test)
    // Bytes of a table are numbers as they are.
    train.divisor = 1
    test?.divisor = 1
    var missing = try columns.check(train, name: "train")
    if let test {
      let found = try columns.check(test, name: "test")
      missing = missing ?? found
    }
    var source = try DataSource(
      name: "memory",
      train: DataSplit(
        name: "train", store: TableStore(train, columns: columns, isNamed: isNamed),
        given: conditions.train),
      test: test.map {
        DataSplit(
          name: "test", store: TableStore($0, columns: columns, isNamed: isNamed),
          given: conditions.test)
      })
    source.missingValue = missing
    source.isInMemory = true
    return source
  }
}

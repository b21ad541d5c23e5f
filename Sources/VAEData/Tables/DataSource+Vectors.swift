import Messages
import VAECore

extension DataSource {
  /// What the user should know of vectors `[N, width]` of which nobody has said what they are: whether they are taken for
  /// rows of a table or for images, and how to say otherwise.
  ///
  /// - Parameters:
  ///   - name: what messages call the vectors.
  ///   - width: the numbers of each.
  ///   - areBytes: whether they are stored as such, or as booleans.
  ///   - isTable: what they are taken for.
  static func vectorNotice(_ name: String, width: Int, areBytes: Bool, isTable: Bool) -> Message {
    guard !isTable else {
      return
        "the rows of \(name) are taken for a table of \(Count.of(width, "column")), each standardized on its own; for images "
        + "reshape them to [N, height, width]"
    }
    let reason =
      areBytes ? "they are bytes" : "all values lie on one grid of pixel levels in 0…1"
    return
      "the rows of \(name) are taken for images of \(Count.of(width, "pixel")), as \(reason); for a table say what a column is, "
      + "such as \(.columnType("0", "real"))"
  }

  /// Vectors that have been taken for rows of a table, though nobody has said so, as they are, for a model that takes
  /// them so; other data are themselves.
  ///
  /// - Parameter range: where the model's values lie; vectors with others stay a table.
  public func asVectors(in range: ValueRange) -> DataSource {
    guard let plain = plainReading, range.holds(plain.range) else { return self }
    func asTheyAre(_ split: DataSplit) -> DataSplit {
      guard let table = split.store as? TableStore else { return split }
      var own = DataSplit(
        name: split.name, store: table.rows, labels: split.labels, classes: split.classes,
        conditions: split.conditions, factors: split.factors)
      own.hiddenStore = (split.hiddenStore as? HiddenCells)?.cells ?? split.hiddenStore
      own.origins = split.origins
      return own
    }
    var source = DataSource(
      name: name, plain, train: asTheyAre(train), validation: validation.map(asTheyAre),
      test: test.map(asTheyAre))
    if let missingValue { source.missingValue = missingValue }
    source.notices = notices
    source.isInMemory = isInMemory
    return source
  }
}

extension TableOptions {
  /// What is said of columns of vectors, by their numbers.
  ///
  /// - Parameter width: the numbers of a vector.
  /// - Throws: `DataError` of kind `unusable` for a column that is not there, and for what no column of an array may be.
  func types(
    ofVectors width: Int, name: String
  ) throws(DataError) -> [Int: TableColumn.Kind] {
    guard !types.isEmpty else { return [:] }
    var told: [Int: TableColumn.Kind] = [:]
    let all = (0..<width).map { "\($0)" }
    for (column, type) in try resolved(for: all).types.sorted(by: { $0.key < $1.key }) {
      let given: Message = "\(.columnType(column, type.rawValue))"
      guard let number = TableColumns.number(of: column, among: width) else {
        throw DataError(
          .unusable,
          given
            + ": \(name) has no such column; the columns of an array are called 0 to \(width - 1)"
        )
      }
      guard let kind = type.kind else {
        throw DataError(
          .unusable,
          given
            + (type == .label
              ? ": the labels of an array are integers [N], train_labels in an .npz file"
              : ": leave the column out of the array, as by numpy.delete(X, \(number), 1)"))
      }
      told[number] = kind
    }
    return told
  }
}

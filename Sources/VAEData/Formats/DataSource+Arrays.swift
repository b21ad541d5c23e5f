import Messages
import VAECore

/// The arrays of one split.
struct SplitArrays {
  /// `train`, `valid` or `test`.
  let name: String
  let images: ImageArray
  var labels: LabelArray?
  var conditions: ConditionTable?
  /// Ones where values are hidden from models.
  var hidden: ImageArray?
  /// Where the images stand in the source.
  var origins: ExampleOrigins?
}

/// A class for each example.
struct LabelArray {
  /// What messages call it.
  let name: String
  let values: [Int32]
  /// The names of the classes, where they have some.
  var classes: [String] = []

  init(name: String, values: [Int32], classes: [String] = []) {
    self.name = name
    self.values = values
    self.classes = classes
  }

  /// Reads all labels.
  ///
  /// - Parameter array: `[N]` or `[N, 1]`, of integers.
  init(reading array: OpenedArray) throws(DataError) {
    guard array.sizes.rank == 1 || array.sizes.values.dropFirst() == [1] else {
      throw DataError(
        .malformed,
        "\(array.name) has \(Count.of(array.sizes.rank, "dimension")), but labels have 1: store one integer for each "
          + "example, [N]")
    }
    guard array.type.kind == .unsigned || array.type.kind == .signed else {
      throw DataError(
        .malformed,
        "\(array.name) holds \(array.type), but labels are integers; store the classes 0, 1, … as integers"
      )
    }
    name = array.name
    values = try array.readIntegers()
  }

  /// The same labels, of classes that have names.
  ///
  /// - Throws: `DataError` where names are empty or the same, or a label has none of them.
  func named(_ classes: [String]) throws(DataError) -> LabelArray {
    let given = try GivenConditions.labels(values, classes: []).named(classes, name: name)
    guard case .labels(let values, let classes) = given else { return self }
    return LabelArray(name: name, values: values, classes: classes)
  }

  /// Whether an array may be one of labels.
  static func isFit(_ array: OpenedArray) -> Bool {
    (array.type.kind == .unsigned || array.type.kind == .signed)
      && (array.sizes.rank == 1 || array.sizes.values.dropFirst() == [1])
  }
}

extension DataSource {
  /// A source out of arrays, once they agree with each other and with the rule in force.
  ///
  /// - Parameters:
  ///   - name: what the user wrote.
  ///   - train: the training split, whose bytes decide on the rule where none is given.
  ///   - others: the other splits there are.
  ///   - opening: with the rule by which bytes are read, where that was decided before.
  init(
    name: String, train: SplitArrays, others: [SplitArrays] = [], _ opening: Opening
  ) throws(DataError) {
    let splits = [train] + others
    try Self.checkAgreement(splits)
    let values = try ValueReading(
      of: splits.map(\.images.scanned), wanted: opening.rule, arePictures: opening.arePictures)
    let (columns, told) = try Self.columns(of: train.images, values, opening)
    let reading = columns == nil ? values : values.ofTable
    var made: [String: DataSplit] = [:]
    for split in splits { made[split.name] = try Self.split(split, rule: reading.rule, columns) }
    guard let first = made[train.name] else {
      throw DataError(.unusable, "\(name) has no training images")
    }
    self.init(name: name, reading, train: first, validation: made["valid"], test: made["test"])
    notices += splits.flatMap(\.images.notices)
    toldColumns = Set(told.keys.map { "\($0)" })
    if opening.rule == nil, opening.table.recorded == nil, told.isEmpty,
      train.images.scanned.sizes.rank == 2
    {
      if columns != nil { plainReading = values }
      columnNotices = [
        Self.vectorNotice(
          train.images.name, width: train.images.shape.width, areBytes: !values.areFloats,
          isTable: columns != nil)
      ]
    }
    if missingValue == nil, let hidden = splits.compactMap(\.hidden).first {
      missingValue = "\(hidden.name) hides values"
    }
  }

  private static func checkAgreement(_ splits: [SplitArrays]) throws(DataError) {
    let train = splits[0].images
    for split in splits {
      let images = split.images
      guard images.shape == train.shape else {
        throw DataError(
          .malformed,
          "\(images.name) has images of \(images.shape), but \(train.name) has images of "
            + "\(train.shape)")
      }
      guard images.scanned.kindName == train.scanned.kindName else {
        throw DataError(
          .malformed,
          "\(images.name) holds \(images.scanned.kindName), but \(train.name) holds "
            + "\(train.scanned.kindName); store both alike")
      }
      if let labels = split.labels, labels.values.count != images.count {
        throw DataError(
          .malformed,
          "\(labels.name) has \(Count.of(labels.values.count, "label")), but \(images.name) has "
            + "\(Count.of(images.count, "image")); store one label for each image, in their order")
      }
      if let hidden = split.hidden {
        guard hidden.count == images.count, hidden.shape == images.shape else {
          throw DataError(
            .malformed,
            "\(hidden.name) has \(hidden.count) images of \(hidden.shape), but \(images.name) has \(images.count) of "
              + "\(images.shape)")
        }
        switch hidden.scanned.kind {
        case .booleans: break
        case .bytes(let scan) where scan.firstAboveOne == nil: break
        default:
          throw DataError(
            .malformed,
            "\(hidden.name) must hold booleans, or bytes that are 0 or 1: 1 for what is hidden")
        }
      }
      if let conditions = split.conditions, conditions.count != images.count {
        throw DataError(
          .malformed,
          "\(conditions.name) has \(Count.of(conditions.count, "row")), but \(images.name) has "
            + "\(Count.of(images.count, "image"))")
      }
    }
  }

  /// The columns of vectors that are rows of a table, with what somebody says of them by their numbers: those of a model's
  /// training data, or where there is no model, and somebody says of a column what it is or values are none of pixels,
  /// those of these rows; nil for all other data.
  private static func columns(
    of train: ImageArray, _ reading: ValueReading, _ opening: Opening
  ) throws(DataError) -> (TableColumns?, told: [Int: TableColumn.Kind]) {
    if let name = opening.table.types.keys.min() {
      guard opening.rule == nil, opening.table.recorded == nil else {
        throw DataError(
          .unusable,
          "\(.columnType(name)) is for a new model; one that exists takes columns as its training did; leave it out"
        )
      }
      guard train.scanned.sizes.rank == 2 else {
        try opening.table.refuse(for: train.name)
        return (nil, [:])
      }
    }
    let told = try opening.table.types(ofVectors: train.shape.width, name: train.name)
    if let recorded = opening.table.recorded {
      guard train.shape == ImageShape(height: 1, width: recorded.count, channels: 1) else {
        throw DataError(
          .unusable,
          "\(train.name) has examples of \(train.shape), but the model takes rows of \(recorded.count) columns"
        )
      }
      return (recorded, [:])
    }
    guard opening.rule == nil, train.scanned.sizes.rank == 2 else { return (nil, [:]) }
    if case .floats = train.scanned.kind {
      try TableColumns.checkWidth(train.shape.width, name: train.name)
    }
    guard reading.range == .real || train.scanned.areMeasurements || !told.isEmpty else {
      return (nil, [:])
    }
    let rows = try train.store(.binary, isTable: true)
    return (try TableColumns(standardizing: rows, told: told, name: train.name), told)
  }

  private static func split(
    _ arrays: SplitArrays, rule: ValueRule, _ columns: TableColumns?
  ) throws(DataError) -> DataSplit {
    // Bytes of a table are numbers as they are, as in the rule for zeros and ones.
    var store = try arrays.images.store(
      columns == nil ? rule : .binary, isTable: columns != nil)
    var hidden = try arrays.hidden.map { (hidden) throws(DataError) in try hidden.store(.binary) }
    if let columns {
      _ = try columns.check(store, name: arrays.images.name)
      store = TableStore(store, columns: columns, isNamed: false)
      hidden = hidden.map { HiddenCells($0, columns: columns) }
    }
    var split = DataSplit(
      name: arrays.name, store: store, labels: arrays.labels?.values,
      classes: arrays.labels?.classes ?? [], conditions: arrays.conditions)
    split.hiddenStore = hidden
    split.origins = arrays.origins
    return split
  }
}

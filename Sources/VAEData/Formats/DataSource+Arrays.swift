import Messages
import VAECore

/// The arrays of one split.
struct SplitArrays {
  /// `train`, `valid` or `test`.
  let name: String
  let images: ImageArray
  let labels: LabelArray?
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
  /// - Parameter array: `[N]`, of integers.
  init(reading array: OpenedArray) throws(DataError) {
    guard array.sizes.rank == 1 else {
      throw DataError(
        .malformed,
        "\(array.name) has \(Count.of(array.sizes.rank, "dimension")), but labels have 1")
    }
    guard array.type.kind == .unsigned || array.type.kind == .signed else {
      throw DataError(.malformed, "\(array.name) holds \(array.type), but labels are integers")
    }
    name = array.name
    values = try array.readIntegers()
  }
}

extension DataSource {
  /// A source out of arrays, once they agree with each other and with the rule in force.
  ///
  /// - Parameters:
  ///   - name: what the user wrote.
  ///   - train: the training split, whose bytes decide on the rule where none is given.
  ///   - others: the other splits there are.
  ///   - rule: by which bytes are read, where that was decided before.
  init(
    name: String, train: SplitArrays, others: [SplitArrays] = [], rule wanted: ValueRule?
  ) throws(DataError) {
    let splits = [train] + others
    try Self.checkAgreement(splits)
    let reading = try Self.reading(splits, wanted: wanted)
    let made = Dictionary(
      uniqueKeysWithValues: others.map { ($0.name, Self.split($0, rule: reading.rule)) })
    self.init(
      name: name, reading, train: Self.split(train, rule: reading.rule),
      validation: made["valid"], test: made["test"])
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
      guard images.values.kind == train.values.kind else {
        throw DataError(
          .malformed,
          "\(images.name) holds \(images.values.kind), but \(train.name) holds "
            + "\(train.values.kind); store both alike")
      }
      if let labels = split.labels, labels.values.count != images.count {
        throw DataError(
          .malformed,
          "\(labels.name) has \(Count.of(labels.values.count, "label")), but \(images.name) has "
            + "\(Count.of(images.count, "image"))")
      }
    }
  }

  /// The rule in force, and what values are then.
  private static func reading(
    _ splits: [SplitArrays], wanted: ValueRule?
  ) throws(DataError) -> ValueReading {
    switch splits[0].images.values {
    case .booleans:
      return ValueReading(.binary)
    case .floats:
      let range = splits.compactMap(\.images.values.floatRange)
        .reduce(ValueRange.binary) { $0.joined(with: $1) }
      return ValueReading(
        floatsIn: range, unquantizedValue: range == .unit ? unquantizedValue(splits) : nil,
        wanted: wanted)
    case .bytes(_, let largest):
      if wanted == .bytes || (wanted != .binary && largest > 1) { return ValueReading(.bytes) }
      for split in splits {
        if let found = split.images.firstByteAboveOne {
          throw DataError(
            .unusable,
            "\(split.images.name)\(found), but "
              + (wanted == .binary
                ? "the model was trained on binary data, bytes 0 and 1"
                : "all of \(splits[0].images.name) is 0 or 1 and thus binary; store both alike"))
        }
      }
      return ValueReading(.binary)
    }
  }

  /// The first float of all splits that is none of the levels of a byte, with its place.
  private static func unquantizedValue(_ splits: [SplitArrays]) -> String? {
    for split in splits {
      if let found = split.images.firstUnquantizedFloat { return split.images.name + found }
    }
    return nil
  }

  private static func split(_ arrays: SplitArrays, rule: ValueRule) -> DataSplit {
    let images = arrays.images
    let store: any ExampleStore =
      switch images.values {
      case .bytes(let memory, _), .booleans(let memory):
        ByteStore(
          count: images.count, shape: images.shape, memory: memory,
          divisor: rule == .bytes ? 255 : 1)
      case .floats(let memory, _):
        FloatStore(count: images.count, shape: images.shape, memory: memory)
      }
    return DataSplit(
      name: arrays.name, store: store, labels: arrays.labels?.values,
      classes: arrays.labels?.classes ?? [])
  }
}

extension ImageArray.Values {
  /// What a user calls the elements.
  fileprivate var kind: String {
    switch self {
    case .bytes: "bytes"
    case .booleans: "booleans"
    case .floats: "floating-point numbers"
    }
  }

  fileprivate var floatRange: ValueRange? {
    if case .floats(_, let range) = self { range } else { nil }
  }
}

import Messages
import VAECore

/// Images to train and measure a model with.
public struct DataSource: Sendable {
  /// What the user wrote: the name of a built-in set, or a path.
  public let name: String
  /// Where the values lie, as models see them.
  public let valueRange: ValueRange
  /// How stored values became those that models see: `binary`, `binary/255`, `bytes/255`, `floats` or
  /// `table`. A recipe
  /// stores it, and `open(_:rule:preparation:images:table:isCancelled:)` takes it again.
  public let rule: String
  /// What was done to each image before, such as `size=64 crop`; nil for nothing. A recipe stores
  /// it, and `open(_:rule:preparation:images:table:isCancelled:)` takes it again.
  public internal(set) var preparation: String?
  /// What the user should know of how the data were read, a sentence each.
  public internal(set) var notices: [Message] = []
  /// What the user should know of columns that were found out of rows in memory, where a model is made for them; of
  /// rows for a model that exists nothing.
  var columnNotices: [Message] = []
  /// The columns of a table of which somebody has said what they are.
  var toldColumns: Set<String> = []
  /// How values are read where they are vectors that are taken as they are; nil of all data but vectors that are taken
  /// for rows of a table by their values alone.
  var plainReading: ValueReading?
  /// Whether every value is one of the 256 levels k/255, so that bits per dimension have a meaning.
  public let isDiscrete: Bool
  /// The first float between zero and one that is none of these levels, such as "train[3, 10, 4] is
  /// 0.5"; nil where there is none.
  public let unquantizedValue: String?
  /// The first value that is missing, with its place, such as "train[3, 10, 4] is nan"; nil where none
  /// is. Only a model that takes masks can be trained on such data.
  public internal(set) var missingValue: String?
  /// The columns, where the examples are rows of a table; a recipe stores them.
  public var columns: TableColumns? { train.columns }
  /// The column of a table that has the labels; a recipe stores it. Nil where none has.
  public internal(set) var labelColumn: String?
  /// What the user should know of how values were read, such as `bytes divided by 255`.
  public let ruleSentence: String
  /// Whether values are stored as bytes, so that the rule says what they were divided by.
  package private(set) var areBytes = false
  /// The examples to train on.
  public internal(set) var train: DataSplit
  /// The examples that watch over training, where the source sets some apart.
  public internal(set) var validation: DataSplit?
  /// The examples to measure a finished model with, where the source has some.
  public internal(set) var test: DataSplit?

  /// A source; all splits have examples of one size.
  ///
  /// - Parameters:
  ///   - name: what the user wrote.
  ///   - valueRange: where the values lie.
  ///   - rule: how stored values became those.
  ///   - ruleSentence: the same for the user; nil for what is said of the rule.
  ///   - isDiscrete: whether every value is one of the 256 levels k/255.
  ///   - unquantizedValue: the first float that is none, with its place.
  ///   - train: the examples to train on.
  ///   - validation: those that watch over training.
  ///   - test: those to measure with.
  public init(
    name: String, valueRange: ValueRange, rule: String, ruleSentence: String? = nil,
    isDiscrete: Bool, unquantizedValue: String? = nil, train: DataSplit,
    validation: DataSplit? = nil, test: DataSplit? = nil
  ) {
    self.name = name
    self.valueRange = valueRange
    self.rule = rule
    self.isDiscrete = isDiscrete
    self.unquantizedValue = unquantizedValue
    self.ruleSentence = ruleSentence ?? ValueRule(rawValue: rule)?.sentence ?? rule
    self.train = train
    self.validation = validation
    self.test = test
  }

  /// A source whose values are read in some way; all splits have examples of one size.
  init(
    name: String, _ reading: ValueReading, train: DataSplit, validation: DataSplit? = nil,
    test: DataSplit? = nil
  ) {
    self.init(
      name: name, valueRange: reading.range, rule: reading.rule.rawValue,
      ruleSentence: reading.sentence, isDiscrete: reading.isDiscrete,
      unquantizedValue: reading.unquantizedValue, train: train, validation: validation, test: test)
    areBytes = reading.areBytes
    missingValue = reading.missingValue
    if let notice = reading.notice { notices.append(notice) }
    if let notice = ScaleNotice.of(train, range: reading.range) { notices.append(notice) }
  }

  /// Whether the examples lie in memory that belongs to somebody else.
  public internal(set) var isInMemory = false

  /// The size of an example.
  public var shape: ImageShape { train.shape }

  /// Throws the first failure to read examples of any split since this was called last; see
  /// `DataSplit.checkExamples`.
  public func checkExamples() throws(DataError) {
    for split in splits { try split.checkExamples() }
  }

  /// The splits there are: `train`, `valid`, `test`, in this order.
  public var splits: [DataSplit] { [train, validation, test].compactMap { $0 } }

  /// The split of a name.
  ///
  /// - Throws: `DataError` of kind `unusable` that lists the splits there are.
  public func split(named wanted: String) throws(DataError) -> DataSplit {
    for split in splits where split.name == wanted { return split }
    let names = splits.map(\.name).joined(separator: ", ")
    let only = splits.count == 1 ? splits.first?.name : nil
    throw DataError(
      .unusable,
      "\(name) has no split \(wanted); what it has: \(names); choose \(only == nil ? "one" : "it") by \(.split(only))"
    )
  }
}

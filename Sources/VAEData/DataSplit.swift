import Tensors

/// One part of a data source: the examples that train a model, that watch over its training, or
/// that measure it.
public struct DataSplit: Sendable {
  /// `train`, `valid` or `test`.
  public let name: String
  /// The examples.
  public let store: any ExampleStore
  /// A class for each example, where the source has them.
  public let labels: [Int32]?
  /// The names of the classes, where they have some: a label is a place among them.
  public let classes: [String]
  /// What is known of each example beside it and is no label, where the source has it.
  public let conditions: ConditionTable?
  /// The factors that generated each example, where they are known.
  public let factors: FactorTable?
  /// Which values are hidden from models although they are there, ones for these, of the examples' shape;
  /// nil where none are.
  public internal(set) var hiddenStore: (any ExampleStore)?
  /// Where the examples stand in the source; nil where they have no place but their number.
  public internal(set) var origins: ExampleOrigins?

  /// A split; labels, conditions and factors, where given, are as many as the examples.
  public init(
    name: String, store: any ExampleStore, labels: [Int32]? = nil, classes: [String] = [],
    conditions: ConditionTable? = nil, factors: FactorTable? = nil
  ) {
    self.name = name
    self.store = store
    self.labels = labels
    self.classes = classes
    self.conditions = conditions
    self.factors = factors
  }

  /// Throws the first failure to read examples since this was called last.
  ///
  /// To be called before what came of a batch is used or kept: drawing one does not throw.
  public func checkExamples() throws(DataError) {
    if let fault = store.takeFault() ?? hiddenStore?.takeFault() { throw fault }
  }

  /// Ones where values of some examples are hidden from models and zeros elsewhere, `[N, height, width,
  /// channels]`; nil where nothing is hidden.
  public func hidden(_ indices: [Int]) -> Tensor? {
    hiddenStore.map { store in
      Tensor([indices.count, shape.height, shape.width, shape.channels]) { buffer in
        store.write(indices, into: buffer)
      }
    }
  }

  /// The number of examples.
  public var count: Int { store.count }
  /// The size of each example.
  public var shape: ImageShape { store.shape }
}

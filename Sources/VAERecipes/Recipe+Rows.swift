import Messages

/// Settings of training that nobody has chosen, and that the number of examples, or of numbers in each, may choose.
///
/// Recipes are the same whether somebody said a value or it is a default, so all of these are equal.
struct OpenSettings: Equatable, Sendable {
  /// The default of each by its name in the recipe's `training` part.
  private(set) var defaults: [String: Int] = [:]
  /// What those that grow with the numbers of an example are for each of them.
  private(set) var perElement: [String: Double] = [:]

  /// What may be open.
  static let names = ["batch_size", "epochs"]

  /// Nothing.
  init() {}

  /// Those of the defaults of a variant.
  init(_ training: HyperparameterValues, perElement: [String: Double]) {
    self.perElement = perElement
    for name in Self.names {
      if case .integer(let value) = training[name] { defaults[name] = value }
    }
  }

  /// Somebody has chosen a setting.
  mutating func close(_ name: String) { (defaults[name], perElement[name]) = (nil, nil) }

  static func == (_: OpenSettings, _: OpenSettings) -> Bool { true }
}

extension Recipe {
  /// The updates that rows of a table are given at least, unless that takes more passes than
  /// `mostPasses`.
  private static let tableUpdates = 5000
  private static let mostPasses = 100
  /// Batches of a table are small enough that a pass has this many, down to batches of `leastBatch`.
  private static let tableBatches = 16
  private static let leastBatch = 8

  /// Gives the batch size, the number of epochs and what a variant has for each number of an example, where nobody has
  /// chosen them, values that suit the data.
  ///
  /// Rows of a table get batches of the largest power of two, from 8 to the variant's batch size, of which a pass has at
  /// least 16, and so many epochs that there are 5,000 updates, from the variant's to 100: a variant's
  /// defaults are made for tens of thousands of images, and would be few updates of a table. A batch that nobody has chosen
  /// is never larger than the data.
  ///
  /// - Parameters:
  ///   - examples: of training, without those that are set apart.
  ///   - isTable: whether they are rows of a table, or vectors that are standardized as such.
  /// - Returns: what the user should know of it; nothing where the defaults stay.
  package mutating func chooseTraining(examples: Int, isTable: Bool) -> [Message] {
    [chooseByExamples(examples, isTable: isTable), chooseByElements()].compactMap(\.self)
  }

  /// The limits of a norm of gradients of nats for an example, say, which grows with the numbers that it has.
  private mutating func chooseByElements() -> Message? {
    guard let elements = data?.elements else { return nil }
    var chosen: [String] = []
    for (name, share) in openSettings.perElement.sorted(by: { $0.key < $1.key }) {
      var limit = share * Double(elements)
      if case .number(let range)? = TrainingOptions.hyperparameters.first(where: { $0.name == name }
      )?.kind {
        limit = min(limit, range.upperBound)
      }
      let value = HyperparameterValue.number(limit)
      if value != training[name] { chosen.append("\(name) \(value.json.line)") }
      training[name] = value
    }
    guard !chosen.isEmpty else { return nil }
    return
      "chosen for \(Count.of(elements, "number")) an example, as nobody has: \(chosen.joined(separator: ", "))"
  }

  private mutating func chooseByExamples(_ examples: Int, isTable: Bool) -> Message? {
    var chosen: [String] = []
    func choose(_ name: String, _ value: Int) {
      training[name] = .integer(value)
      if value != openSettings.defaults[name] { chosen.append("\(name) \(value)") }
    }
    if let most = openSettings.defaults["batch_size"] {
      var size = most
      if isTable {
        size = min(most, Self.leastBatch)
        while size * 2 <= most, size * 2 * Self.tableBatches <= examples { size *= 2 }
      }
      choose("batch_size", max(1, min(size, examples)))
    }
    if isTable, stage.isWhole, let least = openSettings.defaults["epochs"],
      case .integer(let size) = training["batch_size"]
    {
      let updates = max(1, examples / size)
      let wanted = (Self.tableUpdates + updates - 1) / updates
      choose("epochs", max(least, min(wanted, Self.mostPasses)))
    }
    guard !chosen.isEmpty else { return nil }
    return
      "chosen for \(Count.of(examples, isTable ? "row" : "training example")), as nobody has: \(chosen.joined(separator: ", ")); "
      + "\(.setting("training.epochs")) and \(.setting("training.batch_size")) choose others"
  }
}

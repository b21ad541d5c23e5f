import Messages
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining

/// All that a run folder tells of a training, for a report.
public struct RunHistory: Sendable {
  /// What a line of the metrics tells of an epoch.
  public struct Epoch: Sendable {
    /// The epoch's number, from one.
    public let number: Int
    /// Updates made by its end.
    public let step: Int
    /// The mean over its updates.
    public let train: BoundTerms
    /// The held-out examples at its end.
    public let heldOut: BoundTerms?
    /// What metrics found at its end, in the order of the registry.
    let numbers: [(number: MetricDescriptor.Number, value: Double)]
    /// Seconds that it took.
    public let seconds: Double

    init?(_ line: JSON.Object, isOverLatents: Bool) {
      guard let number = line["epoch"]?.integer, let step = line["step"]?.integer,
        let train = line["train"].flatMap(BoundTerms.init(json:))
      else { return nil }
      self.number = number
      self.step = step
      self.train = isOverLatents ? train.withoutDistortion : train
      heldOut = line["valid"].flatMap(BoundTerms.init(json:))
      numbers = MetricRegistry.standard.numbers(at: .epoch).compactMap { number in
        line[number.name]?.double.map { (number, $0) }
      }
      seconds = line["seconds"]?.double ?? 0
    }
  }

  /// The folder.
  public let path: String
  /// What pages and tables call the run.
  public var name: String
  /// The recipe.
  public let recipe: JSON.Object
  /// The epochs in order.
  public let epochs: [Epoch]
  /// The records in order of their steps, all of one model.
  public internal(set) var records: [TrainingRecord]
  /// The examples that the records are about.
  public let examples: RecordedExamples?
  /// How the run was begun and continued.
  public let sessions: [JSON.Object]
  /// What evaluations found.
  public let evaluations: [JSON.Object]
  /// What of it is damaged and was left out, a sentence each.
  public let notices: [String]
  /// Whether all epochs are done.
  public let isFinished: Bool

  /// Reads a run, also while another process trains it.
  ///
  /// - Throws: `FileError` where the folder is none of a run, `TrainingError`, `RecipeError` or
  ///   `SafetensorsError` where a file of it is damaged, or there is nothing to tell yet.
  public static func read(_ path: String) throws -> RunHistory {
    let run = try RunFolder.open(path)
    guard let bytes = try run.recipeBytes() else {
      throw TrainingError(.unsuitable, "\(run.path)/recipe.json is missing")
    }
    let recipe = try SealedObject(parsing: bytes, source: "\(run.path)/recipe.json").object
    let isOverLatents = isOverLatents(recipe)
    let metrics = try run.readMetrics()
    let (sessions, evaluations) = (try run.readSessions(), try run.readEvaluations())
    let epochs = metrics.objects.compactMap { Epoch($0, isOverLatents: isOverLatents) }
    let records = try readRecords(run).map { record in
      var record = record
      if isOverLatents { record.batch = record.batch?.withoutDistortion }
      return record
    }
    let examples = try run.readRecordedExamples()
    guard !epochs.isEmpty || !records.isEmpty else {
      throw TrainingError(
        .unsuitable,
        "\(run.path) has neither metrics nor records yet, so there is nothing to report; train it for an epoch, "
          + "or continue it with \(.resumedTraining)")
    }
    try check(records, examples, run.path)
    return RunHistory(
      path: run.path, name: lastName(of: run.path), recipe: recipe, epochs: epochs,
      records: records, examples: records.isEmpty ? nil : examples,
      sessions: sessions.objects, evaluations: evaluations.objects,
      notices: [metrics, sessions, evaluations].flatMap(\.faults),
      isFinished: run.hasModel)
  }

  private static func readRecords(_ run: RunFolder) throws -> [TrainingRecord] {
    try run.recordedSteps().compactMap { step in
      do {
        return try run.readRecord(step)
      } catch let error as FileError where error.kind == .missing {
        // A process that continues the run has just removed it.
        return nil
      }
    }
  }

  /// Refuses records that cannot be of one training.
  private static func check(
    _ records: [TrainingRecord], _ examples: RecordedExamples?, _ path: String
  ) throws {
    guard let last = records.last else { return }
    guard let examples else {
      throw TrainingError(
        .unsuitable,
        "\(path)/records has lost examples.safetensors, without which its records mean nothing; continue the run "
          + "with \(.resumedTraining), or remove the folder and train again")
    }
    let wanted = Form(last)
    for record in records where Form(record) != wanted {
      throw TrainingError(
        .unsuitable,
        "\(path)/records/\(record.step).safetensors is of another model than \(last.step).safetensors; remove the "
          + "one that does not belong to the run")
    }
    let count = examples.indices.count
    let rows = [last.means?.rows] + last.draws.map { $0?.rows }
    guard rows.allSatisfy({ $0 ?? count == count }) else {
      throw TrainingError(
        .unsuitable,
        "\(path)/records/examples.safetensors has \(Numerals.counted(count, "example")), but its records are of another number; remove "
          + "the folder and train again")
    }
  }

  /// What all records of a training have in common.
  private struct Form: Equatable {
    let shapes: [[Int]?]
    let counts: [Int]

    init(_ record: TrainingRecord) {
      shapes =
        [
          record.means?.shape, record.variances?.shape, record.codes?.shape,
          record.reconstructions?.shape, record.samples?.shape,
        ] + record.draws.map { $0?.shape } + record.priorDraws.map { $0?.shape }
      counts =
        [record.layerRates.count, record.codeCounts?.count ?? 0] + record.unitRates.map(\.count)
    }
  }

  private static func lastName(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}

// MARK: - What pages ask for

extension RunHistory {
  /// The name of the variant.
  var variant: String { recipe["variant"]?.text ?? "model" }

  /// Whether the model is told a condition, so that all bounds are on log p(x|y).
  var isConditional: Bool { recipe["data"]?.object?["condition"] != nil }

  /// A member of a part of the recipe.
  func setting(_ part: String, _ name: String) -> JSON? { recipe[part]?.object?[name] }

  /// Whether its updates are of latents alone, so that they have no distortion.
  var isOverLatents: Bool { Self.isOverLatents(recipe) }

  private static func isOverLatents(_ recipe: JSON.Object) -> Bool {
    guard case .array(let stages)? = recipe["stages"] else { return false }
    return stages.last?.object?["data"]?.text == Stage.Data.latents.rawValue
  }

  /// The data as the last session named them.
  var data: String? { sessions.last?["data"]?.text }

  /// What held-out numbers are of.
  var heldOutName: String { examples?.split ?? "held-out" }

  /// Updates made.
  var step: Int { max(epochs.last?.step ?? 0, records.last?.step ?? 0) }

  /// The updates of the whole run, where they are known.
  var plannedSteps: Int? { sessions.last?["updates"]?.integer }

  /// Seconds of all epochs.
  var seconds: Double { epochs.reduce(0) { $0 + $1.seconds } }

  /// The last held-out terms: of the whole split where there are metrics, else of the fixed
  /// examples.
  public var final: BoundTerms? {
    epochs.last?.heldOut ?? records.last?.heldOut ?? epochs.last?.train
  }

  /// A number of a metric at the end of the last epoch.
  func measured(_ number: MetricDescriptor.Number) -> String? {
    epochs.last?.numbers.first { $0.number.name == number.name }.map {
      Numerals.fixed($0.value, number.decimals)
    }
  }

  /// Latent units of the recorded posterior.
  var units: Int { records.last?.means?.columns ?? 0 }

  /// What labels are called among the classes.
  static let labelName = "label"

  /// Classes of the records' examples by name: labels or factors.
  var classes: [(name: String, values: [Int32])] {
    guard let examples else { return [] }
    var found: [(name: String, values: [Int32])] = []
    if let labels = examples.labels { found.append((Self.labelName, labels)) }
    if let factors = examples.factors {
      for (column, name) in examples.factorNames.enumerated() {
        found.append(
          (name, (0..<factors.rows).map { factors.values[$0 * factors.columns + column] }))
      }
    }
    return found
  }
}

extension BoundTerms {
  /// The rate alone: what was not measured is no number.
  fileprivate var withoutDistortion: BoundTerms { BoundTerms(distortion: .nan, rate: rate) }
}

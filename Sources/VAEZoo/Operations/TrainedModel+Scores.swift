import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles

extension TrainedModel {
  /// How unusual each example of a split is, in order; see `ScoreMethod`. A score depends on the example and
  /// the seed alone, and on those of its group where the method looks at groups.
  ///
  /// - Parameters:
  ///   - split: the examples.
  ///   - options: how unusual is meant.
  ///   - background: the model that `ratio` compares with, which takes data of the same size and values; nil
  ///     for the other methods.
  ///   - reference: examples of the kind that training saw, such as held-out ones, whose mean `typicality` compares
  ///     with; nil for the other methods.
  ///   - communicator: what connects ranks that divide the examples among each other, ask for the same, and get all
  ///     numbers.
  ///   - progress: told the fraction done; returns false to stop, which stops all ranks.
  /// - Returns: a number for each example in nats; nil when it was stopped.
  /// - Throws: `MetricError` where the method lacks something or has too much, or does not suit the model;
  ///   `MemoryError`; `DataError` where the split does not say of each example what the model is told.
  public func scores(
    _ split: DataSplit, _ options: ScoreOptions, background: TrainedModel? = nil,
    reference: DataSplit? = nil, among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) -> Bool = { _ in true }
  ) throws -> [Double]? {
    var question: JSON.Object {
      [
        "split": .text(split.name), "method": .text(options.method.rawValue),
        "importance_samples": .integer(options.importanceSamples), "seed": .integer(options.seed),
        "steps": .integer(options.regret.steps), "group": .integer(options.group),
      ]
    }
    return try together(
      communicator, [split] + (reference.map { [$0] } ?? []), question,
      background.map { [$0] } ?? []
    ) {
      try scores(split, options, background, reference, $0, progress)
    }
  }

  private func scores(
    _ split: DataSplit, _ options: ScoreOptions, _ background: TrainedModel?,
    _ reference: DataSplit?, _ communicator: any Communicator, _ progress: (Double) -> Bool
  ) throws -> [Double]? {
    // Once for each, and on all ranks or on none: where one cannot go on, the others do not wait for it.
    let (asked, other) = try communicator.allSucceeding {
      try checkBackground(background, method: options.method)
      try Self.checkReference(reference, method: options.method)
      let compared = try background.map { try $0.scorer(of: split, seed: options.seed) }
      let usual = try reference.map { try scorer(of: $0, seed: options.seed) }
      return (try scorer(of: split, seed: options.seed), compared ?? usual)
    }
    let samples = options.importanceSamples
    switch options.method {
    case .nll, .elbo:
      // No draws give the bound.
      return try asked.logLikelihoods(
        samples: options.method == .nll ? max(1, samples) : 0, among: communicator,
        progress: progress
      )?.map { -$0 }
    case .regret:
      return try asked.likelihoodRegrets(options.regret, among: communicator, progress: progress)
    case .ratio, .typicality:
      guard let other else { return nil }
      let count = other.examples.count
      let share = Double(split.count) / Double(max(1, split.count + count))
      guard
        let own = try asked.logLikelihoods(
          samples: samples, among: communicator, progress: { progress(share * $0) }),
        let usual = try other.logLikelihoods(
          samples: samples, among: communicator, progress: { progress(share + (1 - share) * $0) })
      else { return nil }
      return options.method == .ratio
        ? zip(usual, own).map { $0 - $1 }
        : Self.typicalities(own, usual: usual, group: options.group)
    }
  }

  /// What asks this model for the likelihoods of examples, whose columns are standardized as its own training has done.
  private func scorer(of split: DataSplit, seed: Int) throws -> Evaluator {
    var seen = split
    if let columns, split.columns != columns {
      seen = try split.asSeen(by: columns, of: source) ?? split
    }
    return Evaluator(model: model, examples: try examples(seen), seed: seed)
  }

  /// Of each example how far the mean of its group is from that of usual ones.
  private static func typicalities(
    _ likelihoods: [Double], usual: [Double], group: Int
  ) -> [Double] {
    let wanted = usual.reduce(0, +) / Double(usual.count)
    return stride(from: 0, to: likelihoods.count, by: group).flatMap { start in
      let own = likelihoods[start..<min(start + group, likelihoods.count)]
      let distance = abs(own.reduce(0, +) / Double(own.count) - wanted)
      return own.map { _ in distance }
    }
  }

  private static func checkReference(
    _ reference: DataSplit?, method: ScoreMethod
  ) throws(MetricError) {
    guard let reference else {
      guard method == .typicality else { return }
      throw MetricError(
        .missingOption,
        "the method typicality compares with the mean over data of the kind that training saw, best held-out ones; give "
          + "them by \(.reference)")
    }
    guard method == .typicality else {
      throw MetricError(
        .missingOption,
        "\(.reference) is for the method typicality, and \(method.rawValue) compares with no data; leave it out"
      )
    }
    guard reference.count > 0 else {
      throw MetricError(.unsuitable, "\(.reference) has no example, so there is no mean of them")
    }
  }

  private func checkBackground(
    _ background: TrainedModel?, method: ScoreMethod
  ) throws(MetricError) {
    guard let background else {
      guard method == .ratio else { return }
      throw MetricError(
        .missingOption,
        "the method ratio compares with a background run, such as one that was trained on the same data with a share of "
          + "values at random; give it by \(.background)")
    }
    guard method == .ratio else {
      throw MetricError(
        .missingOption,
        "\(.background) is for the method ratio, and \(method.rawValue) compares with nothing; leave it out"
      )
    }
    func phrase(_ model: TrainedModel) -> String {
      guard let data = model.recipe.data else { return "no data" }
      let condition = data.condition.map { ", told \($0.phrase)" } ?? ""
      if let columns = data.columns {
        // In whatever order: columns are found by their names.
        let names = columns.columns.map { PlainText.quoted($0.name) }.sorted()
        let list = names.prefix(5).joined(separator: ", ")
        return
          "rows of \(Count.of(names.count, "column")), \(list)\(names.count > 5 ? ", …" : "")\(condition)"
      }
      return
        "\(model.inputPhrase(data)) of \(data.height)x\(data.width)x\(data.channels)\(condition)"
    }
    let (own, other) = (phrase(self), phrase(background))
    guard own == other, Self.areSame(recipe.data?.columns, background.recipe.data?.columns) else {
      throw MetricError(
        .unsuitable,
        "\(background.source) takes \(other), but \(source) takes \(own), so their likelihoods cannot be compared"
      )
    }
    guard model.likelihood.isDiscrete == background.model.likelihood.isDiscrete else {
      throw MetricError(
        .unsuitable,
        "of \(source) and \(background.source) one has densities and the other probabilities, which cannot be compared"
      )
    }
  }

  /// Whether two tables have columns of the same names.
  private static func areSame(_ one: TableColumns?, _ other: TableColumns?) -> Bool {
    Set(one?.columns.map(\.name) ?? []) == Set(other?.columns.map(\.name) ?? [])
  }

  private func inputPhrase(_ data: DataDescription) -> String {
    "\(data.range.phrase) by the rule \(data.rule), binarize=\(options.binarize.rawValue), "
      + "dequantize=\(options.dequantize.rawValue),"
  }
}

import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles

extension TrainedModel {
  /// How unusual each example of a split is, in order; see `ScoreMethod`. A score depends on the example and
  /// the seed alone.
  ///
  /// - Parameters:
  ///   - split: the examples.
  ///   - options: how unusual is meant.
  ///   - background: the model that `ratio` compares with, which takes data of the same size and values; nil
  ///     for the other methods.
  ///   - communicator: what connects ranks that divide the examples among each other, ask for the same, and get all
  ///     numbers.
  ///   - progress: told the fraction done; returns false to stop, which stops all ranks.
  /// - Returns: a number for each example in nats; nil when it was stopped.
  /// - Throws: `MetricError` where the method lacks something or has too much, or does not suit the model;
  ///   `MemoryError`; `DataError` where the split does not say of each example what the model is told.
  public func scores(
    _ split: DataSplit, _ options: ScoreOptions, background: TrainedModel? = nil,
    among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) -> Bool = { _ in true }
  ) throws -> [Double]? {
    let question: JSON.Object = [
      "split": .text(split.name), "method": .text(options.method.rawValue),
      "importance_samples": .integer(options.importanceSamples), "seed": .integer(options.seed),
      "steps": .integer(options.regret.steps),
    ]
    return try together(communicator, split, question, background.map { [$0] } ?? []) {
      try scores(split, options, background, communicator, progress)
    }
  }

  private func scores(
    _ split: DataSplit, _ options: ScoreOptions, _ background: TrainedModel?,
    _ communicator: any Communicator, _ progress: (Double) -> Bool
  ) throws -> [Double]? {
    try checkBackground(background, method: options.method)
    func likelihoods(
      of model: TrainedModel, samples: Int, _ progress: (Double) -> Bool
    ) throws -> [Double]? {
      // Each standardizes the columns of a table as its own training did.
      var seen = split
      if let columns = model.columns {
        seen = try split.asSeen(by: columns, of: model.source) ?? split
      }
      return try Evaluator(
        model: model.model, examples: model.examples(seen), seed: options.seed
      ).logLikelihoods(samples: samples, among: communicator, progress: progress)
    }
    let samples = options.importanceSamples
    switch options.method {
    case .nll: return try likelihoods(of: self, samples: max(1, samples), progress)?.map { -$0 }
    case .elbo: return try likelihoods(of: self, samples: 0, progress)?.map { -$0 }
    case .regret:
      return try Evaluator(model: model, examples: examples(split), seed: options.seed)
        .likelihoodRegrets(options.regret, among: communicator, progress: progress)
    case .ratio:
      guard let background,
        let own = try likelihoods(of: self, samples: samples, { progress($0 / 2) }),
        let common = try likelihoods(of: background, samples: samples, { progress((1 + $0) / 2) })
      else { return nil }
      return zip(common, own).map { $0 - $1 }
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

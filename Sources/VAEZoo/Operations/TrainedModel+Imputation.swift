import Communication
import Messages
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes

extension TrainedModel {
  /// Fills in what is missing in the examples of a split, and what is hidden in them, by what the model expects there
  /// given what is known of the example: self-normalised importance sampling, or for a draw
  /// sampling-importance-resampling (Mattei & Frellsen 2019, section 4).
  ///
  /// A mean is one in the data's own units, as of reconstructions, also of a column whose logarithms the model sees; of
  /// categories the likeliest is taken. Examples that are known alike get the same means, and each a draw of its own.
  /// Numbers of a table get as many digits as those of the data have. All of this is as right as the model is, and
  /// supposes that whether a value is missing does not depend on it, given what is known.
  ///
  /// - Parameters:
  ///   - split: the examples, NaN standing for what is missing.
  ///   - options: how many draws, and whether values are means or draws.
  ///   - truth: the same examples with the true values, for the error, NaN where nobody knows them; nil to compare
  ///     what is hidden in the split alone.
  ///   - communicator: what connects ranks that divide the examples among each other, ask for the same, and get all values.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: nil when it was stopped.
  /// - Throws: `RecipeError` where the model takes no masks, the truth is of other examples, so that values known
  ///   on both sides differ, or what comes out is not finite; `DataError` where the split does not say of each example what the model is told, or cannot
  ///   be read.
  public func impute(
    _ split: DataSplit, _ options: ImputationOptions = ImputationOptions(),
    truth: DataSplit? = nil, among communicator: any Communicator = SoloCommunicator(),
    progress: (Double) -> Bool = { _ in true }
  ) throws -> Imputation? {
    var question: JSON.Object {
      [
        "split": .text(split.name), "truth": .text(truth == nil ? "none" : "given"),
        "importance_samples": .integer(options.samples), "seed": .integer(options.seed),
        "draw": .bool(options.drawing),
      ]
    }
    return try together(communicator, [split], question) {
      try impute(split, options, truth, $0, progress)
    }
  }

  private func impute(
    _ split: DataSplit, _ options: ImputationOptions, _ truth: DataSplit?,
    _ communicator: any Communicator, _ progress: (Double) -> Bool
  ) throws -> Imputation? {
    let prepared = try communicator.allSucceeding {
      try checkTakesMasks()
      if let truth { try check(truth: truth, of: split) }
      try Memory.require(
        bytes: split.count * split.ownShape.count * Self.bytesAValue,
        for: "\(Count.of(split.count, "example")) of \(split.ownShape) that are filled in")
      let evaluator = Evaluator(model: model, examples: try examples(split), seed: options.seed)
      let filled = FilledExamples(split, parts: parts(of: split.count), columns: columns)
      try split.checkExamples()
      if let truth { try filled.check(truth: truth, parts: parts(of: split.count), columns) }
      return (evaluator: evaluator, filled: filled)
    }
    let evaluator = prepared.evaluator
    var filled = prepared.filled
    var error = ImputationErrorSum(columns)
    var (effectiveDraws, fewCount) = (0.0, 0)
    let isDone = try evaluator.impute(
      filled.torn, options, among: communicator, progress: progress
    ) {
      indices, found, effective in
      guard found.isFinite else {
        throw RecipeError(
          .unsuitableData,
          "\(split.name): what \(source) expects in place of missing values of \(split.origins.title(of: indices[0], as: "example")) and those after it "
            + "is not finite; are the values of these examples far from those of the training?")
      }
      let isUnit = recipe.data?.range == .unit
      filled.take(
        made(isUnit ? found.clamped(to: 0...1) : found, nil, rounding: true), of: indices,
        truth: truth, error: &error)
      effectiveDraws += effective.reduce(0, +)
      fewCount += effective.count(where: { $0 < Self.fewDraws })
    }
    guard isDone else { return nil }
    try communicator.allSucceeding {
      try split.checkExamples()
      try truth?.checkExamples()
    }
    var result = filled.imputation
    result.error = error.error
    guard result.tornCount > 0 else {
      result.notices = ["nothing is missing in \(split.name): all values stay as they are"]
      return result
    }
    result.effectiveDraws = effectiveDraws / Double(result.tornCount)
    if let empty = filled.empty {
      result.notices.append(
        "nothing is known of \(Count.of(empty.count, "example")) of \(split.name), of which "
          + "\(split.origins.title(of: empty.first, as: "example")) is the first: what fills it follows from the training data alone"
      )
    }
    if fewCount * 2 > result.tornCount, model.prior.latents.isContinuous,
      Double(options.samples) > Self.fewDraws
    {
      result.notices.append(
        "of \(Count.of(fewCount, "example")) out of \(result.tornCount) a draw or two have nearly all of the weight; more "
          + "draws by \(.importanceSamples) come nearer to what the model expects")
    }
    return result
  }

  /// The memory of a value that may be filled in: itself, whether it is missing, and both once more as they are
  /// handed out.
  private static let bytesAValue = 24

  /// Fewer draws of equal weight than this are said.
  private static var fewDraws: Double { 2 }

  /// Refuses a model that cannot be asked with values missing.
  ///
  /// - Throws: `RecipeError` of kind `unsuitableData`.
  public func checkTakesMasks() throws(RecipeError) {
    guard !model.takesMasks else { return }
    throw RecipeError(
      .unsuitableData,
      "\(source) is a \(recipe.variant) whose encoder \(recipe.part(.encoder).name) is not told which values are missing, "
        + "so that it cannot fill in any; train "
        + .modelsOfMissingValues)
  }

  private func check(truth: DataSplit, of split: DataSplit) throws(RecipeError) {
    guard truth.count == split.count, truth.ownShape == split.ownShape, truth.shape == split.shape
    else {
      throw RecipeError(
        .unsuitableData,
        "the truth has \(Count.of(truth.count, "example")) of \(truth.ownShape), but what is to be filled in has "
          + "\(Count.of(split.count, "example")) of \(split.ownShape)")
    }
  }
}

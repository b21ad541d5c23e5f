import Messages
import VAECore
import VAEData
import VAEFiles
import VAERecipes
import VAETraining

/// Successive halving: all runs are trained for a few epochs, the better part of them for more, and so on, so
/// that time goes to those that promise something (Jamieson & Talwalkar 2016, figure 1).
extension Sweep {
  /// A round: how long runs are trained in it, and what share of them goes on.
  public struct Round: Equatable, Sendable {
    /// Epochs by whose end a run is measured.
    public let epochs: Int
    /// How many runs it trains.
    public let runs: Int
  }

  /// The rounds in which one of so many runs goes on each time, the last to the end of the training.
  ///
  /// - Parameters:
  ///   - factor: η, by which runs become fewer and epochs more from round to round.
  ///   - runs: how many there are.
  ///   - epochs: of a whole training.
  static func rounds(factor: Int, runs: Int, epochs: Int) -> [Round] {
    var rounds = [Round(epochs: epochs, runs: runs)]
    var count = runs
    while count >= factor, let first = rounds.first, first.epochs >= factor {
      // Each round before is η times as short, and the ones after it have η times fewer runs.
      rounds = rounds.map { Round(epochs: $0.epochs, runs: max(1, $0.runs / factor)) }
      rounds.insert(Round(epochs: first.epochs / factor, runs: runs), at: 0)
      count /= factor
    }
    return rounds
  }

  /// The rounds of this sweep.
  ///
  /// - Throws: `RecipeError` of kind `invalid` where the factor is none, or a training cannot be measured half-way.
  public func rounds(factor: Int) throws -> [Round] {
    guard (2...100).contains(factor) else {
      throw RecipeError(
        .invalid, "successive halving keeps one of 2 to 100 runs in each round, not of \(factor)")
    }
    var whole: Int?
    for plan in plans {
      let epochs = try epochs(of: plan)
      guard whole == nil || whole == epochs else {
        throw RecipeError(
          .invalid,
          "successive halving compares runs after as many epochs, but they have \(whole ?? 0) and \(epochs); "
            + (request.axes.contains { $0.key == "training.epochs" || $0.key == "epochs" }
              ? "vary something other than training.epochs"
              : "give all of them one number by \(.setting("training.epochs", "\(max(whole ?? 0, epochs))"))")
        )
      }
      whole = epochs
    }
    return Self.rounds(factor: factor, runs: runs.count, epochs: whole ?? 0)
  }

  /// The epochs of a run that can be measured half-way.
  private func epochs(of plan: Plan) throws -> Int {
    guard plan.options.schedule != .cosine else {
      throw RecipeError(
        .invalid,
        "a cosine of the learning rate depends on the last epoch, so that trainings cannot be stopped before it and go "
          + "on; choose \(.setting("training.schedule", "constant"))")
    }
    guard plan.hasHeldOut else {
      throw RecipeError(
        .invalid,
        "successive halving compares held-out numbers, and \(plan.data) has no held-out split; set some "
          + "examples apart by \(.setting("training.holdout", "0.1"))")
    }
    return plan.options.epochs
  }

  /// What a run's held-out −ELBO was at the end of an epoch, or at its own last one before; nil where it has
  /// not come to the first.
  public func cost(of run: Run, atEpoch epoch: Int) throws -> Double? {
    guard let folder = try? RunFolder.open(run.path) else { return nil }
    let lines = try folder.readMetrics().objects.filter { ($0["epoch"]?.integer ?? .max) <= epoch }
    return lines.last?["valid"].flatMap { $0.object?["elbo"]?.double }.map { -$0 }
  }

  /// Whether a run has come to an epoch already.
  public func hasCome(_ run: Run, toEpoch epoch: Int) throws -> Bool {
    guard let folder = try? RunFolder.open(run.path) else { return false }
    return try folder.readMetrics().objects.contains { $0["epoch"]?.integer ?? 0 >= epoch }
  }

  /// The better of some runs, in the order in which they were given.
  ///
  /// - Parameters:
  ///   - runs: that a round has trained.
  ///   - round: the next one.
  ///   - epoch: after which they are compared.
  public func better(of runs: [Run], for round: Round, atEpoch epoch: Int) throws -> [Run] {
    let costs = try runs.map { try cost(of: $0, atEpoch: epoch) ?? .infinity }
    let order = runs.indices.sorted { (costs[$0], $0) < (costs[$1], $1) }
    let kept = Set(order.prefix(round.runs).filter { costs[$0].isFinite })
    return runs.indices.filter(kept.contains).map { runs[$0] }
  }
}

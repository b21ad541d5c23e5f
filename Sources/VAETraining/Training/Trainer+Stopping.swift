import Messages
import VAERecipes

/// When a training ends before its last epoch, and what is said of its best one.
extension Trainer {
  /// Whether training has ended because the held-out bound has not become better for as many epochs as
  /// the options' `patience`.
  public var hasStoppedEarly: Bool { stops(at: step, best: best) && !hasOpenEpoch }

  /// Whether training ends early after some updates.
  ///
  /// - Parameters:
  ///   - step: the updates made.
  ///   - best: the best epoch until then.
  func stops(at step: Int, best: BestEpoch?) -> Bool {
    guard options.patience > 0, step > 0, step.isMultiple(of: updatesPerEpoch) else { return false }
    return (step - (best?.step ?? 0)) / updatesPerEpoch >= options.patience
  }

  /// Whether a checkpoint of this training is its last one, because it has stopped early with it.
  package func isLast(_ checkpoint: StoredCheckpoint) -> Bool {
    stops(at: checkpoint.step, best: checkpoint.best)
  }

  /// Whether the checkpoint of the present step is to be kept as the best one.
  var isAtBest: Bool { options.keepBest && best?.step == step }

  /// Refuses to wait for held-out numbers where there are none.
  ///
  /// - Throws: `RecipeError` of kind `invalid`.
  static func checkPatience(
    _ options: TrainingOptions, isMeasured: Bool, data: String
  ) throws(RecipeError) {
    guard options.patience > 0, !isMeasured else { return }
    throw RecipeError(
      .invalid,
      "\(.setting("training.patience", "\(options.patience)")) needs a held-out split, and \(data) has none; set "
        + "some examples apart by \(.setting("training.holdout", "0.1")), or leave it out")
  }

  /// Says at the end of a training why it ended early, and which epoch was the best; nil where nothing
  /// of it is new to a user.
  ///
  /// - Parameter isStored: whether there is a run folder.
  func endNotice(isStored: Bool) -> Message? {
    guard isFinished, let best else {
      return hasStoppedEarly
        ? "stopped after epoch \(epoch): no held-out bound was finite for \(Count.of(options.patience, "epoch"))"
        : nil
    }
    // Without a run folder there is nothing that could be used in place of the last weights.
    guard best.step < step, isStored || hasStoppedEarly else { return nil }
    let found: Message =
      "the best held-out −ELBO, \(EpochRecord.rough(best.cost)) nats, was that of epoch \(best.step / updatesPerEpoch)"
    let use: Message =
      if endWeights != nil {
        ", and its weights are kept"
      } else {
        isStored && options.keepBest && !endsWithBest
          ? "; \(.checkpoint("best")) uses its weights" : ""
      }
    guard hasStoppedEarly else { return found + use }
    return
      "stopped after epoch \(epoch), \(Count.of(options.patience, "epoch")) without a better held-out bound: "
      + found + use
  }
}

import Messages
import VAECore
import VAERecipes

/// What to say of how a training began, and of one that failed.
extension Trainer {
  /// Keeps what the first update found, and says where data lie far outside of what the model begins
  /// with: values that are large make rates and distortions that training spends itself on.
  func noteBeginning(_ terms: BoundTerms, _ observe: (TrainingEvent) -> Void) {
    beginning = terms
    guard stage.isWhole, stage.data == .images, stage.origin == nil else { return }
    // The rate of codes is what a fresh prior over them costs, whatever the data are.
    let units = model.prior.latents.unitCount
    let hasFarRate = units > 0 && terms.rate > Self.farRate * Double(units)
    guard hasFarRate || terms.distortion > Self.farDistortion * Double(data.shape.count) else {
      return
    }
    let orSigma =
      hasFarRate
      ? ""
      : "; or the likelihood says that they deviate far less than they do, as a small sigma does"
    observe(
      .notice(
        "before the first update these data cost a distortion of \(EpochRecord.rough(terms.distortion)) and a rate "
          + "of \(EpochRecord.rough(terms.rate)) nats per example: their values lie "
          + "far outside of what a model begins with; bring them to about -1 to 1, as by taking off their mean and "
          + "dividing by their deviation\(orSigma)"))
  }

  /// A rate of a fresh model beyond this, in nats per unit, is that of means more than ten deviations
  /// from the prior.
  private static let farRate = 50.0
  /// A distortion of a fresh model beyond this, in nats a value, is that of values tens of deviations
  /// from its means.
  private static let farDistortion = 500.0

  /// What an epoch may cost before it counts as worse than the beginning: twice as much and a nat
  /// for each value more. Warm-ups of the rate's weight stay far below.
  var judgedBeginning: (cost: Double, margin: Double)? {
    guard let beginning, stage.data == .images, beginning.elbo.isFinite else { return nil }
    return (-beginning.elbo, abs(beginning.elbo) + Double(data.shape.count))
  }

  /// What to do where a training has diverged: what can be done depends on whether it has left
  /// weights to go on from.
  func divergenceAdvice(run: RunFolder?) -> Message {
    var changes: Message = "a smaller \(.setting("training.learning_rate"))"
    if options.clipNorm == 0 || options.clipNorm > 100 {
      changes = changes + " or \(.setting("training.clip_norm", "100"))"
    }
    guard let run else { return "train again with \(changes)" }
    func training(weightsOf run: String?) -> Message {
      // As a Float, of which nobody sees that a tenth is no number of a computer's.
      let rate = "\(Float(min(options.learningRate / 10, TrainingOptions().learningRate)))"
      return
        "\(changes): \(.anotherTraining(weightsOf: run, setting: "training.learning_rate", rate))"
    }
    let again: Message = "begin again with \(training(weightsOf: nil))"
    guard let checkpoint = try? run.latestCheckpoint() else {
      return "no checkpoint had been written; \(again)"
    }
    // A further stage begins with the weights of the run that it follows.
    guard stage.isWhole else { return again }
    // From weights that have come apart already nothing good begins.
    guard checkpoint.step < step && saidHealth != .worsened else {
      return "the last checkpoint is kept, but its weights are those that diverged; \(again)"
    }
    return
      "the last checkpoint is kept; begin another run with its weights and \(training(weightsOf: run.path))"
  }
}

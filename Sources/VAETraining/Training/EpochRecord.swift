import Messages
import VAECore
import VAEEvaluation
import VAEFiles

/// Rate and distortion of some examples, averaged, in nats per example.
public struct BoundTerms: Equatable, Sendable {
  /// −log p(x|z)
  public var distortion: Double
  /// The price of the latents.
  public var rate: Double

  /// Averaged terms.
  public init(distortion: Double, rate: Double) {
    self.distortion = distortion
    self.rate = rate
  }

  /// −(distortion + rate): the bound on log p(x), whatever weights trained the model.
  public var elbo: Double { -(distortion + rate) }

  /// The terms by their names in records.
  public var json: JSON {
    .object(["elbo": .finite(elbo), "rate": .finite(rate), "distortion": .finite(distortion)])
  }
}

/// What happened in one epoch: a line of `metrics.jsonl` and of `train --json`.
public struct EpochRecord: Sendable {
  /// The epoch's number, from one.
  public var epoch: Int
  /// Updates made in all.
  public var step: Int
  /// The mean over the updates of the epoch; of a stage on latents the rate alone, the distortion
  /// being NaN.
  public var train: BoundTerms
  /// The held-out examples at its end.
  public var valid: BoundTerms?
  /// What else was found on held-out examples at its end.
  public var metrics: MetricResults
  /// What the objective logs beside the bound, and how each batch used the codebook where there is
  /// one, averaged over the updates.
  public var terms: [(name: String, value: Double)]
  /// Seconds of the epoch.
  public var seconds: Double

  package init(
    epoch: Int, step: Int, train: BoundTerms, valid: BoundTerms? = nil,
    metrics: MetricResults = MetricResults(), terms: [(name: String, value: Double)],
    seconds: Double = 0
  ) {
    self.epoch = epoch
    self.step = step
    self.train = train
    self.valid = valid
    self.metrics = metrics
    self.terms = terms
    self.seconds = seconds
  }

  /// The record as JSON.
  public var json: JSON { .object(members) }

  /// The record's members.
  var members: JSON.Object {
    var object: JSON.Object = [
      "epoch": .integer(epoch), "step": .integer(step), "train": train.json,
    ]
    if let valid { object["valid"] = valid.json }
    for entry in metrics.entries { entry.report.addBriefly(to: &object) }
    if !terms.isEmpty {
      var members: JSON.Object = [:]
      for (name, value) in terms { members[name] = .finite(value) }
      object["terms"] = .object(members)
    }
    // Four decimals are enough for a record that people read.
    object["seconds"] = .finite((seconds * 1e4).rounded() / 1e4)
    return object
  }
}

/// What training reports as it goes.
public enum TrainingEvent {
  /// Before the first update of this call.
  case started(step: Int, totalSteps: Int)
  /// After an update: its number, the updates in all, and the terms of its batch.
  case step(Int, of: Int, epoch: Int, terms: BoundTerms)
  /// At the end of an epoch.
  case epoch(EpochRecord)
  /// After a checkpoint, with all that belongs to it, has been written to the run folder.
  case stored(step: Int)
  /// Something that the user should know, in one sentence.
  case notice(Message)
}

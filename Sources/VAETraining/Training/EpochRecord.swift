import Messages
import VAECore
import VAEEvaluation
import VAEFiles

/// Rate and distortion of some examples, averaged, in nats an example.
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
  /// The mean over the updates of the epoch; of a stage over codes the rate alone, the distortion
  /// being NaN.
  public var train: BoundTerms
  /// The held-out examples at its end.
  public var valid: BoundTerms?
  /// Latent units whose mean varies over the held-out examples (variance above 0.01), where the
  /// posterior has means.
  public var activeUnits: Int?
  /// Mean rate of each latent unit over the held-out examples, where it is a sum over units.
  public var unitRates: [Double]?
  /// Mean rate of each stochastic layer over the held-out examples, the one nearest to the data
  /// first, where there is more than one.
  public var layerRates: [Double]?
  /// How often the held-out examples use each code, where the latents are codes.
  public var codeUsage: CodeUsage?
  /// What the objective logs beside the bound, and how each batch used the codebook where there is
  /// one, averaged over the updates.
  public var terms: [(name: String, value: Double)]
  /// Seconds of the epoch.
  public var seconds: Double

  package init(
    epoch: Int, step: Int, train: BoundTerms, valid: BoundTerms?, activeUnits: Int?,
    unitRates: [Double]?, layerRates: [Double]?, codeUsage: CodeUsage?,
    terms: [(name: String, value: Double)], seconds: Double
  ) {
    self.epoch = epoch
    self.step = step
    self.train = train
    self.valid = valid
    self.activeUnits = activeUnits
    self.unitRates = unitRates
    self.layerRates = layerRates
    self.codeUsage = codeUsage
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
    if let activeUnits { object["active_units"] = .integer(activeUnits) }
    if let unitRates {
      object["rate_per_unit"] = .array(unitRates.map { .finite(Self.rounded($0)) })
    }
    if let layerRates {
      object["rate_per_layer"] = .array(layerRates.map { .finite(Self.rounded($0)) })
    }
    for term in codeUsage?.terms ?? [] { object[term.name] = .finite(term.value) }
    if !terms.isEmpty {
      var members: JSON.Object = [:]
      for (name, value) in terms { members[name] = .finite(value) }
      object["terms"] = .object(members)
    }
    object["seconds"] = .finite(Self.rounded(seconds))
    return object
  }

  /// Four decimals: enough for a record that people read.
  private static func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
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

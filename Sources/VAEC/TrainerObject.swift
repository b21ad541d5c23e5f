import CVAE
import VAEFiles
import VAEZoo

/// A training as C holds it.
final class TrainerObject: HandleObject {
  static let kind = HandleKind.trainer

  /// What was measured, which any thread may read while another one trains.
  struct Measured {
    private(set) var table = MetricTable()
    /// The record of the last finished epoch.
    private(set) var record = JSON.null

    /// The numbers of every step come first, and those of the epoch after them.
    private static let stepNames = [
      "step", "epoch", "total_steps", "batch.elbo", "batch.rate", "batch.distortion",
    ]

    mutating func setPosition(step: Int, epoch: Int, totalSteps: Int) {
      table.set("step", Double(step))
      table.set("epoch", Double(epoch))
      table.set("total_steps", Double(totalSteps))
    }

    mutating func setBatch(_ terms: BoundTerms) {
      table.set("batch.elbo", terms.elbo)
      table.set("batch.rate", terms.rate)
      table.set("batch.distortion", terms.distortion)
    }

    mutating func setEpoch(_ record: JSON) {
      self.record = record
      table.truncate(to: Self.stepNames.count)
      table.add(record)
    }
  }

  let model: ModelObject
  let measured = Lock(Measured())

  private let session: TrainingSession
  private let exclusion = Exclusion()

  init(model: ModelObject, session: TrainingSession) {
    self.model = model
    self.session = session
    measured.withLock {
      $0.setPosition(
        step: session.trainer.step, epoch: session.trainer.epoch,
        totalSteps: session.trainer.totalSteps)
    }
  }

  /// Runs a call that trains: no other call may use the trainer or its model meanwhile.
  func train<Result>(_ body: (TrainedModel, TrainingSession) throws -> Result) throws -> Result {
    try exclusion.run("trainer", .changing) {
      try model.change { try body($0, session) }
    }
  }

  /// Runs a callback of the call that is under way.
  func runCallback<Result>(_ body: () -> Result) -> Result {
    exclusion.runCallback { model.runCallback(body) }
  }

  /// Takes note of what training reports, before C hears of it.
  func note(_ event: TrainingEvent) {
    switch event {
    case .started, .stored: break
    case .step(let step, let total, let epoch, let terms):
      measured.withLock {
        $0.setPosition(step: step, epoch: epoch, totalSteps: total)
        $0.setBatch(terms)
      }
    case .epoch(let record):
      let json = record.json
      measured.withLock { $0.setEpoch(json) }
    case .notice(let sentence): Log.say(sentence.description)
    }
  }
}

extension vae_bound {
  /// Terms in the words of C.
  init(_ terms: BoundTerms, isHeldOut: Bool = false) {
    self.init()
    struct_size = UInt32(MemoryLayout<vae_bound>.size)
    is_held_out = isHeldOut ? 1 : 0
    elbo = terms.elbo
    rate = terms.rate
    distortion = terms.distortion
  }

  /// Terms that are not known.
  static var none: vae_bound {
    var bound = vae_bound()
    bound.struct_size = UInt32(MemoryLayout<vae_bound>.size)
    return bound
  }
}

extension vae_progress {
  /// What C hears of an event; nil where that is nothing.
  init?(_ event: TrainingEvent, totalSteps: Int) {
    self.init()
    struct_size = UInt32(MemoryLayout<vae_progress>.size)
    total_steps = Int64(totalSteps)
    valid = .none
    switch event {
    case .step(let step, _, let epoch, let terms):
      self.step = Int64(step)
      self.epoch = Int64(epoch)
      train = vae_bound(terms)
    case .epoch(let record):
      is_epoch_end = 1
      step = Int64(record.step)
      epoch = Int64(record.epoch)
      train = vae_bound(record.train)
      if let terms = record.valid { valid = vae_bound(terms, isHeldOut: true) }
    case .started, .stored, .notice: return nil
    }
  }
}

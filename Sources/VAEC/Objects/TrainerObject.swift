import CVAE
import VAEFiles
import VAEZoo

/// A training as C holds it.
final class TrainerObject: HandleObject {
  static let kind = HandleKind.trainer

  /// What was measured, which any thread may read while another one trains.
  struct Measured {
    /// The numbers of the last step.
    private var ofStep = MetricTable()
    /// Those of the last finished epoch.
    private var ofEpoch = MetricTable()
    /// The record of that epoch.
    private(set) var record = JSON.null

    mutating func setPosition(step: Int, epoch: Int, totalSteps: Int) {
      ofStep.set("step", Double(step))
      ofStep.set("epoch", Double(epoch))
      ofStep.set("total_steps", Double(totalSteps))
    }

    mutating func setBatch(_ terms: BoundTerms) {
      ofStep.set("batch.elbo", terms.elbo)
      ofStep.set("batch.rate", terms.rate)
      ofStep.set("batch.distortion", terms.distortion)
    }

    mutating func setEpoch(_ record: JSON) {
      self.record = record
      ofEpoch = MetricTable()
      ofEpoch.add(record)
    }

    /// The number of a name.
    subscript(name: UnsafePointer<CChar>) -> Double? { ofStep[name] ?? ofEpoch[name] }
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
      if let record = session.lastRecord { $0.setEpoch(record) }
    }
  }

  /// Runs a call that trains: no other call may use the trainer or its model meanwhile.
  func train<Result>(_ body: (TrainedModel, TrainingSession) throws -> Result) throws -> Result {
    try exclusion.run("trainer", .changing) {
      try model.change { try body($0, session) }
    }
  }

  /// Runs a callback of the call that is under way.
  func runCallback<Result>(_ body: () throws(CallError) -> Result) throws(CallError) -> Result {
    try exclusion.runCallback { () throws(CallError) in try model.runCallback(body) }
  }

  /// Runs training whose events are taken note of, and told to a caller.
  ///
  /// - Parameters:
  ///   - stop: set where a callback throws; nil where there is nothing to stop.
  ///   - body: given what is to observe.
  ///   - told: told of every event.
  /// - Throws: what the body throws, and the error of the first callback that threw.
  func observing<Result>(
    stop: CancelToken? = nil, _ body: (_ observe: (TrainingEvent) -> Void) throws -> Result,
    told: @escaping (TrainingEvent) throws(CallError) -> Void = { (_) throws(CallError) in }
  ) throws -> Result {
    var fault: CallError?
    let result = try body { event in
      // After a fault nobody is told anything more, but what was measured is still noted.
      do throws(CallError) {
        try note(event, isTold: fault == nil)
        if fault == nil { try told(event) }
      } catch {
        fault = error
        stop?.cancel()
      }
    }
    if let fault { throw fault }
    return result
  }

  /// Takes note of what training reports, before C hears of it.
  ///
  /// - Throws: `CallError` where a callback throws.
  private func note(_ event: TrainingEvent, isTold: Bool) throws(CallError) {
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
    case .notice(let sentence):
      guard isTold else { return }
      try runCallback { () throws(CallError) in try Log.say(sentence.description) }
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

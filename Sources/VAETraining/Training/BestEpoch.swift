import VAEFiles

/// The epoch of a training whose held-out examples had the best bound.
public struct BestEpoch: Equatable, Sendable {
  /// The updates made at its end.
  public let step: Int
  /// −ELBO of the held-out examples then, in nats per example.
  public let cost: Double

  /// The better of an epoch that has just ended and the best one before it; the earlier one where they
  /// are equal. A bound that is not finite is never the best.
  ///
  /// - Parameters:
  ///   - record: of the epoch.
  ///   - best: the best one before, nil for none.
  init?(_ record: EpochRecord, before best: BestEpoch?) {
    guard let cost = record.valid.map({ -$0.elbo }), cost.isFinite,
      best.map({ cost < $0.cost }) ?? true
    else {
      guard let best else { return nil }
      self = best
      return
    }
    self.init(step: record.step, cost: cost)
  }

  init(step: Int, cost: Double) {
    self.step = step
    self.cost = cost
  }

  var json: JSON { .object(["step": .integer(step), "elbo": .finite(-cost)]) }
}

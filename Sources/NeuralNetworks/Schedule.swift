import Glibc

/// How the learning rate changes with the number of updates, as a factor of the base rate.
///
/// ```swift
/// let schedule = Schedule.warmUp(updates: 100, then: .cosine(total: 10_000, floor: 0.02))
/// print(schedule.factor(at: 49), schedule.factor(at: 10_100))  // 0.5 0.02
/// ```
public indirect enum Schedule: Hashable, Sendable {
  /// Always one.
  case constant
  /// Multiplied by `factor` after every `interval` updates.
  case step(interval: Int, factor: Float)
  /// From one to `floor` along half a cosine over `total` updates, then `floor` (Loshchilov &
  /// Hutter 2017, without restarts).
  case cosine(total: Int, floor: Float)
  /// Linear from 1/updates to one over a number of updates, then another schedule from its start.
  case warmUp(updates: Int, then: Schedule)

  /// The factor for the update with this number, the first being zero.
  public func factor(at update: Int) -> Float {
    switch self {
    case .constant: return 1
    case .step(let interval, let factor):
      var result: Float = 1
      for _ in 0..<(update / max(1, interval)) {
        result *= factor
        if result == 0 { break }
      }
      return result
    case .cosine(let total, let floor):
      let progress = min(1, Double(update) / Double(max(1, total)))
      return floor + (1 - floor) * Float(0.5 * (1 + cos(.pi * progress)))
    case .warmUp(let updates, let next):
      return update < updates
        ? Float(update + 1) / Float(updates) : next.factor(at: update - updates)
    }
  }
}

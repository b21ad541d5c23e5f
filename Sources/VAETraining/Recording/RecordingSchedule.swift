/// The steps of a training at which it is recorded: 0, 8, then one in every doubling and from 512
/// on two, as far as their cost stays small beside that of the training so far.
///
/// What happens to a model happens on a logarithmic scale: much in the first hundred steps, then
/// ever more slowly. In the first eight next to nothing does, and a training of a few hundred steps
/// is to pay little for its records. The steps do not depend on the length of the training, so that
/// one that is continued has the records of one that was longer from the start.
public struct RecordingSchedule: Equatable, Sendable {
  /// What a record costs, in updates.
  public let cost: Double

  /// A schedule of records that cost as much as the given number of updates.
  public init(cost: Double) {
    self.cost = cost
  }

  /// The share of the updates so far that records may cost, beside those of the first steps.
  static let share = 0.015
  /// Records that are made whatever they cost.
  static let free = 6.0

  /// Beyond this there is no step that a training could come to.
  private static let limit = 1 << 48

  /// Whether a record is made after this number of updates.
  public func contains(_ step: Int) -> Bool {
    Self.isCandidate(step) && steps(through: step).last == step
  }

  /// The steps up to one, in order.
  public func steps(through last: Int) -> [Int] {
    var steps: [Int] = []
    var candidate = 0
    while candidate <= min(last, Self.limit) {
      let spent = Double(steps.count + 1) * cost
      if spent <= Self.share * Double(candidate) + Self.free * cost { steps.append(candidate) }
      candidate = Self.candidate(after: candidate)
    }
    return steps
  }

  /// The steps from which on there is one in every doubling, and two.
  private static let (single, double) = (8, 512)

  private static func isCandidate(_ step: Int) -> Bool {
    guard step >= single else { return step == 0 }
    let power = 1 << (Int.bitWidth - 1 - step.leadingZeroBitCount)
    return step == power || (power >= double && step == middle(power))
  }

  /// The candidate after another one.
  private static func candidate(after step: Int) -> Int {
    guard step >= single else { return single }
    let power = 1 << (Int.bitWidth - 1 - step.leadingZeroBitCount)
    return power >= double && step < middle(power) ? middle(power) : 2 * power
  }

  /// √2 times a power of two.
  private static func middle(_ power: Int) -> Int {
    Int((Double(power) * 2.0.squareRoot()).rounded())
  }
}

import Glibc

/// The derivative of a function along a line, from values that carry rounding errors.
///
/// Central differences at step sizes that halve are extrapolated (Richardson). What an extrapolation
/// may be wrong by is the sum of two estimates: how far the steps before and after it disagree, and
/// the error of the values over the step. The latter is the larger of what float32 gives a caller to
/// expect and of what the values themselves show: on equally spaced points closer together than the
/// function can bend, high differences are those of the errors alone (Hamming; J. Moré and S. Wild,
/// "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011). The step with the least sum is
/// taken.
struct DirectionalDerivative {
  /// The derivative; between `lowest` and `highest` where the function has a kink there.
  let value: Double
  /// The least and the largest slope on the two sides, the same but for a kink.
  let sides: ClosedRange<Double>
  /// What these may be wrong by.
  let error: Double
  /// The measured error of the function's values as a multiple of the expected one.
  private(set) var roughness = 1.0

  /// From which roughness on values count as being on a grid coarser than float32's.
  static let roughnessOfGrids = 8.0
  /// How much larger than the measured errors those over a step are then taken to be.
  static let gridFactor = 3.0

  /// How far a sum of terms is from what it is at zero.
  struct Change {
    /// The difference.
    var value: Double
    /// The terms that are not what they are at zero.
    var moved: Int
  }

  /// The largest step, which halves from there on.
  static let largestStep = 0.125
  private static let levels = 14

  /// The derivative at zero; nil where the function has no values around it.
  ///
  /// - Parameters:
  ///   - roundingError: of a value, as far as it is known beforehand.
  ///   - change: the function at a place on the line; nil where it has no value.
  init?(roundingError: Double, of change: (Double) throws -> Change?) rethrows {
    let smallest = Self.largestStep / Double(1 << (Self.levels - 1))
    guard let noise = try Self.noise(spacing: smallest / 4, of: change) else { return nil }
    let roughness = roundingError > 0 ? noise / roundingError : 1
    // The errors of values on a grid are larger over a step than from one point to the next.
    let valueError =
      roughness > Self.roughnessOfGrids ? Self.gridFactor * noise : max(roundingError, noise)
    var slopes: [(step: Double, below: Double, above: Double)] = []
    for level in 0..<Self.levels {
      let step = Self.largestStep / Double(1 << level)
      guard let low = try change(-step)?.value, let high = try change(step)?.value, low.isFinite,
        high.isFinite
      else {
        // Beyond here the function has no values; only smaller steps count.
        slopes = []
        continue
      }
      slopes.append((step: step, below: -low / step, above: high / step))
    }
    let best = slopes.indices.dropLast(2).map { Self.estimate(slopes, $0, valueError) }
      .min { $0.error < $1.error }
    guard let best else { return nil }
    self = best
    self.roughness = roughness
  }

  private init(value: Double, sides: ClosedRange<Double>, error: Double) {
    self.value = value
    self.sides = sides
    self.error = error
  }

  /// The estimate from the steps at a level and the three after it.
  private static func estimate(
    _ slopes: [(step: Double, below: Double, above: Double)], _ level: Int, _ valueError: Double
  ) -> DirectionalDerivative {
    func central(_ level: Int) -> Double { (slopes[level].below + slopes[level].above) / 2 }
    // The error of central differences falls with the square of the step, that of one side with the
    // step.
    func extrapolated(_ level: Int) -> Double { (4 * central(level + 1) - central(level)) / 3 }
    func gap(_ level: Int) -> Double {
      let gaps = [level, level + 1].map { slopes[$0].above - slopes[$0].below }
      return 2 * gaps[1] - gaps[0]
    }
    let value = extrapolated(level)
    let noise = valueError / slopes[level + 1].step
    let bend = max(
      abs(extrapolated(level + 1) - value), abs(central(level + 2) - central(level + 1)) / 4)
    let error = 4 * bend + 4 * noise
    // At a kink the slopes on both sides differ, however small the step, and a gradient between them
    // is right.
    let difference = abs(gap(level))
    let isKink = difference > 2 * abs(gap(level) - gap(level + 1)) + 16 * noise
    let half = isKink ? difference / 2 : 0
    return DirectionalDerivative(
      value: value, sides: (value - half)...(value + half),
      error: error.isFinite ? error : .infinity)
  }

  /// The standard deviation of the errors of the function's values, the largest of what differences of
  /// the orders 4 to 6 give; nil where the function lacks a value, or stands still but for some jumps.
  ///
  /// Values on a grid stay the same over small distances, so points are taken further apart until half
  /// of the terms move from one to the next.
  private static func noise(
    spacing smallest: Double, of change: (Double) throws -> Change?
  ) rethrows -> Double? {
    let ends = [try change(-largestStep), try change(largestStep)]
    let moving = ends.map { $0?.moved ?? 0 }.max() ?? 0
    // What does not move has no errors.
    if moving == 0 { return ends.contains { $0 == nil } ? nil : 0 }
    var spacing = smallest
    while spacing <= largestStep / 4 {
      var values: [Double] = []
      var moved = 0
      for place in -4...4 {
        guard let found = try change(Double(place) * spacing), found.value.isFinite else {
          return nil
        }
        if place == 1 { moved = found.moved }
        values.append(found.value)
      }
      if 2 * moved >= moving { return error(of: values) }
      spacing *= 2
    }
    return nil
  }

  private static func error(of values: [Double]) -> Double {
    var differences = values
    // γ_k = (k!)² / (2k)!: the variance of a k-th difference of independent errors is 1/γ_k of theirs.
    var gamma = 1.0
    var largest = 0.0
    for order in 1...6 {
      gamma *= Double(order) / Double(2 * (2 * order - 1))
      differences = zip(differences, differences.dropFirst()).map { $1 - $0 }
      guard order >= 4 else { continue }
      let square = differences.reduce(0) { $0 + $1 * $1 } / Double(differences.count)
      largest = max(largest, (gamma * square).squareRoot())
    }
    return largest
  }
}

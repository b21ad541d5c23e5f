import Glibc

/// The derivative of a function along a line, from values that carry rounding errors.
///
/// Central differences at step sizes that halve are extrapolated (Richardson). What an extrapolation
/// may be wrong by is the sum of two estimates: how far the steps before and after it disagree, and
/// the error of the values over the step. The latter is the larger of what float32 gives a caller to
/// expect and of what the values themselves show: on equally spaced points closer together than the
/// function can bend, high differences are those of the errors alone (Hamming; J. Moré and S. Wild,
/// "Estimating computational noise", SIAM J. Sci. Comput. 33, 2011). The step with the least sum is
/// taken, of those that agree with all smaller ones.
struct DirectionalDerivative {
  /// The derivative; between `lowest` and `highest` where the function has a kink there.
  let value: Double
  /// The least and the largest slope on the two sides, the same but for a kink.
  let sides: ClosedRange<Double>
  /// What these may be wrong by.
  let error: Double
  /// From the least to the largest slope that it may have.
  private var range: ClosedRange<Double> {
    (sides.lowerBound - error)...(sides.upperBound + error)
  }
  private var width: Double { range.upperBound - range.lowerBound }
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
    /// Those of its terms.
    var terms: [Double]
    /// The terms that are not what they are at zero.
    var moved: Int { terms.count { $0 != 0 } }
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
    var slopes: [Slopes] = []
    for level in 0..<Self.levels {
      let step = Self.largestStep / Double(1 << level)
      guard let low = try change(-step), let high = try change(step), low.value.isFinite,
        high.value.isFinite
      else {
        // Beyond here the function has no values; only smaller steps count.
        slopes = []
        continue
      }
      let gap = zip(low.terms, high.terms).reduce(0) { $0 + abs($1.0 + $1.1) }
      slopes.append(
        Slopes(step: step, central: (high.value - low.value) / (2 * step), gap: gap / step))
    }
    // From the smallest steps on, whose errors are large but honest: a larger step is believed as long as
    // it agrees with what is known, since over one that is too large a function may do anything.
    var best: DirectionalDerivative?
    for level in slopes.indices.dropLast(2).reversed() {
      let found = Self.estimate(slopes, level, valueError)
      if let known = best {
        guard known.range.contains(found.value) else { break }
        if found.width < known.width { best = found }
      } else {
        best = found
      }
    }
    guard let best else { return nil }
    self = best
    self.roughness = roughness
  }

  private init(value: Double, sides: ClosedRange<Double>, error: Double) {
    self.value = value
    self.sides = sides
    self.error = error
  }

  /// What two values at a distance on both sides give.
  private struct Slopes {
    let step: Double
    let central: Double
    /// The sum over the terms of how far the slopes on both sides lie apart.
    let gap: Double
  }

  /// The estimate from the steps at a level and the three after it.
  private static func estimate(
    _ slopes: [Slopes], _ level: Int, _ valueError: Double
  ) -> DirectionalDerivative {
    // The error of central differences falls with the square of the step.
    func extrapolated(_ level: Int) -> Double {
      (4 * slopes[level + 1].central - slopes[level].central) / 3
    }
    let value = extrapolated(level)
    let noise = valueError / slopes[level + 1].step
    let bend = max(
      abs(extrapolated(level + 1) - value),
      abs(slopes[level + 2].central - slopes[level + 1].central) / 4)
    let error = 4 * bend + 4 * noise
    // At a kink the slopes on both sides differ, however small the step, and a gradient between them
    // is right. Many terms may have kinks near by, on either side and of either sign, and so each counts
    // by itself: where it is convex or concave, its slope lies between those on both sides.
    let half = (4 * slopes[level + 1].gap + slopes[level].gap) / 6
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

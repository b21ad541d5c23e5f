import Glibc

/// One direction of a plot: from values to places between zero and one.
package struct Axis {
  /// How places follow from values.
  package enum Kind {
    /// In proportion.
    case linear
    /// By log(1 + value), for steps, of which the first is zero.
    case logarithmic
    /// In proportion, of whole numbers.
    case counted
    /// By the square root, from zero on, for shares in per cent.
    case root
  }

  package let kind: Kind
  package let low: Double
  package let high: Double

  /// An axis over values, with a margin of a share of their range; what is not finite does not
  /// count.
  package init(_ kind: Kind, covering values: [Double], margin: Double = 0.05) {
    self.kind = kind
    let finite = values.filter { $0.isFinite && abs($0) < 1e12 }
    var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    if kind != .logarithmic {
      let room = high > low ? (high - low) * margin : max(abs(high) * 0.1, 0.5)
      (low, high) = (low - room, high + room)
    } else if high <= low {
      high = low + 1
    }
    self.low = low
    self.high = high
  }

  /// An axis over a range.
  package init(_ kind: Kind, _ low: Double, _ high: Double) {
    self.kind = kind
    self.low = low
    self.high = high
  }

  /// The place of a value, zero at the low end.
  package func place(_ value: Double) -> Double {
    switch kind {
    case .linear, .counted: (value - low) / (high - low)
    case .root: (max(0, value) / high).squareRoot()
    case .logarithmic: (log1p(value) - log1p(low)) / (log1p(high) - log1p(low))
    }
  }

  /// Values worth a mark, with their texts.
  package var ticks: [(value: Double, text: String)] {
    switch kind {
    case .linear, .counted: linearTicks
    case .root: rootTicks
    case .logarithmic: logarithmicTicks
    }
  }

  private var linearTicks: [(value: Double, text: String)] {
    let rough = (high - low) / 4
    guard rough > 0, rough.isFinite else { return [] }
    let power = pow(10, floor(log10(rough)))
    let fitting = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
    let step = kind == .counted ? max(1, fitting.rounded()) : fitting
    let decimals = max(0, Int(-floor(log10(step) + 1e-9)))
    let first = Int((low / step).rounded(.up))
    let last = Int((high / step).rounded(.down))
    guard first <= last else { return [] }
    return (first...last).map {
      let value = Double($0) * step
      return (value, Numerals.fixed(value, decimals))
    }
  }

  /// Round shares in per cent, as far as they lie far enough from each other to be read.
  private var rootTicks: [(value: Double, text: String)] {
    var last = -1.0
    return [0, 0.1, 0.5, 1, 2.5, 5, 10, 25, 50, 100].compactMap { value in
      let place = place(value)
      guard place <= 1, place - last >= 0.08 else { return nil }
      last = place
      return (value, Numerals.fixed(value, value == value.rounded() ? 0 : 1))
    }
  }

  private var logarithmicTicks: [(value: Double, text: String)] {
    var values: [Double] = low <= 0 ? [0] : []
    var power = 1.0
    while power <= high {
      if power >= low { values.append(power) }
      power *= 10
    }
    return values.map { value in
      let text =
        value >= 1e6
        ? "\(Int(value / 1e6))M" : value >= 1e3 ? "\(Int(value / 1e3))k" : "\(Int(value))"
      return (value, text)
    }
  }
}

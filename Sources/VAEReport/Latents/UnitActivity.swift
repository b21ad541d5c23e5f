import VAEEvaluation
import VAETraining

/// Which units carry information, and how much, at every record.
struct UnitActivity {
  /// The units that are shown, by falling rate at the last record.
  let units: [Int]
  /// What each is called.
  let names: [String]
  /// The same as short as it can be: its number, after that of its level where there are several.
  let numbers: [String]
  /// Whether there are several levels.
  let hasLevels: Bool
  /// The units that there are.
  let count: Int
  /// The rate of each shown unit at each record, in nats.
  let rates: [[Double]]
  /// Whether each shown unit is active at each record.
  let isActive: [[Bool]]
  /// The number of active units, of all, at each record.
  let activeCounts: [Int]
  /// What makes a unit active, in words.
  let rule: String

  /// Units that are shown at most.
  private static let limit = 64
  /// A mean that varies less than this over the examples says nothing (Burda et al. 2016, section
  /// 5).
  private static let variance = 0.01

  /// The units of a run; nil where rates are not sums over units.
  init?(_ history: RunHistory) {
    guard let last = history.records.last, last.unitRates.contains(where: { !$0.isEmpty }) else {
      return nil
    }
    let all = history.records.map { $0.unitRates.flatMap(\.self) }
    let final = all.last ?? []
    count = final.count
    units = Array(
      final.indices.sorted { final[$0] > final[$1] || (final[$0] == final[$1] && $0 < $1) }
        .prefix(Self.limit))
    let shown = units
    let active = history.records.map { record in
      record.means.map(Self.variances)?.map { $0 > Self.variance }
        ?? record.unitRates.flatMap { $0.map { $0 > Self.variance } }
    }
    let levels = last.unitRates.enumerated().flatMap { level, rates in
      rates.indices.map { (level: level, unit: $0) }
    }
    let levelCount = last.unitRates.count
    names = shown.map { unit in
      TraversedLatent.unit(levels[unit].unit, level: levels[unit].level)
        .name(levels: levelCount).joined(separator: ", ")
    }
    numbers = shown.map { unit in
      (levelCount > 1 ? "\(levels[unit].level)." : "") + "\(levels[unit].unit)"
    }
    hasLevels = levelCount > 1
    rates = all.map { rates in shown.map { rates[$0] } }
    isActive = active.map { flags in shown.map { $0 < flags.count && flags[$0] } }
    activeCounts = active.map { $0.count(where: \.self) }
    rule =
      last.means != nil
      ? "its mean varies over the examples, with a variance above 0.01"
      : "its rate is above 0.01 nats"
  }

  /// How many units say something at a record, and which say most.
  func text(of frame: Int) -> String {
    let rates = rates[frame]
    let order = rates.indices.sorted { rates[$0] > rates[$1] }.prefix(3)
    let leading = order.map { "\(names[$0]) (\(Numerals.short(rates[$0])))" }
    return
      "\(activeCounts[frame]) active, \(count - activeCounts[frame]) collapsed; most in "
      + leading.joined(separator: ", ") + "."
  }

  /// The variance of each column.
  private static func variances(_ means: RecordedArray<Float>) -> [Double] {
    let count = Double(max(1, means.rows))
    var sums = [Double](repeating: 0, count: means.columns)
    var squares = sums
    for (place, value) in means.values.enumerated() {
      sums[place % means.columns] += Double(value)
      squares[place % means.columns] += Double(value) * Double(value)
    }
    return zip(sums, squares).map { sum, square in
      (square - sum * sum / count) / max(1, count - 1)
    }
  }
}

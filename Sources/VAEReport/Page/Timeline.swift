/// The moments that one slider moves several runs through: every step of which one of them has a
/// record.
package struct Timeline {
  /// The steps, in order.
  package let steps: [Int]
  /// What each moment shows of each run: its last record at or before the step, its first one where
  /// there is none before.
  package let frames: [[Int]]

  /// The moments of runs, each with the steps of its records in order.
  package init(_ runs: [[Int]]) {
    let all = Set(runs.joined()).sorted()
    steps = all
    frames = all.map { step in
      runs.map { steps in max(0, (steps.firstIndex { $0 > step } ?? steps.count) - 1) }
    }
  }
}

/// Sums over the updates of an epoch.
struct EpochProgress: Equatable {
  var updates = 0
  /// Those among them that were left out, because their gradients were too large.
  var leftOut = 0
  var distortion = 0.0
  var rate = 0.0
  var seconds = 0.0
  var terms: [String: Double] = [:]
  var termOrder: [String] = []
  /// The updates that logged each term.
  var termUpdates: [String: Int] = [:]

  /// The updates that were made.
  private var made: Int { updates - leftOut }

  /// Adds an update: the bound of its batch, and what its losses logged.
  ///
  /// The bound of one that was left out may be larger than all others together. It counts only as long as none was made.
  mutating func add(
    _ bound: BoundTerms, _ logged: [(name: String, value: Double)], isLeftOut: Bool = false
  ) {
    if made == 0 && !isLeftOut {
      (distortion, rate) = (bound.distortion, bound.rate)
    } else if made == 0 || !isLeftOut {
      distortion += bound.distortion
      rate += bound.rate
    }
    updates += 1
    if isLeftOut { leftOut += 1 }
    addTerms(logged)
  }

  mutating func addTerms(_ logged: [(name: String, value: Double)]) {
    for (name, value) in logged {
      if terms[name] == nil { termOrder.append(name) }
      terms[name, default: 0] += value
      termUpdates[name, default: 0] += 1
    }
  }

  /// Takes up a sum of an earlier part of the epoch.
  mutating func restoreTerm(_ name: String, sum: Double, updates: Int) {
    termOrder.append(name)
    terms[name] = sum
    termUpdates[name] = updates
  }

  var mean: BoundTerms {
    let count = Double(made == 0 ? max(1, updates) : made)
    return BoundTerms(distortion: distortion / count, rate: rate / count)
  }

  /// The mean of each term over the updates that logged it: a phase may have left some out.
  var meanTerms: [(name: String, value: Double)] {
    termOrder.map { (name: $0, value: (terms[$0] ?? 0) / Double(max(1, termUpdates[$0] ?? 0))) }
  }
}

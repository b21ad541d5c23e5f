/// Sums over the updates of an epoch.
struct EpochProgress: Equatable {
  var updates = 0
  var distortion = 0.0
  var rate = 0.0
  var seconds = 0.0
  var terms: [String: Double] = [:]
  var termOrder: [String] = []
  /// The updates that logged each term.
  var termUpdates: [String: Int] = [:]

  /// Adds an update: the bound of its batch, and what its losses logged.
  mutating func add(_ bound: BoundTerms, _ logged: [(name: String, value: Double)]) {
    updates += 1
    distortion += bound.distortion
    rate += bound.rate
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
    let count = Double(max(1, updates))
    return BoundTerms(distortion: distortion / count, rate: rate / count)
  }

  /// The mean of each term over the updates that logged it: a phase may have left some out.
  var meanTerms: [(name: String, value: Double)] {
    termOrder.map { (name: $0, value: (terms[$0] ?? 0) / Double(max(1, termUpdates[$0] ?? 0))) }
  }
}

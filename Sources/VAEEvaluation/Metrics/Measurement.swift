import VAECore

/// Several metrics of the same examples, taking in one batch after another.
package struct Measurement {
  /// A metric that cannot be measured, and what it lacks.
  package struct Omission: Sendable {
    /// The metric.
    package let descriptor: MetricDescriptor
    /// What it lacks; nil where nothing but these examples keep it from having a value.
    package let need: MetricNeed?
    /// Why it was not measured.
    package let error: MetricError
  }

  /// Those that cannot be measured.
  package private(set) var omissions: [Omission] = []

  private let setting: MetricSetting
  /// Each of the metrics, nil once it is known that it cannot be measured.
  private var accumulators: [(any Metric)?] = []
  private var hasBegun = false

  /// Some metrics, those whose needs are known not to be met left out.
  package init(_ metrics: [any Metric.Type], _ setting: MetricSetting) {
    self.setting = setting
    for metric in metrics {
      if let need = metric.descriptor.needs.first(where: { !$0.isMet(by: setting) }) {
        omit(metric.descriptor, need)
      } else {
        accumulators.append(metric.init(setting))
      }
    }
  }

  /// Whether any of them uses importance weights.
  package var usesImportanceSamples: Bool { uses([.importanceSamples]) }

  /// Whether any of them looks at images with a frozen network.
  package var usesNetwork: Bool { uses([.network, .classifier, .heads]) }

  /// Whether any of them looks at the rates of single units.
  package var usesUnitRates: Bool { uses([.unitRates]) }

  private func uses(_ wanted: Set<MetricNeed>) -> Bool {
    accumulators.compactMap(\.self).contains {
      let descriptor = type(of: $0).descriptor
      return !wanted.isDisjoint(with: descriptor.needs + descriptor.uses)
    }
  }

  /// Takes in a batch; the first one may show that more of them cannot be measured.
  package mutating func add(_ sample: MetricSample) { take(findings(in: sample)) }

  /// What all metrics take from a batch: first for each of them the place of the need that the batch does not meet, −1
  /// for none; then what it takes.
  package func findings(in sample: MetricSample) -> [BatchFindings] {
    var lacking = [Double](repeating: -1, count: accumulators.count)
    var all: [BatchFindings] = []
    for (place, accumulator) in accumulators.enumerated() {
      guard let accumulator else {
        all.append(BatchFindings())
        continue
      }
      let needs = type(of: accumulator).descriptor.needs
      let lack = hasBegun ? nil : needs.firstIndex { !$0.isMet(by: sample) }
      lacking[place] = Double(lack ?? -1)
      all.append(lack == nil ? accumulator.findings(in: sample) : BatchFindings())
    }
    return [BatchFindings([lacking])] + all
  }

  /// Takes in what the metrics take from a batch, of one after the other in their order.
  package mutating func take(_ findings: [BatchFindings]) {
    guard findings.count == accumulators.count + 1 else { return }
    if !hasBegun {
      hasBegun = true
      for (place, lack) in zip(accumulators.indices, findings[0].numbers(0)).reversed() {
        guard let descriptor = accumulators[place].map({ type(of: $0).descriptor }),
          let number = Int(exactly: lack), descriptor.needs.indices.contains(number)
        else { continue }
        accumulators[place] = nil
        omit(descriptor, descriptor.needs[number])
      }
    }
    for place in accumulators.indices { accumulators[place]?.take(findings[place + 1]) }
  }

  /// What was found; those that have no value join the omissions.
  package mutating func results() -> MetricResults {
    var results = MetricResults()
    for case let accumulator? in accumulators { finish(accumulator, &results) }
    return results
  }

  private mutating func finish<M: Metric>(_ accumulator: M, _ results: inout MetricResults) {
    do {
      results[M.self] = try accumulator.value()
    } catch {
      let name = M.descriptor.name
      omissions.append(
        Omission(
          descriptor: M.descriptor, need: nil,
          error: MetricError(
            .unsuitable, "\(name) has no value for these examples: \(error.reason)")))
    }
  }

  private mutating func omit(_ descriptor: MetricDescriptor, _ need: MetricNeed) {
    omissions.append(
      Omission(
        descriptor: descriptor, need: need, error: need.refusal(of: descriptor.name, setting)))
  }
}

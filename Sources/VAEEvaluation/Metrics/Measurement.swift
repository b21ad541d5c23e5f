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
  private var accumulators: [any Metric] = []
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
    accumulators.contains {
      let descriptor = type(of: $0).descriptor
      return !wanted.isDisjoint(with: descriptor.needs + descriptor.uses)
    }
  }

  /// Takes in a batch; the first one may show that more of them cannot be measured.
  package mutating func add(_ sample: MetricSample) {
    if !hasBegun {
      hasBegun = true
      for place in accumulators.indices.reversed() {
        let descriptor = type(of: accumulators[place]).descriptor
        guard let need = descriptor.needs.first(where: { !$0.isMet(by: sample) }) else { continue }
        accumulators.remove(at: place)
        omit(descriptor, need)
      }
    }
    for place in accumulators.indices { accumulators[place].add(sample) }
  }

  /// What was found; those that have no value join the omissions.
  package mutating func results() -> MetricResults {
    var results = MetricResults()
    for accumulator in accumulators { finish(accumulator, &results) }
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

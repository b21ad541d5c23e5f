import VAEFiles

/// What was measured, metric by metric in the order of the registry.
public struct MetricResults: Sendable {
  /// What one metric found.
  public struct Entry: Sendable {
    /// The metric.
    public let descriptor: MetricDescriptor
    /// What it found, as records, tables and charts have it.
    public let report: MetricReport
    let value: any Sendable
  }

  /// What each metric found.
  public private(set) var entries: [Entry] = []

  /// Nothing.
  public init() {}

  /// The value of a metric; nil where it was not measured.
  public subscript<M: Metric>(_ metric: M.Type) -> M.Value? {
    get { entry(metric).flatMap { entries[$0].value as? M.Value } }
    set {
      let old = entry(metric)
      if let old { entries.remove(at: old) }
      guard let newValue else { return }
      entries.insert(
        Entry(
          descriptor: metric.descriptor, report: metric.report(newValue), value: newValue),
        at: old ?? entries.count)
    }
  }

  private func entry<M: Metric>(_ metric: M.Type) -> Int? {
    entries.firstIndex { $0.descriptor.name == metric.descriptor.name }
  }

  /// The members of all, as `evaluate --json` has them.
  public func add(to object: inout JSON.Object) {
    for entry in entries { entry.report.add(to: &object) }
  }
}

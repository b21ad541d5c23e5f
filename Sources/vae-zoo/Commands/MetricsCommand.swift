import ArgumentParser
import VAEZoo

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics",
    abstract: "List what evaluate can measure: name, unit, which values are better, needs, help.",
    discussion: """
      The names are what evaluate --metrics takes. Without that option everything is measured that the model and the \
      data allow; `vae-zoo describe VARIANT` names what a variant allows.
      """)

  @OptionGroup var output: OutputOptions

  func run() throws {
    let registry = MetricRegistry.standard
    guard !output.json else {
      Console.print(registry.json)
      return
    }
    let rows = registry.descriptors.map { metric in
      [
        metric.name, metric.unit.isEmpty ? "–" : metric.unit, metric.direction.phrase,
        metric.needs.isEmpty ? "–" : metric.needs.map(\.words).joined(separator: ", "),
        metric.help,
      ]
    }
    Console.print(Console.table([["name", "unit", "better", "needs", "what it is"]] + rows))
  }
}

extension MetricNeed {
  /// Its name as people write it.
  fileprivate var words: String { rawValue.split(separator: "_").joined(separator: " ") }
}

extension MetricDescriptor.Direction {
  fileprivate var phrase: String {
    switch self {
    case .lower: "lower"
    case .higher: "higher"
    case .none: "–"
    }
  }
}

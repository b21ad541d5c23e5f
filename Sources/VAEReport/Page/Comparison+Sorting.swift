import Messages
import VAEEvaluation

extension Comparison {
  /// The runs by a number of theirs, the best first, those without it last and otherwise as they are.
  ///
  /// - Parameter name: of a metric, as `vae-zoo metrics` lists it. `elbo`, `rate` and `distortion` are the
  ///   held-out ones of training's end, others those of the last epoch or of the newest evaluation.
  /// - Throws: `MetricError` for a name that there is not, or of a metric of which no value is better.
  public static func sorted(
    _ runs: [RunHistory], by name: String
  ) throws(MetricError) -> [RunHistory] {
    let (number, sign) = try order(by: name)
    let keys = runs.map { run in run.value(of: number).map { sign * $0 } ?? .infinity }
    return runs.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }.map { runs[$0] }
  }

  /// Refuses a name that runs cannot be sorted by when they have been trained, before they are: one of a metric that
  /// training does not measure.
  ///
  /// - Throws: what `sorted(_:by:)` throws, and `MetricError` of kind `unsuitable`.
  public static func checkSorting(by name: String) throws(MetricError) {
    let number = try order(by: name).number
    let measured = MetricRegistry.standard.descriptors.filter {
      $0.occasions.contains(.epoch) && $0.direction != .none && !$0.numbers.isEmpty
    }
    guard measured.contains(where: { $0.numbers.first?.name == number.name }) else {
      throw MetricError(
        .unsuitable,
        "runs cannot be sorted by \(name), which training does not measure; sort by one of \(measured.map(\.name).joined(separator: ", "))"
      )
    }
  }

  /// Whether any of some runs has the number of a metric, so that sorting by it changes anything.
  ///
  /// - Throws: what `sorted(_:by:)` throws.
  public static func hasNumbers(of name: String, in runs: [RunHistory]) throws(MetricError) -> Bool
  {
    let number = try order(by: name).number
    return runs.contains { $0.value(of: number) != nil }
  }

  /// The number that runs are sorted by, and the sign that makes the better one the smaller.
  private static func order(
    by name: String
  ) throws(MetricError) -> (number: MetricDescriptor.Number, sign: Double) {
    let metric = try MetricRegistry.standard.metrics(named: [name])[0].descriptor
    guard metric.direction != .none, let number = metric.numbers.first else {
      throw MetricError(
        .unsuitable, "runs cannot be sorted by \(name), of which no value is better than another")
    }
    return (number, metric.direction == .lower ? 1 : -1)
  }
}

extension RunHistory {
  /// A number of a metric; nil where it was not measured.
  fileprivate func value(of number: MetricDescriptor.Number) -> Double? {
    let found: Double? =
      switch number.name {
      case "elbo": final?.elbo
      case "rate": final?.rate
      case "distortion": final?.distortion
      default:
        epochs.last?.numbers.first { $0.number.name == number.name }?.value
          ?? evaluations.reversed().lazy.compactMap { number.value(in: $0) }.first
      }
    return found.flatMap { $0.isNaN ? nil : $0 }
  }
}

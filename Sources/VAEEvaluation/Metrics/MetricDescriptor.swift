import VAEFiles

/// What a metric is, for lists of metrics and for everything that shows its numbers.
public struct MetricDescriptor: Sendable {
  /// Which values are better.
  public enum Direction: String, Sendable {
    /// Smaller ones.
    case lower
    /// Larger ones.
    case higher
    /// Neither: it describes.
    case none
  }

  /// When a metric is measured without being asked for, if its needs are met.
  public struct Occasions: OptionSet, Sendable {
    /// A bit for each occasion.
    public let rawValue: Int
    /// Some occasions.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// On the batch of every update; the mean is a term of the epoch.
    public static let update = Occasions(rawValue: 1)
    /// On the held-out examples at the end of each epoch.
    public static let epoch = Occasions(rawValue: 2)
    /// In an evaluation.
    public static let evaluation = Occasions(rawValue: 4)
  }

  /// One of the numbers that a metric gives.
  public struct Number: Sendable {
    /// The name in JSON; of a member of a member with a dot, such as `aggregate_posterior.kl`.
    public let name: String
    /// The name in tables.
    public let title: String
    /// The decimals in tables.
    public let decimals: Int

    /// A number.
    public init(_ name: String, _ title: String, decimals: Int = 3) {
      self.name = name
      self.title = title
      self.decimals = decimals
    }
  }

  /// The name, in snake_case.
  public let name: String
  /// What tables call it.
  public let title: String
  /// The unit, such as "nats per example"; empty for a pure number.
  public let unit: String
  /// Which values are better.
  public let direction: Direction
  /// What it is, in one line.
  public let help: String
  /// What it cannot be measured without.
  public let needs: [MetricNeed]
  /// What it uses where it is there.
  public let uses: [MetricNeed]
  /// When it is measured unasked.
  public let occasions: Occasions
  /// Whether a standard error stands beside it, under its name with `_stderr`.
  public let hasStandardError: Bool
  /// The single numbers that it gives; none where it gives lists alone.
  public let numbers: [Number]

  /// A descriptor.
  ///
  /// - Parameters:
  ///   - name: in snake_case.
  ///   - title: what tables call it, and the number of its name.
  ///   - unit: of the number, empty for none.
  ///   - direction: which values are better.
  ///   - needs: what it cannot do without.
  ///   - uses: what it makes use of where it is there.
  ///   - occasions: when it is measured without being asked for.
  ///   - hasStandardError: whether the number comes with its standard error.
  ///   - decimals: that the number has in tables.
  ///   - numbers: where it gives several numbers, or none; nil for the one of its name.
  ///   - help: what it measures, in a sentence.
  public init(
    _ name: String, title: String, unit: String = "", direction: Direction = .none,
    needs: [MetricNeed] = [], uses: [MetricNeed] = [], occasions: Occasions = .evaluation,
    hasStandardError: Bool = false, decimals: Int = 3, numbers: [Number]? = nil, help: String
  ) {
    self.name = name
    self.title = title
    self.unit = unit
    self.direction = direction
    self.help = help
    self.needs = needs
    self.uses = uses
    self.occasions = occasions
    self.hasStandardError = hasStandardError
    self.numbers = numbers ?? [Number(name, title, decimals: decimals)]
  }
}

extension MetricDescriptor.Number {
  /// The number in an evaluation that was kept; nil where that has none.
  package func value(in evaluation: JSON.Object) -> Double? {
    let path = name.split(separator: ".")
    return path.dropFirst().reduce(evaluation[String(path[0])]) { json, member in
      json?.object?[String(member)]
    }?.double
  }
}

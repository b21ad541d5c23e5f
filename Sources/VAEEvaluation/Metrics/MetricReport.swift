import VAEFiles

/// The value of a metric as records, tables and charts have it.
public struct MetricReport: Sendable {
  /// A member of the JSON object of an evaluation.
  public enum Member: Sendable {
    /// A number, with its standard error under its name with `_stderr`; `isWhole` where it counts.
    case estimate(String, Estimate, isWhole: Bool = false)
    /// Something else.
    case plain(String, JSON)
    /// Numbers of units or layers, the one nearest to the data first.
    case list(String, [Double])
  }

  /// A line of a table for people.
  public struct Row: Sendable {
    /// What it is.
    public let title: String
    /// One number or several, with their standard errors where they are to be shown.
    public let numbers: [Estimate]
    /// The decimals of each.
    public let decimals: Int
    /// The unit, or a note.
    public let note: String

    /// A line of several numbers.
    public init(_ title: String, _ numbers: [Estimate], decimals: Int = 3, note: String = "") {
      self.title = title
      self.numbers = numbers
      self.decimals = decimals
      self.note = note
    }

    /// A line of one number.
    public init(_ title: String, _ number: Estimate, decimals: Int = 3, note: String = "") {
      self.init(title, [number], decimals: decimals, note: note)
    }
  }

  /// The members in order.
  public let members: [Member]
  /// The lines in order.
  public let rows: [Row]
  /// Numbers to follow over a training, by name.
  public let curves: [(name: String, value: Double)]

  /// A report.
  public init(
    _ members: [Member], rows: [Row] = [], curves: [(name: String, value: Double)] = []
  ) {
    self.members = members
    self.rows = rows
    self.curves = curves
  }

  /// The lines that show all of it, for somebody who has asked for it by name: those in order, or where
  /// there is none, because the numbers are many, a line for each list of numbers.
  ///
  /// - Parameter descriptor: of the metric.
  public func allRows(_ descriptor: MetricDescriptor) -> [Row] {
    guard rows.isEmpty else { return rows }
    return members.compactMap { member -> Row? in
      guard case .list(_, let values) = member else { return nil }
      return Row(
        descriptor.title, values.map { Estimate(mean: $0, standardError: nil) },
        note: descriptor.unit)
    }
  }

  /// The members that are single numbers.
  package var numbers: [(name: String, value: Double)] {
    members.compactMap { member in
      switch member {
      case .estimate(let name, let estimate, _): (name, estimate.mean)
      case .plain(let name, let value): value.double.map { (name, $0) }
      case .list: nil
      }
    }
  }

  /// Adds the members to an object, as `evaluate --json` has them.
  public func add(to object: inout JSON.Object) {
    for member in members {
      switch member {
      case .estimate(let name, let estimate, let isWhole):
        object[name] = isWhole ? .integer(Int(estimate.mean)) : .finite(estimate.mean)
        object["\(name)_stderr"] = estimate.standardError.map(JSON.finite) ?? .null
      case .plain(let name, let value): object[name] = value
      case .list(let name, let values): object[name] = .array(values.map(JSON.finite))
      }
    }
  }

  /// Adds the members as a line of training has them: without standard errors, and lists with four
  /// decimals.
  package func addBriefly(to object: inout JSON.Object) {
    for member in members {
      switch member {
      case .estimate(let name, let estimate, let isWhole):
        object[name] = isWhole ? .integer(Int(estimate.mean)) : .finite(estimate.mean)
      case .plain(let name, let value): object[name] = value
      case .list(let name, let values):
        object[name] = .array(values.map { .finite(($0 * 1e4).rounded() / 1e4) })
      }
    }
  }
}

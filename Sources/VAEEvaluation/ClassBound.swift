import VAECore

/// The bound of the examples of one class.
public struct ClassBound: Sendable {
  /// The name of the class, or its number where it has none.
  public let name: String
  /// The number of examples.
  public let examples: Int
  /// The bound on log p(x|y) in nats an example.
  public let elbo: Estimate

  /// The bounds of the classes that occur, in their order; nil where the model is told no label.
  ///
  /// - Parameters:
  ///   - elbos: of the first examples.
  ///   - examples: what they are of.
  static func of(_ elbos: [Double], _ examples: Examples) -> [ClassBound]? {
    guard let condition = examples.condition, condition.kind == .label else { return nil }
    var classes = [[Double]](repeating: [], count: condition.width)
    let size = 1024
    for start in stride(from: 0, to: elbos.count, by: size) {
      let indices = Array(start..<min(start + size, elbos.count))
      let rows = examples.conditions(indices)?.floats ?? []
      for index in indices {
        let row = rows[(index - start) * condition.width..<(index - start + 1) * condition.width]
        // A distribution over classes is no label.
        guard let place = row.firstIndex(of: 1) else { return nil }
        classes[place - row.startIndex].append(elbos[index])
      }
    }
    return classes.enumerated().compactMap { number, elbos in
      elbos.isEmpty
        ? nil
        : ClassBound(
          name: condition.names.isEmpty ? "\(number)" : condition.names[number],
          examples: elbos.count, elbo: Estimate(of: elbos))
    }
  }
}

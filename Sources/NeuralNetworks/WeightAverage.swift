import Tensors

/// An exponential moving average of a model's parameters, often better at evaluation than the last
/// weights: average ← decay · average + (1 − decay) · value after every update (after Polyak & Juditsky
/// 1992, who average evenly).
///
/// ```swift
/// let average = WeightAverage(of: network.parameters, decay: 0.999)
/// average.update(number: 0)  // after each update, with its number
/// let output = average.applied { network(x, context) }
/// ```
public final class WeightAverage {
  /// The weight of the past.
  public let decay: Float
  private let parameters: [(path: String, parameter: Parameter)]
  private var averages: [Tensor]

  /// An average that starts at the parameters' values.
  ///
  /// - Parameters:
  ///   - parameters: with their paths, as ``Module/parameters`` gives them.
  ///   - decay: the weight of the past, in 0..<1.
  public init(of parameters: [(path: String, parameter: Parameter)], decay: Float) {
    self.decay = decay
    self.parameters = parameters
    averages = parameters.map { $0.parameter.value.copied() }
  }

  /// Takes the parameters' values in.
  ///
  /// - Parameters:
  ///   - number: of this update, from zero. The n-th keeps at most (1 + n) / (10 + n) of the past, so that the
  ///     first values, which are random, do not stay in the average for long.
  ///   - isTaken: whether the value of a path is taken in; the average of any other stands still.
  public func update(number: Int, of isTaken: (_ path: String) -> Bool = { _ in true }) {
    let early = Float(1 + number) / Float(10 + number)
    let places = parameters.indices.filter { isTaken(parameters[$0].path) }
    guard !places.isEmpty else { return }
    FusedUpdate.average(
      places.map { averages[$0] }, towards: places.map { parameters[$0].parameter },
      decay: min(decay, early))
  }

  /// Runs a closure with the averages in place of the parameters' values.
  public func applied<Result>(_ body: () throws -> Result) rethrows -> Result {
    swap()
    defer { swap() }
    return try body()
  }

  private func swap() {
    for (index, (_, parameter)) in parameters.enumerated() {
      parameter.exchange(with: &averages[index])
    }
  }

  /// The averages by name, `average.<path>`, for checkpoints.
  public var state: [(name: String, values: Tensor)] {
    zip(parameters, averages).map { (name: "average.\($0.path)", values: $1) }
  }

  /// Takes up stored averages; `tensor` gives values by name, whose shapes have been checked.
  public func restore(tensor: (_ name: String, _ shape: Shape) throws -> Tensor?) rethrows {
    for (index, (path, parameter)) in parameters.enumerated() {
      if let values = try tensor("average.\(path)", parameter.shape) {
        averages[index] = values.copied()
      }
    }
  }
}

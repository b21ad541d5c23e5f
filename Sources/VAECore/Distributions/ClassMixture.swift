import Glibc
import NeuralNetworks
import Tensors

/// A distribution for each class, of which every example has its own share of each:
/// p(z|y) = Σ_k y_k p_k(z). Where y is a label, the row that is one at its class, it is that class's.
public struct ClassMixture: Distribution {
  /// y: what share each of N examples has of each of K classes, `[N, K]`; rows sum to one.
  public let shares: Tensor
  /// p_k, each for N examples.
  public let classes: [any Distribution]

  /// A mixture of the distributions of classes.
  ///
  /// - Parameters:
  ///   - shares: `[N, K]`, rows that sum to one.
  ///   - classes: K distributions over one layer of units, each for N examples, that price any point.
  public init(shares: Tensor, classes: [any Distribution]) {
    ensure(
      shares.rank == 2 && shares.shape[1] == classes.count && !classes.isEmpty
        && classes.allSatisfy { $0.exampleCount == shares.shape[0] },
      "shares of shape \(shares.shape) do not weigh \(classes.count) classes")
    self.shares = shares
    self.classes = classes
  }

  /// N.
  public var exampleCount: Int { shares.shape[0] }

  /// A class for each draw, by the example's shares, then a draw of it.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let chosen = choices(samples, from: stream, context)
    let count = chosen.count
    // Every class that somebody chose is drawn from for all, so that no draw depends on what others are.
    var place: [Int: Int] = [:]
    var parts: [Tensor] = []
    for number in Set(chosen).sorted() {
      place[number] = parts.count
      parts.append(
        classes[number].draw(samples, from: stream, temperature: temperature, context).value)
    }
    guard !parts.isEmpty else {
      return classes[0].draw(samples, from: stream, temperature: temperature, context)
    }
    let rows = chosen.enumerated().map { row, number in
      Int32((place[number] ?? 0) * count + row)
    }
    let value = Tensor.concatenated(parts, axis: 0).gathering(Tensor(indices: rows))
    return DistributionDraw(value) { density(of: value) }
  }

  /// The class of each draw, `[K · N]`.
  private func choices(_ samples: Int, from stream: String, _ context: Context) -> [Int] {
    let (shares, width) = (shares.floats, classes.count)
    let uniform = context.stream("\(stream) class")
    return (0..<samples).flatMap { sample in
      uniform.uniform(context.examples, shape: [1], draw: context.firstDraw + sample).floats
        .enumerated().map { example, number in
          var rest = number
          for index in 0..<width {
            let share = shares[example * width + index]
            if rest < share { return index }
            rest -= share
          }
          // Rounding, or shares that are NaN: the last class that has one.
          return (0..<width).last { shares[example * width + $0] > 0 } ?? width - 1
        }
    }
  }

  /// log Σ_k y_k p_k(z) in nats, by logsumexp over the classes that an example has a share of.
  public func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  private func density(of z: Tensor) -> Tensor {
    let densities = classes.map { distribution in
      guard let density = distribution.logDensity(of: z) else {
        fatalError("classes are of distributions that price any point")
      }
      return density.reshaped(to: [z.shape[0], 1])
    }
    let tiled = shares.tiled(z.shape[0] / max(1, exampleCount))
    // A class without a share counts for nothing, however likely it makes z.
    let logShares = Tensor(
      tiled.floats.map { $0 > 0 ? Glibc.logf($0) : -Self.nothing }, shape: tiled.shape)
    return (Tensor.concatenated(densities, axis: 1) + logShares).logSumExp()
  }

  /// Far below every log-density, and yet finite, so that gradients are numbers.
  private static let nothing: Float = 1e30

  /// Σ_k y_k · mean of p_k; nil where one has none.
  public var mean: Tensor? { weighted(classes.map(\.mean)) }

  /// Σ_k y_k (variance of p_k + (its mean − mean)²); nil where one has none.
  public var variance: Tensor? {
    guard let mean else { return nil }
    return weighted(
      classes.map { distribution in
        guard let own = distribution.mean, let variance = distribution.variance else { return nil }
        return variance + (own - mean).squared()
      })
  }

  private func weighted(_ values: [Tensor?]) -> Tensor? {
    var sum: Tensor?
    let columns = shares.split(sizes: classes.map { _ in 1 })
    for (value, share) in zip(values, columns) {
      guard let value else { return nil }
      let part = value * share
      sum = sum.map { $0 + part } ?? part
    }
    return sum
  }

  /// The same with constant parameters.
  public func stoppingGradient() -> any Distribution {
    ClassMixture(shares: shares, classes: classes.map { $0.stoppingGradient() })
  }
}

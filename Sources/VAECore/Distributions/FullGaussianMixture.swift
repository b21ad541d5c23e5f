import NeuralNetworks
import Tensors

/// A mixture of Gaussians with full covariance matrices, p(z) = Σ_c π_c N(z; μ_c, L_c L_cᵀ), the same for
/// each of N examples.
///
/// `GaussianMixture` does the same for Gaussians with independent units, with less work.
public struct FullGaussianMixture: Distribution {
  /// The number of examples.
  public let exampleCount: Int
  /// log π, `[C]`.
  public let logWeights: Tensor
  /// μ, a Gaussian a row, `[C, units]`.
  public let means: Tensor
  /// L, the Cholesky factors of the covariance matrices, `[C, units, units]`: lower triangular with a
  /// positive diagonal.
  public let factors: Tensor

  /// A mixture of C Gaussians.
  ///
  /// - Parameters:
  ///   - exampleCount: N.
  ///   - logits: `[C]`; the weights are their softmax.
  ///   - means: `[C, units]`.
  ///   - factors: lower triangular matrices with a positive diagonal, `[C, units, units]`.
  public init(exampleCount: Int, logits: Tensor, means: Tensor, factors: Tensor) {
    ensure(
      means.rank == 2 && logits.shape == [means.shape[0]] && logits.count > 0
        && factors.shape == [means.shape[0], means.shape[1], means.shape[1]],
      "logits of shape \(logits.shape), means of \(means.shape) and factors of \(factors.shape) are no mixture"
    )
    self.init(exampleCount, logWeights: logits.logSoftmax(), means: means, factors: factors)
  }

  private init(_ exampleCount: Int, logWeights: Tensor, means: Tensor, factors: Tensor) {
    self.exampleCount = exampleCount
    self.logWeights = logWeights
    self.means = means
    self.factors = factors
  }

  private var units: Int { means.shape[1] }

  /// A component for each draw, by its weight, then μ + L ε of that Gaussian; the temperature multiplies
  /// ε.
  ///
  /// Gradients flow through the Gaussian, and not through the choice of it.
  public func draw(
    _ samples: Int, from stream: String, temperature: Float, _ context: Context
  ) -> DistributionDraw {
    let choices = logWeights.weightedChoices(samples, from: stream, context)
    var noise = context.normalNoise(stream, samples: samples, shape: [units])
    if temperature != 1 { noise = noise * temperature }
    // The rows of a component share a matrix product; then they go back to their places.
    var (parts, order): ([Tensor], [Int32]) = ([], [])
    for component in 0..<logWeights.count {
      let rows = choices.indices.filter { choices[$0] == component }.map(Int32.init)
      guard !rows.isEmpty else { continue }
      let spread = withPrecision(.float32) {
        noise.gathering(Tensor(indices: rows))
          .matrixProduct(matrix(factors, component), rightTransposed: true)
      }
      parts.append(spread + means.rows(component..<component + 1))
      order += rows
    }
    var places = [Int32](repeating: 0, count: order.count)
    for (place, row) in order.enumerated() { places[Int(row)] = Int32(place) }
    let value =
      parts.isEmpty
      ? noise : Tensor.concatenated(parts, axis: 0).gathering(Tensor(indices: places))
    return DistributionDraw(value) { density(of: value) }
  }

  /// log Σ_c π_c N(z; μ_c, L_c L_cᵀ) in nats, `[K · N]`, by logsumexp.
  public func logDensity(of z: Tensor) -> Tensor? { density(of: z) }

  /// With y = L⁻¹ (z − μ): log N = −½ |y|² − Σ log Lᵢᵢ − ½ units · log 2π. Distances are taken before they are
  /// multiplied, so that no digits are lost where a variance is small beside its mean.
  private func density(of z: Tensor) -> Tensor {
    let identity = Tensor([Float]((0..<units * units).map { $0 % (units + 1) == 0 ? 1 : 0 }))
      .reshaped(to: [1, units, units]).broadcast(to: factors.shape)
    let inverses = factors.triangularSolve(identity)
    let logDiagonals = (factors * identity).sum(axis: 2).log().sum(axis: 1)
    let constants = logWeights - logDiagonals - 0.5 * Float(units) * Self.logTwoPi
    return withPrecision(.float32) {
      let distances = (0..<logWeights.count).map { component in
        (z - means.rows(component..<component + 1))
          .matrixProduct(matrix(inverses, component), rightTransposed: true)
          .squared().sum(axis: 1, keepingAxis: true)
      }
      return (Tensor.concatenated(distances, axis: 1) * -0.5 + constants).logSumExp()
    }
  }

  private static let logTwoPi: Float = 1.837_877_1

  private func matrix(_ all: Tensor, _ component: Int) -> Tensor {
    all.rows(component..<component + 1).reshaped(to: [units, units])
  }

  /// Σ_c π_c μ_c for each example.
  public var mean: Tensor? { broadcast(weighted(means)) }

  /// Σ_c π_c (diag(L_c L_cᵀ) + (μ_c − mean)²) for each example.
  public var variance: Tensor? {
    let distances = means - weighted(means)
    return broadcast(weighted(factors.squared().sum(axis: 2) + distances.squared()))
  }

  /// Σ_c π_c x_c of `[C, units]`.
  private func weighted(_ values: Tensor) -> Tensor {
    (values * logWeights.exp().reshaped(to: [logWeights.count, 1])).sum(axis: 0)
  }

  private func broadcast(_ row: Tensor) -> Tensor {
    row.broadcast(to: [exampleCount, row.count])
  }

  /// The same mixture with constant parameters.
  public func stoppingGradient() -> any Distribution {
    FullGaussianMixture(
      exampleCount, logWeights: logWeights.detached(), means: means.detached(),
      factors: factors.detached())
  }
}

import Tensors

/// The distance of images as a network sees them, by the features of some of its layers. It is no density,
/// and no part of a bound.
public struct FeatureComparison: Sendable {
  /// How the features of a layer are compared.
  public enum Measure: String, CaseIterable, Sendable {
    /// ‖Φ(x) − Φ(x̂)‖² / (2 C W H) (Hou et al. 2017, equation 5).
    case squared
    /// Features of length one at each place, over the channels; the squared distances are added up over channels and
    /// averaged over places (Zhang et al. 2018, equation 1 with all weights one). It does not depend on how
    /// large a layer's features are.
    case normalized
    /// The same with a weight for each channel that was fitted to what people say, the network's heads: LPIPS
    /// (Zhang et al. 2018, equation 1).
    case lpips
  }

  /// How features are compared.
  public let measure: Measure
  /// The weight of each layer; none for one each.
  public let weights: [Float]

  /// A comparison of as many layers as there are weights, or of any number where there are none.
  public init(_ measure: Measure, weights: [Float] = []) {
    (self.measure, self.weights) = (measure, weights)
  }

  /// Σ_l weight_l · d_l for each example, `[N]`.
  ///
  /// - Parameters:
  ///   - features: of each layer, `[N, height, width, channels]` or `[N, channels]`.
  ///   - others: those of other images, of the same shapes.
  ///   - heads: of `lpips` the weights of the channels of each layer, `[channels]`.
  public func callAsFunction(
    _ features: [Tensor], _ others: [Tensor], heads: [Tensor] = []
  ) -> Tensor {
    let count = features.count
    ensure(
      others.count == count && (weights.isEmpty || weights.count == count),
      "\(weights.count) weights are not those of \(count) and \(others.count) layers")
    ensure(
      heads.count == (measure == .lpips ? count : 0),
      "\(heads.count) heads are not those of \(count) layers that are compared by \(measure.rawValue)"
    )
    let distances = (0..<count).map { layer in
      let own = distance(features[layer], others[layer], head: heads.isEmpty ? nil : heads[layer])
      return weights.isEmpty ? own : own * weights[layer]
    }
    return distances.dropFirst().reduce(distances[0], +)
  }

  private func distance(_ a: Tensor, _ b: Tensor, head: Tensor?) -> Tensor {
    let channels = a.shape[-1]
    switch measure {
    case .squared:
      return (a - b).squared().flattened().sum(axis: 1)
        / Float(2 * max(1, a.shape.removingFirst.count))
    case .normalized, .lpips:
      let places = a.shape.removingFirst.count / max(1, channels)
      var squares = (Self.normalized(a) - Self.normalized(b)).squared()
      if let head { squares = squares * head }
      return squares.flattened().sum(axis: 1) / Float(max(1, places))
    }
  }

  /// What keeps features that are all zero, of which ReLU makes many, from having no gradient: it lies
  /// inside of the root.
  private static let epsilon: Float = 1e-10

  private static func normalized(_ x: Tensor) -> Tensor {
    let squares = x.squared().sum(axis: x.rank - 1, keepingAxis: true)
    return x * (squares + epsilon).squareRoot().reciprocal()
  }
}

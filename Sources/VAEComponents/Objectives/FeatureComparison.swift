import Tensors
import VAERecipes

/// The distance of images as a network sees them, by the features of some of its layers. It is no density,
/// and no part of a bound.
public struct FeatureComparison: Sendable {
  /// How the features of a layer are compared.
  public enum Measure: String, SettingChoice {
    /// ‖Φ(x) − Φ(x̂)‖² / (2 C W H) (Hou et al. 2017, equation 5).
    case squared
    /// Features of length one at each place, over the channels; the squared distances are added up over channels and
    /// averaged over places (Zhang et al. 2018, equation 1 with all weights one). It does not depend on how
    /// large a layer's features are.
    case normalized
  }

  /// How features are compared.
  public let measure: Measure
  /// The weight of each layer.
  public let weights: [Float]

  /// A comparison of as many layers as there are weights.
  public init(_ measure: Measure, weights: [Float]) {
    (self.measure, self.weights) = (measure, weights)
  }

  /// Σ_l weight_l · d_l for each example, `[N]`.
  ///
  /// - Parameters:
  ///   - features: of each layer, `[N, height, width, channels]` or `[N, channels]`.
  ///   - others: those of other images, of the same shapes.
  public func callAsFunction(_ features: [Tensor], _ others: [Tensor]) -> Tensor {
    precondition(
      features.count == weights.count && others.count == weights.count,
      "\(weights.count) weights are not those of \(features.count) and \(others.count) layers")
    let distances = zip(zip(features, others), weights).map { pair, weight in
      distance(pair.0, pair.1) * weight
    }
    return distances.dropFirst().reduce(distances[0], +)
  }

  private func distance(_ a: Tensor, _ b: Tensor) -> Tensor {
    let channels = a.shape[-1]
    switch measure {
    case .squared:
      return (a - b).squared().flattened().sum(axis: 1)
        / Float(2 * max(1, a.shape.removingFirst.count))
    case .normalized:
      let places = a.shape.removingFirst.count / max(1, channels)
      return (Self.normalized(a) - Self.normalized(b)).squared().flattened().sum(axis: 1)
        / Float(max(1, places))
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

import Glibc
import Tensors
import VAECore
import VAERecipes

/// A logistic distribution of deviation one: log f(t) = −u − 2 log(1 + e⁻ᵘ) − log s with u = |t| / s and s = √3 / π. Small
/// errors count squared, large ones as they are.
public struct LogisticNoise: NoiseShape {
  private static let scale = 3.0.squareRoot() / .pi

  /// The shape.
  public init() {}

  /// −u − 2 softplus(−u) − log s
  public func logDensity(_ distances: Tensor) -> Tensor {
    let u = distances / Float(Self.scale)
    return -(u + (-u).softplus() * 2) - Float(log(Self.scale))
  }

  /// s log(p / (1 − p))
  public func quantile(_ probability: Double) -> Double {
    Self.scale * (log(probability) - log(1 - probability))
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `logistic`.
  public static var logistic: Component {
    Component(
      role: .likelihood, name: "logistic",
      summary: "real elements with logistic noise, between Gaussian and Laplace",
      options: LocationOptions()
    ) { options, build in
      LocationLikelihood(
        LogisticNoise(), NoiseDeviation(options.sigma),
        link: MeanLink(options.link, range: build.data.range))
    }
  }
}

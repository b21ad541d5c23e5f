import Glibc
import Tensors
import VAECore
import VAERecipes

/// A Laplace distribution of deviation one: log f(t) = −√2 |t| − ½ log 2. The median is its most likely place, so that the
/// mean absolute error is what it weighs.
public struct LaplaceNoise: NoiseShape {
  /// The shape.
  public init() {}

  /// −√2 t − ½ log 2
  public func logDensity(_ distances: Tensor) -> Tensor {
    distances.scaled(by: -Float(2).squareRoot(), shift: -0.5 * log(Float(2)))
  }

  /// ∓log(2 p) / √2 on either side.
  public func quantile(_ probability: Double) -> Double {
    let isBelow = probability < 0.5
    let tail = log(2 * (isBelow ? probability : 1 - probability)) / 2.0.squareRoot()
    return isBelow ? tail : -tail
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `laplace`.
  public static var laplace: Component {
    Component(
      role: .likelihood, name: "laplace",
      summary: "real elements with Laplace noise, which weighs absolute errors",
      options: LocationOptions()
    ) { options, build in
      LocationLikelihood(
        LaplaceNoise(), NoiseDeviation(options.sigma),
        link: MeanLink(options.link, range: build.data.range))
    }
  }
}

import Glibc
import Tensors
import VAECore
import VAERecipes

/// The distribution whose negative log-density is the log-cosh loss (1/a) log cosh(a t) of Chen, Wang & Cui (2019), with
/// its constant, stretched to deviation one.
///
/// p(t) = cosh(a t)^(−ν) / Z with ν = 1/a and Z = √π Γ(ν/2) / (a Γ((ν + 1)/2)) has the variance d² = ψ′(ν/2) / (2 a²), so that
/// f(t) = d · p(d t). Errors far below 1/a of d count squared, those far above as they are: a small a is nearly Gaussian, a
/// large one nearly Laplace.
public struct LogCoshNoise: NoiseShape {
  /// a, how early the loss turns from a square to a line.
  public let a: Double
  /// log of the density at zero.
  private let logPeak: Double
  /// a · d: from distances to the argument of cosh.
  private let stretch: Double
  private let quantiles: Quantiles

  /// The shape for a number above zero; the paper's is 10.
  public init(a: Double = 10) {
    ensure(a > 0 && a.isFinite, "a log-cosh loss needs a number above 0, not \(a)")
    self.a = a
    let power = 1 / a
    stretch = (SpecialFunctions.trigamma(power / 2) / 2).squareRoot()
    // log d − log Z, with a d for the stretch.
    logPeak =
      log(stretch) - 0.5 * log(.pi) - SpecialFunctions.logGamma(power / 2)
      + SpecialFunctions.logGamma((power + 1) / 2)
    quantiles = Quantiles(power: power, deviation: stretch)
  }

  /// −(1/a) (u + log(1 + e⁻²ᵘ) − log 2) + log f(0) with u = a d t.
  public func logDensity(_ distances: Tensor) -> Tensor {
    let u = distances * Float(stretch)
    let logCosh = u + (u * -2).softplus() - log(Float(2))
    return logCosh.scaled(by: Float(-1 / a), shift: Float(logPeak))
  }

  /// From a table of the distribution function, and its exponential tail beyond.
  public func quantile(_ probability: Double) -> Double {
    let tail = quantiles.distance(withTail: min(probability, 1 - probability)) / stretch
    return probability < 0.5 ? -tail : tail
  }
}

extension LogCoshNoise {
  /// The quantiles of a density proportional to cosh(u)^(−power).
  private struct Quantiles {
    /// 1 − F at evenly spaced distances from zero.
    private let tails: [Double]
    private let step: Double
    private let power: Double

    private static let steps = 4096
    /// Where cosh u is ½ eᵘ to double precision.
    private static let farthest = 20.0
    /// Beyond so many deviations there is nothing to draw.
    private static let mostDeviations = 14.0

    init(power: Double, deviation: Double) {
      self.power = power
      let end = min(Self.farthest, Self.mostDeviations * deviation)
      let step = end / Double(Self.steps)
      self.step = step
      func density(_ u: Double) -> Double { exp(-power * (u + log1p(exp(-2 * u)) - log(2))) }
      // What lies beyond the table, where the density is 2^power e^(−power u).
      var tails = [exp(-power * (end - log(2))) / power]
      for place in (0..<Self.steps).reversed() {
        let (from, to) = (Double(place) * step, Double(place + 1) * step)
        // Simpson's rule.
        let area = (density(from) + 4 * density((from + to) / 2) + density(to)) * step / 6
        tails.append((tails.last ?? 0) + area)
      }
      let half = tails.last ?? 1
      self.tails = tails.reversed().map { 0.5 * $0 / half }
    }

    /// The distance beyond which, on one side, a probability up to one half lies.
    func distance(withTail tail: Double) -> Double {
      guard let last = tails.last, tail > last else {
        let beyond = log((tails.last ?? 1) / tail) / power
        return Double(Self.steps) * step + beyond
      }
      // The first place whose tail is no larger.
      var (low, high) = (0, Self.steps)
      while low < high {
        let middle = (low + high) / 2
        if tails[middle] <= tail { high = middle } else { low = middle + 1 }
      }
      guard low > 0 else { return 0 }
      let (before, after) = (tails[low - 1], tails[low])
      return (Double(low - 1) + (before - tail) / (before - after)) * step
    }
  }

  /// The hyper-parameters of `log-cosh`.
  struct Options: HyperparameterSet {
    var noise = LocationOptions()
    @Setting(
      1e-2...1e3,
      help: "a of the loss (1/a) log cosh(a t): a small one is nearly Gaussian, a large one Laplace"
    )
    var a = 10.0
  }
}

extension Component where Part == any Likelihood {
  /// The recipe component `log-cosh`.
  public static var logCosh: Component {
    Component(
      role: .likelihood, name: "log-cosh",
      summary: "real elements whose price is the log-cosh loss, with its constant",
      options: LogCoshNoise.Options()
    ) { options, build in
      LocationLikelihood(
        LogCoshNoise(a: options.a), NoiseDeviation(options.noise.sigma),
        link: MeanLink(options.noise.link, range: build.data.range))
    }
  }
}

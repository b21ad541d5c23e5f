import Glibc
import Tensors

/// The distribution of a count n = 0, 1, … of a mean μ: the negative binomial whose variance is μ + μ²/r,
///
///     log p(n) = log Γ(n+r) / (Γ(r) n!) + r log r/(r+μ) + n log μ/(r+μ)
///
/// or without a dispersion r the Poisson distribution, n log μ − μ − log n!. In double precision: differences of log Γ of
/// large numbers have few digits left.
package struct CountDistribution {
  /// log μ.
  let logMean: Double
  /// r; nil for a Poisson distribution.
  let dispersion: Double?

  /// - Parameters:
  ///   - logMean: log μ.
  ///   - dispersion: r, above zero; nil for a Poisson distribution.
  package init(logMean: Double, dispersion: Double?) {
    (self.logMean, self.dispersion) = (logMean, dispersion)
  }

  /// log p of a count, or its derivatives by log μ and by log r.
  struct Price {
    var value: Double
    var byLogMean: Double
    var byLogDispersion: Double
  }

  /// log p(0) with its derivatives.
  var zero: Price {
    let mean = exp(logMean)
    guard let r = dispersion else {
      return Price(value: -mean, byLogMean: -mean, byLogDispersion: 0)
    }
    let value = -r * log1p(mean / r)
    let slope = r * mean / (r + mean)
    return Price(value: value, byLogMean: -slope, byLogDispersion: value + slope)
  }

  /// log p(n) with its derivatives.
  func price(of count: Double) -> Price {
    guard count > 0 else { return zero }
    let mean = exp(logMean)
    guard let r = dispersion else {
      return Price(
        value: count * logMean - mean - SpecialFunctions.logGamma(count + 1),
        byLogMean: count - mean, byLogDispersion: 0)
    }
    // r log r/(r+μ)
    let power = -r * log1p(mean / r)
    let gammas =
      SpecialFunctions.logGamma(count + r) - SpecialFunctions.logGamma(r)
      - SpecialFunctions.logGamma(count + 1)
    return Price(
      value: gammas + power + count * (logMean - log(r + mean)),
      byLogMean: r * (count - mean) / (r + mean),
      byLogDispersion: r * (SpecialFunctions.digamma(count + r) - SpecialFunctions.digamma(r))
        + power + r * (mean - count) / (r + mean))
  }
}

// MARK: - Draws

extension CountDistribution {
  /// A draw, exact for every mean: of a negative binomial that of a Poisson distribution whose mean is one of a gamma
  /// distribution of shape r.
  ///
  /// - Parameter noise: two random numbers of the element, which the draw follows from.
  package func draw(noise: (Float, Float)) -> Double {
    let seed = UInt64(noise.0.bitPattern) << 32 | UInt64(noise.1.bitPattern)
    var numbers = Numbers(generator: RandomSource(seed: seed).stream("count").generator())
    let mean = exp(logMean)
    // With a larger r the variance is the mean.
    guard let r = dispersion, r < Self.scatterlessMean else {
      return Self.poisson(mean, &numbers)
    }
    return Self.poisson(mean * (Self.gamma(r, &numbers) / r), &numbers)
  }

  /// The deviation of a count of such a mean is less than a 32-bit float keeps of its logarithm.
  private static let scatterlessMean = 1e12

  /// Successive numbers of one draw.
  private struct Numbers {
    var generator: CounterGenerator

    /// Above zero and below one.
    mutating func uniform() -> Double { (Double(generator.next() >> 12) + 0.5) * 0x1p-52 }

    /// Standard normal (Box & Muller 1958).
    mutating func normal() -> Double {
      (-2 * log(uniform())).squareRoot() * cos(2 * .pi * uniform())
    }
  }

  /// Poisson, by adding up probabilities where the mean is small, else by transformed rejection with a squeeze (Hörmann
  /// 1993, algorithm PTRS).
  private static func poisson(_ mean: Double, _ numbers: inout Numbers) -> Double {
    guard mean > 0, mean < scatterlessMean else { return mean.rounded() }
    guard mean >= 10 else {
      let uniform = numbers.uniform()
      var (count, probability) = (0.0, exp(-mean))
      var sum = probability
      // Of no mean below ten are there so many but by rounding.
      while sum < uniform, count < 200 {
        count += 1
        probability *= mean / count
        sum += probability
      }
      return count
    }
    let logMean = log(mean)
    let b = 0.931 + 2.53 * mean.squareRoot()
    let a = 0.02483 * b - 0.059
    let scale = 1.1239 + 1.1328 / (b - 3.4)
    let squeeze = 0.9277 - 3.6224 / (b - 2)
    while true {
      let (u, v) = (numbers.uniform() - 0.5, numbers.uniform())
      let edge = 0.5 - abs(u)
      let count = ((2 * a / edge + b) * u + mean + 0.43).rounded(.down)
      if edge >= 0.07, v <= squeeze { return count }
      guard count >= 0, edge >= 0.013 || v <= edge else { continue }
      if log(v * scale / (a / (edge * edge) + b))
        <= count * logMean - mean - SpecialFunctions.logGamma(count + 1)
      {
        return count
      }
    }
  }

  /// Gamma with scale one (Marsaglia & Tsang 2000).
  private static func gamma(_ shape: Double, _ numbers: inout Numbers) -> Double {
    guard shape >= 1 else {
      return gamma(shape + 1, &numbers) * pow(numbers.uniform(), 1 / shape)
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    while true {
      let x = numbers.normal()
      let root = 1 + c * x
      guard root > 0 else { continue }
      let v = root * root * root
      let uniform = numbers.uniform()
      if uniform < 1 - 0.0331 * x * x * x * x
        || log(uniform) < 0.5 * x * x + d * (1 - v + log(v))
      {
        return d * v
      }
    }
  }
}

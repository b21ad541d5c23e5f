import Glibc

extension SpecialFunctions {
  /// erf x = 2/√π ∫₀ˣ e^(−t²) dt, the error function; NaN at NaN.
  public static func errorFunction(_ x: Double) -> Double { Glibc.erf(x) }

  /// 2/√π · e^(−x²), the derivative of the error function.
  static func errorFunctionDerivative(_ x: Double) -> Double {
    twoOverRootPi * Glibc.exp(-x * x)
  }

  /// erfcx x = e^(x²) · (1 − erf x), the complementary error function without its exponential decay:
  /// what the logarithm of a normal distribution's tail is computed from.
  ///
  /// The product up to ten, beyond it the asymptotic series (Abramowitz & Stegun 1964, 7.1.23), which
  /// is exact to double precision there.
  ///
  /// - Returns: about 1 / (x √π) for large x, zero at +∞, +∞ below −26.6, NaN at NaN.
  public static func scaledComplementaryErrorFunction(_ x: Double) -> Double {
    guard x >= 10 else { return Glibc.exp(x * x) * Glibc.erfc(x) }
    return (1 + asymptoticCorrection(x)) / x * (twoOverRootPi / 2)
  }

  /// 2x · erfcx x − 2/√π, the derivative of erfcx. For large x, where the two terms cancel, it comes
  /// from the series.
  static func scaledComplementaryErrorFunctionDerivative(_ x: Double) -> Double {
    guard x >= 10 else { return 2 * x * scaledComplementaryErrorFunction(x) - twoOverRootPi }
    return asymptoticCorrection(x) * twoOverRootPi
  }

  /// x √π erfcx x − 1 = −1/(2x²) + 1·3/(2x²)² − 1·3·5/(2x²)³ + …, for x of at least ten.
  private static func asymptoticCorrection(_ x: Double) -> Double {
    let step = 0.5 / (x * x)
    var sum = 0.0
    for factor in stride(from: 15.0, through: 1, by: -2) { sum = -factor * step * (1 + sum) }
    return sum
  }

  private static let twoOverRootPi = 2 / Double.pi.squareRoot()
}

import Glibc

extension SpecialFunctions {
  /// log |Γ(x)|, the logarithm of the magnitude of the gamma function.
  ///
  /// - Returns: +∞ at the poles, which are zero and the whole numbers below it, and at ±∞; NaN at
  ///   NaN.
  public static func logGamma(_ x: Double) -> Double {
    // The function without `_r` keeps the sign in a variable of the process.
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  /// ψ(x), the derivative of log |Γ(x)|.
  ///
  /// ψ(x) = ψ(x + 1) − 1/x up to ten, from where the asymptotic series in 1/x² is exact to double
  /// precision; ψ(1 − x) = ψ(x) + π cot πx below zero (Abramowitz & Stegun 1964, 6.3.5, 6.3.7,
  /// 6.3.18).
  ///
  /// - Returns: +∞ at +∞; NaN at the poles, which are zero and the whole numbers below it, at −∞ and
  ///   at NaN.
  public static func digamma(_ x: Double) -> Double {
    guard x > 0 else {
      let fraction = x - x.rounded()
      guard x.isFinite, fraction != 0 else { return .nan }
      return digamma(1 - x) - .pi / Glibc.tan(.pi * fraction)
    }
    var (x, sum) = (x, 0.0)
    while x < 10 {
      sum -= 1 / x
      x += 1
    }
    let square = 1 / (x * x)
    let series =
      square
      * (1.0 / 12 - square
        * (1.0 / 120 - square * (1.0 / 252 - square * (1.0 / 240 - square / 132))))
    return sum + Glibc.log(x) - 0.5 / x - series
  }

  /// ψ′(x), the derivative of the digamma function.
  ///
  /// ψ′(x) = ψ′(x + 1) + 1/x² up to ten, from where the asymptotic series is exact to double
  /// precision; ψ′(1 − x) = π² / sin² πx − ψ′(x) below zero (Abramowitz & Stegun 1964, 6.4.6, 6.4.7,
  /// 6.4.12).
  ///
  /// - Returns: zero at +∞; +∞ at the poles, which are zero and the whole numbers below it; NaN at
  ///   −∞ and at NaN.
  public static func trigamma(_ x: Double) -> Double {
    guard x > 0 else {
      guard x.isFinite else { return .nan }
      let sine = Glibc.sin(.pi * (x - x.rounded()))
      return sine == 0 ? .infinity : (.pi / sine) * (.pi / sine) - trigamma(1 - x)
    }
    var (x, sum) = (x, 0.0)
    while x < 10 {
      sum += 1 / (x * x)
      x += 1
    }
    let inverse = 1 / x
    let square = inverse * inverse
    let series =
      square
      * (1.0 / 6 - square
        * (1.0 / 30 - square
          * (1.0 / 42 - square * (1.0 / 30 - square * (5.0 / 66 - square * 691 / 2730)))))
    return sum + inverse * (1 + 0.5 * inverse + series)
  }
}

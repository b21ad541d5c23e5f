import Glibc

extension SpecialFunctions {
  /// log I_v(x), the logarithm of the modified Bessel function of the first kind, of a real order v:
  /// the normaliser of a von Mises-Fisher distribution without overflow or underflow.
  ///
  /// - Parameters:
  ///   - x: at least zero.
  ///   - order: v, at least zero.
  /// - Returns: −∞ at x = 0 (zero where the order is zero), +∞ at +∞; NaN where x is negative or NaN, and
  ///   where the order is negative or not finite. Otherwise exact to some 1e-13 of 1 + |log I|.
  public static func logBesselI(_ x: Double, order: Double) -> Double {
    BesselI(x, order: order).logValue
  }

  /// I_{v+1}(x) / I_v(x), the ratio of two modified Bessel functions of the first kind: the mean
  /// resultant length of a von Mises-Fisher distribution of concentration x in 2(v + 1) dimensions.
  ///
  /// - Parameters:
  ///   - x: at least zero.
  ///   - order: v, at least zero.
  /// - Returns: in 0...1, zero at x = 0; NaN where x is negative or NaN, and where the order is
  ///   negative or not finite. Exact to some 1e-14 of itself.
  public static func besselRatio(_ x: Double, order: Double) -> Double {
    BesselI(x, order: order).ratio
  }

  /// d/dx log I_v(x) = v / x + I_{v+1}(x) / I_v(x).
  static func logBesselIDerivative(_ x: Double, order: Double) -> Double {
    let ratio = besselRatio(x, order: order)
    return order == 0 ? ratio : order / x.magnitude + ratio
  }

  /// The derivative of A = I_{v+1}(x) / I_v(x), which is 1 − A² − (2v + 1) A / x (by
  /// DLMF 10.29.2).
  ///
  /// Those terms cancel. With B = I_{v+2} / I_{v+1} and the recurrence 1 / A = 2(v + 1) / x + B the same
  /// is A (B − A + 1 / x), which keeps its digits for small x. For x that are large beside the order's
  /// square it comes from the second derivative of the logarithm of Hankel's expansion I_v(x) = eˣ /
  /// √(2πx) · Σ t_k with t_k ∼ x⁻ᵏ (DLMF 10.40.1): A′ = (v + ½) / x² + (log Σ t_k)″.
  static func besselRatioDerivative(_ x: Double, order: Double) -> Double {
    guard x > 0, order >= 0, x.isFinite else {
      guard order >= 0, order.isFinite else { return .nan }
      return x == 0 ? 0.5 / (order + 1) : x == .infinity ? 0 : .nan
    }
    guard x >= 1000, x >= 4 * order * order else {
      let bessel = BesselI(x, order: order)
      return bessel.ratio * (bessel.nextRatio - bessel.ratio + 1 / x)
    }
    // The sum, x times its derivative, and x² times its second derivative.
    var (term, sum, first, second) = (1.0, 1.0, 0.0, 0.0)
    for k in stride(from: 1.0, through: 12, by: 1) {
      term *= -(4 * order * order - (2 * k - 1) * (2 * k - 1)) / (8 * k * x)
      sum += term
      first -= k * term
      second += k * (k + 1) * term
    }
    let bend = (second * sum - first * first) / (sum * sum)
    return (order + 0.5 + bend) / x / x
  }
}

/// The modified Bessel function of the first kind at one point, and its ratios to the next orders.
///
/// Olver's expansions for large orders (DLMF 10.41.3 and 10.41.5) hold uniformly in x > 0: for an
/// order of at least 32, nine terms are exact to 1e-13, whatever x is. A smaller order comes from one
/// that is so large by the recurrence 1 / r_v = 2(v + 1) / x + r_{v+1} of the ratios r_v = I_{v+1} /
/// I_v (DLMF 10.29.1), which run downwards loses no digits: it is their continued fraction, begun at
/// the end. Every order takes two steps of it at least, so that the ratio does not keep the rounding of the
/// difference that it begins with.
private struct BesselI {
  /// log I_v(x)
  let logValue: Double
  /// I_{v+1}(x) / I_v(x)
  let ratio: Double
  /// I_{v+2}(x) / I_{v+1}(x)
  let nextRatio: Double

  init(_ x: Double, order: Double) {
    guard x >= 0, order >= 0, order.isFinite else {
      (logValue, ratio, nextRatio) = (.nan, .nan, .nan)
      return
    }
    guard x > 0 else {
      (logValue, ratio, nextRatio) = (order == 0 ? 0 : -.infinity, 0, 0)
      return
    }
    guard x.isFinite else {
      (logValue, ratio, nextRatio) = (.infinity, 1, 1)
      return
    }
    let steps = Int(max(2, (32 - order).rounded(.up)))
    let high = UniformExpansion(x, order: order + Double(steps))
    // All powers of x are left out of the sum of logarithms, so that none cancel.
    var (logValue, product) = (high.logCoefficient, high.product)
    var (ratio, nextRatio) = (0.0, 0.0)
    for step in stride(from: steps - 1, through: 0, by: -1) {
      // 2(v + 1) + x · r_{v+1}: without a quotient that is beyond all bounds for the smallest x.
      let denominator = 2 * (order + Double(step) + 1) + product
      logValue += Glibc.log(denominator)
      nextRatio = ratio
      ratio = x / denominator
      product = x * ratio
    }
    if order > 0 { logValue += order * Glibc.log(x) }
    (self.logValue, self.ratio, self.nextRatio) = (logValue, ratio, nextRatio)
  }
}

/// Olver's expansions of I_v(x) and of its derivative for a large order v, with z = x / v, w = √(1 +
/// z²), p = 1 / w and η = w + log(z / (1 + w)):
///
/// - I_v(x) = e^(vη) / √(2πvw) · Σ u_k(p) / v^k
/// - I_v′(x) = e^(vη) · w / (z √(2πvw)) · Σ v_k(p) / v^k
private struct UniformExpansion {
  /// log (I_v(x) / xᵛ)
  let logCoefficient: Double
  /// x I_{v+1}(x) / I_v(x) = x I_v′(x) / I_v(x) − v
  let product: Double

  init(_ x: Double, order: Double) {
    let w = euclideanNorm(1, x / order)
    // η − log x
    let exponent = w - Glibc.log(order) - Glibc.log1p(w)
    var (valueSum, derivativeSum) = (0.0, 0.0)
    for polynomials in Self.terms.reversed() {
      valueSum = valueSum / order + polynomials.value(1 / w)
      derivativeSum = derivativeSum / order + polynomials.derivative(1 / w)
    }
    logCoefficient =
      order * exponent - 0.5 * Glibc.log(2 * .pi * order * w) + Glibc.log(valueSum)
    product = order * (w * derivativeSum / valueSum - 1)
  }

  /// u_k and v_k for k from zero to eight, by the recurrences of DLMF 10.41.9:
  ///
  /// - u_{k+1} = ½ p² (1 − p²) u_k′ + ⅛ ∫₀ᵖ (1 − 5t²) u_k dt
  /// - v_{k+1} = u_{k+1} − ½ p (1 − p²) u_k − p² (1 − p²) u_k′
  private static let terms: [(value: Polynomial, derivative: Polynomial)] = {
    let one = Polynomial([1])
    var terms = [(value: one, derivative: one)]
    for _ in 0..<8 {
      let u = terms[terms.count - 1].value
      let bend = Polynomial([0, 0, 1, 0, -1]) * u.differentiated
      let next = Polynomial([0.5]) * bend + (Polynomial([0.125, 0, -0.625]) * u).integrated
      let derivative = next + Polynomial([0, -0.5, 0, 0.5]) * u + Polynomial([-1]) * bend
      terms.append((next, derivative))
    }
    return terms
  }()
}

/// A polynomial by its coefficients, that of the power zero first.
private struct Polynomial {
  let coefficients: [Double]

  init(_ coefficients: [Double]) { self.coefficients = coefficients }

  func callAsFunction(_ x: Double) -> Double {
    coefficients.reversed().reduce(0) { $0 * x + $1 }
  }

  var differentiated: Polynomial {
    Polynomial(coefficients.indices.dropFirst().map { coefficients[$0] * Double($0) })
  }

  var integrated: Polynomial {
    Polynomial([0] + coefficients.indices.map { coefficients[$0] / Double($0 + 1) })
  }

  static func + (a: Polynomial, b: Polynomial) -> Polynomial {
    let count = max(a.coefficients.count, b.coefficients.count)
    func padded(_ x: Polynomial) -> [Double] {
      x.coefficients + Array(repeating: 0, count: count - x.coefficients.count)
    }
    return Polynomial(zip(padded(a), padded(b)).map { $0 + $1 })
  }

  static func * (a: Polynomial, b: Polynomial) -> Polynomial {
    let count = max(0, a.coefficients.count + b.coefficients.count - 1)
    var product = [Double](repeating: 0, count: count)
    for (i, x) in a.coefficients.enumerated() {
      for (j, y) in b.coefficients.enumerated() { product[i + j] += x * y }
    }
    return Polynomial(product)
  }
}

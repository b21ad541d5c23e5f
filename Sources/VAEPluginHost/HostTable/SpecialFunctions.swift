import Glibc
import Tensors

/// Functions of single numbers that the engine has no kernels for.
enum SpecialFunctions {
  /// A function applied to every element, with its derivative.
  static func applied(
    to x: Tensor, _ function: @escaping (Double) -> Double,
    derivative: @escaping (Double) -> Double
  ) -> Tensor {
    let input = x.detached()
    return .recorded(mapped(input, function), from: [x]) { gradient in
      [gradient * mapped(input, derivative)]
    }
  }

  private static func mapped(_ x: Tensor, _ function: (Double) -> Double) -> Tensor {
    Tensor(x.shape) { output in
      x.withFloats { input in
        for (index, value) in input.enumerated() { output[index] = Float(function(Double(value))) }
      }
    }
  }

  /// log |Γ(x)|, without the sign that the C function keeps in a variable of the process.
  static func logGamma(_ x: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(x, &sign)
  }

  /// The derivative of log |Γ(x)|: ψ(x) = ψ(x + 1) − 1/x up to ten, from where the asymptotic
  /// series in 1/x² is exact to double precision; ψ(1 − x) = ψ(x) + π cot πx below zero (Abramowitz
  /// & Stegun 1964, 6.3.5, 6.3.7, 6.3.18).
  ///
  /// - Returns: NaN at the poles, which are zero and the whole numbers below it, at −∞ and at NaN.
  static func digamma(_ x: Double) -> Double {
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

  /// 2/√π · e^(−x²), the derivative of the error function.
  static func errorFunctionDerivative(_ x: Double) -> Double {
    2 / Double.pi.squareRoot() * Glibc.exp(-x * x)
  }
}

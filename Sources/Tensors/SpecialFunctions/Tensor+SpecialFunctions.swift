import Glibc

// MARK: - Functions of one's own

extension Tensor {
  /// A function of single numbers applied to every element, with its derivative: the simplest way to
  /// a function that the module does not have.
  ///
  /// Both closures compute in double precision and are rounded to single precision once, and both are
  /// called on several threads at once. The gradient of the input is the gradient of the output times
  /// the derivative at the input. For functions of several tensors, or of several elements of one, see
  /// ``custom(_:of:value:gradient:)``.
  ///
  /// ```swift
  /// // Softsign: x / (1 + |x|)
  /// let y = x.applying { $0 / (1 + abs($0)) } derivative: { 1 / ((1 + abs($0)) * (1 + abs($0))) }
  /// ```
  ///
  /// - Parameters:
  ///   - function: the value at a number, which may be NaN or infinite.
  ///   - derivative: the derivative at a number.
  /// - Returns: a tensor of this shape.
  public func applying(
    _ function: @escaping @Sendable (Double) -> Double,
    derivative: @escaping @Sendable (Double) -> Double
  ) -> Tensor {
    applying("function", function, derivative: derivative)
  }

  /// The same under a name for the profiler.
  private func applying(
    _ name: StaticString, _ function: @Sendable (Double) -> Double,
    derivative: @escaping @Sendable (Double) -> Double
  ) -> Tensor {
    let input = detached()
    return .recorded(Kernels.map(name, self, function), from: [self]) { gradient in
      [Kernels.mapBackward(name, input, gradient: gradient, derivative)]
    }
  }
}

// MARK: - Trigonometric functions

extension Tensor {
  /// The sine of every element, in radians; the gradient is cos x. NaN at ±∞.
  public func sine() -> Tensor {
    applying("sine", { Glibc.sin($0) }, derivative: { Glibc.cos($0) })
  }

  /// The cosine of every element, in radians; the gradient is −sin x. NaN at ±∞.
  public func cosine() -> Tensor {
    applying("cosine", { Glibc.cos($0) }, derivative: { -Glibc.sin($0) })
  }
}

// MARK: - The gamma function

extension Tensor {
  /// log |Γ(x)| of every element, of which the logarithms of factorials, binomial coefficients and the
  /// beta function are made.
  ///
  /// The gradient is the digamma function ψ(x). At the poles, zero and the whole numbers below it, the
  /// value is +∞ and the gradient NaN; for the formulas see ``SpecialFunctions/logGamma(_:)`` and
  /// ``SpecialFunctions/digamma(_:)``.
  ///
  /// ```swift
  /// // The log-density of a Poisson distribution, summed over the elements of each example.
  /// let logDensity = (counts * rates.log() - rates - (counts + 1).logGamma()).sum(axis: 1)
  /// ```
  public func logGamma() -> Tensor {
    applying("log gamma", SpecialFunctions.logGamma, derivative: SpecialFunctions.digamma)
  }

  /// ψ(x) = d/dx log |Γ(x)| of every element, the digamma function: the expected log-probabilities
  /// of a Dirichlet distribution are differences of it.
  ///
  /// The gradient is the trigamma function ψ′(x). At the poles, zero and the whole numbers below it,
  /// the value is NaN and the gradient +∞; for the formulas see ``SpecialFunctions/digamma(_:)`` and
  /// ``SpecialFunctions/trigamma(_:)``.
  public func digamma() -> Tensor {
    applying("digamma", SpecialFunctions.digamma, derivative: SpecialFunctions.trigamma)
  }
}

// MARK: - The error function

extension Tensor {
  /// erf x = 2/√π ∫₀ˣ e^(−t²) dt of every element; the gradient is 2/√π · e^(−x²).
  ///
  /// The distribution function of the standard normal distribution is (1 + erf(x / √2)) / 2.
  public func errorFunction() -> Tensor {
    applying(
      "error function", SpecialFunctions.errorFunction,
      derivative: SpecialFunctions.errorFunctionDerivative)
  }

  /// erfcx x = e^(x²) · (1 − erf x) of every element, the complementary error function without its
  /// exponential decay; the gradient is 2x · erfcx x − 2/√π.
  ///
  /// The logarithm of the standard normal distribution's upper tail is log(erfcx(x / √2) / 2) − x²/2,
  /// also where the tail itself is zero in single precision. About 1 / (x √π) for large x; +∞ below −9.38,
  /// where it is larger than single precision can be.
  public func scaledComplementaryErrorFunction() -> Tensor {
    applying(
      "scaled complementary error function", SpecialFunctions.scaledComplementaryErrorFunction,
      derivative: SpecialFunctions.scaledComplementaryErrorFunctionDerivative)
  }
}

// MARK: - Bessel functions

extension Tensor {
  /// log I_v(x) of every element, the logarithm of the modified Bessel function of the first kind:
  /// the normaliser of the von Mises-Fisher distribution.
  ///
  /// The gradient is v / x + I_{v+1}(x) / I_v(x). Neither value nor gradient overflow or underflow,
  /// whatever order and argument are. At x = 0 the value is −∞ and the gradient +∞, for order zero both are
  /// zero; for negative x, and for an order that is negative or not finite, both are NaN. Method and
  /// accuracy: see ``SpecialFunctions/logBesselI(_:order:)``.
  ///
  /// ```swift
  /// // log C(κ) of the von Mises-Fisher distribution in m dimensions (Davidson et al. 2018).
  /// let order = Double(m) / 2 - 1
  /// let logNormalizer = concentration.log() * Float(order)
  ///   - Float(Double(m) / 2 * log(2 * .pi)) - concentration.logBesselI(order: order)
  /// ```
  ///
  /// - Parameter order: v, a real number of at least zero.
  public func logBesselI(order: Double) -> Tensor {
    applying(
      "log Bessel", { SpecialFunctions.logBesselI($0, order: order) },
      derivative: { SpecialFunctions.logBesselIDerivative($0, order: order) })
  }

  /// A = I_{v+1}(x) / I_v(x) of every element, the ratio of two modified Bessel functions of the
  /// first kind: the mean of a von Mises-Fisher distribution along its axis, in 2(v + 1) dimensions.
  ///
  /// The gradient is 1 − A² − (2v + 1) A / x. At x = 0 the ratio is zero, and it goes to one; for negative
  /// x, and for an order that is negative or not finite, both are NaN. Method and accuracy: see
  /// ``SpecialFunctions/besselRatio(_:order:)``.
  ///
  /// - Parameter order: v, a real number of at least zero.
  public func besselRatio(order: Double) -> Tensor {
    applying(
      "Bessel ratio", { SpecialFunctions.besselRatio($0, order: order) },
      derivative: { SpecialFunctions.besselRatioDerivative($0, order: order) })
  }
}

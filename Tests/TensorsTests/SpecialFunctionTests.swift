import Glibc
import Tensors
import XCTest

final class SpecialFunctionTests: XCTestCase {
  private typealias Function = @Sendable (Tensor) -> Tensor

  private static let functions: [(name: String, range: ClosedRange<Float>, function: Function)] = [
    ("sine", -4...4, { $0.sine() }),
    ("cosine", -4...4, { $0.cosine() }),
    ("log gamma", 0.5...6, { $0.logGamma() }),
    ("log gamma below zero", -2.75 ... -2.25, { $0.logGamma() }),
    ("digamma", 0.75...6, { $0.digamma() }),
    ("digamma below zero", -1.65 ... -1.35, { $0.digamma() }),
    ("error function", -2...2, { $0.errorFunction() }),
    ("erfcx", -1...3, { $0.scaledComplementaryErrorFunction() }),
    ("log I_0", 0.25...6, { $0.logBesselI(order: 0) }),
    ("log I_0.5", 0.75...6, { $0.logBesselI(order: 0.5) }),
    ("log I_40", 2...6, { $0.logBesselI(order: 40) }),
    ("ratio of order 0", 0.25...6, { $0.besselRatio(order: 0) }),
    ("ratio of order 3.5", 0.25...6, { $0.besselRatio(order: 3.5) }),
  ]

  func testGradientsAreThoseOfFiniteDifferences() {
    for (number, each) in Self.functions.enumerated() {
      for shape in [[], [5], [2, 1, 3]] as [Shape] {
        let x = TestNumbers(seed: UInt64(number)).uniform(shape, in: each.range)
        assertGradients(each.name, [x]) { each.function($0[0]) }
      }
    }
  }

  func testValuesAndGradientsAtTheEdges() {
    let (infinity, nan) = (Float.infinity, Float.nan)
    func check(
      _ name: String, _ function: @escaping Function,
      _ cases: [(x: Float, value: Float, gradient: Float)], line: UInt = #line
    ) {
      let x = Parameter(Tensor(cases.map(\.x)))
      let output = function(x.tensor)
      let gradients = output.backward(from: .ones([cases.count]))[x]?.floats ?? []
      for (index, each) in cases.enumerated() {
        for (what, computed, expected) in [
          ("value", output.floats[index], each.value),
          ("gradient", gradients[index], each.gradient),
        ] {
          XCTAssertTrue(
            computed == expected || (computed.isNaN && expected.isNaN),
            "\(name): the \(what) at \(each.x) is \(computed), not \(expected)", line: line)
        }
      }
    }
    check("sine", { $0.sine() }, [(infinity, nan, nan), (-infinity, nan, nan), (nan, nan, nan)])
    check("cosine", { $0.cosine() }, [(infinity, nan, nan), (nan, nan, nan), (0, 1, 0)])
    check(
      "log gamma", { $0.logGamma() },
      [
        (0, infinity, nan), (-3, infinity, nan), (infinity, infinity, infinity),
        (-infinity, infinity, nan), (nan, nan, nan),
      ])
    check(
      "digamma", { $0.digamma() },
      [
        (0, nan, infinity), (-3, nan, infinity), (infinity, infinity, 0), (-infinity, nan, nan),
        (nan, nan, nan), (-1e30, nan, infinity),
      ])
    check(
      "erf", { $0.errorFunction() }, [(infinity, 1, 0), (-infinity, -1, 0), (nan, nan, nan)])
    check(
      "erfcx", { $0.scaledComplementaryErrorFunction() },
      [
        (infinity, 0, 0), (-infinity, infinity, -infinity), (-20, infinity, -infinity),
        (nan, nan, nan),
      ])
    check(
      "log I_2", { $0.logBesselI(order: 2) },
      [
        (0, -infinity, infinity), (-0.0, -infinity, infinity), (infinity, infinity, 1),
        (-1, nan, nan),
        (-infinity, nan, nan), (nan, nan, nan),
      ])
    check("log I_0", { $0.logBesselI(order: 0) }, [(0, 0, 0), (infinity, infinity, 1)])
    check(
      "ratio of order 1", { $0.besselRatio(order: 1) },
      [(0, 0, 0.25), (infinity, 1, 0), (-1, nan, nan), (nan, nan, nan)])
    for order in [-1, -.infinity, .infinity, .nan] as [Double] {
      check("log I_\(order)", { $0.logBesselI(order: order) }, [(0, nan, nan), (1, nan, nan)])
      check(
        "ratio of order \(order)", { $0.besselRatio(order: order) }, [(0, nan, nan), (1, nan, nan)])
    }
  }

  func testNoNumberStopsTheProcess() {
    let odd: [Float] = [
      0, -0.0, 1, -1, -0.5, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .infinity, -.infinity, .nan, 1e20, -1e20,
    ]
    let x = Parameter(Tensor(odd))
    let bessel: [Function] = [0, 0.5, 31, 2048, 1e15, 1e300, .greatestFiniteMagnitude].flatMap {
      (order: Double) -> [Function] in
      [{ $0.logBesselI(order: order) }, { $0.besselRatio(order: order) }]
    }
    for function in Self.functions.map(\.function) + bessel {
      let output = function(x.tensor)
      XCTAssertEqual(output.backward(from: .ones(output.shape))[x]?.count, odd.count)
    }
    for x in [.leastNonzeroMagnitude, 1e-300, 1e300] as [Double] {
      XCTAssertTrue(SpecialFunctions.logBesselI(x, order: 1.5).isFinite, "\(x)")
      XCTAssertTrue((0...1).contains(SpecialFunctions.besselRatio(x, order: 1.5)), "\(x)")
    }
    XCTAssertEqual(
      SpecialFunctions.logBesselI(.leastNonzeroMagnitude, order: 0), 0, accuracy: 1e-12)
    XCTAssertEqual(
      SpecialFunctions.besselRatio(.greatestFiniteMagnitude, order: 1.5), 1, accuracy: 1e-12)
  }

  /// Half-integer orders have closed forms: I_{1/2}(x) = √(2/πx) sinh x, I_{3/2}(x) = √(2/πx) (cosh x −
  /// sinh x / x).
  func testBesselFunctionsOfHalfIntegerOrders() {
    for x in stride(from: 0.5, through: 40, by: 0.37) {
      let exact = 0.5 * log(2 / (.pi * x)) + log(sinh(x))
      XCTAssertEqual(SpecialFunctions.logBesselI(x, order: 0.5), exact, accuracy: 1e-12)
      XCTAssertEqual(
        SpecialFunctions.besselRatio(x, order: 0.5), 1 / tanh(x) - 1 / x, accuracy: 1e-14)
    }
  }

  /// The recurrence I_{v−1} − I_{v+1} = 2v/x · I_v, across the order at which the expansions begin.
  func testBesselRatiosOfNeighboursAgree() {
    for order in [0.25, 7, 29.5, 30, 30.5, 31, 31.5, 32, 33, 200] {
      for x in [0.01, 1, 20, 300, 5000] {
        let (here, next) = (
          SpecialFunctions.besselRatio(x, order: order),
          SpecialFunctions.besselRatio(x, order: order + 1)
        )
        XCTAssertEqual(here * (2 * (order + 1) / x + next), 1, accuracy: 1e-13)
        let difference =
          SpecialFunctions.logBesselI(x, order: order + 1)
          - SpecialFunctions.logBesselI(x, order: order)
        XCTAssertEqual(exp(difference), here, accuracy: 1e-11 * here)
      }
    }
  }

  /// log C(κ), A(κ) and the divergence from the uniform distribution of the von Mises-Fisher
  /// distribution in m dimensions (Davidson et al. 2018), computed with mpmath.
  func testTheVonMisesFisherDistribution() {
    let cases: [(m: Double, kappa: Double, logC: Double, mean: Double, divergence: Double)] = [
      (3, 1, -2.69246361, 0.31303529, 0.15159592), (5, 2, -3.64980304, 0.36110665, 0.34269928),
      (10, 5, -4.38248758, 0.42245015, 0.96850596),
      (50, 100, -29.32201834, 0.78366072, 23.57071842),
      (1000, 100, 2027.08238506, 0.09902140, 4.92676437),
      (2048, 10, 4898.35944888, 0.00488270, 0.02441319),
    ]
    for (m, kappa, logC, mean, divergence) in cases {
      let order = m / 2 - 1
      let value =
        order * log(kappa) - m / 2 * log(2 * .pi) - SpecialFunctions.logBesselI(kappa, order: order)
      let ratio = SpecialFunctions.besselRatio(kappa, order: order)
      let logArea = log(2) + m / 2 * log(.pi) - SpecialFunctions.logGamma(m / 2)
      XCTAssertEqual(value, logC, accuracy: 6e-9)
      XCTAssertEqual(ratio, mean, accuracy: 6e-9)
      XCTAssertEqual(kappa * ratio + value + logArea, divergence, accuracy: 6e-9)
    }
  }

  func testTrigammaIsTheSlopeOfDigamma() {
    for x in [-3.3, -0.4, 0.2, 1, 4.5, 9.99, 10.01, 30] {
      let h = 1e-5
      let slope = (SpecialFunctions.digamma(x + h) - SpecialFunctions.digamma(x - h)) / (2 * h)
      XCTAssertEqual(SpecialFunctions.trigamma(x), slope, accuracy: 1e-7 * max(1, slope))
    }
    XCTAssertEqual(SpecialFunctions.trigamma(1), .pi * .pi / 6, accuracy: 1e-14)
  }

  func testShortMemoryIsAnErrorWhereverItIsMet() {
    let x = Parameter(Tensor.ones([70, 300]))
    assertEveryRefusalIsAnError("log gamma") { x.tensor.logGamma().sum().backward()[x] }
  }
}

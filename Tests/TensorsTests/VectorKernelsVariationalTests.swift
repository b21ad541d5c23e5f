import CVectorKernels
import XCTest

final class VectorKernelsVariationalTests: VectorKernelsTestCase {
  // MARK: Reparameterisation

  func testReparameterizedDrawsEqualTheirFormula() {
    for (samples, n) in [(1, 0), (1, 3), (3, 17), (1, 20_000), (5, 9000)] {
      let mean = numbers(n, seed: 50), lv = numbers(n, seed: 51),
        noise = numbers(samples * n, seed: 52)
      let expected = noise.indices.map {
        Double(mean[$0 % n]) + exp(Double(lv[$0 % n]) / 2) * Double(noise[$0])
      }
      check("\(samples) draws of \(n)", expected) {
        var z = unwritten(samples * n)
        vk_reparameterize(mean, lv, noise, &z, samples, n)
        return z
      }
    }
  }

  func testReparameterizationGradientsAreSummedOverDraws() {
    for (samples, n) in [(1, 0), (1, 3), (3, 17), (1, 20_000), (5, 9000)] {
      let lv = numbers(n, seed: 53), noise = numbers(samples * n, seed: 54)
      let dz = numbers(samples * n, seed: 55)
      var dmean = [Double](repeating: 0, count: n), dlv = dmean
      for i in noise.indices {
        dmean[i % n] += Double(dz[i])
        dlv[i % n] += Double(dz[i]) * Double(noise[i]) * exp(Double(lv[i % n]) / 2) / 2
      }
      check("\(samples) draws of \(n)", dmean + dlv, absolute: 4e-6) {
        var means = unwritten(n), variances = unwritten(n)
        vk_reparameterize_backward(lv, noise, dz, &means, &variances, samples, n)
        return means + variances
      }
    }
  }

  // MARK: Densities and divergences

  func testDensitiesAndDivergencesAreSumsOfTheirTerms() {
    for density in Density.all {
      for (samples, rows, columns) in Density.shapes where samples == 1 || density.takesSamples {
        let inputs = density.inputs(samples, rows, columns)
        let expected = (0..<samples * rows).map { row in
          (0..<columns).reduce(0) { total, c in
            total + density.term(density.arguments(inputs, row * columns + c))
          }
        }
        let what = "\(density.name) of \([samples, rows, columns])"
        check(what, expected, absolute: 2e-6 * Double(columns)) {
          var out = unwritten(samples * rows)
          density.forward(inputs, &out, samples, rows, columns)
          return out
        }
      }
    }
  }

  func testGradientsOfDensitiesEqualDifferenceQuotientsSummedOverDraws() {
    for density in Density.all {
      for (samples, rows, columns) in Density.shapes where samples == 1 || density.takesSamples {
        let inputs = density.inputs(samples, rows, columns)
        let dout = numbers(samples * rows, seed: 61)
        var expected = inputs.map { [Double](repeating: 0, count: $0.count) }
        for element in 0..<samples * rows * columns {
          let slopes = gradient(at: density.arguments(inputs, element), of: density.term)
          for (input, value) in slopes.enumerated() {
            let position = element % inputs[input].count
            expected[input][position] += Double(dout[element / columns]) * value
          }
        }
        let wanted = density.gradients.flatMap { expected[$0] }
        let what = "\(density.name) of \([samples, rows, columns])"
        check(what, wanted, relative: 2e-5, absolute: 2e-5) {
          let gradients = written(inputs.map(\.count)) {
            density.backward(inputs, dout, $0, samples, rows, columns)
          }
          return density.gradients.flatMap { gradients[$0] }
        }
      }
    }
  }

  func testUnwantedGradientsOfTheGaussianDensityAreNotWritten() {
    let inputs = (0..<3).map { numbers(60, seed: 70 + $0) }
    let dout = numbers(3, seed: 73)
    for set in Self.instructionSets {
      vk_isa_select(set)
      let all = written([60, 60, 60]) {
        vk_gaussian_log_density_backward(
          inputs[0], 1, inputs[1], 1, inputs[2], 1, dout, $0[0], $0[1], $0[2], 1, 3, 20)
      }
      var mean = unwritten(60)
      vk_gaussian_log_density_backward(
        inputs[0], 1, inputs[1], 1, inputs[2], 1, dout, nil, &mean, nil, 1, 3, 20)
      XCTAssertEqual(mean, all[1])
    }
  }

  func testSquaredErrorGradientWithoutData() {
    check("squared error", [4, -8]) {
      var dmean = unwritten(2)
      vk_squared_error_backward([1, 5], [2, 3], [2], nil, &dmean, 1, 1, 2)
      return dmean
    }
  }

  func testBernoulliDensityIsStableForLargeLogits() {
    let logits: [Float] = [-1000, -100, 0, 100, 1000], x: [Float] = [1, 1, 1, 1, 1]
    check("large logits", [-1000, -100, -log(2), 0, 0]) {
      var out = unwritten(5)
      vk_bernoulli_log_density(x, logits, &out, 1, 5, 1)
      return out
    }
  }

  func testDivergenceOfAnUnusedLatentKeepsItsDigits() {
    // e^lv - 1 - lv is about lv^2 / 2, far below the rounding of e^lv.
    let lv: [Float] = [1e-3, -1e-3]
    let expected = lv.map { 0.5 * (expm1(Double($0)) - Double($0)) }
    check("divergence", expected, relative: 2e-4, absolute: 0) {
      var out = unwritten(2)
      vk_gaussian_kl_standard([0, 0], lv, &out, 2, 1)
      return out
    }
  }

  /// Arrays of these sizes as `write` leaves them.
  private func written(
    _ sizes: [Int], _ write: ([UnsafeMutablePointer<Float>]) -> Void
  ) -> [[Float]] {
    let arrays = sizes.map { size in
      let array = UnsafeMutablePointer<Float>.allocate(capacity: size)
      array.initialize(repeating: .nan, count: size)
      return array
    }
    defer { arrays.forEach { $0.deallocate() } }
    write(arrays)
    return zip(arrays, sizes).map { Array(UnsafeBufferPointer(start: $0, count: $1)) }
  }

  /// A term of several inputs, its kernels, and which inputs have draws of their own.
  private struct Density {
    let name: String
    let ownDraws: [Bool]
    let takesSamples: Bool
    var gradients: [Int]
    let term: ([Double]) -> Double
    let forward: ([[Float]], inout [Float], Int, Int, Int) -> Void
    let backward: ([[Float]], [Float], [UnsafeMutablePointer<Float>], Int, Int, Int) -> Void

    /// Draws, rows, columns.
    static let shapes = [
      (1, 0, 3), (1, 3, 0), (1, 1, 1), (1, 3, 17), (1, 900, 20), (1, 9, 2100), (3, 5, 7),
      (4, 30, 90),
      (2, 2, 1500),
    ]

    func inputs(_ samples: Int, _ rows: Int, _ columns: Int) -> [[Float]] {
      ownDraws.enumerated().map { index, own in
        numbers((own ? samples : 1) * rows * columns, seed: 80 + UInt64(index))
      }
    }

    func arguments(_ inputs: [[Float]], _ element: Int) -> [Double] {
      inputs.map { Double($0[element % $0.count]) }
    }

    static var all: [Density] {
      let logTwoPi = log(2 * Double.pi)
      let gaussians = [
        [true, true, true], [false, true, true], [true, false, false], [false, true, false],
        [false, false, false],
      ].map { own in
        Density(
          name: "Gaussian density, own draws \(own)", ownDraws: own, takesSamples: true,
          gradients: [0, 1, 2],
          term: { -0.5 * (logTwoPi + $0[2] + ($0[0] - $0[1]) * ($0[0] - $0[1]) * exp(-$0[2])) },
          forward: { inputs, out, samples, rows, columns in
            let draws = own.map { $0 ? samples : 1 }
            vk_gaussian_log_density(
              inputs[0], draws[0], inputs[1], draws[1], inputs[2], draws[2], &out, samples, rows,
              columns)
          },
          backward: { inputs, dout, gradients, samples, rows, columns in
            let draws = own.map { $0 ? samples : 1 }
            vk_gaussian_log_density_backward(
              inputs[0], draws[0], inputs[1], draws[1], inputs[2], draws[2], dout, gradients[0],
              gradients[1], gradients[2], samples, rows, columns)
          })
      }
      return gaussians + [
        Density(
          name: "KL to the standard normal", ownDraws: [false, false], takesSamples: false,
          gradients: [0, 1], term: { 0.5 * ($0[0] * $0[0] + exp($0[1]) - 1 - $0[1]) },
          forward: { vk_gaussian_kl_standard($0[0], $0[1], &$1, $3, $4) },
          backward: { inputs, dout, gradients, _, rows, columns in
            vk_gaussian_kl_standard_backward(
              inputs[0], inputs[1], dout, gradients[0], gradients[1], rows, columns)
          }),
        Density(
          name: "KL of two Gaussians", ownDraws: [false, false, false, false], takesSamples: false,
          gradients: [0, 1, 2, 3],
          term: {
            let difference = $0[0] - $0[2]
            return 0.5 * ($0[3] - $0[1] + (exp($0[1]) + difference * difference) / exp($0[3]) - 1)
          },
          forward: { vk_gaussian_kl($0[0], $0[1], $0[2], $0[3], &$1, $3, $4) },
          backward: { inputs, dout, gradients, _, rows, columns in
            vk_gaussian_kl_backward(
              inputs[0], inputs[1], inputs[2], inputs[3], dout, gradients[0], gradients[1],
              gradients[2], gradients[3], rows, columns)
          }),
        Density(
          name: "Bernoulli density", ownDraws: [false, true], takesSamples: true, gradients: [1],
          term: { $0[0] * $0[1] - max($0[1], 0) - log1p(exp(-$0[1].magnitude)) },
          forward: { vk_bernoulli_log_density($0[0], $0[1], &$1, $2, $3, $4) },
          backward: { inputs, dout, gradients, samples, rows, columns in
            vk_bernoulli_log_density_backward(
              inputs[0], inputs[1], dout, gradients[1], samples, rows, columns)
          }),
        Density(
          name: "squared error", ownDraws: [false, true], takesSamples: true, gradients: [0, 1],
          term: { ($0[0] - $0[1]) * ($0[0] - $0[1]) },
          forward: { vk_squared_error($0[0], $0[1], &$1, $2, $3, $4) },
          backward: { inputs, dout, gradients, samples, rows, columns in
            vk_squared_error_backward(
              inputs[0], inputs[1], dout, gradients[0], gradients[1], samples, rows, columns)
          }),
      ]
    }
  }
}

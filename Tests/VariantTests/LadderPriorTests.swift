import Foundation
import LadderVAE
import VAEZoo
import XCTest

/// A ladder of three levels whose way down is followed by hand, in double precision.
final class LadderPriorTests: XCTestCase {
  private typealias Path = (transition: Dense, head: Dense)

  /// The one nearest to the data first.
  private let levels = [3, 2, 2]
  private let examples = 3
  private let random = RandomSource(seed: 12)

  private func path(_ name: String, to level: Int) -> Path {
    let random = random.child("\(name)\(level)")
    let path = (
      transition: Dense(
        inputs: levels[level + 1], outputs: 4, activation: .tanh,
        random: random.child("transition")),
      head: Dense(inputs: 4, outputs: 2 * levels[level], random: random.child("head"))
    )
    for bias in [path.transition.bias, path.head.bias] {
      bias.value = random.stream("bias").normal(bias.shape)
    }
    return path
  }

  private var generative: [Path] { [path("step", to: 0), path("step", to: 1)] }
  private var separate: [Path] { [path("inference", to: 0), path("inference", to: 1)] }

  private func prior(separate: [Path]? = nil) -> LadderPrior {
    LadderPrior(
      levels: levels.map { [$0] },
      steps: generative.enumerated().map { level, path in
        LadderPrior.Step(
          transition: path.transition, head: path.head,
          separate: separate.map {
            .init(transition: $0[level].transition, head: $0[level].head)
          })
      })
  }

  private var posterior: LadderPosterior {
    LadderPosterior(
      messages: levels.enumerated().map { level, units in
        let random = random.child("message\(level)")
        return DiagonalGaussian(
          mean: random.stream("mean").normal([examples, units]),
          logVariance: random.stream("variance").normal([examples, units]))
      })
  }

  // MARK: By hand

  private struct Gaussian {
    var mean: [Double]
    var logVariance: [Double]

    /// Precisions add; means are weighted by them.
    func merged(with other: Gaussian) -> Gaussian {
      var result = self
      for index in mean.indices {
        let (a, b) = (exp(-logVariance[index]), exp(-other.logVariance[index]))
        result.mean[index] = (mean[index] * a + other.mean[index] * b) / (a + b)
        result.logVariance[index] = -log(a + b)
      }
      return result
    }

    /// KL(self ‖ other) = ½ Σ [log σₚ² − log σ² + (σ² + (μ − μₚ)²) / σₚ² − 1].
    func divergence(from other: Gaussian) -> Double {
      mean.indices.reduce(0) { sum, index in
        let distance = mean[index] - other.mean[index]
        return sum + 0.5
          * (other.logVariance[index] - logVariance[index] - 1
            + (exp(logVariance[index]) + distance * distance) / exp(other.logVariance[index]))
      }
    }

    func logDensity(_ z: [Double]) -> Double {
      mean.indices.reduce(0) { sum, index in
        let distance = z[index] - mean[index]
        return sum - 0.5
          * (log(2 * Double.pi) + logVariance[index]
            + distance * distance / exp(logVariance[index]))
      }
    }
  }

  private func row(_ tensor: Tensor, _ number: Int) -> [Double] {
    let width = tensor.shape[1]
    return tensor.floats[number * width..<(number + 1) * width].map(Double.init)
  }

  private func applied(_ layer: Dense, to input: [Double]) -> [Double] {
    let weights = layer.weights.value.floats.map(Double.init)
    let bias = layer.bias.value.floats.map(Double.init)
    return bias.indices.map { output in
      input.indices.reduce(bias[output]) { $0 + input[$1] * weights[$1 * bias.count + output] }
    }
  }

  private func belief(_ path: Path, given above: [Double]) -> Gaussian {
    let output = applied(path.head, to: applied(path.transition, to: above).map(tanh))
    let units = output.count / 2
    return Gaussian(mean: Array(output[..<units]), logVariance: Array(output[units...]))
  }

  /// Posterior and prior of every level in a row of a draw, given what the draw holds above.
  private func expected(
    _ draw: LatentDraw, row number: Int, separate: [Path]?
  ) -> [(posterior: Gaussian, prior: Gaussian)] {
    levels.indices.map { level in
      let message = posterior.messages[level]
      let own = Gaussian(
        mean: row(message.means, number % examples),
        logVariance: row(message.logVariance, number % examples))
      guard level + 1 < levels.count else {
        let zeros = [Double](repeating: 0, count: levels[level])
        return (own, Gaussian(mean: zeros, logVariance: zeros))
      }
      let above = row(draw.layers[level + 1].sample, number)
      let prior = belief(generative[level], given: above)
      let inference = separate.map { belief($0[level], given: above) } ?? prior
      return (own.merged(with: inference), prior)
    }
  }

  private func draw(
    _ prior: LadderPrior, samples: Int, sampled: Bool = false, units: Bool = false
  ) -> LatentDraw {
    var request = DrawRequest()
    request.samples = samples
    request.usesSampledRate = sampled
    request.wantsUnitRates = units
    return prior.draw(from: posterior, request, SmallModels.context(examples, .training))
  }

  // MARK: Rates

  func testEveryLevelPaysItsDivergenceFromThePriorGivenTheDrawAbove() {
    for separate in [nil, separate] {
      let draw = draw(prior(separate: separate), samples: 2)
      for number in 0..<2 * examples {
        let rates = expected(draw, row: number, separate: separate).map {
          $0.posterior.divergence(from: $0.prior)
        }
        for (level, rate) in rates.enumerated() {
          XCTAssertEqual(
            Double(draw.layers[level].rate.floats[number]), rate, accuracy: 1e-4 * max(1, rate),
            "row \(number), level \(level + 1)")
        }
        XCTAssertEqual(
          Double(draw.rate.floats[number]), rates.reduce(0, +), accuracy: 1e-3)
      }
    }
  }

  func testASampledRateIsTheDifferenceOfTheLogDensitiesOfTheDraw() throws {
    for separate in [nil, separate] {
      let draw = draw(prior(separate: separate), samples: 2, sampled: true)
      for number in 0..<2 * examples {
        for (level, pair) in expected(draw, row: number, separate: separate).enumerated() {
          let layer = draw.layers[level]
          let z = row(layer.sample, number)
          let (logPosterior, logPrior) = (
            pair.posterior.logDensity(z), pair.prior.logDensity(z)
          )
          XCTAssertEqual(
            Double(try XCTUnwrap(layer.logPosterior).floats[number]), logPosterior,
            accuracy: 1e-3)
          XCTAssertEqual(
            Double(try XCTUnwrap(layer.logPrior).floats[number]), logPrior, accuracy: 1e-3)
          XCTAssertEqual(
            Double(layer.rate.floats[number]), logPosterior - logPrior, accuracy: 1e-3)
        }
      }
    }
  }

  func testRatesOfUnitsAreAveragedOverDrawsAndAddUpToTheRateOfTheLevel() throws {
    for samples in [1, 4] {
      for layer in draw(prior(), samples: samples, units: true).layers {
        let units = try XCTUnwrap(layer.unitRates)
        XCTAssertEqual(units.shape, [examples, layer.sample.shape[1]])
        for example in 0..<examples {
          let rates = (0..<samples).map {
            Double(layer.rate.floats[$0 * examples + example])
          }
          XCTAssertEqual(
            row(units, example).reduce(0, +), rates.reduce(0, +) / Double(samples),
            accuracy: 1e-4)
        }
      }
    }
  }

  func testDrawsHaveTheMomentsOfTheMergedPosterior() throws {
    let samples = 600
    let draw = draw(prior(), samples: samples)
    for level in levels.indices {
      // Standardised by what was drawn above in its own row, every element is standard normal.
      var values: [Double] = []
      for number in 0..<samples * examples {
        let gaussian = expected(draw, row: number, separate: nil)[level].posterior
        let z = row(draw.layers[level].sample, number)
        values += z.indices.map {
          (z[$0] - gaussian.mean[$0]) / exp(gaussian.logVariance[$0] / 2)
        }
      }
      let mean = Estimate(of: values)
      XCTAssertEqual(
        mean.mean, 0, accuracy: 4 * (try XCTUnwrap(mean.standardError)), "level \(level + 1)")
      let square = Estimate(of: values.map { $0 * $0 })
      XCTAssertEqual(
        square.mean, 1, accuracy: 4 * (try XCTUnwrap(square.standardError)), "level \(level + 1)")
    }
  }

  // MARK: Generation

  func testGenerationWalksTheGenerativePathAndTemperatureScalesItsDeviations() {
    let context = SmallModels.context(examples)
    let prior = prior(separate: separate)
    var deviations: [[[Double]]] = []
    for temperature in [0, 0.5, 1] as [Float] {
      let draw = prior.draw(temperature: temperature, context)
      XCTAssertNil(draw.features)
      XCTAssertEqual(draw.rate.floats, [0, 0, 0])
      deviations.append(
        levels.indices.map { level in
          (0..<examples).flatMap { number -> [Double] in
            let gaussian = expected(draw, row: number, separate: nil)[level].prior
            let z = row(draw.layers[level].sample, number)
            return z.indices.map {
              (z[$0] - gaussian.mean[$0]) / exp(gaussian.logVariance[$0] / 2)
            }
          }
        })
    }
    for level in levels.indices {
      for index in deviations[0][level].indices {
        XCTAssertEqual(deviations[0][level][index], 0, accuracy: 1e-5)
        XCTAssertEqual(
          2 * deviations[1][level][index], deviations[2][level][index], accuracy: 1e-4)
      }
      XCTAssertGreaterThan(deviations[2][level].map(abs).max() ?? 0, 0.3)
    }
  }
}

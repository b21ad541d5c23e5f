import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

final class LikelihoodTests: XCTestCase {
  func testAColumnsOptimalDeviationIsThatOfItsKnownValuesHoweverFewBatchesHaveSome() throws {
    let likelihood = GaussianLikelihood(.optimal, columns: 2)
    let calibration = Calibration()
    // The second column is known in one row of six, with an error of 3.
    let errors: [[Float]] = [[1, 3, -1, 0], [1, 0, -1, 0], [1, 0, -1, 0]]
    let known: [[Float]] = [[1, 1, 1, 0], [1, 0, 1, 0], [1, 0, 1, 0]]
    for (values, mask) in zip(errors, known) {
      var context = Context(
        mode: .calibration, random: RandomSource(seed: 1), examples: [0, 1])
      context.calibration = calibration
      _ = likelihood.logDensity(
        Tensor(values, shape: [2, 1, 2, 1]), parameters: .zeros([2, 1, 2, 1]),
        ofElements: Tensor(mask, shape: [2, 1, 2, 1]), context)
    }
    likelihood.recalibrate(calibration)
    let variance = try XCTUnwrap(likelihood.buffers.first).buffer.value.floats
    XCTAssertEqual(variance[0], 1, accuracy: 1e-4)
    XCTAssertEqual(variance[1], 9, accuracy: 1e-3)
  }

  private func context(_ mode: Context.Mode = .evaluation, count: Int = 1) -> Context {
    Context(mode: mode, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  private func logDensity(
    _ likelihood: any Likelihood, _ x: Float, _ parameter: Float, _ mode: Context.Mode = .evaluation
  ) -> Double {
    let shape: Shape = [1, 1, 1, 1]
    return Double(
      likelihood.logDensity(
        Tensor([x], shape: shape), parameters: Tensor([parameter], shape: shape), context(mode)
      ).item)
  }

  func testBernoulliProbabilitiesSumToOneAtAnyLogit() {
    for logit: Float in [-100, -20, -1, 0, 0.3, 5, 80] {
      let sum = [Float(0), 1].reduce(0.0) {
        $0 + exp(logDensity(BernoulliLikelihood(), $1, logit))
      }
      XCTAssertEqual(sum, 1, accuracy: 1e-6, "logit \(logit)")
    }
  }

  func testGaussianDensitiesIntegrateToOneForEveryDeviationAndLink() {
    for sigma: Float in [0.01, 0.3, 1, 20] {
      for link in GaussianLikelihood.Link.allCases {
        let likelihood = GaussianLikelihood(.fixed(sigma), link: link)
        let mean = likelihood.mean(Tensor([0.4], shape: [1, 1, 1, 1])).item
        let steps = 4000
        let width = Double(sigma) * 16 / Double(steps)
        let integral = (0..<steps).reduce(0.0) { total, step in
          let x = Double(mean) + (Double(step) + 0.5) * width - Double(sigma) * 8
          return total + exp(logDensity(likelihood, Float(x), 0.4)) * width
        }
        XCTAssertEqual(integral, 1, accuracy: 2e-3, "sigma \(sigma), \(link)")
      }
    }
  }

  func testTheGaussianHasItsConstant() {
    XCTAssertEqual(
      logDensity(GaussianLikelihood(.fixed(2)), 3, 1),
      -0.5 * (log(2 * Double.pi * 4) + 1), accuracy: 1e-5)
  }

  func testALearntDeviationBeginsAtThatOfTheDataHoweverLargeOrSmall() {
    for deviation: Float in [1e-8, 0.004, 0.2, 1, 30, 1e6, 1e15] {
      let likelihood = GaussianLikelihood(.learnt)
      let batches = [Tensor([deviation], shape: [1, 1, 1, 1]), Tensor([-deviation])]
      likelihood.prepare(firstBatches: batches, context: context(.training, count: 1))
      let expected = max(exp(-6), deviation)
      XCTAssertEqual(likelihood.currentDeviation / expected, 1, accuracy: 2e-3, "\(deviation)")
    }
  }

  func testALearntDeviationIsNearOneWithoutDataAndHasASoftFloor() {
    let likelihood = GaussianLikelihood(.learnt)
    XCTAssertEqual(likelihood.currentDeviation, 1, accuracy: 0.01)
    likelihood.parameters[0].parameter.value = Tensor(-1000)
    XCTAssertEqual(likelihood.currentDeviation, exp(-6), accuracy: 1e-5)
  }

  func testTheOptimalDeviationIsTheBatchsInTrainingAndTheCalibratedOneInEvaluation() {
    let likelihood = GaussianLikelihood(.optimal)
    let x = Tensor([1, 2, 3, 6], shape: [2, 1, 2, 1])
    let parameters = Tensor.zeros([2, 1, 2, 1])
    let meanSquare = 50.0 / 4
    let training = likelihood.logDensity(x, parameters: parameters, context(.training, count: 2))
    let expected = -0.5 * (4 * log(2 * Double.pi * meanSquare) + 50 / meanSquare)
    XCTAssertEqual(training.doubleSum, expected, accuracy: 1e-4)

    var calibrating = context(.calibration, count: 2)
    let calibration = Calibration()
    calibrating.calibration = calibration
    _ = likelihood.logDensity(x * 2, parameters: parameters, calibrating)
    XCTAssertEqual(likelihood.currentDeviation, 1)
    likelihood.recalibrate(calibration)
    XCTAssertEqual(
      Double(likelihood.currentDeviation), (4 * meanSquare).squareRoot(), accuracy: 1e-3)
    let evaluated = likelihood.logDensity(x, parameters: parameters, context(count: 2)).doubleSum
    XCTAssertEqual(
      evaluated, -0.5 * (4 * log(2 * Double.pi * 4 * meanSquare) + 50 / (4 * meanSquare)),
      accuracy: 1e-3)
  }

  func testDrawsHaveTheMeanAndDeviationOfTheirDistribution() {
    let count = 20_000
    let bernoulli = BernoulliLikelihood().sample(
      Tensor(repeating: 1, shape: [count, 1, 1, 1]), [1, 1, 1], context(count: count)
    ).floats
    XCTAssertEqual(Set(bernoulli), [0, 1])
    XCTAssertEqual(bernoulli.reduce(0, +) / Float(count), 0.7311, accuracy: 0.013)
    let gaussian = GaussianLikelihood(.fixed(0.5)).sample(
      Tensor(repeating: 2, shape: [count, 1, 1, 1]), [1, 1, 1], context(count: count)
    ).floats.map { Double($0) }
    let mean = gaussian.reduce(0, +) / Double(count)
    let variance = gaussian.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
    XCTAssertEqual(mean, 2, accuracy: 0.015)
    XCTAssertEqual(variance, 0.25, accuracy: 0.011)
  }

  func testParametersWithAMeanHaveThatMean() throws {
    let mean = Tensor([0.1, 0.5, 0.9], shape: [1, 3, 1])
    var likelihoods: [any Likelihood] = [BernoulliLikelihood()]
    likelihoods += GaussianLikelihood.Link.allCases.map { GaussianLikelihood(.fixed(1), link: $0) }
    for likelihood in likelihoods {
      let parameters = try XCTUnwrap(likelihood.parameters(withMean: mean))
      for (found, wanted) in zip(likelihood.mean(parameters).floats, mean.floats) {
        XCTAssertEqual(found, wanted, accuracy: 1e-5, "\(likelihood)")
      }
    }
  }
}

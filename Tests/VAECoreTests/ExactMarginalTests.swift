import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// A linear-Gaussian model, whose marginal likelihood is known: x = W z + b + σ ε with z ~ N(0, I)
/// of two units and orthogonal columns of W, so that the exact posterior has independent units.
final class ExactMarginalTests: XCTestCase {
  private static let sigma = 0.7
  private static let columns: [[Double]] = [[1.2, 0, -0.5, 0.3], [0.5, 0.8, 1.2, 0]]
  private static let bias: [Double] = [0.1, -0.2, 0.3, 0.4]

  /// The exact posterior, or one whose means are moved and whose variances are scaled.
  private final class LinearEncoder: Encoder {
    let shift: Float
    let scale: Float
    var members: Members { [:] }

    init(shift: Float = 0, scale: Float = 1) {
      self.shift = shift
      self.scale = scale
    }

    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      let (sigma, columns) = (ExactMarginalTests.sigma, ExactMarginalTests.columns)
      let rows = x.flattened().floats
      var means: [Float] = []
      var logVariances: [Float] = []
      for row in 0..<x.shape[0] {
        for column in columns {
          let precision = zip(column, column).reduce(1) { $0 + $1.0 * $1.1 / (sigma * sigma) }
          let projection = column.enumerated().reduce(0.0) {
            $0 + $1.element
              * (Double(rows[4 * row + $1.offset]) - ExactMarginalTests.bias[$1.offset])
          }
          means.append(Float(projection / (sigma * sigma) / precision) + shift)
          logVariances.append(Float(-Foundation.log(precision)) + Foundation.log(scale))
        }
      }
      let shape: Shape = [x.shape[0], 2]
      return DiagonalGaussian(
        mean: Tensor(means, shape: shape), logVariance: Tensor(logVariances, shape: shape))
    }
  }

  private final class LinearDecoder: Decoder {
    var members: Members { [:] }

    func decode(_ draw: LatentDraw, target: Tensor?, _ context: Context) -> Tensor {
      let weights = Tensor(
        ExactMarginalTests.columns.flatMap { $0.map(Float.init) }, shape: [2, 4])
      let output = draw.decoderInput.dense(
        weights: weights, bias: Tensor(ExactMarginalTests.bias.map(Float.init)))
      return output.reshaped(to: [draw.rowCount, 2, 2, 1])
    }
  }

  private func model(_ encoder: LinearEncoder) -> Model {
    Model(
      encoder: encoder, prior: StandardNormalPrior(units: 2), decoder: LinearDecoder(),
      likelihood: GaussianLikelihood(.fixed(Float(Self.sigma))))
  }

  private let x = Tensor(
    [0.3, -1, 0.4, 2, 0, 0, 0, 0, -1.5, 0.7, 2.2, -0.1], shape: [3, 2, 2, 1])

  /// log N(x; b, W Wᵀ + σ² I): W's columns are orthogonal, so its eigenvectors are theirs and the
  /// rest.
  private func logMarginals() -> [Double] {
    let variance = Self.sigma * Self.sigma
    let squares = Self.columns.map { $0.reduce(0) { $0 + $1 * $1 } }
    let values = x.floats.map(Double.init)
    return (0..<3).map { row in
      let centered = (0..<4).map { values[4 * row + $0] - Self.bias[$0] }
      var quadratic = centered.reduce(0) { $0 + $1 * $1 } / variance
      var logDeterminant = 2 * Foundation.log(variance)
      for (column, square) in zip(Self.columns, squares) {
        let projection = zip(column, centered).reduce(0) { $0 + $1.0 * $1.1 }
        quadratic += projection * projection / square * (1 / (square + variance) - 1 / variance)
        logDeterminant += Foundation.log(square + variance)
      }
      return -0.5 * (quadratic + logDeterminant + 4 * Foundation.log(2 * Double.pi))
    }
  }

  private func context() -> Context {
    Context(mode: .evaluation, random: RandomSource(seed: 4), examples: [0, 1, 2])
  }

  func testColumnsAreOrthogonalAsTheExactPosteriorNeeds() {
    XCTAssertEqual(
      zip(Self.columns[0], Self.columns[1]).reduce(0) { $0 + $1.0 * $1.1 }, 0, accuracy: 1e-12)
  }

  func testEveryImportanceWeightAtTheExactPosteriorIsTheMarginalLikelihood() {
    var request = DrawRequest()
    request.samples = 7
    request.usesSampledRate = true
    let weights = model(LinearEncoder()).evaluate(x, request, context()).logWeights.floats
    for (position, weight) in weights.enumerated() {
      XCTAssertEqual(Double(weight), logMarginals()[position % 3], accuracy: 2e-5)
    }
  }

  func testTheBoundAtTheExactPosteriorIsTheMarginalLikelihoodOnAverage() {
    var request = DrawRequest()
    request.samples = 20_000
    let bounds = model(LinearEncoder()).evaluate(x, request, context()).logWeights.floats
    for (example, exact) in logMarginals().enumerated() {
      let values = stride(from: example, to: bounds.count, by: 3).map { Double(bounds[$0]) }
      let mean = values.reduce(0, +) / Double(values.count)
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count))
        .squareRoot()
      XCTAssertEqual(mean, exact, accuracy: 4 * deviation / Double(values.count).squareRoot())
    }
  }

  func testImportanceWeightingReachesTheMarginalFromAWrongPosteriorThatTheBoundCannotReach() {
    var request = DrawRequest()
    request.samples = 40_000
    request.usesSampledRate = true
    let model = model(LinearEncoder(shift: 0.4, scale: 2))
    let weights = model.evaluate(x, request, context()).logWeights.floats.map(Double.init)
    // KL of a Gaussian with moved mean and doubled variance from the exact one, for each unit.
    let divergence = Self.columns.reduce(0.0) { total, column in
      let precision = column.reduce(1) { $0 + $1 * $1 / (Self.sigma * Self.sigma) }
      return total + 0.5 * (2 + 0.16 * precision - 1 - Foundation.log(2))
    }
    for (example, exact) in logMarginals().enumerated() {
      let values = stride(from: example, to: weights.count, by: 3).map { weights[$0] }
      let count = Double(values.count)
      let bound = values.reduce(0, +) / count
      let largest = values.max() ?? 0
      let nll =
        largest + Foundation.log(values.reduce(0) { $0 + Foundation.exp($1 - largest) } / count)
      XCTAssertEqual(nll, exact, accuracy: 0.03)
      XCTAssertEqual(bound, exact - divergence, accuracy: 0.05)
    }
  }
}

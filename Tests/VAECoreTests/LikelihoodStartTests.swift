import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// What likelihoods learn from the first batches, where they begin, and columns that differ from one another.
final class LikelihoodStartTests: XCTestCase {
  private func context(_ count: Int, mask: Tensor? = nil, mode: Context.Mode = .training) -> Context
  {
    Context(
      mode: mode, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init),
      mask: mask.map { ObservationMask($0) })
  }

  private func assertEqual(
    _ found: [Float], _ wanted: [Double], accuracy: Double = 1e-4, _ name: String = "",
    line: UInt = #line
  ) {
    XCTAssertEqual(found.count, wanted.count, name, line: line)
    for (a, b) in zip(found, wanted) {
      XCTAssertEqual(Double(a), b, accuracy: accuracy * max(1, abs(b)), name, line: line)
    }
  }

  // MARK: Means

  func testEveryLinkLeadsToTheMeanThatIsWanted() {
    let mean = Tensor([0.25, 0.5, 0.9, 0.75], shape: [1, 2, 2])
    for (link, wanted) in [
      (.identity, [0.25, 0.5, 0.9, 0.75]),
      (.sigmoid, [log(1.0 / 3), 0, log(9.0), log(3.0)]),
      (.tanh, [atanh(0.25), atanh(0.5), atanh(0.9), atanh(0.75)]),
    ] as [(MeanLink, [Double])] {
      let gaussian = GaussianLikelihood(.fixed(1), link: link)
      let parameters = gaussian.parameters(withMean: mean)
      assertEqual(parameters?.floats ?? [], wanted, link.rawValue)
      let student = StudentTLikelihood(link: link)
      let three = student.parameters(withMean: mean)
      XCTAssertEqual(three?.shape, [1, 2, 6])
      assertEqual(three?.floats ?? [], wanted.flatMap { [$0, 0, 0] }, link.rawValue)
    }
    // Means that no logit has are those of one in a thousand.
    assertEqual(
      BernoulliLikelihood().parameters(withMean: Tensor([0, 1, 0.5]))?.floats ?? [],
      [log(1.0 / 999), log(999.0), 0], accuracy: 1e-3)
  }

  func testAFreshFlowOfPixelsHasTheMeanThatItBeginsAt() throws {
    let mean = Tensor([0.25, 0.5, 1, 0, 0.75, 0.125], shape: [1, 3, 2])
    for isOfBytes in [false, true] {
      let flow = ConditionalCoupling(
        channels: 2, steps: 2, hidden: 3, blocks: 1, features: 3,
        dequantizer: isOfBytes ? Dequantizer() : nil, random: RandomSource(seed: 2))
      let parameters = try XCTUnwrap(flow.parameters(withMean: mean))
      XCTAssertEqual(parameters.shape, [1, 3, 7])
      // Location first: of bytes the middle of the bin of its level; then nothing.
      let location = isOfBytes ? (0.25 * 255 + 0.5) / 256 : 0.25
      assertEqual(
        Array(parameters.floats.prefix(7)),
        [location, isOfBytes ? (0.5 * 255 + 0.5) / 256 : 0.5, 0, 0, 0, 0, 0])
      let given = parameters.reshaped(to: [1, 1, 3, 7])
      assertEqual(flow.mean(given).floats, mean.floats.map(Double.init))
    }
  }

  // MARK: Tables

  private let counts = TableColumns([
    TableColumn(name: "a", kind: .count, centre: 1, scale: 0.5),
    TableColumn(name: "b", kind: .count, centre: 2, scale: 2),
    TableColumn(name: "c", kind: .count, centre: 0.5, scale: 1),
  ])

  private func seen(_ rows: [[Double]]) -> Tensor {
    Tensor(
      rows.flatMap { row in zip(counts.columns, row).map { $0.standardized($1) } },
      shape: [rows.count, 1, 3, 1])
  }

  func testCountsBeginAtTheLibrarySizesOfAllFirstBatchesAndAtTheirMeans() throws {
    for isInflated in [false, true] {
      let likelihood = CountLikelihood(counts, isZeroInflated: isInflated)
      likelihood.prepare(
        firstBatches: [seen([[1, 2, 7], [0, 0, 0]]), seen([[30, 60, 10]])], context: context(3))
      // Totals of 10, of none, which is taken for one, and of 100.
      let logs = [log(10.0), 0, log(100.0)]
      let mean = logs.reduce(0, +) / 3
      let deviation = (logs.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 3).squareRoot()
      assertEqual(try XCTUnwrap(likelihood.buffers.first).buffer.value.floats, [mean, deviation])
      let start = try XCTUnwrap(
        likelihood.parameters(withMean: seen([[4, 0.5, 0]]).reshaped(to: [1, 3, 1])))
      XCTAssertEqual(start.shape, [1, 3, isInflated ? 2 : 1])
      assertEqual(
        start.floats,
        isInflated
          ? [log(4), -2, log(0.5), -2, log(1e-4), -2] : [log(4), log(0.5), log(1e-4)],
        accuracy: 1e-3)
    }
  }

  private let mixed = TableColumns([
    TableColumn(name: "a", kind: .real, centre: 3, scale: 2, points: [0, 5]),
    TableColumn(name: "b", kind: .yesNo, names: ["no", "yes"]),
    TableColumn(name: "c", kind: .category, names: ["x", "y", "z"]),
    TableColumn(name: "d", kind: .count, centre: 1, scale: 0.5),
  ])

  func testColumnsBeginAtTheirMeansAndShares() throws {
    let means: [Float] = [0.25, 0.5, 0.2, 0.3, 0.75, 0.6, 0.4, 0, -0.5]
    for components in [1, 2] {
      let likelihood = MixedLikelihood(mixed, components: components)
      let start = try XCTUnwrap(
        likelihood.parameters(withMean: Tensor(means, shape: [1, 9, 1])))
      let numbers = components == 1 ? 1 : 4
      XCTAssertEqual(start.shape, [1, 9, numbers])
      func place(_ element: Int) -> [Float] {
        Array(start.floats[element * numbers..<(element + 1) * numbers])
      }
      // Two Gaussians begin three quarters of a deviation to either side, with equal weights.
      assertEqual(place(0), components == 1 ? [0.25] : [-0.5, 1, 0, 0])
      assertEqual(place(8), components == 1 ? [-0.5] : [-1.25, 0.25, 0, 0])
      for (element, wanted) in [
        (1, log(0.5)), (2, log(0.2)), (3, log(0.3)), (4, log(3.0)), (5, log(0.6)), (6, log(0.4)),
        (7, log(1e-4)),
      ] {
        assertEqual([place(element)[0]], [wanted], "\(element)")
        XCTAssertTrue(place(element).dropFirst().allSatisfy { $0 == 0 })
      }
    }
  }

  /// No Gaussian is narrower than what rounding to the decimals of a column leaves, nor than e⁻⁶.
  func testASpreadHasTheFloorOfItsColumnsDecimals() {
    for (decimals, floor) in [
      (1, 0.02887 / 4), (2, 0.002887 / 4), (nil, exp(-6.0)), (9, exp(-6.0)),
    ]
      as [(Int?, Double)]
    {
      let likelihood = MixedLikelihood(
        TableColumns([
          TableColumn(name: "a", kind: .real, centre: 3, scale: 4, decimals: decimals)
        ]))
      likelihood.parameters[0].parameter.value = Tensor([-1000], shape: [1, 1])
      let density = likelihood.logDensity(
        Tensor([0.5], shape: [1, 1, 1, 1]), parameters: Tensor([0.5], shape: [1, 1, 1, 1]),
        context(1))
      let wanted = -0.5 * log(2 * .pi) - log(max(floor, exp(-6.0))) - log(4.0)
      XCTAssertEqual(Double(density.item), wanted, accuracy: 1e-3, "\(decimals ?? -1)")
    }
  }

  // MARK: Gaussians of columns

  func testColumnsHaveDeviationsOfTheirOwnFromKnownValues() throws {
    let batches = [
      Tensor([1, 10, 3, 0], shape: [2, 1, 2, 1]), Tensor([5, 30], shape: [1, 1, 2, 1]),
    ]
    let mask = Tensor([1, 1, 1, 0, 1, 1], shape: [3, 1, 2, 1])
    // 1, 3 and 5; and 10 and 30.
    let variances = [8.0 / 3, 100]
    for deviation in [NoiseDeviation.data, .learnt] {
      let likelihood = GaussianLikelihood(deviation, columns: 2)
      likelihood.prepare(firstBatches: batches, context: context(3, mask: mask))
      XCTAssertEqual(
        Double(likelihood.currentDeviation), ((8.0 / 3 + 100) / 2).squareRoot(), accuracy: 1e-2)
      // Two draws for each of two examples, of which other columns are known.
      let x = Tensor([1, 2, 3, 4], shape: [2, 1, 2, 1])
      let parameters = Tensor([0, 0, 1, 1, 2, 5, -1, 8], shape: [4, 1, 2, 1])
      let known = Tensor([1, 1, 0, 1], shape: [2, 1, 2, 1])
      func term(_ error: Double, _ column: Int) -> Double {
        -0.5 * (error * error / variances[column] + log(2 * .pi * variances[column]))
      }
      let observed = likelihood.logDensity(
        x, parameters: parameters, ofElements: known, context(2, mode: .evaluation))
      assertEqual(
        observed.floats,
        [term(1, 0) + term(2, 1), term(3, 1), term(-1, 0) + term(-3, 1), term(-4, 1)],
        accuracy: 2e-3)
      let whole = likelihood.logDensity(
        x, parameters: parameters, context(2, mode: .evaluation))
      assertEqual(
        whole.floats,
        [
          term(1, 0) + term(2, 1), term(2, 0) + term(3, 1), term(-1, 0) + term(-3, 1),
          term(4, 0) + term(-4, 1),
        ], accuracy: 2e-3)
      // Noise of a column has its deviation.
      let own = context(2, mode: .evaluation)
      let drawn = likelihood.sample(.zeros([2, 1, 2, 1]), [1, 2, 1], own)
      let plain = own.normalNoise("likelihood", samples: 1, shape: [1, 2, 1]).floats
      assertEqual(
        drawn.floats,
        plain.enumerated().map { Double($1) * variances[$0 % 2].squareRoot() }, accuracy: 1e-2)
    }
  }

  func testTheDeviationOfTheDataIsThatOfAllValuesFromTheirCommonMean() {
    let batches = [Tensor([1, 2], shape: [1, 1, 2, 1]), Tensor([3, 6], shape: [1, 1, 2, 1])]
    for likelihood in [
      GaussianLikelihood(.data), MultiscaleGaussian(.data, weights: .fixed([]), size: (1, 2)),
      LocationLikelihood(LaplaceNoise(), .data), LocationLikelihood(LogisticNoise(), .learnt),
    ] as [any Likelihood] {
      try? likelihood.prepare(firstBatches: batches, context: context(2))
      let found =
        (likelihood as? GaussianLikelihood)?.currentDeviation
        ?? (likelihood as? MultiscaleGaussian)?.currentDeviation
        ?? (likelihood as? LocationLikelihood)?.currentDeviation
      // 1, 2, 3 and 6 about 3.
      XCTAssertEqual(Double(found ?? 0), 3.5.squareRoot(), accuracy: 1e-3, "\(likelihood)")
    }
  }
}

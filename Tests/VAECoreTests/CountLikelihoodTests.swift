import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

/// Counts as shares of their total, against the losses of scvi-tools.
final class CountLikelihoodTests: XCTestCase {
  /// What Reference/counts.py has found.
  private struct Reference: Decodable {
    let counts: [[Double]]
    let shares: [[Float]]
    let logits: [[Float]]
    let logDispersion: [Float]
    let scipy: Sums
    let scvi: Sums

    struct Sums: Decodable {
      let plain: [Double]
      let inflated: [Double]

      enum CodingKeys: String, CodingKey {
        case plain = "negative-binomial"
        case inflated = "zero-inflated"
      }
    }
  }

  private func reference() throws -> Reference {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Reference/counts.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Reference.self, from: Data(contentsOf: path))
  }

  private func columns(_ count: Int) -> TableColumns {
    TableColumns(
      (0..<count).map {
        TableColumn(name: "\($0)", kind: .count, centre: 1 + Double($0) / 10, scale: 1.3)
      })
  }

  private func seen(_ rows: [[Double]], _ columns: TableColumns) -> Tensor {
    Tensor(
      rows.flatMap { row in zip(columns.columns, row).map { $0.standardized($1) } },
      shape: [rows.count, 1, columns.count, 1])
  }

  private func context(_ count: Int) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  private func parameters(_ found: Reference, isInflated: Bool) -> Tensor {
    let (rows, width) = (found.counts.count, found.counts[0].count)
    let values = (0..<rows).flatMap { row in
      (0..<width).flatMap {
        isInflated ? [found.shares[row][$0], found.logits[row][$0]] : [found.shares[row][$0]]
      }
    }
    return Tensor(values, shape: [rows, 1, width, isInflated ? 2 : 1])
  }

  func testTheLossIsThatOfSCVIToolsWithEqualWeights() throws {
    let found = try reference()
    let columns = columns(found.counts[0].count)
    for isInflated in [false, true] {
      let likelihood = CountLikelihood(columns, isZeroInflated: isInflated)
      likelihood.parameters[0].parameter.value = Tensor(found.logDispersion)
      let own = likelihood.logDensity(
        seen(found.counts, columns), parameters: parameters(found, isInflated: isInflated),
        context(found.counts.count)
      ).floats
      for sums in [found.scvi, found.scipy] {
        let wanted = isInflated ? sums.inflated : sums.plain
        for (value, wanted) in zip(own, wanted) {
          XCTAssertEqual(Double(value), wanted, accuracy: 1e-5 * abs(wanted))
        }
      }
    }
  }

  func testGradientsAreThoseOfFiniteDifferences() throws {
    let found = try reference()
    let columns = columns(found.counts[0].count)
    for isInflated in [false, true] {
      let likelihood = CountLikelihood(columns, isZeroInflated: isInflated)
      likelihood.prepare(
        firstBatches: [seen(Array(found.counts.prefix(4)), columns)], context: context(4))
      let rows = found.counts.count
      let x = seen(found.counts, columns)
      let random = RandomSource(seed: 4)
      let given = Parameter(parameters(found, isInflated: isInflated))
      let weights = random.stream("weights").normal([rows]) * 0.1
      let others = random.stream("others").normal([rows, 1, columns.count, 1])
      let dispersion = likelihood.parameters[0].parameter
      dispersion.value = Tensor(found.logDispersion)
      let density = {
        (likelihood.logDensity(x, parameters: given.tensor, self.context(rows)) * weights).sum()
      }
      let mean = { (likelihood.mean(given.tensor) * others).sum() }
      for (value, parameter) in [(density, given), (density, dispersion), (mean, given)] {
        let gradient = try XCTUnwrap(value().backward()[parameter])
        assertDirectionalDerivative(
          gradient, of: parameter, along: random.stream("direction"), "\(parameter.shape)", value)
      }
    }
  }

  func testDrawsAreCountsOfTheUsualLibrarySizeAndTheMeansThatAreSaidOfThem() {
    let columns = columns(4)
    // All rows have the library size 40.
    let rows = [[10.0, 20, 5, 5], [0, 0, 0, 40], [40, 0, 0, 0]]
    for isInflated in [false, true] {
      let likelihood = CountLikelihood(columns, isZeroInflated: isInflated)
      likelihood.prepare(firstBatches: [seen(rows, columns)], context: context(3))
      let numbers = likelihood.parametersPerPixel(channels: 1)
      let one = RandomSource(seed: 6).stream("p").normal([1, 1, 4, numbers]) * 0.5
      let count = 8000
      let draws = columns.restored(
        likelihood.sample(one.tiled(count), [1, 4, 1], context(count)), rounding: true
      ).reshaped(to: [count, 4])
      let means = columns.restored(likelihood.mean(one)).floats
      if !isInflated { XCTAssertEqual(means.reduce(0, +), 40, accuracy: 1e-3) }
      let found = draws.mean(axis: 0).floats
      let deviations = (draws - draws.mean(axis: 0)).squared().mean(axis: 0).floats
      for number in 0..<4 {
        let error = (deviations[number] / Float(count)).squareRoot()
        XCTAssertEqual(found[number], means[number], accuracy: 5 * error)
      }
      XCTAssertTrue(draws.floats.allSatisfy { $0 >= 0 && $0 == $0.rounded() })
    }
  }
}

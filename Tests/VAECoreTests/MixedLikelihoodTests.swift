import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import XCTest

final class MixedLikelihoodTests: XCTestCase {
  private let real = TableColumn(name: "x", kind: .real, centre: 3, scale: 2)
  private let positive = TableColumn(name: "x", kind: .positive, centre: 1, scale: 0.5)
  private let count = TableColumn(name: "x", kind: .count, centre: 1.5, scale: 0.8)
  private let yesNo = TableColumn(name: "x", kind: .yesNo, names: ["no", "yes"])
  private let category = TableColumn(name: "x", kind: .category, names: ["a", "b", "c"])
  private let pointed = TableColumn(name: "x", kind: .real, centre: 3, scale: 2, points: [0])

  private func context(_ count: Int = 1) -> Context {
    Context(
      mode: .evaluation, random: RandomSource(seed: 1), examples: (0..<count).map(UInt64.init))
  }

  /// What a model sees of rows of one column or more.
  private func seen(_ rows: [Float], _ columns: TableColumns) -> Tensor {
    let count = rows.count / columns.count
    return Tensor([count, 1, columns.elementCount, 1]) { buffer in
      rows.map(Double.init).withUnsafeBufferPointer { rows in
        for row in 0..<count {
          columns.write(
            UnsafeBufferPointer(rebasing: rows[row * columns.count..<(row + 1) * columns.count]),
            into: UnsafeMutableBufferPointer(
              rebasing: buffer[row * columns.elementCount..<(row + 1) * columns.elementCount]))
        }
      }
    }
  }

  /// A likelihood of one column whose spread is a number.
  private func likelihood(
    _ column: TableColumn, components: Int = 1,
    counts: MixedLikelihood.CountLaw = .negativeBinomial,
    logSpread: Float
  ) -> MixedLikelihood {
    let likelihood = MixedLikelihood(
      TableColumns([column]), components: components, counts: counts)
    // What the soft bound leaves of it is the number itself.
    let raw = Float(log(expm1(Double(logSpread) + 6))) - 6
    likelihood.parameters[0].parameter.value = Tensor(repeating: raw, shape: [1, components])
    return likelihood
  }

  private func logDensity(
    _ likelihood: MixedLikelihood, _ value: Float, _ parameters: [Float]
  ) -> Double {
    let columns = likelihood.columns
    let numbers = likelihood.parametersPerPixel(channels: 1)
    return Double(
      likelihood.logDensity(
        seen([value], columns),
        parameters: Tensor(parameters, shape: [1, 1, columns.elementCount, numbers]), context()
      ).item)
  }

  /// The values of Reference/mixed-likelihood.py.
  func testDensitiesInTheTablesOwnUnitsAreThoseOfSciPy() {
    let deviation = log(Float(0.7))
    let values: [(String, Double, Double)] = [
      ("real", logDensity(likelihood(real, logSpread: deviation), 5.5, [0.4]), -1.9926556677850695),
      (
        "mixture",
        logDensity(
          likelihood(real, components: 2, logSpread: deviation), 5.5, [0.4, -1, 0.3, -0.2]),
        -2.459521877961543
      ),
      (
        "positive", logDensity(likelihood(positive, logSpread: deviation), 4.2, [0.4]),
        -1.5297712769769758
      ),
      (
        "negative binomial", logDensity(likelihood(count, logSpread: log(2.5)), 7, [0.4]),
        -2.6105736391346044
      ),
      (
        "Poisson", logDensity(likelihood(count, counts: .poisson, logSpread: 0), 7, [0.4]),
        -1.9570198109489683
      ),
      ("yes", logDensity(likelihood(yesNo, logSpread: 0), 1, [-0.6]), -1.0374879504858856),
      (
        "category", logDensity(likelihood(category, logSpread: 0), 1, [0.2, -1, 0.5]),
        -2.1749569269138376
      ),
      (
        "point", logDensity(likelihood(pointed, logSpread: deviation), 0, [0.4, 0.9, -0.3]),
        -1.4632824673380314
      ),
      (
        "no point", logDensity(likelihood(pointed, logSpread: deviation), 5.5, [0.4, 0.9, -0.3]),
        -2.2559381351231007
      ),
    ]
    for (name, found, wanted) in values { XCTAssertEqual(found, wanted, accuracy: 2e-5, name) }
  }

  private var all: TableColumns {
    let named = [real, positive, count, yesNo, category, pointed].enumerated().map {
      TableColumn(
        name: "\($0)", kind: $1.kind, centre: $1.centre, scale: $1.scale, names: $1.names,
        points: $1.points)
    }
    return TableColumns(
      named + [
        TableColumn(name: "p", kind: .positive, centre: 1, scale: 0.5, points: [2, 7])
      ])
  }

  /// Of log p, and of the mean, in parameters and spread.
  func testGradientsAreThoseOfFiniteDifferences() throws {
    let rows: [Float] = [
      1, 2, 3, 1, 2, 0, 7, /**/ 5, 1, 0, 0, 1, 4, 3, /**/ -2, 6, 11, 1, 0, 0, 2,
    ]
    for (components, counts) in [(1, MixedLikelihood.CountLaw.negativeBinomial), (3, .poisson)] {
      let likelihood = MixedLikelihood(all, components: components, counts: counts)
      let x = seen(rows, all)
      let numbers = likelihood.parametersPerPixel(channels: 1)
      let random = RandomSource(seed: 4)
      let parameters = Parameter(
        random.stream("parameters").normal([6, 1, all.elementCount, numbers]))
      let weights = random.stream("weights").normal([6])
      let others = random.stream("others").normal([6, 1, all.elementCount, 1])
      let spread = likelihood.parameters[0].parameter
      let values: [(String, () -> Tensor)] = [
        (
          "density",
          {
            (likelihood.logDensity(x, parameters: parameters.tensor, self.context(3)) * weights)
              .sum()
          }
        ), ("mean", { (likelihood.mean(parameters.tensor) * others).sum() }),
      ]
      for (name, value) in values {
        let gradients = value().backward()
        for parameter in [parameters, spread] {
          let gradient = try XCTUnwrap(gradients[parameter])
          assertDirectionalDerivative(
            gradient, of: parameter, along: random.stream("direction"),
            "\(name), \(components) components, \(parameter.shape)", value)
        }
      }
    }
  }

  func testColumnsThatAreMissingArePricedInNoRow() {
    let likelihood = MixedLikelihood(all)
    let parameters = RandomSource(seed: 5).stream("p").normal([1, 1, all.elementCount, 1])
    let whole = seen([1, 2, 3, 1, 2, 0, 7], all)
    let gaps = seen([1, .nan, 3, 1, .nan, 0, .nan], all)
    var masked = context()
    masked.mask = ObservationMask(missingIn: gaps)
    let observed = likelihood.observedLogDensity(
      gaps.withoutMissing, parameters: parameters, masked
    ).item
    var sum: Float = 0
    for number in [0, 2, 3, 5] {
      let chosen = Tensor([1, 1, all.elementCount, 1]) { buffer in
        buffer.initialize(repeating: 0)
        let start = all.starts[number]
        for place in start..<start + all.columns[number].elements { buffer[place] = 1 }
      }
      sum +=
        likelihood.logDensity(whole, parameters: parameters, ofElements: chosen, context()).item
    }
    XCTAssertEqual(observed, sum, accuracy: 1e-4)
  }

  func testDrawsHaveTheMeanThatIsSaidOfThemAndComeBackAsValuesOfTheColumns() {
    let likelihood = MixedLikelihood(all, components: 2)
    let numbers = likelihood.parametersPerPixel(channels: 1)
    let one = RandomSource(seed: 6).stream("p").normal([1, 1, all.elementCount, numbers]) * 0.5
    let count = 20_000
    let draws = all.restored(
      likelihood.sample(one.tiled(count), [1, all.elementCount, 1], context(count)), rounding: true
    ).reshaped(to: [count, all.count])
    let means = all.restored(likelihood.mean(one)).floats
    let found = draws.mean(axis: 0).floats
    for (number, column) in all.columns.enumerated() {
      let values = stride(from: number, to: draws.count, by: all.count).map { draws.floats[$0] }
      for value in values.prefix(50) { XCTAssertNil(column.misfit(Double(value)), "\(column)") }
      guard column.kind != .category else { continue }
      let variance = values.reduce(0) { $0 + ($1 - found[number]) * ($1 - found[number]) }
      let error = (variance / Float(count * count)).squareRoot()
      XCTAssertEqual(found[number], means[number], accuracy: 5 * error + 1e-4, "\(column)")
    }
  }
}

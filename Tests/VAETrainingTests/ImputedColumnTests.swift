import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEData
import VAEEvaluation
import XCTest

/// Values that are filled in, held to weighted means of the decoded columns computed one by one.
final class ImputedColumnTests: XCTestCase {
  private let columns = TableColumns([
    TableColumn(name: "real", kind: .real, centre: 2, scale: 3),
    TableColumn(name: "count", kind: .count, centre: 1, scale: 0.8),
    TableColumn(name: "positive", kind: .positive, centre: 0.5, scale: 1.2),
    TableColumn(name: "flag", kind: .yesNo, names: ["no", "yes"]),
  ])

  private var model: Model {
    let random = RandomSource(seed: 3)
    let decoder = MLPDecoder(
      latent: 2, hidden: [], outputShape: [1, 4, 1], random: random.child("decoder"))
    decoder.lastWeights?.value = random.stream("weights").normal([2, 4])
    let encoder = MLPEncoder(inputs: 8, hidden: [], latent: 2, random: random.child("encoder"))
    return Model(
      encoder: MaskedEncoder(encoder, flattening: 4), prior: StandardNormalPrior(units: 2),
      decoder: decoder, likelihood: MixedLikelihood(columns), takesMasks: true)
  }

  /// Numbers are averaged in their own units, and come back in those that the model sees.
  func testMeansOfCountsAndPositiveNumbersAreTakenInTheirOwnUnits() throws {
    let model = model
    let store = TableStore(
      TensorStore(
        shape: ImageShape(height: 1, width: 4, channels: 1),
        images: Tensor([5, .nan, .nan, 1, .nan, 3, 2, .nan, -1, .nan, 4, 0], shape: [3, 4])),
      columns: columns)
    let examples = Examples(DataSplit(name: "test", store: store), takesMasks: true)
    var evaluator = Evaluator(model: model, examples: examples, seed: 2)
    // Seven draws of three rows at once.
    evaluator.rowLimit = 21
    var options = ImputationOptions()
    options.samples = 7
    var (found, effective): ([Float], [Double]) = ([], [])
    var fractions: [Double] = []
    let isDone = try evaluator.impute(
      [0, 1, 2], options,
      progress: { fraction in
        fractions.append(fraction)
        return true
      },
      visit: { _, values, draws in
        found += values.floats
        effective += draws
      })
    XCTAssertTrue(isDone)
    XCTAssertEqual(fractions, fractions.sorted())
    XCTAssertEqual(fractions.last, 1)
    XCTAssertEqual(found.count, 12)
    for row in 0..<3 {
      let (x, plain) = examples.batchByContent(
        [row],
        Context(mode: .evaluation, random: evaluator.random, examples: [UInt64(row)]))
      var (weights, values): ([Double], [[Double]]) = ([], [])
      for draw in 0..<7 {
        var context = plain
        context.firstDraw = draw
        var request = DrawRequest()
        request.usesSampledRate = true
        try withoutTape {
          let part = model.evaluate(x, request, context)
          weights.append(exp(Double(part.logWeights.item)))
          let mean = try XCTUnwrap(model.likelihood as? MixedLikelihood).mean(part.parameters)
            .floats
          values.append(
            zip(columns.columns, mean).map { column, value in column.restored(value) })
        }
      }
      let total = weights.reduce(0, +)
      for (place, column) in columns.columns.enumerated() {
        let mean = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1[place] } / total
        XCTAssertEqual(
          found[row * 4 + place], column.standardized(mean), accuracy: 2e-3,
          "\(column.name) of row \(row)")
      }
      let squares = weights.reduce(0) { $0 + $1 * $1 }
      XCTAssertEqual(effective[row], total * total / squares, accuracy: 1e-2)
    }
  }

  /// Sixteen draws of an example are made together; of more, a batch has no fewer rows.
  func testBatchesShrinkByTheDrawsUntilSixteen() throws {
    func batches(_ samples: Int, limit: Int) throws -> [Int] {
      var evaluator = Evaluator(
        model: TrainingSupport.model(),
        examples: Examples(DataSplit(name: "test", store: StripeStore(count: 12))), seed: 2)
      evaluator.rowLimit = limit
      var counts: [Int] = []
      var options = ImputationOptions()
      options.samples = samples
      _ = try evaluator.impute(
        Array(0..<12), options, progress: { _ in true },
        visit: { indices, _, _ in counts.append(indices.count) })
      return counts
    }
    XCTAssertEqual(try batches(1, limit: 10), [10, 2])
    XCTAssertEqual(try batches(3, limit: 15), [5, 5, 2])
    XCTAssertEqual(try batches(16, limit: 80), [5, 5, 2])
    XCTAssertEqual(try batches(100, limit: 80), [5, 5, 2])
    XCTAssertEqual(try batches(40, limit: 10), [Int](repeating: 1, count: 12))
  }
}

import Foundation
import VAEZoo
import XCTest

/// Rounds of successive halving, who goes on from one to the next, and values that are drawn.
final class SweepRoundTests: XCTestCase {
  private func sweep(
    _ axes: [String], _ settings: [(key: String, value: String)] = [], trials: Int? = nil
  ) throws -> Sweep {
    var request = SweepRequest(
      recipe: try Registry.builtIn.recipe(for: "beta-vae"),
      axes: try axes.map { text throws(RecipeError) in try Sweep.Axis(parsing: text) },
      data: "shapes:32", folder: try makeTemporaryFolder() + "/grid")
    request.settings = [("encoder.hidden", "8"), ("architecture", "mlp")] + settings
    request.trials = trials
    return try Sweep(request, registry: Registry.builtIn)
  }

  private let latents = "latent=2,8,5,3,4,6,7"

  func testRoundsHaveFewerRunsAndMoreEpochsByTheFactor() throws {
    let seven = try sweep([latents], [("training.epochs", "20")])
    for (factor, epochs, runs) in [
      (2, [5, 10, 20], [7, 3, 1]), (3, [6, 20], [7, 2]), (7, [2, 20], [7, 1]), (8, [20], [7]),
      (100, [20], [7]),
    ] {
      let rounds = try seven.rounds(factor: factor)
      XCTAssertEqual(rounds.map(\.epochs), epochs, "\(factor)")
      XCTAssertEqual(rounds.map(\.runs), runs, "\(factor)")
    }
    for factor in [1, 0, -2, 101] {
      XCTAssertThrowsError(try seven.rounds(factor: factor)) {
        XCTAssertTrue("\($0)".contains("not of \(factor)"), "\($0)")
      }
    }
    // No round is shorter than an epoch.
    let short = try sweep(["latent=2,3,4,5,6"], [("training.epochs", "3")])
    XCTAssertEqual(try short.rounds(factor: 2).map(\.epochs), [1, 3])
    XCTAssertEqual(try short.rounds(factor: 2).map(\.runs), [5, 2])
    let cosine = try sweep(["latent=2,3"], [("training.schedule", "cosine")])
    XCTAssertThrowsError(try cosine.rounds(factor: 2)) {
      XCTAssertTrue("\($0)".contains("training.schedule=constant"), "\($0)")
    }
  }

  func testTheBetterRunsGoOnInTheirOrder() throws {
    let sweep = try sweep([latents], [("training.epochs", "20")])
    try sweep.makeFolder()
    // −ELBO by epoch.
    let costs: [[Int: String]] = [
      [1: "-9", 2: "-5"], [1: "-1", 2: "-7"], [1: "-3"], [2: "-5"], [:], [3: "-1"], [2: "null"],
    ]
    for (run, costs) in zip(sweep.runs, costs) where !costs.isEmpty {
      let folder = try RunFolder.create(at: run.path)
      try folder.writeRecipe(Array("{}".utf8))
      for (epoch, bound) in costs.sorted(by: { $0.key < $1.key }) {
        try folder.appendMetrics(
          #"{"epoch": \#(epoch), "step": \#(4 * epoch), "valid": {"elbo": \#(bound)}}"#)
      }
    }
    XCTAssertEqual(try sweep.cost(of: sweep.runs[0], atEpoch: 2), 5)
    XCTAssertEqual(try sweep.cost(of: sweep.runs[2], atEpoch: 2), 3)
    XCTAssertNil(try sweep.cost(of: sweep.runs[4], atEpoch: 2))
    func better(_ count: Int, atEpoch epoch: Int) throws -> [Int] {
      let round = try XCTUnwrap(
        (try sweep.rounds(factor: 2) + sweep.rounds(factor: 3)).first { $0.runs == count })
      return try sweep.better(of: sweep.runs, for: round, atEpoch: epoch)
        .compactMap(sweep.runs.firstIndex)
    }
    // Of two that cost as much the first goes on.
    XCTAssertEqual(try better(2, atEpoch: 2), [0, 2])
    XCTAssertEqual(try better(3, atEpoch: 2), [0, 2, 3])
    XCTAssertEqual(try better(7, atEpoch: 2), [0, 1, 2, 3])
    XCTAssertEqual(try better(1, atEpoch: 1), [1])
    XCTAssertEqual(try better(1, atEpoch: 3), [5])
    for (run, epoch, hasCome) in [
      (0, 2, true), (0, 3, false), (2, 1, true), (2, 2, false), (5, 2, true), (4, 1, false),
    ] {
      XCTAssertEqual(try sweep.hasCome(sweep.runs[run], toEpoch: epoch), hasCome, "\(run)")
    }
  }

  func testTrainingsAtOnceTakeFourTimesTheWeightsOfTheLargestModelEach() throws {
    let sweep = try sweep([latents])
    let largest = try sweep.runs.map {
      try sweep.session($0, epochs: nil, existing: nil).trainer.model.parameterCount
    }.max()
    XCTAssertEqual(sweep.leastBytes(atOnce: 3), try 3 * 16 * XCTUnwrap(largest))
    let part = try sweep.session(sweep.runs[1], epochs: 2, existing: nil)
    XCTAssertEqual(part.trainer.options.epochs, 2)
    XCTAssertEqual(part.recipe.part(.prior).values["latent"], .integer(8))
    XCTAssertNil(part.run)
  }

  func testDrawnValuesLieInTheirRangesHaveFourDigitsAndFollowFromTheirNumber() throws {
    let axes = ["beta=0.5..8", "training.learning_rate=log:1e-4..1e-2"]
    let many = try sweep(axes, trials: 24)
    XCTAssertEqual(many.runs.count, 24)
    var small = 0
    for run in many.runs {
      let (beta, rate) = (
        try XCTUnwrap(Double(run.values[0])), try XCTUnwrap(Double(run.values[1]))
      )
      XCTAssertTrue((0.5...8).contains(beta), run.name)
      XCTAssertTrue((1e-4...1e-2).contains(rate), run.name)
      // What is left of a number with four digits is nothing.
      for value in [beta, rate] {
        let scaled = value / pow(10, log10(value).rounded(.down) - 3)
        XCTAssertEqual(scaled, scaled.rounded(), accuracy: 1e-3, run.name)
      }
      if rate < 1e-3 { small += 1 }
    }
    // Half of even logarithms; of even numbers it would be a tenth.
    XCTAssertTrue((6...18).contains(small), "\(small)")
    let few = try sweep(axes, trials: 3)
    XCTAssertEqual(few.runs.map(\.values), many.runs.prefix(3).map(\.values))
    let other = try sweep(axes, [("training.seed", "1")], trials: 3)
    XCTAssertNotEqual(few.runs.map(\.values), other.runs.map(\.values))
    // Of listed values no combination comes twice, however many are asked for.
    let listed = try sweep(["latent=2,3", "beta=1,2"], trials: 50)
    XCTAssertEqual(Set(listed.runs.map(\.name)).count, 4)
    XCTAssertEqual(listed.runs.count, 4)
  }

  func testARangeSaysItsBoundsAndWhetherItIsOfWholeNumbersOrLogarithms() throws {
    for (text, bounds, isWhole, isLogarithmic) in [
      ("1..5", 1...5, true, false), ("0.5..4", 0.5...4, false, false),
      ("1..5.0", 1...5, false, false), ("log:1e-4..1e-2", 1e-4...1e-2, false, true),
      ("log:2..64", 2...64, true, true), ("-3..2", -3...2, true, false),
    ] as [(String, ClosedRange<Double>, Bool, Bool)] {
      let range = try XCTUnwrap(Sweep.Axis(parsing: "x=\(text)").range, text)
      XCTAssertEqual(range.bounds, bounds, text)
      XCTAssertEqual(range.isWhole, isWhole, text)
      XCTAssertEqual(range.isLogarithmic, isLogarithmic, text)
    }
    for text in ["5..1", "2..2", "log:0..1", "log:-1..1", "1..x", "log:a..b"] {
      XCTAssertThrowsError(try Sweep.Axis(parsing: "x=\(text)"), text)
    }
    XCTAssertNil(try Sweep.Axis(parsing: "x=../a,b/../c").range)
  }
}

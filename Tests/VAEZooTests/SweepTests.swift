import Foundation
import VAEZoo
import XCTest

/// The runs that a sweep is made of, without training them.
final class SweepTests: XCTestCase {
  private func request(
    _ axes: [String], seeds: Int = 1, folder: String
  ) throws -> SweepRequest {
    var request = SweepRequest(
      recipe: try Registry.builtIn.recipe(for: "beta-vae"),
      axes: try axes.map { text throws(RecipeError) in try Sweep.Axis(parsing: text) },
      data: "shapes:32", folder: folder)
    request.seeds = seeds
    request.settings = [("encoder.hidden", "8"), ("architecture", "mlp")]
    return request
  }

  private func refusal(_ request: SweepRequest) -> String {
    do {
      _ = try Sweep(request, registry: Registry.builtIn)
      XCTFail("it was not refused")
      return ""
    } catch {
      return "\(error)"
    }
  }

  func testCommasInBracketsBelongToAValue() throws {
    for (text, values) in [
      ("beta=1,2,4", ["1", "2", "4"]), ("hidden=[400,400]", ["[400,400]"]),
      ("hidden=[512,256],[400],30", ["[512,256]", "[400]", "30"]),
      ("hidden=[],[8]", ["[]", "[8]"]),
      ("likelihood=bernoulli", ["bernoulli"]), ("name=a=b,c", ["a=b", "c"]),
    ] {
      XCTAssertEqual(try Sweep.Axis(parsing: text).values, values, text)
    }
  }

  func testAxesThatAreNoneAreRefusedQuotingThem() {
    for text in ["beta", "=1", "beta=", "beta=1,,2", "beta=1,", "hidden=[8", "hidden=8]", "a=]["] {
      XCTAssertThrowsError(try Sweep.Axis(parsing: text), text) {
        XCTAssertTrue("\($0)".contains(text), "\($0)")
        XCTAssertEqual(($0 as? RecipeError)?.kind, .invalid)
      }
    }
  }

  func testRunsThatWouldNotBeTrainedAreRefusedBeforeTheFirstOne() throws {
    var idle = try request(["beta=1,2"], folder: makeTemporaryFolder() + "/none")
    idle.settings.append(("training.epochs", "0"))
    for request in [idle, try request(["training.epochs=1,0"], folder: idle.folder)] {
      let text = refusal(request)
      XCTAssertTrue(text.contains("training.epochs=0 leaves nothing to compare"), text)
    }
  }

  func testEveryWholeNumberOfARangeIsDrawnItsEndsAmongThem() throws {
    for range in ["2..4", "log:2..4"] {
      var request = try request(["latent=\(range)"], folder: makeTemporaryFolder() + "/drawn")
      request.trials = 3
      let sweep = try Sweep(request, registry: Registry.builtIn)
      XCTAssertEqual(sweep.runs.map { $0.values[0] }.sorted(), ["2", "3", "4"], range)
    }
  }

  func testRunsAreTheGridInFoldersThatSayTheirSettings() throws {
    let parent = try makeTemporaryFolder()
    let folder = parent + "/grid"
    let sweep = try Sweep(
      request(["beta=1,2", "hidden=[8,8],[4]"], seeds: 2, folder: folder),
      registry: Registry.builtIn)
    XCTAssertEqual(
      sweep.runs.map(\.name),
      [
        "beta=1-hidden=8,8-seed=0", "beta=1-hidden=8,8-seed=1", "beta=1-hidden=4-seed=0",
        "beta=1-hidden=4-seed=1", "beta=2-hidden=8,8-seed=0", "beta=2-hidden=8,8-seed=1",
        "beta=2-hidden=4-seed=0", "beta=2-hidden=4-seed=1",
      ])
    XCTAssertEqual(sweep.inTurn.map(\.seed), [0, 0, 0, 0, 1, 1, 1, 1])
    XCTAssertEqual(Set(sweep.inTurn.map(\.name)), Set(sweep.runs.map(\.name)))
    // Nothing is made before all have been looked at.
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: parent), [])
    try sweep.makeFolder()
    let session = try sweep.session(sweep.runs[5])
    XCTAssertEqual(session.recipe.part(.objective).values["beta"], .number(2))
    XCTAssertEqual(session.recipe.part(.encoder).values["hidden"], .integers([8, 8]))
    XCTAssertEqual(TrainingOptions(session.recipe.training).seed, 1)
    XCTAssertEqual(session.run?.path, folder + "/" + sweep.runs[5].name)
  }

  func testSeedsCountUpFromTheFirst() throws {
    let parent = try makeTemporaryFolder()
    var request = try request([], seeds: 3, folder: parent)
    request.settings.append(("training.seed", "7"))
    let sweep = try Sweep(request, registry: Registry.builtIn)
    XCTAssertEqual(sweep.runs.map(\.name), ["seed=7", "seed=8", "seed=9"])
    request.settings.append(("training.seed", "\(Int.max)"))
    XCTAssertTrue(refusal(request).contains("seeds from"))
  }

  func testWhatCannotBeTrainedIsRefusedBeforeAnythingIsMade() throws {
    let parent = try makeTemporaryFolder()
    let folder = parent + "/grid"
    for (axes, words) in [
      (["beta=1,-2"], ["beta=-2-seed=0", "beta cannot be -2"]),
      (["beta=1,2", "betta=1"], ["beta=1-betta=1-seed=0", "no hyper-parameter betta"]),
      (["latent=2,two"], ["latent=two-seed=0", "latent cannot be two"]),
      (["beta=1,2", "beta=4"], ["beta is set twice"]),
      (["beta=1,2", "training.seed=1,2"], ["training.seed"]),
      (["beta=1,1.0"], ["beta=1 and beta=1.0", "same training"]),
      (["beta=1,2", "objective.beta=1"], ["same training"]),
      (["beta=1"], ["one run"]), (["architecture=mlp,conv"], ["architecture cannot both vary"]),
      (["latent=" + (1...1001).map(String.init).joined(separator: ",")], ["at most 1000 runs"]),
    ] {
      let message = refusal(try request(axes, folder: folder))
      for word in words { XCTAssertTrue(message.contains(word), message) }
      XCTAssertEqual(message.split(separator: "\n").count, 1, message)
    }
    for seeds in [0, -1, 1001, Int.max] {
      XCTAssertTrue(
        refusal(try request(["beta=1,2"], seeds: seeds, folder: folder)).contains("seeds"))
    }
    XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: parent), [])
  }

  func testARunIsComparedByItsBoundAtTheEndOfARoundHoweverFarItHasCome() throws {
    let parent = try makeTemporaryFolder()
    let images = RandomSource(seed: 1).stream("x").uniform([60, 4, 4, 1])
    try Data(NPYWriter.bytes(images)).write(to: URL(fileURLWithPath: parent + "/x.npy"))
    var request = try request(["beta=1,2"], folder: parent + "/grid")
    request.data = parent + "/x.npy"
    request.settings += [
      ("training.epochs", "3"), ("training.holdout", "0.5"), ("training.batch_size", "10"),
    ]
    let sweep = try Sweep(request, registry: Registry.builtIn)
    try sweep.makeFolder()
    var costs: [Double] = []
    _ = try sweep.session(sweep.runs[0]).train {
      if case .epoch(let record) = $0, let valid = record.valid { costs.append(-valid.elbo) }
    }
    XCTAssertEqual(Set(costs).count, 3, "\(costs)")
    for (epoch, cost) in zip(1..., costs) {
      let found = try XCTUnwrap(sweep.cost(of: sweep.runs[0], atEpoch: epoch))
      XCTAssertEqual(found, cost, accuracy: 1e-9, "epoch \(epoch)")
    }
    // One that has ended before is compared by its end, and one that has not begun by nothing.
    XCTAssertEqual(
      try XCTUnwrap(sweep.cost(of: sweep.runs[0], atEpoch: 9)), costs[2], accuracy: 1e-9)
    XCTAssertNil(try sweep.cost(of: sweep.runs[0], atEpoch: 0))
    XCTAssertNil(try sweep.cost(of: sweep.runs[1], atEpoch: 1))
  }
}

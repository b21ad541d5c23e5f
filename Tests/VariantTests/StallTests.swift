import Communication
import VAEZoo
import XCTest

/// Ranks that wait long for others say so.
final class StallTests: XCTestCase {
  /// What was said, and a wait for it.
  private final class Said: Sendable {
    private let lines = Lock<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var all: [String] { lines.withLock { $0 } }

    /// Waits until something of a number of lines was said, at most a minute.
    func wait(forLines count: Int) {
      for _ in 0..<6000 where all.count < count { usleep(10_000) }
    }
  }

  /// A pair of members, of which the first is watched.
  private static func members(_ said: Said) -> [any Communicator] {
    let members = InProcessCommunicator.group(of: 2)
    return [WatchedCommunicator(members[0], limit: 0.02) { said.add($0) }, members[1]]
  }

  func testACallThatWaitsIsNamedOnceWithItsRankAndItsPlace() throws {
    let said = Said()
    let results = Ranks.run(2, members: Self.members(said)) { communicator in
      for (number, place) in ["update 7", "update 8"].enumerated() {
        communicator.enter(place)
        if communicator.rank == 1 {
          said.wait(forLines: number + 1)
          // Long enough for a second line about the same call.
          usleep(100_000)
        }
        _ = try communicator.gathered([1], filling: 0)
      }
      communicator.enter(nil)
      if communicator.rank == 1 { usleep(100_000) }
      return try communicator.gathered([communicator.rank], filling: 0)
    }
    for result in results { XCTAssertEqual(try result.get(), [0, 1]) }
    XCTAssertEqual(
      said.all,
      [7, 8].map {
        "rank 0 has waited for 0.02 s in update \($0) for ranks that have not come"
      })
  }

  /// However long others compute their parts, there is nothing that it misses.
  func testARankWithoutAPartSaysNothingOfItsWaiting() throws {
    let said = Said()
    let data = SmallModels.data(test: 64)
    nonisolated(unsafe) let model = try SmallModels.registry.model(
      SmallModels.recipe("gaussian-vae", data: data), seed: 3)
    let members = InProcessCommunicator.group(of: 2)
    let watched: [any Communicator] = [
      members[0], WatchedCommunicator(members[1], limit: 0.02) { said.add($0) },
    ]
    let results = Ranks.run(2, members: watched) { communicator in
      try Evaluator(
        model: model, examples: Examples(data.test ?? data.train, condition: nil), seed: 1
      )
      .run(metrics: ["elbo"], among: communicator) { fraction in
        if communicator.rank == 0, fraction == 0 { usleep(200_000) }
        return true
      }?.examples
    }
    for result in results { XCTAssertEqual(try result.get(), 64) }
    XCTAssertFalse(said.all.contains { $0.contains("part") }, "\(said.all)")
  }

  /// The only member of a group, which counts what it is told of places.
  private final class CountingCommunicator: Communicator {
    let inner = SoloCommunicator()
    let places = Lock(0)
    var rank: Int { 0 }
    var size: Int { 1 }

    func allToAll(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws { inner.allToAll(send, into: receive) }

    func allGather(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws { inner.allGather(send, into: receive) }

    func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {}
    func abort(_ reason: String) {}
    func enter(_ place: String?) { places.withLock { $0 += 1 } }
  }

  func testWhoeverIsAloneMakesNoTextsAboutPlaces() throws {
    let data = SmallModels.data(train: 48)
    let communicator = CountingCommunicator()
    for shards in ["0", "2"] {
      var recipe = try SmallModels.recipe("gaussian-vae", data: data)
      try SmallModels.registry.apply([("training.shards", shards)], to: &recipe)
      var options = SmallModels.options(epochs: 1, batchSize: 16)
      options.shards = Int(shards) ?? 0
      let trainer = try Trainer(
        model: SmallModels.registry.model(recipe, seed: 3), data: data, options: options,
        communicator: communicator)
      XCTAssertEqual(try trainer.train(), .finished)
    }
    XCTAssertEqual(communicator.places.withLock { $0 }, 0)
  }

  func testATrainingThatWaitsSaysInWhichUpdate() throws {
    let said = Said()
    let data = SmallModels.data(train: 48)
    let results = Ranks.run(2, members: Self.members(said)) { communicator in
      let trainer = try Trainer(
        model: SmallModels.registry.model(
          try SmallModels.recipe("gaussian-vae", data: data), seed: 3),
        data: data, options: SmallModels.options(epochs: 1, batchSize: 16),
        communicator: communicator)
      return try trainer.train { event in
        if case .step(2, _, _, _) = event, communicator.rank == 1 {
          let before = said.all.count
          said.wait(forLines: before + 1)
        }
      }
    }
    for result in results { XCTAssertEqual(try result.get(), .finished) }
    XCTAssertTrue(said.all.contains { $0.contains(" in the end of update 2 for") }, "\(said.all)")
  }
}

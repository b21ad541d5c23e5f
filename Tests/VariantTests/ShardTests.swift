import Communication
import VAEZoo
import XCTest

/// Batches that are divided into shards, in one process and among several: here threads with a trainer each.
final class ShardTests: OneThreadTestCase {
  /// A trainer of a small model.
  private static func trainer(
    _ variant: String, _ settings: [(key: String, value: String)] = [], data: DataSource,
    shards: Int, _ communicator: any Communicator = SoloCommunicator(),
    start: Trainer.Start = .fresh, _ change: (inout TrainingOptions) -> Void = { _ in }
  ) throws -> Trainer {
    let recipe = try SmallModels.recipe(variant, data: data, settings)
    var options = SmallModels.options(epochs: 1, batchSize: 24)
    options.dropLast = false
    options.shards = shards
    change(&options)
    return try Trainer(
      model: SmallModels.registry.model(recipe, seed: 3), data: data, options: options,
      start: start, communicator: communicator)
  }

  /// The only numbers of other shards that places are found by.
  func testCodesOfOtherRanksThatThereAreNotAreRefused() throws {
    let data = SmallModels.data()
    let altered = Lock(0)
    let members = InProcessCommunicator.group(of: 2)
    let errors = Ranks.errors(
      2,
      members: [
        members[0],
        AlteringCommunicator(members[1]) { send, receive in
          // Whole numbers of 32 bits, none of them large and not all of them zero.
          guard send.count >= 32, send.count.isMultiple(of: 4) else { return }
          let words = stride(from: 0, to: send.count, by: 4).map {
            send.loadUnaligned(fromByteOffset: $0, as: Int32.self)
          }
          guard words.allSatisfy({ (0..<4096).contains($0) }), words.contains(where: { $0 > 0 })
          else { return }
          altered.withLock { $0 += 1 }
          receive.storeBytes(of: Int32(1_000_000), toByteOffset: 0, as: Int32.self)
        },
      ]
    ) { communicator in
      try Self.trainer("vq-vae", data: data, shards: 2, communicator).train()
    }
    XCTAssertGreaterThan(altered.withLock { $0 }, 0)
    XCTAssertTrue(
      errors[1]?.contains("rank 1 is given codes by the others that are none of the") ?? false,
      "\(errors)")
  }

  // MARK: Against the whole batch

  /// Of 64 examples in batches of 24 the last has 16, and none of the shards of 5 is as large as the others.
  func testEveryVariantIsTrainedInShardsAsItIsWholeOrRefused() throws {
    let data = SmallModels.data()
    var refused: [String] = []
    func run(_ variant: String, _ settings: [(key: String, value: String)], shards: Int) throws
      -> (start: [Float], end: [Float], record: EpochRecord?)
    {
      // Adam would divide gradients that are zero but for rounding by their own size.
      let trainer = try Self.trainer(variant, settings, data: data, shards: shards) {
        $0.optimizer = .sgd
        $0.learningRate = 1e-4
      }
      let parameters = trainer.model.parameters.filter { !$0.path.hasPrefix("objective.") }
      func values() -> [Float] { parameters.flatMap { $0.parameter.value.floats } }
      var (start, record): ([Float], EpochRecord?) = ([], nil)
      _ = try trainer.train {
        switch $0 {
        // The parts have looked at the first batches.
        case .started: start = values()
        case .epoch(let found): record = found
        default: break
        }
      }
      return (start, values(), record)
    }
    let names = SmallModels.registry.entries.map(\.variant.name)
    let others: [(String, [(key: String, value: String)])] = [
      ("gaussian-vae", [(key: "likelihood", value: "gaussian"), (key: "sigma", value: "optimal")]),
      ("gaussian-vae", [(key: "objective.free_bits", value: "3")]),
    ]
    // Shards on either side of a capacity that the batch is on one side of.
    let capacity = [
      (key: "objective.name", value: "capacity"), (key: "objective.capacity_steps", value: "0"),
    ]
    let rate = try run("beta-vae", capacity, shards: 0).record?.train.rate ?? .nan
    let between = [("beta-vae", capacity + [(key: "objective.capacity", value: "\(rate)")])]
    for (name, settings) in names.map({ ($0, []) }) + others + between {
      let whole = try run(name, settings, shards: 0)
      do {
        let shards = try run(name, settings, shards: 5)
        let (one, other) = (try XCTUnwrap(whole.record), try XCTUnwrap(shards.record))
        for (a, b) in [
          (one.train.distortion, other.train.distortion), (one.train.rate, other.train.rate),
        ] + zip(one.terms, other.terms).map({ ($0.value, $1.value) }) {
          XCTAssertEqual(a, b, accuracy: 1e-3 * max(1, abs(a)), "\(name): \(one.terms)")
        }
        XCTAssertEqual(one.terms.map(\.name), other.terms.map(\.name), name)
        var (change, difference) = (0.0, 0.0)
        for place in whole.end.indices {
          let moved = Double(whole.end[place] - whole.start[place])
          let apart = Double(whole.end[place] - shards.end[place])
          (change, difference) = (change + moved * moved, difference + apart * apart)
        }
        XCTAssertLessThan(
          difference.squareRoot(), 0.01 * change.squareRoot() + 1e-7, "\(name) \(settings)")
      } catch let error as RecipeError {
        XCTAssertTrue("\(error)".contains("training.shards=5 divides each batch"), "\(error)")
        refused.append(name)
      }
    }
    XCTAssertEqual(refused, ["vae-gan"])
  }

  // MARK: Missing values

  /// Images or rows of which most are whole, some have a gap, and of some nothing is known.
  private struct TornStore: ExampleStore {
    let whole: any ExampleStore
    var count: Int { whole.count }
    var shape: ImageShape { whole.shape }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      whole.write(indices, into: destination)
      let size = shape.count
      for (row, index) in indices.enumerated() where index % 4 == 1 {
        for place in 0..<size where index % 8 == 5 || place % 5 == index % 3 {
          destination[row * size + place] = .nan
        }
      }
    }
  }

  private static func torn(
    asTable: Bool = false, isBinary: Bool = false, train: Int = 58
  ) -> DataSource {
    let columns = TableColumns(
      (0..<5).map { TableColumn(name: "\($0)", kind: .real, centre: 2, scale: 3) })
    let shape = ImageShape(height: 8, width: 8, channels: 1)
    func split(_ name: String, _ count: Int) -> DataSplit {
      let store: any ExampleStore =
        asTable
        ? TableStore(TornStore(whole: RowStore(count: count)), columns: columns)
        : TornStore(whole: BlobStore(count: count, shape: shape, isBinary: isBinary))
      return DataSplit(name: name, store: store, labels: nil)
    }
    return DataSource(
      name: "torn", valueRange: asTable ? .real : isBinary ? .binary : .unit,
      rule: asTable ? "table" : isBinary ? "binary" : "bytes/255", isDiscrete: !asTable,
      train: split("train", train), test: split("test", 20))
  }

  private static let optimal: [(key: String, value: String)] = [
    (key: "encoder.name", value: "masked-mlp"), (key: "likelihood", value: "gaussian"),
    (key: "sigma", value: "optimal"),
  ]

  /// In batches of four each shard is one example: some have gaps, some are whole, and of some nothing is known.
  func testShardsWithAndWithoutGapsComeToTheDeviationOfTheBatch() throws {
    for asTable in [false, true] {
      for batch in [4, 20] {
        let make: @Sendable (Int, any Communicator) throws -> Trainer = { shards, communicator in
          try Self.trainer(
            "gaussian-vae", Self.optimal, data: Self.torn(asTable: asTable), shards: shards,
            communicator
          ) {
            ($0.optimizer, $0.learningRate, $0.batchSize) = (.sgd, 1e-4, batch)
            $0.dropLast = true
          }
        }
        let name = "\(asTable ? "table" : "images") in batches of \(batch)"
        var start: [Float] = []
        func values(_ shards: Int) throws -> [Float] {
          let trainer = try make(shards, SoloCommunicator())
          func values() -> [Float] {
            trainer.model.parameters.flatMap { $0.parameter.value.floats }
          }
          _ = try trainer.train { if case .started = $0 { start = values() } }
          return values()
        }
        let (whole, divided) = (try values(0), try values(4))
        var (change, difference) = (0.0, 0.0)
        for place in whole.indices {
          let (moved, apart) = (whole[place] - start[place], whole[place] - divided[place])
          (change, difference) = (
            change + Double(moved * moved), difference + Double(apart * apart)
          )
        }
        XCTAssertGreaterThan(change, 0, name)
        XCTAssertLessThan(difference.squareRoot(), 0.01 * change.squareRoot(), name)
        let one = trained(1) { try make(4, $0) }[0]
        XCTAssertNil(one.error, name)
        for other in trained(2, { try make(4, $0) }) { XCTAssertEqual(other, one, name) }
      }
    }
  }

  func testEveryLikelihoodOfElementsTakesAShardOfWhichNothingIsKnown() throws {
    for likelihood in [
      "bernoulli", "categorical", "laplace", "logistic", "log-cosh", "logistic-mixture",
      "student-t",
    ] {
      let trainer = try Self.trainer(
        "gaussian-vae",
        [(key: "encoder.name", value: "masked-mlp"), (key: "likelihood", value: likelihood)],
        data: Self.torn(isBinary: likelihood == "bernoulli", train: 16), shards: 4
      ) { $0.batchSize = 4 }
      XCTAssertEqual(try trainer.train(), .finished, likelihood)
    }
  }

  // MARK: Any number of processes

  /// What a training comes to: all weights, and what it recorded.
  private struct Result: Equatable, Sendable {
    var values: [String: [UInt32]] = [:]
    var records: [String] = []
    var error: String?
    var outcome: String?
    var step = 0
  }

  /// Trains in some processes that divide four shards, and gives what each came to.
  private func trained(
    _ processes: Int, _ make: @Sendable @escaping (any Communicator) throws -> Trainer,
    members: [any Communicator]? = nil,
    cancel: @Sendable @escaping (Int) -> CancelToken = { _ in
      CancelToken()
    }
  ) -> [Result] {
    Ranks.run(processes, members: members) { communicator in
      var result = Result()
      let trainer: Trainer
      do { trainer = try make(communicator) } catch {
        communicator.abort("\(error)")
        throw error
      }
      do {
        let outcome = try trainer.train(cancel: cancel(communicator.rank)) {
          if case .epoch(var record) = $0 {
            record.seconds = 0
            result.records.append("\(record)")
          }
        }
        result.outcome = "\(outcome)"
      } catch {
        result.error = "\(error)"
      }
      result.step = trainer.step
      for stored in trainer.model.storedTensors {
        result.values[stored.path] = stored.tensor.value.floats.map(\.bitPattern)
      }
      return result
    }.map { found in
      switch found {
      case .success(let result): result
      case .failure(let error): Result(error: "\(error)")
      }
    }
  }

  func testFourShardsGiveTheSameBitsOnOneTwoAndFourProcesses() throws {
    let models: [(String, [(key: String, value: String)])] = [
      ("gaussian-vae", []), ("vq-vae", [(key: "prior.restart_threshold", value: "0.9")]),
      ("ladder-vae", []), ("factor-vae", []), ("vqgan", []), ("flow-vae", []), ("iwae", []),
      ("gaussian-vae", [(key: "likelihood", value: "gaussian"), (key: "sigma", value: "optimal")]),
      ("gaussian-vae", [(key: "objective.name", value: "capacity")]),
    ]
    for (name, settings) in models {
      let make: @Sendable (any Communicator) throws -> Trainer = { communicator in
        try Self.trainer(
          name, settings, data: SmallModels.data(train: 56), shards: 4, communicator)
      }
      let one = trained(1, make)[0]
      XCTAssertNil(one.error, name)
      XCTAssertEqual(one.step, 3, name)
      for processes in [2, 4] {
        for (rank, other) in trained(processes, make).enumerated() {
          XCTAssertEqual(other, one, "\(name) \(settings), rank \(rank) of \(processes)")
        }
      }
    }
  }

  // MARK: What goes wrong

  /// A member of a group whose calls fail after a number of them.
  private final class FailingCommunicator: Communicator, @unchecked Sendable {
    private let inner: InProcessCommunicator
    private var calls: Int
    var rank: Int { inner.rank }
    var size: Int { inner.size }

    init(_ inner: InProcessCommunicator, after calls: Int) {
      (self.inner, self.calls) = (inner, calls)
    }

    private func count() throws {
      calls -= 1
      guard calls < 0 else { return }
      throw CommunicationError(.failed, "the cable was pulled")
    }

    func allToAll(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws {
      try count()
      try inner.allToAll(send, into: receive)
    }

    func allGather(
      _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
    ) throws {
      try count()
      try inner.allGather(send, into: receive)
    }

    func broadcast(_ buffer: UnsafeMutableRawBufferPointer, from root: Int) throws {
      try count()
      try inner.broadcast(buffer, from: root)
    }

    func abort(_ reason: String) { inner.abort(reason) }
  }

  /// A call that fails is an error on every rank wherever in a training it comes: at the comparison of what
  /// the ranks have, in a normalisation, at the gradients, at the codebook or after an update.
  func testACallThatFailsAnywhereEndsTheTrainingOfAllRanks() {
    for calls in [0, 1, 4, 9, 11, 12, 13, 15, 17, 19, 22, 26, 29, 31] {
      let members = InProcessCommunicator.group(of: 2)
      let results = trained(
        2, { try Self.trainer("ladder-vae", data: SmallModels.data(train: 48), shards: 4, $0) },
        members: [members[0], FailingCommunicator(members[1], after: calls)])
      for (rank, result) in results.enumerated() {
        XCTAssertTrue(
          result.error?.contains("the cable was pulled") ?? false,
          "rank \(rank) after \(calls) calls: \(result.error ?? "no error at step \(result.step)")")
      }
    }
  }

  /// Whichever request of an update is refused, the error comes out and the next update goes on; and what gradients are
  /// added up in is among the requests.
  func testShardsInShortMemoryEndWithItsError() throws {
    let trainer = try Self.trainer(
      "gaussian-vae", [(key: "hidden", value: "48")], data: SmallModels.data(), shards: 2)
    var (request, asked, isDone) = (0, false, false)
    while !isDone {
      request += 1
      do {
        isDone = try !Memory.refusing(request: request) { try trainer.advance() }.wasReached
      } catch let error as MemoryError {
        asked = asked || "\(error)".contains("the gradients of all shards")
      }
    }
    XCTAssertTrue(asked, "\(request) requests")
    XCTAssertGreaterThan(request, 20)
  }

  func testRanksThatWereStartedOtherwiseAreNamed() {
    let changes: [(String, @Sendable (inout TrainingOptions) -> Void)] = [
      (
        "rank 1 has another setting of training than rank 0: training.epochs=3 in place of training.epochs=1, "
          + "training.seed=6 in place of training.seed=5; all", { ($0.epochs, $0.seed) = (3, 6) }
      ),
      (
        "rank 1 has another number of training examples than rank 0: 50 in place of 48; all",
        { _ in }
      ),
      ("rank 1 has another model than rank 0; all", { _ in }),
      ("rank 1 has another start of the weights than rank 0: given in place of drawn", { _ in }),
    ]
    for (text, change) in changes {
      let results = trained(
        2,
        { communicator in
          let isOther = communicator.rank == 1
          return try Self.trainer(
            "gaussian-vae", isOther && text.contains("model") ? [(key: "latent", value: "3")] : [],
            data: SmallModels.data(train: isOther && text.contains("examples") ? 50 : 48),
            shards: 0, communicator,
            start: isOther && text.contains("start") ? .asIs : .fresh
          ) { if isOther { change(&$0) } }
        })
      for result in results { XCTAssertTrue(result.error?.hasPrefix(text) ?? false, "\(result)") }
    }
  }

  /// What all are refused alike is no reason to end the others: they go on to train.
  func testABatchOfTheCallersIsRefusedAndEndsNobody() {
    let results = trained(
      2,
      { communicator in
        let trainer = try Self.trainer(
          "gaussian-vae", data: SmallModels.data(), shards: 0, communicator)
        for _ in 0..<2 {
          XCTAssertThrowsError(try trainer.advance(on: .zeros([4, 8, 8, 1]))) {
            XCTAssertTrue("\($0)".contains("no part of what 2 processes"), "\($0)")
          }
        }
        return trainer
      })
    XCTAssertEqual(results.map(\.outcome), ["finished", "finished"], "\(results.map(\.error))")
  }

  /// Of two trainings that go on at the same time neither computes with more threads than it would by itself.
  func testTheTrainingWithTheMostShardsSaysHowTheThreadsAreDivided() throws {
    Engine.threads = 4
    func trainer(_ shards: Int) throws -> Trainer {
      try Self.trainer("gaussian-vae", data: SmallModels.data(), shards: shards)
    }
    let (outer, inner) = (try trainer(4), try trainer(2))
    var seen: [Int] = []
    _ = try outer.advance { _ in
      seen.append(Engine.threads)
      _ = try? inner.advance { _ in seen.append(Engine.threads) }
      seen.append(Engine.threads)
    }
    XCTAssertEqual(Set(seen), [1])
    XCTAssertGreaterThan(seen.count, 2)
    _ = try inner.advance { _ in seen = [Engine.threads] }
    XCTAssertEqual(seen, [2])
    XCTAssertEqual(Engine.threads, 4)
  }

  func testTheProcessesOfAMachineDivideItsProcessorsOrTheQuotaOfTheirControlGroup() throws {
    let variables = ["PMI_SIZE": "4", "MPI_LOCALNRANKS": "2", "PMI_RANK": "0"]
    let launcher = try XCTUnwrap(MPILauncher { variables[$0] })
    for (allowed, quota, expected) in [
      (8, nil, 4), (3, nil, 3), (1, nil, 1), (6, 6, 3), (2, 6, 2), (1, 1, 1), (8, 12, 4),
    ] as [(Int, Int?, Int)] {
      XCTAssertEqual(
        launcher.threads(allowed: allowed, processors: 8, quota: quota), expected,
        "\(allowed) threads, quota \(quota ?? 0)")
    }
  }

  func testAStopThatOneRankIsAskedForStopsAllAtTheSameStep() {
    let results = trained(
      2, { try Self.trainer("gaussian-vae", data: SmallModels.data(), shards: 0, $0) },
      cancel: {
        let token = CancelToken()
        if $0 == 1 { token.cancel() }
        return token
      })
    XCTAssertEqual(results.map(\.outcome), ["cancelled", "cancelled"])
    XCTAssertEqual(results.map(\.step), [1, 1])
  }

  func testALossThatIsNotFiniteInOneShardIsTheSameErrorOnEveryRank() {
    let results = trained(
      2,
      {
        try Self.trainer("gaussian-vae", data: SmallModels.data(), shards: 0, $0) {
          ($0.learningRate, $0.optimizer) = (1e3, .sgd)
        }
      })
    XCTAssertTrue(
      results[0].error?.hasPrefix("training diverged at step") ?? false, "\(results[0])")
    XCTAssertEqual(results[0].error, results[1].error)
    XCTAssertEqual(results[0].step, results[1].step)
  }

  func testShardsThatCannotBeDividedAreRefused() throws {
    func message(_ shards: Int, _ processes: Int, batch: Int = 24, given: Int? = nil) -> String {
      do {
        let data = SmallModels.data(train: given ?? 64)
        _ = try Self.trainer(
          "gaussian-vae", data: data, shards: shards,
          InProcessCommunicator.group(of: processes)[0]
        ) { $0.batchSize = batch }
        return "accepted"
      } catch { return "\(error)" }
    }
    XCTAssertEqual(message(4, 2), "accepted")
    XCTAssertTrue(message(3, 2).contains("cannot be divided among 2 processes"), message(3, 2))
    // 64 examples in batches of 21 leave one.
    XCTAssertTrue(message(2, 2, batch: 21).contains("makes a batch of 1 example"))
    XCTAssertTrue(message(0, 2, batch: 21).contains("training by 2 processes"))
    // What is advised is accepted.
    XCTAssertTrue(message(2, 3).contains("divides 2 (1 or 2)"), message(2, 3))
    XCTAssertTrue(message(2, 3).contains("training.shards=3"), message(2, 3))
    XCTAssertTrue(message(2, 2, batch: 1).hasSuffix("choose training.batch_size=2 or more"))
    XCTAssertTrue(message(8, 1, batch: 7, given: 7).hasSuffix("choose training.shards=7"))
    XCTAssertEqual(message(7, 1, batch: 7, given: 7), "accepted")
    XCTAssertTrue(message(0, 8, given: 7).contains("choose at most 7 processes"))
  }
}

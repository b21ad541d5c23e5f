import Communication
import VAEZoo
import XCTest

/// What is asked of a model by several ranks, here threads, which divide the examples.
final class DividedEvaluationTests: OneThreadTestCase {
  private static func model(
    _ variant: String, _ settings: [(key: String, value: String)] = [],
    _ data: DataSource = SmallModels.data()
  ) throws -> TrainedModel {
    let recipe = try SmallModels.recipe(variant, data: data, settings)
    return TrainedModel(
      model: try SmallModels.registry.model(recipe, seed: 3), recipe: recipe, source: variant)
  }

  /// Images with labels and factors.
  private static func split(_ count: Int) -> DataSplit {
    DataSplit(
      name: "test",
      store: BlobStore(
        count: count, shape: ImageShape(height: 12, width: 12, channels: 1), isBinary: true),
      labels: (0..<count).map { Int32($0 % 3) },
      factors: FactorTable(
        [("y", 5), ("x", 4)], combinations: (0..<count).map { Int32($0 % 20) }))
  }

  private static var images: DataSource { SmallModels.data(height: 12, width: 12) }

  // MARK: The same bits

  /// 50 examples in batches of 20 are three, of which two ranks have two and one, and four one or none.
  func testEveryMetricHasTheBitsOfOneRankOnAnyNumberOfThem() throws {
    let split = Self.split(50)
    var seen: Set<String> = []
    for variant in ["gaussian-vae", "vq-vae", "ladder-vae", "conditional-vae"] {
      let model = try Self.model(variant, [], Self.images)
      var own = Evaluator(
        model: model.model, examples: try model.examples(split), seed: 4)
      own.rowLimit = 80
      own.network = try model.network(
        SmallModels.network(channels: 1).path, registry: SmallModels.registry)
      nonisolated(unsafe) let evaluator = own
      func line(_ result: Evaluator.Result?) throws -> String {
        try XCTUnwrap(result).json(variant: variant, split: "test").line
      }
      let whole = try XCTUnwrap(evaluator.run(importanceSamples: 4))
      seen.formUnion(whole.metrics.entries.map(\.descriptor.name))
      let pictures = ["psnr", "ssim", "ms_ssim", "sharpness", "feature_distance"]
      let named = try line(evaluator.run(metrics: pictures, among: SoloCommunicator()))
      for count in [2, 4] {
        let found = Ranks.run(count) { communicator in
          (
            try evaluator.run(metrics: nil, importanceSamples: 4, among: communicator),
            try evaluator.run(metrics: pictures, among: communicator)
          )
        }
        for (rank, result) in found.enumerated() {
          let (all, some) = try result.get()
          XCTAssertEqual(try line(all), try line(whole), "\(variant), rank \(rank) of \(count)")
          XCTAssertEqual(try line(some), named, "\(variant), rank \(rank) of \(count)")
          XCTAssertEqual(
            all?.omissions.map(\.descriptor.name), whole.omissions.map(\.descriptor.name))
        }
      }
    }
    // Those that are missing are of hidden values and of a classifier.
    XCTAssertEqual(
      Set(MetricRegistry.standard.metrics(at: .evaluation).map { $0.descriptor.name })
        .subtracting(seen), ["hidden_distortion", "classifier_confidence"])
  }

  func testScoresAndLatentsHaveTheBitsOfOneRankInItsOrder() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    nonisolated(unsafe) let codes = try Self.model("vq-vae")
    nonisolated(unsafe) let ladder = try Self.model("ladder-vae")
    let split = SmallModels.data(test: 600).test ?? SmallModels.data().train
    let some = SmallModels.data(test: 70).test ?? split
    @Sendable func bits(_ communicator: any Communicator) throws -> [[UInt32]] {
      func scores(_ method: ScoreMethod, _ background: TrainedModel? = nil) throws -> [UInt32] {
        var options = ScoreOptions()
        (options.method, options.importanceSamples, options.regret.steps) = (method, 20, 3)
        let found = try model.scores(
          some, options, background: background, among: communicator)
        return (found ?? []).map { Float($0).bitPattern }
      }
      func table(_ model: TrainedModel, _ content: LatentContent) throws -> [UInt32] {
        let table = try model.latentTable(of: split, content, seed: 2, among: communicator)
        return table.elementType == .int32
          ? table.indices.map(UInt32.init) : table.floats.map(\.bitPattern)
      }
      return [
        try scores(.nll), try scores(.elbo), try scores(.regret), try scores(.ratio, model),
        try table(model, .means), try table(model, .variances), try table(ladder, .draws),
        try table(codes, .codes),
        try model.madeReconstructions(split, count: 520, among: communicator).tensor.floats
          .map(\.bitPattern),
      ]
    }
    let one = try bits(SoloCommunicator())
    XCTAssertEqual(one.prefix(5).map(\.count), [70, 70, 70, 70, 1200])
    for count in [2, 4] {
      for result in Ranks.run(count, bits) { XCTAssertEqual(try result.get(), one) }
    }
  }

  /// Rows that can be read once, and not again.
  private final class RowsReadOnce: ExampleStore {
    private let rows = RowStore(count: 20)
    private let questions = Lock(0)
    private let isDamaged: Bool

    init(isDamaged: Bool) { self.isDamaged = isDamaged }

    var count: Int { rows.count }
    var shape: ImageShape { rows.shape }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      rows.write(indices, into: destination)
    }

    func takeFault() -> DataError? {
      let number = questions.withLock { questions in
        questions += 1
        return questions
      }
      return isDamaged && number == 2 ? DataError(.unusable, "the rows are gone") : nil
    }
  }

  func testARankThatCannotPrepareItsScoresEndsAllAndNoneWaits() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae", [], SmallModels.table())
    let errors = Ranks.errors(2) { communicator in
      let rows = DataSplit(name: "test", store: RowsReadOnce(isDamaged: communicator.rank == 1))
      return try model.scores(rows, ScoreOptions(), among: communicator)?.count
    }
    XCTAssertEqual(errors[1], "the rows are gone")
    XCTAssertEqual(errors[0], "rank 1 failed: the rows are gone")
    let rows = DataSplit(name: "test", store: RowsReadOnce(isDamaged: false))
    XCTAssertEqual(try model.scores(rows, ScoreOptions())?.count, 20)
  }

  /// Rows of which some are alike: their draws depend on how many of them come before, on whichever rank.
  func testImputationsHaveTheBitsOfOneRank() throws {
    let data = DataSource(
      name: "rows", valueRange: .real, rule: "table", isDiscrete: false,
      train: DataSplit(
        name: "train",
        store: TableStore(
          TornRows(),
          columns: TableColumns((0..<3).map { TableColumn(name: "\($0)", kind: .real) }))))
    nonisolated(unsafe) let model = try Self.model(
      "missing-vae", [(key: "likelihood.sigma", value: "0.5")], data)
    for drawing in [false, true] {
      var options = ImputationOptions()
      (options.samples, options.drawing) = (20, drawing)
      let asked = options
      let one = try XCTUnwrap(model.impute(data.train, options))
      for result in Ranks.run(
        3,
        { communicator -> ([Float], Double?) in
          let found = try model.impute(data.train, asked, among: communicator)
          return (found?.values.floats ?? [], found?.effectiveDraws)
        })
      {
        let (values, draws) = try result.get()
        XCTAssertEqual(values, one.values.floats)
        XCTAssertEqual(draws, one.effectiveDraws)
      }
      let different = Set(one.values.floats.suffix(30)).count
      XCTAssertTrue(drawing ? different > 3 : different == 3, "\(different)")
    }
  }

  private struct TornRows: ExampleStore {
    let count = 100
    let shape = ImageShape(height: 1, width: 3, channels: 1)

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      for (row, index) in indices.enumerated() {
        destination[3 * row] = Float(index < 60 ? index % 7 : 1)
        destination[3 * row + 1] = index % 5 == 0 && index < 60 ? 2 : .nan
        destination[3 * row + 2] = 0.5
      }
    }
  }

  // MARK: What ends all

  /// Examples of which some cannot be read.
  private final class BrokenStore: ExampleStore {
    let inner = BlobStore(
      count: 200, shape: ImageShape(height: 8, width: 8, channels: 1), isBinary: true)
    private let fault = Lock<DataError?>(nil)
    private let isBroken: Bool
    init(isBroken: Bool) { self.isBroken = isBroken }
    var count: Int { inner.count }
    var shape: ImageShape { inner.shape }

    func write(_ indices: [Int], into destination: UnsafeMutableBufferPointer<Float>) {
      inner.write(indices, into: destination)
      // Not one by one nor all together, as ranks look at them who compare their data.
      guard isBroken, indices.count > 1, indices.count < count, indices.contains(33) else {
        return
      }
      fault.withLock { $0 = DataError(.unusable, "example 33 cannot be read") }
    }

    func takeFault() -> DataError? {
      fault.withLock { fault in
        defer { fault = nil }
        return fault
      }
    }
  }

  func testWhateverEndsOneRankEndsAllWithItsReason() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    let split = SmallModels.data(test: 200).test ?? SmallModels.data().train
    var options = ScoreOptions()
    options.importanceSamples = 16
    let asked = options
    func errors(
      _ body: @Sendable @escaping (any Communicator, Bool) throws -> [Double]?
    ) -> [String] {
      Ranks.run(3) { try body($0, $0.rank == 1) }.map { result in
        switch result {
        case .success(let found): found == nil ? "stopped" : "finished"
        case .failure(let error): "\(error)"
        }
      }
    }
    XCTAssertEqual(
      errors { communicator, isOther in
        try model.scores(split, asked, among: communicator) { !isOther || $0 < 0.3 }
      }, ["stopped", "stopped", "stopped"])
    XCTAssertEqual(
      errors { communicator, isOther in
        var own = asked
        if isOther { own.seed = 7 }
        return try model.scores(split, own, among: communicator)
      },
      [String](
        repeating:
          "rank 1 has another setting of the call than rank 0: seed=7 in place of seed=0; all processes must be started "
          + "alike", count: 3))
    let broken = errors { communicator, isOther in
      let store = BrokenStore(isBroken: isOther)
      return try model.scores(DataSplit(name: "test", store: store), asked, among: communicator)
    }
    XCTAssertEqual(broken[1], "example 33 cannot be read")
    XCTAssertEqual(Set([broken[0], broken[2]]), ["rank 1 failed: example 33 cannot be read"])
    let many = SmallModels.data(test: 600).test ?? split
    let stopped = Ranks.errors(2) { communicator in
      try model.encode(many, among: communicator) { _ in
        if communicator.rank == 1 { throw StoppedWork() }
      }.mean?.count
    }
    XCTAssertEqual(stopped, ["StoppedWork()", "StoppedWork()"])
  }

  /// What a fault of the wires has made of findings is no number that anything is computed from.
  func testFindingsThatHaveChangedOnTheirWayAreRefused() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    let split = SmallModels.data(test: 64).test ?? SmallModels.data().train
    for least in [200, 1] {
      let members = InProcessCommunicator.group(of: 2)
      let errors = Ranks.errors(
        2,
        members: [
          members[0],
          // Changes a bit of what arrives.
          AlteringCommunicator(members[1]) { if $0.count >= least { $1[8] ^= 4 } },
        ]
      ) {
        try Evaluator(model: model.model, examples: model.examples(split), seed: 1).run(
          metrics: ["elbo"], among: $0)?.examples
      }
      XCTAssertTrue(
        errors[1]?.contains(
          least == 200
            ? "has arrived as something else on rank 1"
            : "part 1 of the evaluation is announced by what it cannot have sent") ?? false,
        "\(errors)")
    }
  }

  /// A rank that has no part, and one whose parts are done, hear their callers as well.
  func testARankWithoutAPartIsAskedWhetherToStopAndAllAtTheEnd() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    let split = SmallModels.data(test: 64).test ?? SmallModels.data().train
    for other in 0..<3 {
      let stopped = Ranks.run(3) { communicator in
        try model.scores(split, ScoreOptions(), among: communicator) { fraction in
          // The first rank alone has a part.
          communicator.rank != other || other == 0 && fraction < 1
        } == nil
      }
      XCTAssertEqual(try stopped.map { try $0.get() }, [true, true, true], "rank \(other)")
      let errors = Ranks.errors(3) { communicator in
        try model.encode(split, among: communicator) { fraction in
          if communicator.rank == other, fraction == 1 { throw StoppedWork() }
        }.mean?.count
      }
      XCTAssertEqual(errors, [String?](repeating: "StoppedWork()", count: 3))
    }
    XCTAssertThrowsError(
      try model.madeReconstructions(split) { if $0 == 1 { throw StoppedWork() } })
  }

  /// What one rank has no memory for is refused on all, wherever in the work that is.
  func testMemoryThatOneRankLacksEndsAllWithItsReason() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae", [], Self.images)
    let split = Self.split(600)
    var request = 1
    var refusals = 0
    while true {
      let (results, wasReached) = Memory.refusing(request: request) {
        Ranks.run(2) { communicator in
          try model.evaluate(split, metrics: ["elbo", "active_units"], among: communicator)?
            .examples
        }
      }
      guard wasReached else { break }
      let texts = results.map { result in
        if case .failure(let error) = result { "\(error)" } else { "" }
      }
      // A request may be one that can be done without.
      if texts != ["", ""] {
        refusals += 1
        XCTAssertFalse(texts.contains(""), "request \(request): \(texts)")
        XCTAssertTrue(
          texts.contains { $0.hasPrefix("rank ") && $0.contains(" failed: ") },
          "request \(request): \(texts)")
      }
      request += 1 + request / 8
    }
    XCTAssertGreaterThan(refusals, 3)
  }

  // MARK: Nonsense

  /// What a communicator hands over that is out of order is refused, and is no count or place of anything.
  func testNonsenseInAMessageOfAnotherRankIsRefused() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    let split = SmallModels.data(test: 64).test ?? SmallModels.data().train
    let words: [(place: Int, value: Int64)] = [
      (0, 3), (0, -1), (0, .max), (1, 1), (1, -1), (1, .min), (2, 0), (2, -1), (2, .min),
      (2, .max), (3, 7),
    ]
    for (place, value) in words {
      let members = InProcessCommunicator.group(of: 2)
      let errors = Ranks.errors(
        2,
        members: [
          members[0],
          AlteringCommunicator(members[1]) { send, receive in
            // The header of the first rank, which alone has a part.
            guard send.count == 32 else { return }
            receive.storeBytes(of: value, toByteOffset: 8 * place, as: Int64.self)
          },
        ]
      ) {
        try Evaluator(model: model.model, examples: model.examples(split), seed: 1).run(
          metrics: ["elbo"], among: $0)?.examples
      }
      XCTAssertTrue(
        errors[1]?.contains("rank 0 has found in part 1 of the evaluation") ?? false,
        "word \(place), \(value): \(errors)")
    }
  }

  func testACommunicatorThatGivesNoBytesOfOthersIsRefused() throws {
    nonisolated(unsafe) let model = try Self.model("gaussian-vae")
    let split = SmallModels.data(test: 64).test ?? SmallModels.data().train
    let alterations: [@Sendable (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void] = [
      { _, receive in receive.initializeMemory(as: UInt8.self, repeating: 0) },
      { _, receive in receive.initializeMemory(as: UInt8.self, repeating: 0xff) },
      // Its own in the place of all.
      { send, receive in
        for start in stride(from: 0, to: receive.count, by: max(1, send.count)) {
          UnsafeMutableRawBufferPointer(rebasing: receive[start..<start + send.count])
            .copyMemory(from: send)
        }
      },
      // In another order.
      { send, receive in
        for byte in 0..<send.count { receive.swapAt(byte, send.count + byte) }
      },
    ]
    for (number, alteration) in alterations.enumerated() {
      for rank in 0..<2 {
        let members = InProcessCommunicator.group(of: 2)
        let altered = members.map { member -> any Communicator in
          member.rank == rank ? AlteringCommunicator(member, alteration) : member
        }
        let errors = Ranks.errors(2, members: altered) {
          try Evaluator(model: model.model, examples: model.examples(split), seed: 1).run(
            metrics: ["elbo"], among: $0)?.examples
        }
        XCTAssertTrue(
          errors[rank]?.contains("the bytes of all") ?? false, "\(number), rank \(rank): \(errors)")
      }
    }
  }

  /// Bytes with a right checksum that no rank would write.
  func testFindingsThatCannotBeAreNoFindings() throws {
    func bytes(_ words: [Int64]) -> ArraySlice<UInt8> {
      words.flatMap { word in withUnsafeBytes(of: word) { Array($0) } }[...]
    }
    let shapes: [[Int64]] = [[.max, 0], [0, .max, .max], [-1], [Int64](repeating: 1, count: 40)]
    for shape in shapes {
      // One finding without numbers and with a tensor.
      XCTAssertNil(FindingsBytes.read(bytes([1, 0, 1, 0, Int64(shape.count)] + shape + [0])))
    }
    for words: [Int64] in [[], [-1], [.max], [1], [1, 1, .max], [1, 1, -1], [0, 0]] {
      XCTAssertNil(FindingsBytes.read(bytes(words)))
    }
    var findings = BatchFindings([[1, 2], []], tensors: [Tensor([3, 4]), Tensor(indices: [5])])
    findings.text = "six"
    let read = try XCTUnwrap(
      FindingsBytes.read(FindingsBytes.written([findings, BatchFindings()], for: "a test")[...]))
    XCTAssertEqual(read.map(\.numbers), [[[1, 2], []], []])
    XCTAssertEqual(read[0].tensors.map(\.count), [2, 1])
    XCTAssertEqual(read[0].text, "six")
  }
}

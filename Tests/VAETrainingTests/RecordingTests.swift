import Foundation
import NeuralNetworks
import Tensors
import VAEData
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

/// What is recorded of a training, and that recording changes nothing in it.
final class RecordingTests: XCTestCase {
  private func trainer(
    _ options: TrainingOptions, convolutional: Bool = false, data: DataSource? = nil
  ) throws -> Trainer {
    try Trainer(
      model: TrainingSupport.model(convolutional: convolutional),
      data: data ?? TrainingSupport.stripes(), options: options)
  }

  private func files(_ path: String) throws -> [String: [UInt8]] {
    try Dictionary(
      uniqueKeysWithValues: Folder(opening: "\(path)/records").list().map {
        ($0, try DurableFiles.read("\(path)/records/\($0)"))
      })
  }

  /// Lets go of a run at the end.
  private func closing(_ body: () throws -> Void) rethrows { try body() }

  // MARK: When

  func testRecordsLieAtPowersOfTwoAndLaterTwiceAsOften() {
    let schedule = RecordingSchedule(cost: 0)
    XCTAssertEqual(
      schedule.steps(through: 1500),
      [0, 8, 16, 32, 64, 128, 256, 512, 724, 1024, 1448])
    for step in 0...1500 {
      XCTAssertEqual(
        schedule.contains(step), schedule.steps(through: 1500).contains(step), "\(step)")
    }
  }

  func testDearRecordsStayBelowTheirShareOfTheTraining() {
    for cost in [0.5, 2, 10, 300] {
      let schedule = RecordingSchedule(cost: cost)
      let steps = schedule.steps(through: 1_000_000)
      for (number, step) in steps.enumerated() {
        XCTAssertLessThanOrEqual(Double(number + 1) * cost, 0.015 * Double(step) + 6 * cost + 1e-9)
      }
      XCTAssertGreaterThan(steps.count, 8, "cost \(cost)")
      XCTAssertTrue(steps.allSatisfy(schedule.contains))
      XCTAssertEqual(schedule.steps(through: 5000), steps.filter { $0 <= 5000 })
    }
    XCTAssertLessThan(RecordingSchedule(cost: 1).steps(through: .max).count, 100)
    // An epoch of MNIST, and five, with records of 500 examples each.
    for (last, count) in [(467, 7), (2344, 12)] {
      XCTAssertEqual(RecordingSchedule(cost: 1.53).steps(through: last).count, count)
    }
    XCTAssertFalse(RecordingSchedule(cost: 1).contains(.max))
  }

  // MARK: What

  func testRatesAreThoseOfTheRecordedMeansAndVariances() throws {
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path)
    _ = try trainer(TrainingSupport.options(epochs: 5)).train(run: run)
    XCTAssertEqual(try run.recordedSteps(), [0, 8, 16, 20])
    for step in try run.recordedSteps() {
      let record = try run.readRecord(step)
      let means = try XCTUnwrap(record.means)
      let variances = try XCTUnwrap(record.variances)
      XCTAssertEqual(means.shape, [20, 3])
      var rates = [Double](repeating: 0, count: 3)
      for (place, (mean, variance)) in zip(means.values, variances.values).enumerated() {
        let (mean, variance) = (Double(mean), Double(variance))
        rates[place % 3] += 0.5 * (mean * mean + variance - 1 - log(variance)) / 20
      }
      XCTAssertEqual(record.heldOut.rate, rates.reduce(0, +), accuracy: 1e-5)
      XCTAssertEqual(record.layerRates.count, 1)
      for (found, rate) in zip(try XCTUnwrap(record.unitRates.first), rates) {
        XCTAssertEqual(found, rate, accuracy: 1e-5)
      }
      XCTAssertEqual(record.step, step)
      XCTAssertEqual(record.epochs, Double(step) / 4)
      XCTAssertEqual(record.batch == nil, step == 0)
      XCTAssertEqual(record.samples?.shape, [16, 6, 5, 1])
      XCTAssertEqual(record.reconstructions?.shape, [16, 6, 5, 1])
    }
    let last = try run.readRecord(20)
    XCTAssertLessThan(-last.heldOut.elbo, -(try run.readRecord(0).heldOut.elbo) - 1)
  }

  func testTraversalsSweepUnitsByRateOverQuantilesOfTheirPriors() throws {
    let run = try RunFolder.create(at: TrainingSupport.temporaryFolder(self))
    let trainer = try trainer(TrainingSupport.options(epochs: 5))
    _ = try trainer.train(run: run)
    let record = try run.readRecord(20)
    let rates = try XCTUnwrap(record.unitRates.first)
    let traversals = try XCTUnwrap(record.traversals)
    let order = rates.indices.sorted { rates[$0] > rates[$1] }
    XCTAssertEqual(traversals.latents, order.map { .unit($0, level: 0) })
    XCTAssertEqual(traversals.images.shape, [3 * 7, 6, 5, 1])
    guard case .bytes(let found) = traversals.images else { return XCTFail("no bytes") }
    // Φ⁻¹ of 1 %, 17⅓ %, 33⅔ % (Python: statistics.NormalDist().inv_cdf); the rest by symmetry.
    let below: [Float] = [-2.326348, -0.941075, -0.421578, 0]
    let quantiles = below + below.dropLast().reversed().map { -$0 }
    let latents = order.flatMap { unit in
      quantiles.flatMap { quantile in (0..<3).map { $0 == unit ? quantile : 0 } }
    }
    let context = Context(
      mode: .evaluation, random: RandomSource(seed: 0), examples: (0..<21).map(UInt64.init))
    let images = trainer.model.decode([Tensor(latents, shape: [21, 3])], context)
    for (byte, value) in zip(found.values, images.floats) {
      XCTAssertEqual(Float(byte), value * 255, accuracy: 0.8)
    }
  }

  func testTheExamplesAreThoseOfTheHeldOutSplitAndThePicturesAreTheirs() throws {
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path)
    _ = try trainer(TrainingSupport.options(epochs: 1)).train(run: run)
    let examples = try XCTUnwrap(try run.readRecordedExamples())
    XCTAssertEqual(examples.split, "test")
    XCTAssertEqual(examples.indices.sorted(), Array(0..<20))
    guard case .bytes(let images) = examples.images else { return XCTFail("not bytes") }
    var values = [Float](repeating: 0, count: images.values.count)
    values.withUnsafeMutableBufferPointer {
      StripeStore(count: 20).write(examples.indices.prefix(16).map(Int.init), into: $0)
    }
    XCTAssertEqual(images.values, values.map { UInt8($0 * 255) })
  }

  // MARK: Nothing changes

  func testWeightsAreBitForBitThoseOfATrainingWithoutRecords() throws {
    for averageDecay in [0, 0.9] {
      for convolutional in [false, true] {
        var options = TrainingSupport.options()
        options.averageDecay = averageDecay
        let results = try [true, false].map { records in
          let path = TrainingSupport.temporaryFolder(self)
          let run = try RunFolder.create(at: path)
          let trainer = try trainer(options, convolutional: convolutional)
          trainer.makesRecords = records
          _ = try trainer.train(run: run)
          XCTAssertEqual(try run.recordedSteps().isEmpty, !records)
          return try ["weights", "optimizer"].map {
            try DurableFiles.read("\(path)/\($0).safetensors")
          }
        }
        XCTAssertEqual(results[0], results[1])
      }
    }
  }

  func testNormalisationsAreCalibratedForARecordAndLeftAsTheyWere() throws {
    var options = TrainingSupport.options(epochs: 3)
    options.batchSize /= 2
    let trainer = try trainer(options, convolutional: true)
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path)
    var buffers: [[[Float]]] = []
    for _ in 0..<7 {
      try trainer.advance(run: run)
      buffers.append(trainer.model.buffers.map { $0.buffer.value.floats })
    }
    XCTAssertFalse(buffers[0].isEmpty)
    // Before the first epoch's end nothing has been calibrated for good.
    XCTAssertTrue(buffers.allSatisfy { $0 == buffers[0] })
    try trainer.advance(run: run)
    XCTAssertNotEqual(trainer.model.buffers.map { $0.buffer.value.floats }, buffers[0])
    // The same examples, weights and statistics as those of the measurement at the epoch's end.
    let measured = try XCTUnwrap(run.readMetrics().objects.first?["valid"]?.object?["rate"]?.double)
    XCTAssertEqual(try run.readRecord(8).heldOut.rate, measured, accuracy: 1e-5)
  }

  // MARK: Resuming

  func testAResumedTrainingHasTheRecordsOfAnUninterruptedOneBitForBit() throws {
    var options = TrainingSupport.options(epochs: 5)
    options.averageDecay = 0.9
    let whole = TrainingSupport.temporaryFolder(self)
    _ = try trainer(options, convolutional: true).train(run: try RunFolder.create(at: whole))

    let path = TrainingSupport.temporaryFolder(self)
    for stop in [1, 6, 9, 16] {
      let cancel = CancelToken()
      let run = try RunFolder.create(at: path, resume: true)
      let part = try trainer(options, convolutional: true)
      if let checkpoint = try run.storedCheckpoint() { try part.restore(checkpoint) }
      try run.cutRecords(toStep: part.step, where: part.recordingSchedule.contains)
      _ = try part.train(run: run, cancel: cancel) {
        if case .step(stop, _, _, _) = $0 { cancel.cancel() }
      }
    }
    let run = try RunFolder.create(at: path, resume: true)
    let last = try trainer(options, convolutional: true)
    try last.restore(try XCTUnwrap(try run.storedCheckpoint()))
    _ = try last.train(run: run)
    XCTAssertEqual(try files(path), try files(whole))
  }

  func testALongerTrainingDropsTheRecordOfTheShorterOnesEnd() throws {
    let path = TrainingSupport.temporaryFolder(self)
    try closing {
      let run = try RunFolder.create(at: path)
      _ = try trainer(TrainingSupport.options(epochs: 3)).train(run: run)
      XCTAssertEqual(try run.recordedSteps(), [0, 8, 12])
    }
    try closing {
      let run = try RunFolder.create(at: path, resume: true)
      let more = try trainer(TrainingSupport.options(epochs: 5))
      try more.restore(try XCTUnwrap(try run.storedCheckpoint()))
      try run.cutRecords(toStep: 12, where: more.recordingSchedule.contains)
      _ = try more.train(run: run)
    }
    let whole = TrainingSupport.temporaryFolder(self)
    _ = try trainer(TrainingSupport.options(epochs: 5)).train(run: try RunFolder.create(at: whole))
    XCTAssertEqual(try files(path), try files(whole))
  }

  func testRecordsOfLaterStepsAndHalfWrittenOnesAreCut() throws {
    let path = TrainingSupport.temporaryFolder(self)
    let run = try RunFolder.create(at: path)
    _ = try trainer(TrainingSupport.options(epochs: 5)).train(run: run)
    for step in [3, 8, 20] { try run.appendEvaluation("{\"step\": \(step)}") }
    try DurableFiles.replace("\(path)/records/.tmp-1", with: [1])
    try DurableFiles.replace("\(path)/records/notes.txt", with: [2])
    try run.cutRecords(toStep: 16) { $0 != 8 }
    XCTAssertEqual(try run.recordedSteps(), [0, 16])
    XCTAssertEqual(try run.readEvaluations().objects.compactMap { $0["step"]?.integer }, [3, 8])
    XCTAssertFalse(DurableFiles.exists("\(path)/records/.tmp-1"))
    XCTAssertEqual(try DurableFiles.read("\(path)/records/notes.txt"), [2])
  }

  func testACrashAtAnyDiskOperationLeavesARecordForEveryStepBehindTheCheckpoint() throws {
    struct Crash: Error {}
    let counter = Counter()
    var (crashAt, operations) = (0, Int.max)
    while crashAt < operations {
      let path = TrainingSupport.temporaryFolder(self)
      try closing {
        let run = try RunFolder.create(at: path)
        try run.writeRecipe(Array("{}".utf8))
        let trainer = try trainer(TrainingSupport.options(epochs: 2))
        counter.restart(crashAt: crashAt)
        DurableFiles.withChanges(announcedTo: { _ in if counter.isDue() { throw Crash() } }) {
          _ = try? trainer.train(run: run)
        }
        if !counter.hasCrashed { operations = counter.count }
      }
      let run = try RunFolder.create(at: path, resume: true)
      let step = try run.storedCheckpoint()?.step ?? -1
      try run.cutRecords(toStep: step) { _ in true }
      XCTAssertEqual(
        try run.recordedSteps(), [0, 8].filter { $0 <= step }, "crash \(crashAt)")
      for step in try run.recordedSteps() { _ = try run.readRecord(step) }
      crashAt += 3
    }
    XCTAssertGreaterThan(operations, 30)
  }

  func testReplacingARunRemovesItsRecordsAndNothingElse() throws {
    let path = TrainingSupport.temporaryFolder(self)
    try closing {
      let run = try RunFolder.create(at: path)
      try run.writeRecipe(Array("{}".utf8))
      try run.appendSession("{\"step\": 0}")
      _ = try trainer(TrainingSupport.options(epochs: 1)).train(run: run)
      try DurableFiles.replace("\(path)/records/notes.txt", with: [2])
    }
    let run = try RunFolder.create(at: path, force: true)
    XCTAssertEqual(try Folder(opening: "\(path)/records").list(), ["notes.txt"])
    XCTAssertEqual(try run.readSessions().objects, [])
  }

  // MARK: Files

  private func fullRecord() -> TrainingRecord {
    var record = TrainingRecord(
      step: 23, epochs: 0.25, batch: BoundTerms(distortion: 3, rate: 1),
      heldOut: BoundTerms(distortion: 2, rate: 0.5))
    record.layerRates = [0.25, 0.25]
    record.unitRates = [[0.125, 0.125], []]
    record.means = RecordedArray([1, 2, 3, 4], shape: [2, 2])
    record.variances = RecordedArray([0.5, 1, 1, 0.25], shape: [2, 2])
    record.draws = [nil, RecordedArray([1, 2], shape: [2, 1])]
    record.priorDraws = [nil, RecordedArray([3, 4], shape: [2, 1])]
    record.codeCounts = [4, 0, 1]
    record.codes = RecordedArray([0, 2, 0, 0], shape: [1, 2, 2])
    record.reconstructions = .bytes(RecordedArray([1, 2, 3, 255], shape: [1, 2, 2, 1]))
    record.samples = .floats(RecordedArray([-1, 2.5], shape: [1, 1, 2, 1]))
    record.traversals = RecordedTraversals(
      [.unit(1, level: 0), .place(row: 2, column: 3)],
      images: .bytes(RecordedArray([1, 2, 3, 4, 5, 6], shape: [6, 1, 1, 1])))
    return record
  }

  func testTraversalsThatAreNotThoseOfTheirImagesAreRefused() throws {
    // Without checksums, so that it is the record that is refused.
    let bytes = try Safetensors(parsing: fullRecord().encoded(), path: "sound").encoded()
    let text = String(decoding: bytes, as: UTF8.self)
    XCTAssertTrue(text.contains("\\\"unit\\\""))
    for (old, new) in [("\\\"unit\\\"", "\\\"tinu\\\""), ("\\\"column\\\"", "\\\"colum_\\\"")] {
      let damaged = replacing(bytes, old, new)
      XCTAssertThrowsError(try TrainingRecord(parsing: damaged, source: "folder/4.safetensors")) {
        XCTAssertTrue("\($0)".contains("folder/4.safetensors"), "\($0)")
        XCTAssertTrue("\($0)".contains("traversals"), "\($0)")
      }
    }
  }

  /// Bytes with a text in them replaced by one of the same length.
  private func replacing(_ bytes: [UInt8], _ old: String, _ new: String) -> [UInt8] {
    let (old, new) = (Array(old.utf8), Array(new.utf8))
    var result = bytes
    for start in bytes.indices.dropLast(old.count)
    where Array(bytes[start..<start + old.count]) == old {
      result.replaceSubrange(start..<start + old.count, with: new)
    }
    return result
  }

  func testARecordIsReadAsItWasWritten() throws {
    let record = fullRecord()
    let read = try TrainingRecord(parsing: record.encoded(), source: "a")
    XCTAssertEqual(read.encoded(), record.encoded())
    XCTAssertEqual(read.step, 23)
    XCTAssertEqual(read.batch, record.batch)
    XCTAssertEqual(read.unitRates, [[0.125, 0.125], []])
    XCTAssertNil(read.draws[0])
    XCTAssertEqual(read.draws[1]?.values, [1, 2])
    XCTAssertEqual(read.codes?.shape, [1, 2, 2])
    guard case .floats(let samples)? = read.samples else { return XCTFail("not floats") }
    XCTAssertEqual(samples.values, [-1, 2.5])
  }

  func testNumbersThatAreNotFiniteAreReadAsNoNumber() throws {
    var record = fullRecord()
    record.heldOut.rate = .infinity
    record.layerRates = [.nan, 1]
    let read = try TrainingRecord(parsing: record.encoded(), source: "a")
    XCTAssertTrue(read.heldOut.rate.isNaN)
    XCTAssertEqual(read.heldOut.distortion, 2)
    XCTAssertTrue(read.layerRates[0].isNaN)
    XCTAssertEqual(read.layerRates[1], 1)
  }

  func testDamagedRecordsAreRefusedNamingTheFile() throws {
    let whole = fullRecord().encoded()
    var other = Safetensors()
    other.add("means", shape: [1], [Float(1)])
    var mismatched = fullRecord()
    mismatched.variances = RecordedArray([1], shape: [1, 1])
    for bytes in [[], Array(whole.prefix(40)), other.encoded(), mismatched.encoded()] {
      XCTAssertThrowsError(try TrainingRecord(parsing: bytes, source: "run/records/7")) {
        XCTAssertTrue("\($0)".contains("run/records/7"), "\($0)")
      }
      XCTAssertThrowsError(try RecordedExamples(parsing: bytes, source: "run/records/e")) {
        XCTAssertTrue("\($0)".contains("run/records/e"), "\($0)")
      }
    }
  }

  func testExamplesWithFactorsAndLabelsAreReadAsTheyWereWritten() throws {
    var examples = RecordedExamples(
      split: "valid", indices: [5, 3],
      images: .bytes(RecordedArray([0, 255], shape: [1, 1, 2, 1])))
    examples.labels = [7, 1]
    examples.classNames = ["a \"cat\"", "dog"]
    examples.factorNames = ["shape", "x"]
    examples.factors = RecordedArray([0, 1, 2, 3], shape: [2, 2])
    let read = try RecordedExamples(parsing: examples.encoded(), source: "a")
    XCTAssertEqual(read.indices, [5, 3])
    XCTAssertEqual(read.labels, [7, 1])
    XCTAssertEqual(read.classNames, ["a \"cat\"", "dog"])
    XCTAssertEqual(read.factors?.values, [0, 1, 2, 3])
    XCTAssertEqual(read.factorNames, ["shape", "x"])
    XCTAssertEqual(read.split, "valid")
    examples.labels = [1]
    XCTAssertThrowsError(try RecordedExamples(parsing: examples.encoded(), source: "a"))
  }
}

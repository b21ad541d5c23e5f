import Foundation
import VAECore
import VAEEvaluation
import VAEFiles
import VAEReport
import VAETraining
import XCTest

/// A path that is gone after the test.
func temporaryFolder(_ test: XCTestCase) -> String {
  let path = NSTemporaryDirectory() + "vae-report-" + UUID().uuidString
  test.addTeardownBlock { try? FileManager.default.removeItem(atPath: path) }
  return path
}

/// A run folder with made-up records, as a training would have left it.
struct MadeRun {
  /// What the latents look like.
  enum Latents {
    case vector(Int)
    case ladder([Int])
    case codes
    case none
  }

  var latents = Latents.vector(3)
  var steps = [0, 1, 2, 4, 8, 16, 23, 32]
  var examples = 20
  var size = (height: 6, width: 5, channels: 1)
  var isReal = false
  var hasLabels = true
  var factors: [String] = []
  var data = "mnist"
  var command = "vae-zoo train gaussian-vae --data mnist --out run"
  var epochs = 3
  var hasRecords = true
  var hasTraversals = true
  var codeCounts: [Int32] = [5, 0, 3, 8]
  var seed = 7
  var likelihood = "bernoulli"
  var holdsBytes = false
  var isConditional = false
  /// Whether it is a stage over codes.
  var isOverLatents = false
  var evaluations: [String] = []
  /// The steps at which further sessions went on with it.
  var continuedAt: [Int] = []
  var hasHeldOut = true
  /// What metrics say of an epoch beside its bounds.
  var numbers = #""active_units": 2"#
  /// What is added to the held-out terms of metrics and records.
  var added = (distortion: 0.0, rate: 0.0)
  /// What the first epoch's training has of distortion beside that of the others.
  var fall = 0.0
  var beta = 1
  var random = SystemRandom()

  /// A small generator of numbers that are the same at every run.
  struct SystemRandom {
    private var state: UInt64 = 1

    mutating func next() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24)
    }

    mutating func floats(_ count: Int) -> [Float] { (0..<count).map { _ in next() * 4 - 2 } }
    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(next() * 255) } }
  }

  private mutating func images() -> RecordedImages {
    let shape = [min(16, examples), size.height, size.width, size.channels]
    let count = shape.reduce(1, *)
    return isReal
      ? .floats(RecordedArray(random.floats(count), shape: shape))
      : .bytes(RecordedArray(random.bytes(count), shape: shape))
  }

  mutating func record(_ step: Int) -> TrainingRecord {
    var record = TrainingRecord(
      step: step, epochs: Double(step) / 10,
      batch: step == 0 ? nil : BoundTerms(distortion: 100 / Double(step), rate: Double(step)),
      heldOut: BoundTerms(
        distortion: 200 - Double(step) + added.distortion, rate: Double(step) / 4 + added.rate))
    record.samples = images()
    if case .none = latents { return record }
    record.reconstructions = images()
    switch latents {
    case .vector(let units):
      record.layerRates = [1]
      record.unitRates = [(0..<units).map { $0 == 0 ? 0.001 : Double($0) }]
      // The first unit says nothing.
      let means = random.floats(examples * units).enumerated().map {
        $0.offset % units == 0 ? 0 : $0.element
      }
      record.means = RecordedArray(means, shape: [examples, units])
      record.variances = RecordedArray(
        means.map { _ in random.next() + 0.01 }, shape: [examples, units])
    case .ladder(let levels):
      record.layerRates = levels.map(Double.init)
      record.unitRates = levels.map { [Double](repeating: 0.5, count: $0) }
      record.draws = levels.map {
        RecordedArray(random.floats(examples * $0), shape: [examples, $0])
      }
      record.priorDraws = levels.map {
        RecordedArray(random.floats(examples * $0), shape: [examples, $0])
      }
    case .codes:
      record.layerRates = [4]
      record.codeCounts = codeCounts
      record.codes = RecordedArray(
        (0..<min(16, examples) * 4).map { Int32($0 % 4) }, shape: [min(16, examples), 2, 2])
    case .none: break
    }
    if hasTraversals { record.traversals = traversals() }
    return record
  }

  /// Three steps of two latents.
  private mutating func traversals() -> RecordedTraversals {
    let latents: [TraversedLatent] =
      switch latents {
      case .vector(let units):
        [.unit(units - 1, level: 0), .unit(0, level: 0)]
      case .ladder: [.unit(1, level: 1), .unit(0, level: 0)]
      case .codes, .none: [.place(row: 1, column: 0), .place(row: 0, column: 1)]
      }
    let shape = [6, size.height, size.width, size.channels]
    let count = shape.reduce(1, *)
    return RecordedTraversals(
      latents,
      images: isReal
        ? .floats(RecordedArray(random.floats(count), shape: shape))
        : .bytes(RecordedArray(random.bytes(count), shape: shape)))
  }

  mutating func recordedExamples() -> RecordedExamples {
    var found = RecordedExamples(
      split: "test", indices: (0..<Int64(examples)).map(\.self), images: images())
    if hasLabels { found.labels = (0..<Int32(examples)).map { $0 % 10 } }
    if !factors.isEmpty {
      found.factorNames = factors
      found.factors = RecordedArray(
        (0..<Int32(examples * factors.count)).map { $0 / Int32(factors.count) },
        shape: [examples, factors.count])
    }
    return found
  }

  private var stages: String {
    let first = #"{"name": "model", "trains": [], "data": "images"}"#
    return isOverLatents
      ? first + #", {"name": "prior", "trains": ["prior."], "data": "latents"}"# : first
  }

  /// Writes the folder and lets go of it.
  mutating func write(to path: String) throws {
    let run = try RunFolder.create(at: path)
    let recipe =
      #"{"format": 1, "variant": "gaussian-vae", "prior": {"name": "standard-normal", "latent": 3}, "#
      + #""objective": {"name": "elbo", "beta": \#(beta)}, "training": {"seed": \#(seed), "epochs": 3}, "#
      + #""likelihood": {"name": "\#(likelihood)"}, "stages": [\#(stages)], "data": {"height": 6\#(isConditional ? #", "condition": {}"# : "")"#
      + (holdsBytes ? #", "range": "unit", "rule": "bytes/255"}}"# : "}}")
    try run.writeRecipe(Array(recipe.utf8))
    for epoch in 0..<epochs {
      let (train, valid) = (
        100 - Double(epoch) + (epoch == 0 ? fall : 0), 94.5 - Double(epoch) + added.distortion
      )
      let heldOut =
        #""valid": {"elbo": -115, "rate": \#(21 + added.rate), "distortion": \#(valid)}, "#
      try run.appendMetrics(
        """
        {"epoch": \(epoch + 1), "step": \(10 * (epoch + 1)), \
        "train": {"elbo": -110, "rate": 20, "distortion": \(train)}, \
        \(hasHeldOut ? heldOut : "")\(numbers), "seconds": 2.5}
        """)
    }
    for step in [0] + continuedAt {
      try run.appendSession(
        JSON.object([
          "step": .integer(step), "time": .integer(1_700_000_000 + step), "data": .text(data),
          "version": .text("0.1.0"), "threads": .integer(2), "updates": .integer(100),
          "training_examples": .integer(12_345), "parameters": .integer(4616),
          "instruction_set": .text("avx2"), "onednn": .text("3.5"), "command": .text(command),
        ]).line)
    }
    for evaluation in evaluations { try run.appendEvaluation(evaluation) }
    guard hasRecords else { return }
    for step in steps {
      try DurableFiles.replace("\(path)/records/\(step).safetensors", with: record(step).encoded())
    }
    try DurableFiles.replace(
      "\(path)/records/examples.safetensors", with: recordedExamples().encoded())
  }
}

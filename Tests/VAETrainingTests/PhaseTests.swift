import Foundation
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAEEvaluation
import VAEFiles
import VAERecipes
import VAETraining
import XCTest

/// Phases that start later, run in some updates only, are skipped by a rule, or learn faster.
final class PhaseTests: XCTestCase {
  /// The bound, and a phase of one number that goes down by one whenever it runs: by a learning rate of
  /// 100 times the recipe's, which is 0.01.
  private final class CountingObjective: Objective {
    let counter = Parameter(Tensor([0]))
    let startStep: Int
    let interval: Int
    let skips: ((ForwardPass) -> Bool)?
    let modelStart: Int

    init(
      startStep: Int = 0, interval: Int = 1, modelStart: Int = 0,
      skips: ((ForwardPass) -> Bool)? = nil
    ) {
      (self.startStep, self.interval, self.modelStart) = (startStep, interval, modelStart)
      self.skips = skips
    }

    var members: Members { ["counter": .parameter(counter)] }
    var requirements: ObjectiveRequirements { ObjectiveRequirements() }

    var phases: [Phase] {
      [
        Phase(name: "model", startStep: modelStart) { pass in
          Loss((pass.evaluation.distortion + pass.evaluation.rate).mean())
        },
        Phase(
          name: "counter", group: .objective, rule: .sgd(), rateFactor: 100,
          startStep: startStep, interval: interval, skips: skips
        ) { [counter] pass in
          Loss(
            counter.tensor.sum(),
            terms: [(name: "logged_step", value: Tensor(Float(pass.context.step)))])
        },
      ]
    }

    /// How often the second phase ran.
    var runs: Float { (-counter.value.item).rounded() }
  }

  /// Four updates an epoch.
  private func trainer(_ objective: CountingObjective, epochs: Int = 4) throws -> Trainer {
    try Trainer(
      model: TrainingSupport.model(objective: objective), data: TrainingSupport.stripes(),
      options: TrainingSupport.options(epochs: epochs))
  }

  private func runs(_ objective: CountingObjective, updates: Int) throws -> [Float] {
    let trainer = try trainer(objective)
    return try (0..<updates).map { _ in
      _ = try trainer.update()
      return objective.runs
    }
  }

  func testAPhaseRunsFromItsStartOnAndThenInOneOfSoManyUpdates() throws {
    XCTAssertEqual(try runs(CountingObjective(startStep: 3), updates: 6), [0, 0, 0, 1, 2, 3])
    XCTAssertEqual(try runs(CountingObjective(interval: 3), updates: 7), [1, 1, 1, 2, 2, 2, 3])
    XCTAssertEqual(
      try runs(CountingObjective(startStep: 2, interval: 2), updates: 7), [0, 0, 1, 1, 2, 2, 3])
  }

  func testARuleSkipsAPhaseByWhatThePassSays() throws {
    var asked: [Int] = []
    let objective = CountingObjective(startStep: 1) { pass in
      asked.append(pass.context.step)
      return pass.evaluation.distortion.mean().item > 0 && pass.context.step.isMultiple(of: 2)
    }
    XCTAssertEqual(try runs(objective, updates: 5), [0, 1, 1, 2, 2])
    XCTAssertEqual(asked, [1, 2, 3, 4], "only where the phase is due")
  }

  func testTheLearningRateOfAPhaseIsItsMultipleOfWhatTheScheduleGives() throws {
    var options = TrainingSupport.options(epochs: 2)
    options.warmupUpdates = 4
    let objective = CountingObjective()
    let trainer = try Trainer(
      model: TrainingSupport.model(objective: objective), data: TrainingSupport.stripes(),
      options: options)
    var down: [Float] = []
    for _ in 0..<5 {
      _ = try trainer.update()
      down.append((-objective.counter.value.item * 4).rounded())
    }
    XCTAssertEqual(down, [1, 3, 6, 10, 14], "in quarters")
  }

  func testABoundIsKnownOfUpdatesThatLeaveOutTheModel() throws {
    let objective = CountingObjective(modelStart: 2)
    let trainer = try trainer(objective)
    let before = TrainingSupport.weights(trainer.model).filter { !$0.key.hasPrefix("objective.") }
    let bound = try trainer.update()
    XCTAssertGreaterThan(bound.distortion, 1)
    XCTAssertEqual(
      TrainingSupport.weights(trainer.model).filter { !$0.key.hasPrefix("objective.") }, before)
    XCTAssertEqual(objective.runs, 1)
  }

  // MARK: Memory

  /// An encoder to whose images a backward pass comes last of all.
  private final class WatchedEncoder: Encoder {
    let inner = MLPEncoder(inputs: 30, hidden: [16], latent: 3, random: RandomSource(seed: 1))
    let scale = Parameter(Tensor([1]))
    /// The bytes of all tensors at the end of the last backward pass.
    var held = 0

    var members: Members { ["inner": .module(inner), "scale": .parameter(scale)] }

    func encode(_ x: Tensor, _ context: Context) -> any Posterior {
      let scale = Tensor.custom("watched scale", of: [scale.tensor]) { inputs in
        inputs[0] * 1
      } gradient: { [self] pass in
        held = MemoryPool.shared.statistics.bytesInUse
        return [pass.gradient]
      }
      return inner.encode(x * scale, context)
    }
  }

  /// What a pass has computed is needed until the backward pass has come past it.
  func testABackwardPassLetsGoOfWhatItHasUsed() throws {
    let count = 512
    let encoder = WatchedEncoder()
    let model = Model(
      encoder: encoder, prior: StandardNormalPrior(units: 3),
      decoder: MLPDecoder(
        latent: 3, hidden: [16], outputShape: [6, 5, 1], random: RandomSource(seed: 2)),
      likelihood: BernoulliLikelihood())
    let updater = try Updater(model: model, options: TrainingSupport.options())
    let batch = Tensor.zeros([count, 6, 5, 1])
    for step in 0..<2 {
      let context = Context(
        mode: .training, step: step, random: RandomSource(seed: 4),
        examples: (0..<count).map(UInt64.init))
      let before = MemoryPool.shared.statistics.bytesInUse
      _ = try updater.update(on: batch, context, rate: 0.01)
      // The likelihood's parameters alone are as many numbers as the batch.
      XCTAssertGreaterThan(encoder.held, 0)
      XCTAssertLessThan(encoder.held - before, batch.count * 4, "step \(step)")
    }
  }

  // MARK: Frozen networks

  /// The bound, and the squared distance between features of the data and of their reconstructions.
  private final class PerceptualObjective: Objective {
    let network: FrozenNetworkFile

    init(_ network: FrozenNetworkFile) {
      self.network = network
    }

    var members: Members { [:] }

    var requirements: ObjectiveRequirements {
      var requirements = ObjectiveRequirements()
      requirements.networks = [network]
      return requirements
    }

    var phases: [Phase] {
      [
        Phase(name: "model") { [network] pass in
          let data = pass.features(of: .data, in: network)[0]
          let decoded = pass.features(of: .decodedMean, in: network)[0]
          let distance = (data - decoded).squared().mean()
          return Loss(
            (pass.evaluation.distortion + pass.evaluation.rate).mean() + distance,
            terms: [(name: "feature_distance", value: distance)])
        }
      ]
    }
  }

  private func network(_ path: String, _ bytes: [UInt8]) -> FrozenNetworkFile {
    FrozenNetworkFile(
      path, sha256: SHA256.text(SHA256.hash(of: bytes)), layers: ["conv"], imageShape: [6, 5, 1],
      range: .binary)
  }

  func testAFrozenNetworkIsOpenedForTrainingOnlyAndIsInNoCheckpoint() throws {
    var file = Safetensors()
    let weights = RandomSource(seed: 4).stream("w").normal([2, 1, 3, 3]).floats
    weights.withUnsafeBufferPointer { file.add("conv.weight", shape: [2, 1, 3, 3], floats: $0) }
    file.metadata[FrozenNetwork.metadataName] =
      #"{"input": {"channels": 1}, "layers": [{"type": "conv", "name": "conv"}]}"#
    let (bytes, path) = (file.encoded(), TrainingSupport.temporaryFolder(self))

    func trainer() throws -> Trainer {
      try Trainer(
        model: TrainingSupport.model(objective: PerceptualObjective(network(path, bytes))),
        data: TrainingSupport.stripes(), options: TrainingSupport.options(epochs: 1))
    }
    XCTAssertThrowsError(try trainer()) { error in
      XCTAssertEqual((error as? FileError)?.kind, .missing)
      XCTAssertTrue("\(error)".contains(path), "\(error)")
    }
    // What needs no training needs no network.
    let untrained = TrainingSupport.model(objective: PerceptualObjective(network(path, bytes)))
    let context = Context(mode: .evaluation, random: RandomSource(seed: 1), examples: [0, 1])
    XCTAssertEqual(untrained.sample(context).shape, [2, 6, 5, 1])

    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let trainer = try trainer()
    var distances: [Double] = []
    _ = try trainer.train {
      if case .epoch(let record) = $0 { distances += record.terms.map(\.value) }
    }
    XCTAssertEqual(distances.count, 1)
    XCTAssertGreaterThan(distances[0], 0)
    XCTAssertEqual(
      Set(trainer.model.weights.map(\.name)), Set(TrainingSupport.model().weights.map(\.name)))
  }

  func testATermIsAveragedOverTheUpdatesThatLoggedItAlsoWhereARunWasInterrupted() throws {
    // Of updates 0 to 3 those with the numbers 1 and 3 log, of 4 to 7 those with 5 and 7.
    func means(_ trainer: Trainer, run: RunFolder? = nil) throws -> [Double] {
      var found: [Double] = []
      _ = try trainer.train(run: run) {
        if case .epoch(let record) = $0 {
          found += record.terms.filter { $0.name == "logged_step" }.map(\.value)
        }
      }
      return found
    }
    let whole = try means(trainer(CountingObjective(startStep: 1, interval: 2), epochs: 2))
    XCTAssertEqual(whole, [2, 6])

    let path = TrainingSupport.temporaryFolder(self)
    let part = try trainer(CountingObjective(startStep: 1, interval: 2), epochs: 2)
    let cancel = CancelToken()
    _ = try part.train(
      run: try RunFolder.create(at: path, force: false, resume: false), cancel: cancel
    ) { if case .step(3, _, _, _) = $0 { cancel.cancel() } }
    XCTAssertEqual(part.step, 3)
    let rest = try trainer(CountingObjective(startStep: 1, interval: 2), epochs: 2)
    let run = try RunFolder.create(at: path, force: false, resume: true)
    try rest.restore(try XCTUnwrap(try run.storedCheckpoint()))
    XCTAssertEqual(try means(rest, run: run), whole)
  }
}

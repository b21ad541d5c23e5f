import Foundation
import NeuralNetworks
import Tensors
import VAECore
import VAEEvaluation
import VAERecipes
import VAETraining
import XCTest

/// The first updates of a training held to formulas that share nothing with the trainer: an update
/// too early or too late shows in the first of them, where resuming compares a mistake with itself.
final class UpdateFormulaTests: XCTestCase {
  /// Four updates an epoch, three epochs.
  private func options() -> TrainingOptions {
    var options = TrainingSupport.options(epochs: 3, batchSize: 16)
    options.learningRate = 0.5
    options.optimizer = .sgd
    return options
  }

  /// A trainer in which every gradient of a parameter is one, so that gradient descent takes the
  /// learning rate off each of its numbers.
  private func trainer(_ options: TrainingOptions) throws -> (Trainer, Parameter) {
    let trainer = try Trainer(
      model: TrainingSupport.model(), data: TrainingSupport.stripes(), options: options)
    XCTAssertEqual(trainer.updatesPerEpoch, 4)
    let parameter = trainer.model.parameters[1].parameter
    trainer.reduceGradients = { gradients in
      for (_, other) in trainer.model.parameters { gradients[other] = .zeros(other.shape) }
      gradients[parameter] = .ones(parameter.shape)
    }
    return (trainer, parameter)
  }

  func testTheRateOfEachOfTheFirstUpdatesIsThatOfItsScheduleInClosedForm() throws {
    let total = 12.0
    for warmUp in [0, 3] {
      for kind in TrainingOptions.ScheduleKind.allCases {
        var options = options()
        options.schedule = kind
        options.warmupUpdates = warmUp
        options.scheduleEpochs = 0.5
        options.scheduleFactor = 0.25
        let (trainer, parameter) = try trainer(options)
        for update in 0..<6 {
          let past = Double(update - warmUp)
          let factor: Double =
            switch kind {
            case _ where update < warmUp: Double(update + 1) / Double(warmUp)
            case .constant: 1
            case .step: pow(0.25, (past / 2).rounded(.down))
            case .cosine:
              0.25 + 0.75 * 0.5 * (1 + cos(.pi * past / (total - Double(warmUp))))
            }
          let before = parameter.value.floats
          _ = try trainer.advance()
          for (old, new) in zip(before, parameter.value.floats) {
            XCTAssertEqual(
              Double(old - new), 0.5 * factor, accuracy: 2e-6,
              "\(kind) after \(warmUp), update \(update)")
          }
        }
      }
    }
  }

  func testTheAverageAfterEachOfTheFirstUpdatesIsThatOfItsFormula() throws {
    // The third update is the first that the stated decay of 0.2 holds for.
    for decay in [0.2, 0.9] {
      var options = options()
      options.averageDecay = decay
      let (trainer, parameter) = try trainer(options)
      var value = Double(parameter.value.floats[0])
      var average = value
      for update in 0..<4 {
        _ = try trainer.update()
        value -= 0.5
        let kept = min(decay, Double(1 + update) / Double(10 + update))
        average = kept * average + (1 - kept) * value
        XCTAssertEqual(Double(parameter.value.floats[0]), value, accuracy: 1e-5)
        XCTAssertEqual(
          Double(trainer.withAveragedWeights { parameter.value.floats[0] }), average,
          accuracy: 1e-5, "decay \(decay), update \(update)")
      }
    }
  }

  func testTheHeldOutFigureOfAnEpochIsThatOfTheStoredCheckpoint() throws {
    var options = TrainingSupport.options(epochs: 2, batchSize: 16)
    options.averageDecay = 0.9
    options.learningRate = 0.05
    let data = TrainingSupport.stripes()
    let trainer = try Trainer(model: TrainingSupport.model(), data: data, options: options)
    let run = try RunFolder.create(
      at: TrainingSupport.temporaryFolder(self), force: false, resume: false)
    var said: BoundTerms?
    _ = try trainer.train(run: run) { event in
      if case .epoch(let record) = event { said = record.valid }
    }
    func measure(_ model: Model) throws -> (rate: Double, distortion: Double) {
      let test = try XCTUnwrap(data.heldOut)
      let found = try XCTUnwrap(
        Evaluator(
          model: model, examples: try Examples(test, options, condition: nil), seed: options.seed
        ).run())
      return (found.rate.mean, found.distortion.mean)
    }
    let stored = TrainingSupport.model(seed: 99)
    try stored.load(try XCTUnwrap(try run.storedCheckpoint()).weights)
    let (epoch, file, plain) = (
      try XCTUnwrap(said), try measure(stored), try measure(trainer.model)
    )
    XCTAssertEqual(epoch.rate, file.rate, accuracy: 1e-9)
    XCTAssertEqual(epoch.distortion, file.distortion, accuracy: 1e-9)
    // The weights that are trained on would have given another figure.
    XCTAssertGreaterThan(abs(plain.distortion - file.distortion), 1e-3)
  }
}

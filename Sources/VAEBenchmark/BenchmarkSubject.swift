import NeuralNetworks
import Tensors
import VAEZoo

/// Work that can be done again and again, with what it needs.
final class BenchmarkSubject {
  /// What is done.
  enum Work {
    /// A training step as trainers make it, on a batch: forward, backward, Adam and what parts do
    /// after an update, with the checks of what losses and gradients are.
    case training(Model, batch: Tensor)
    /// A draw of some images.
    case drawing(Model, count: Int)
  }

  private let action: (Context) throws -> Void
  private let mode: Context.Mode
  private let count: Int
  private var step = 0

  /// Work in a precision, which must be supported.
  init(_ work: Work, _ precision: Precision) throws {
    switch work {
    case .training(let model, let batch):
      var options = TrainingOptions()
      options.precision = precision
      let updater = try Updater(model: model, options: options)
      let rate = Float(options.learningRate)
      action = { _ = try updater.update(on: batch, $0, rate: rate) }
      mode = .training
      count = batch.shape[0]
    case .drawing(let model, let count):
      action = { context in withPrecision(precision) { _ = model.sample(context) } }
      mode = .evaluation
      self.count = count
    }
  }

  /// Does it once, with random numbers of its own.
  func run() throws {
    try action(
      Context(
        mode: mode, step: step, random: RandomSource(seed: 1),
        examples: (0..<count).map(UInt64.init)))
    step += 1
  }
}

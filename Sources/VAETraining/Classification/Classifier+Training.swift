import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAEFiles
import VAERecipes

/// What the training of a classifier reports as it goes.
public enum ClassifierEvent {
  /// After an update: its number, the updates in all, the epoch from one, and the mean cross-entropy of its
  /// batch in nats per example.
  case step(Int, of: Int, epoch: Int, loss: Double)
  /// At the end of an epoch.
  case epoch(ClassifierEpoch)
}

/// An epoch of a classifier's training.
public struct ClassifierEpoch: Equatable, Sendable {
  /// Its number, from one.
  public var epoch: Int
  /// The mean cross-entropy over its updates, in nats per example.
  public var loss: Double
  /// The share of held-out examples whose class is found at its end.
  public var accuracy: Double
  /// Seconds of the epoch.
  public var seconds: Double

  /// The epoch as JSON.
  public var json: JSON {
    .object([
      "epoch": .integer(epoch), "loss": .finite(loss), "accuracy": .finite(accuracy),
      "seconds": .finite((seconds * 1e4).rounded() / 1e4),
    ])
  }
}

extension Classifier {
  /// Trains a classifier on the labelled images of a source: cross-entropy by AdamW.
  ///
  /// It is tried on the validation split, else on the test split; where the source has no labelled one, a tenth of
  /// the training examples is kept for that, the same ones whatever the seed. The same seed and threads give the
  /// same weights.
  ///
  /// - Parameters:
  ///   - data: with labels, of two classes at least, and images of at least 4 by 4 pixels.
  ///   - options: how it is made and trained.
  ///   - cancel: asked before each update for a stop.
  ///   - observe: told what happens.
  /// - Returns: nil where it was stopped.
  /// - Throws: `DataError` of kind `unusable` where the data do not suit or cannot be read; `RecipeError` where
  ///   the processor lacks the precision asked for, or the network is too large; `TrainingError` of kind `diverged`;
  ///   `MemoryError`.
  public static func train(
    on data: DataSource, _ options: ClassifierOptions = ClassifierOptions(),
    cancel: CancelToken = CancelToken(), observe: (ClassifierEvent) -> Void = { _ in }
  ) throws -> Classifier? {
    let training = try ClassifierTraining(data, options)
    return try training.run(cancel: cancel, observe: observe)
  }
}

/// One training of a classifier.
private final class ClassifierTraining {
  private let data: DataSource
  private let options: ClassifierOptions
  private let classes: ConditionSpace
  private let training: ClassifierExamples
  private let heldOut: ClassifierExamples
  private let network: ClassifierNetwork
  private let optimizer: Optimizer
  private let random: RandomSource
  private let batchSize: Int

  init(_ data: DataSource, _ options: ClassifierOptions) throws {
    (self.data, self.options) = (data, options)
    classes = try data.classes()
    try data.checkMissing(takesMasks: false)
    let shape = data.shape
    guard min(shape.height, shape.width) >= ClassifierNetwork.leastSize else {
      throw DataError(
        .unusable,
        "\(data.name) has images of \(shape.height) by \(shape.width) pixels, but a classifier takes images of at least "
          + "\(ClassifierNetwork.leastSize) by \(ClassifierNetwork.leastSize); choose a larger \(.imageSize())"
      )
    }
    guard options.precision.isSupported else {
      throw RecipeError(.invalid, "precision: \(options.precision.refusal)")
    }
    random = RandomSource(seed: UInt64(bitPattern: Int64(options.seed))).child("classifier")
    (training, heldOut) = try ClassifierExamples.parts(of: data, classes)
    batchSize = min(options.batchSize, training.count)
    network = ClassifierNetwork(
      shape, classes: classes.width, input: training.input(range: data.valueRange), options,
      random: random.child("weights"))
    let parameters = network.parameters
    guard network.parameterCount <= BuildContext.parameterLimit else {
      throw RecipeError(
        .invalid,
        "a classifier of \(network.parameterCount) parameters is beyond the limit of \(BuildContext.parameterLimit); "
          + "choose smaller images, or a smaller \(.setting("width")) or \(.setting("features"))")
    }
    network.makeValues()
    optimizer = Optimizer(
      .adamW(weightDecay: Float(options.weightDecay)), parameters: parameters)
  }

  func run(cancel: CancelToken, observe: (ClassifierEvent) -> Void) throws -> Classifier? {
    let updatesPerEpoch = training.count / batchSize
    let total = updatesPerEpoch * options.epochs
    let schedule = options.schedule(updates: total)
    var (step, accuracy) = (0, 0.0)
    for epoch in 0..<options.epochs {
      let begin = Clock.seconds
      let order = EpochOrder(epoch: epoch, count: training.count, random: random)
      var sum = 0.0
      for number in 0..<updatesPerEpoch {
        if cancel.isCancelled { return nil }
        let loss = try update(
          order.batch(number, size: batchSize), step: step,
          rate: Float(options.learningRate) * schedule.factor(at: step))
        sum += loss
        step += 1
        observe(.step(step, of: total, epoch: epoch + 1, loss: loss))
      }
      calibrate()
      guard let found = try heldOutAccuracy(cancel) else { return nil }
      accuracy = found
      observe(
        .epoch(
          ClassifierEpoch(
            epoch: epoch + 1, loss: sum / Double(updatesPerEpoch), accuracy: accuracy,
            seconds: Clock.seconds - begin)))
    }
    return try result(accuracy: accuracy)
  }

  /// One update; gives the loss of its batch.
  private func update(_ places: [Int], step: Int, rate: Float) throws -> Double {
    let context = training.context(.training, places, step: step, random: random)
    let images = training.shifted(places, options, context)
    let rows = training.rows(places)
    let loss = withPrecision(options.precision) {
      -(network(images, context).logSoftmax() * rows).sum() / Float(places.count)
    }
    try training.split.checkExamples()
    let value = Double(loss.item)
    try Memory.check()
    let gradients = loss.backward()
    guard value.isFinite, gradients.globalNorm(optimizer.parameters).isFinite else {
      try Memory.check()
      throw TrainingError(
        .diverged,
        "training diverged at step \(step + 1): the loss is \(value), or a gradient is not finite; choose a smaller "
          + "\(.setting("learning_rate"))")
    }
    try optimizer.update(gradients, rate: rate)
    return value
  }

  /// Examples that calibration looks at, at most.
  private static let calibrationLimit = 4096

  /// Takes the statistics that normalisations use from training examples as they are.
  private func calibrate() {
    withoutTape {
      let calibration = Calibration()
      let order = EpochOrder(
        epoch: 0, count: training.count, random: random.child("calibration"))
      for number in 0..<max(1, min(Self.calibrationLimit, training.count) / batchSize) {
        let places = order.batch(number, size: batchSize)
        var context = training.context(.calibration, places, step: number, random: random)
        context.calibration = calibration
        _ = network(training.images(places), context)
      }
      network.recalibrate(calibration)
    }
  }

  /// The share of held-out examples whose class is found; nil where the token asked for a stop.
  private func heldOutAccuracy(_ cancel: CancelToken) throws -> Double? {
    try withoutTape {
      var right = 0.0
      let size = Evaluator.rowLimit(for: data.shape)
      for start in stride(from: 0, to: heldOut.count, by: size) {
        if cancel.isCancelled { return nil }
        let places = Array(start..<min(start + size, heldOut.count))
        let context = heldOut.context(.evaluation, places, step: 0, random: random)
        right += Classifier.hits(
          network(heldOut.images(places), context), of: heldOut.rows(places))
        try heldOut.split.checkExamples()
        try Memory.check()
      }
      return right / Double(heldOut.count)
    }
  }

  private func result(accuracy: Double) throws -> Classifier {
    let names = (0..<classes.width).map(classes.name)
    let frozen: FrozenNetwork
    do {
      frozen = try network.frozen(classes: names)
    } catch {
      fatalError("the network of a classifier is no frozen network: \(error.reason)")
    }
    try Memory.check()
    return Classifier(
      network: frozen, classes: classes,
      record: Classifier.Record(
        data: data.name, rule: data.rule, trainingExamples: training.count,
        heldOutExamples: heldOut.count,
        heldOut: heldOut.name, accuracy: accuracy, options: options.json))
  }
}

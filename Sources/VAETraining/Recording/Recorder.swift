import NeuralNetworks
import Tensors
import VAECore
import VAEData
import VAEEvaluation
import VAERecipes

/// Makes the records of a training.
///
/// Whatever it computes is computed without a tape, from random streams of its own, so that weights
/// and draws of the training are those that they would be without it.
final class Recorder {
  /// When records are made.
  let schedule: RecordingSchedule

  let model: Model
  private let examples: Examples
  private let isReal: Bool
  let random: RandomSource
  private let chosen: [Int]
  private let pictured: [Int]
  /// Rows that are computed at once.
  let rowLimit: Int
  let walks: Walks
  /// The fixed examples as the model sees them, once they were made, where they take little room.
  private var batches: [Tensor] = []

  /// Examples that rates, means and codes are measured on.
  private static let exampleLimit = 500
  /// The same for codes, whose rate differs little between examples, and of which each example has
  /// many.
  private static let codedExampleLimit = 200
  /// The same for a model without latents, of which there is nothing but a distortion to see.
  private static let plainExampleLimit = 100
  /// Examples that are pictured, and samples.
  private static let pictureCount = 16
  /// Training examples that normalisations are calibrated with for a record.
  static let calibrationExamples = 512
  /// Units of a stochastic layer whose draws are kept.
  private static let unitLimit = 256
  /// Numbers of a pictured image beyond which there are fewer of them.
  static let pictureSizeLimit = 1 << 18

  /// Numbers of the fixed examples up to which they are kept from one record to the next.
  private static let keptNumbers = 1 << 21

  /// What is measured of them.
  private static let metrics: [any Metric.Type] = [
    RateMetric.self, DistortionMetric.self, RatePerUnitMetric.self, RatePerLayerMetric.self,
    CodebookPerplexityMetric.self,
  ]

  /// A recorder of the training of a model on some data, of which each record costs the less of an
  /// update the larger the batches of the options are; it shows some of the examples.
  init(model: Model, data: DataSource, examples: Examples, options: TrainingOptions) {
    self.model = model
    let split = examples.split
    self.examples = examples
    isReal = data.valueRange == .real
    random = RandomSource(seed: UInt64(bitPattern: Int64(options.seed))).child("records")
    let limit =
      model.prior.latents.isEmpty
      ? Self.plainExampleLimit
      : model.prior.latents.isContinuous ? Self.exampleLimit : Self.codedExampleLimit
    let order = EpochOrder(epoch: 0, count: split.count, random: random)
    chosen = Array(order.indices.prefix(limit))
    let fitting = max(1, Self.pictureSizeLimit / max(1, split.shape.count))
    pictured = Array(chosen.prefix(min(Self.pictureCount, fitting)))
    rowLimit = max(1, min(Evaluator.rowLimit(for: split.shape), options.batchSize))
    // A forward pass is about a third of an update; images that are drawn pixel by pixel take some
    // passes more.
    let isAutoregressive = model.decoder is any AutoregressiveDecoder
    walks = Walks(model.prior, imageSize: split.shape.count, isAutoregressive)
    let drawn = (pictured.count + walks.imageCount / 2) * (isAutoregressive ? 16 : 2)
    let calibrated = model.usesCalibration ? Self.calibrationExamples : 0
    schedule = RecordingSchedule(
      cost: Double(chosen.count + drawn + calibrated) / 3 / Double(max(1, options.batchSize)))
  }

  /// The fixed examples.
  var recordedExamples: RecordedExamples {
    let split = examples.split
    var found = RecordedExamples(
      split: split.name, indices: chosen.map(Int64.init),
      images: images(withoutTape { examples.batch(pictured, context(for: pictured)) }))
    found.labels = split.labels.map { labels in chosen.map { labels[$0] } }
    found.classNames = split.classes
    if let factors = split.factors {
      found.factorNames = factors.names
      found.factors = RecordedArray(
        chosen.flatMap { factors.values(at: $0) }, shape: [chosen.count, factors.names.count])
    }
    return found
  }

  /// What the model says with its present weights and statistics.
  func record(step: Int, epochs: Double, batch: BoundTerms?) -> TrainingRecord {
    withoutTape {
      var measured = Measurement(
        Self.metrics,
        MetricSetting(
          model: model, examples: examples, exampleCount: chosen.count, random: random))
      var latents = RecordedLatents(keepsDraws: keepsDraws)
      for (number, start) in stride(from: 0, to: chosen.count, by: rowLimit).enumerated() {
        let indices = Array(chosen[start..<min(start + rowLimit, chosen.count)])
        let context = context(for: indices)
        var request = DrawRequest()
        request.wantsUnitRates = true
        let evaluation = model.evaluate(
          fixedBatch(number, indices, context), request, context)
        measured.add(MetricSample(evaluation, context, indices: indices))
        latents.add(evaluation)
      }
      let found = measured.results()
      let rate = found[RateMetric.self]?.mean ?? .nan
      var record = TrainingRecord(
        step: step, epochs: epochs, batch: batch,
        heldOut: BoundTerms(
          distortion: found[DistortionMetric.self]?.mean ?? .nan, rate: rate))
      // Of one layer it is the whole rate.
      record.layerRates =
        found[RatePerLayerMetric.self] ?? (model.prior.latents == .none ? [] : [rate])
      record.unitRates = found[RatePerUnitMetric.self] ?? []
      record.codeCounts = found[CodebookPerplexityMetric.self]?.counts.map(Int32.init(clamping:))
      record.means = latents.means.array
      record.variances = latents.variances.array
      record.draws = latents.draws.map(\.array)
      if keepsPriorDraws { record.priorDraws = priorDraws() }
      addPictures(to: &record)
      return record
    }
  }

  /// A batch of the fixed examples, which are the same in every record.
  private func fixedBatch(_ number: Int, _ indices: [Int], _ context: Context) -> Tensor {
    guard chosen.count * examples.split.shape.count <= Self.keptNumbers else {
      return examples.batch(indices, context)
    }
    if number == batches.count { batches.append(examples.batch(indices, context)) }
    return batches[number]
  }

  /// Whether draws stand for the posterior: where it has no means of its own.
  private var keepsDraws: Bool {
    model.prior.latents.isContinuous && !model.hasPosteriorMoments
  }

  /// Whether the prior has to be drawn to be seen.
  private var keepsPriorDraws: Bool {
    model.prior.latents.isContinuous && !(model.prior is StandardNormalPrior)
  }

  private func priorDraws() -> [RecordedArray<Float>?] {
    model.prior.draw(temperature: 1, drawContext(rows: chosen.count)).layers.map { layer in
      var rows = Rows()
      rows.append(layer.sample)
      return rows.array
    }
  }

  private func addPictures(to record: inout TrainingRecord) {
    let context = context(for: pictured)
    let x = examples.batch(pictured, context)
    if !model.prior.latents.isEmpty {
      record.reconstructions = images(model.reconstruct(x, context))
    }
    if let codes = model.codes(x, context) {
      record.codes = RecordedArray(codes.indices, shape: codes.shape.dimensions)
    }
    record.samples = images(model.sample(drawContext(rows: pictured.count)))
    addTraversals(to: &record)
  }

  func images(_ images: Tensor) -> RecordedImages {
    let shape = images.shape.dimensions
    guard !isReal else { return .floats(RecordedArray(images.floats, shape: shape)) }
    // The comparison is false for NaN too. What is added rounds, without a call of the C library.
    let bytes = images.floats.map { $0 > 0 ? UInt8(min($0, 1) * 255 + 0.5) : 0 }
    return .bytes(RecordedArray(bytes, shape: shape))
  }

  private func context(for indices: [Int]) -> Context {
    examples.context(.evaluation, indices, random: random)
  }

  /// The context of draws from the prior, one for each of a number of rows. Those of a conditional
  /// model have the conditions of the fixed examples.
  private func drawContext(rows: Int) -> Context {
    var context = Context(
      mode: .evaluation, random: random, examples: (0..<rows).map(UInt64.init))
    context.condition = examples.conditions(Array(chosen.prefix(rows)))
    return context
  }

  /// What is known of the first of the fixed examples, once for each of a number of rows; traversals
  /// of a conditional model keep to it.
  func firstCondition(rows: Int) -> Tensor? {
    chosen.first.flatMap { examples.conditions([Int](repeating: $0, count: rows)) }
  }

  /// Posteriors and draws, one batch after another.
  private struct RecordedLatents {
    let keepsDraws: Bool
    var means = Rows()
    var variances = Rows()
    var draws: [Rows] = []

    init(keepsDraws: Bool) {
      self.keepsDraws = keepsDraws
    }

    mutating func add(_ evaluation: Evaluation) {
      if let mean = evaluation.posterior.mean, let variance = evaluation.posterior.variance {
        means.append(mean)
        variances.append(variance)
      }
      guard keepsDraws else { return }
      let layers = evaluation.draw.layers
      if draws.isEmpty { draws = Array(repeating: Rows(), count: layers.count) }
      for (level, layer) in layers.enumerated() { draws[level].append(layer.sample) }
    }
  }

  /// Rows of tensors, one batch after another, as far as they are not too long.
  private struct Rows {
    private var values: [Float] = []
    private var columns = 0

    mutating func append(_ tensor: Tensor) {
      columns = tensor.shape.removingFirst.count
      if columns <= Recorder.unitLimit { values += tensor.floats }
    }

    var array: RecordedArray<Float>? {
      guard columns > 0, !values.isEmpty else { return nil }
      return RecordedArray(values, shape: [values.count / columns, columns])
    }
  }
}

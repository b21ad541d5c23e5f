import Communication
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAEData

/// Measures a model on held-out examples, without a tape.
public struct Evaluator {
  /// The model.
  public let model: Model
  /// What it is measured on.
  public let examples: Examples
  /// Where draws come from; the same seed gives the same numbers.
  public let random: RandomSource
  /// The metrics that there are.
  public var registry = MetricRegistry.standard
  /// An open frozen network by which images are compared, nil for none.
  public var network: FrozenNetworkFile?
  /// Rows a forward pass may have: what bounds memory for any number of importance samples and any
  /// image size.
  public var rowLimit: Int

  /// How many examples are measured: all, or the first ones.
  private let exampleCount: Int

  /// An evaluator.
  ///
  /// - Parameters:
  ///   - model: what is measured.
  ///   - examples: what it is measured on.
  ///   - seed: of the draws.
  ///   - exampleLimit: how many of the first examples are measured at most, nil for all.
  public init(model: Model, examples: Examples, seed: Int, exampleLimit: Int? = nil) {
    self.model = model
    self.examples = examples
    exampleCount = min(examples.count, exampleLimit ?? examples.count)
    random = RandomSource(seed: UInt64(bitPattern: Int64(seed))).child("evaluation")
    rowLimit = Self.rowLimit(for: examples.split.shape)
  }

  /// The rows of a pass over images of a size, unless another limit is set.
  package static func rowLimit(for shape: ImageShape) -> Int {
    // A convolution keeps some tens of maps of the image's size for each row.
    min(1024, max(16, pixelLimit / max(1, shape.height * shape.width)))
  }

  private static let pixelLimit = 1 << 18
  /// Examples that a pass has at most, whatever their size.
  private static let passLimit = 500

  /// Which examples each of several passes over images of a size has, one draw of each: as many as memory is meant for.
  package static func passes(over count: Int, of shape: ImageShape) -> [Range<Int>] {
    let size = min(passLimit, rowLimit(for: shape))
    return stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
  }

  /// What was measured.
  public struct Result: Sendable {
    /// The number of examples.
    public var examples: Int
    /// What each metric found.
    public var metrics: MetricResults
    /// The frozen network that images were compared by; nil for none.
    public var network: FrozenNetworkFile.Identity?
    /// Metrics that were not measured since the model or the examples lack what they need.
    package var omissions: [Measurement.Omission] = []
  }

  /// Measures all examples.
  ///
  /// - Parameters:
  ///   - occasion: the metrics that are measured on it, those whose needs are not met left out.
  ///   - importanceSamples: draws per example for the likelihood, nil for the bound alone.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: nil when it was stopped.
  public func run(
    _ occasion: MetricDescriptor.Occasions = .evaluation, importanceSamples: Int? = nil,
    progress: (Double) -> Bool = { _ in true }
  ) -> Result? {
    let setting = setting(importanceSamples: importanceSamples)
    return run(Measurement(registry.metrics(at: occasion), setting), setting, progress)
  }

  /// Measures some metrics alone.
  ///
  /// - Parameters:
  ///   - names: of the metrics.
  ///   - importanceSamples: draws per example for the likelihood, nil for the bound alone.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: nil when it was stopped.
  /// - Throws: `MetricError` for a name that there is not, for a metric whose needs are not met, and
  ///   for importance samples or a frozen network that none of them uses.
  public func run(
    metrics names: [String], importanceSamples: Int? = nil,
    progress: (Double) -> Bool = { _ in true }
  ) throws(MetricError) -> Result? {
    let setting = setting(importanceSamples: importanceSamples)
    let result = run(try namedMeasurement(names, setting), setting, progress)
    if let omission = result?.omissions.first { throw omission.error }
    return result
  }

  /// Measures, divided among ranks: each looks at other batches than the others, the next ones in order, and all take in
  /// what was found in all of them in the order of the batches. The numbers are those of one rank with as many threads,
  /// bit for bit, on every rank.
  ///
  /// - Parameters:
  ///   - names: of the metrics, which are measured alone; nil for all whose needs are met.
  ///   - importanceSamples: draws per example for the likelihood, nil for the bound alone.
  ///   - communicator: what connects the ranks, all of which measure the same.
  ///   - progress: told the fraction done; returns false to stop, which stops all ranks.
  /// - Returns: nil when it was stopped.
  /// - Throws: `MetricError` as for one rank, `MemoryError`, `CommunicationError`.
  public func run(
    metrics names: [String]?, importanceSamples: Int? = nil,
    among communicator: any Communicator, progress: (Double) -> Bool = { _ in true }
  ) throws -> Result? {
    let setting = setting(importanceSamples: importanceSamples)
    var measurement =
      try names.map { try namedMeasurement($0, setting) }
      ?? Measurement(registry.metrics(at: .evaluation), setting)
    let samples = measurement.usesImportanceSamples ? setting.importanceSamples : nil
    let batches = batches(importanceSamples: samples ?? 1)
    let rounds = Rounds(communicator, of: "the evaluation")
    let result: Result? = try withoutTape {
      let isDone = try rounds.run(batches.count) { number in
        let sample = sample(
          batches[number], importanceSamples: samples, unitRates: measurement.usesUnitRates
        ) { progress(fraction(batches[number], $0)) }
        return sample.map { measurement.findings(in: $0) }
      } goesOn: {
        progress($0)
      } take: {
        measurement.take($1)
      }
      return isDone ? results(of: &measurement) : nil
    }
    if names != nil, let omission = result?.omissions.first { throw omission.error }
    return result
  }

  /// The measurement of metrics that are asked for by their names.
  private func namedMeasurement(
    _ names: [String], _ setting: MetricSetting
  ) throws(MetricError) -> Measurement {
    let metrics = try registry.metrics(named: names)
    let measurement = Measurement(metrics, setting)
    if let omission = measurement.omissions.first { throw omission.error }
    guard setting.importanceSamples == nil || measurement.usesImportanceSamples else {
      throw MetricError(
        .missingOption,
        "\(names.joined(separator: ", ")) \(names.count == 1 ? "takes" : "take") no importance samples; "
          + "add the metric \(NLLMetric.descriptor.name), or leave \(.importanceSamples) out")
    }
    guard network == nil || measurement.usesNetwork else {
      throw MetricError(
        .missingOption,
        "\(names.joined(separator: ", ")) \(names.count == 1 ? "looks" : "look") at no image with a frozen network; add "
          + "a metric such as \(FrechetDistanceMetric.descriptor.name), or leave \(.network) out")
    }
    return measurement
  }

  private func setting(importanceSamples: Int?) -> MetricSetting {
    MetricSetting(
      model: model, examples: examples, exampleCount: exampleCount,
      importanceSamples: importanceSamples, network: network, random: random)
  }

  private func run(
    _ measurement: Measurement, _ setting: MetricSetting, _ progress: (Double) -> Bool
  ) -> Result? {
    withoutTape {
      var measurement = measurement
      let samples = measurement.usesImportanceSamples ? setting.importanceSamples : nil
      for indices in batches(importanceSamples: samples ?? 1) {
        let sample = sample(
          indices, importanceSamples: samples, unitRates: measurement.usesUnitRates
        ) { progress(fraction(indices, $0)) }
        guard let sample else { return nil }
        measurement.add(sample)
      }
      guard progress(1) else { return nil }
      return results(of: &measurement)
    }
  }

  private func results(of measurement: inout Measurement) -> Result {
    let results = measurement.results()
    return Result(
      examples: exampleCount, metrics: results, network: network?.identity,
      omissions: measurement.omissions)
  }

  /// A batch with what the model says of it; `progress` is told the fraction of it that is done. Nil
  /// when it was stopped.
  private func sample(
    _ indices: [Int], importanceSamples: Int?, unitRates: Bool, progress: (Double) -> Bool
  ) -> MetricSample? {
    guard progress(0) else { return nil }
    let context = context(for: indices)
    let x = examples.batch(indices, context)
    var request = DrawRequest()
    request.wantsUnitRates = unitRates
    let evaluation = model.evaluate(x, request, context)
    let pictures = BatchPictures(model, evaluation, context)
    let features = network.map { PictureFeatures(of: pictures, in: $0) }
    guard let importanceSamples else {
      return MetricSample(
        evaluation, context, indices: indices, pictures: pictures, features: features)
    }
    let found = logLikelihoods(
      x, posterior: evaluation.posterior, samples: importanceSamples, context, progress)
    return found.map {
      MetricSample(
        evaluation, context, indices: indices, logLikelihoods: $0, pictures: pictures,
        features: features)
    }
  }

  /// The fraction of all examples that is done with a fraction of a batch.
  func fraction(_ indices: [Int], _ part: Double) -> Double {
    (Double(indices[0]) + part * Double(indices.count)) / Double(exampleCount)
  }

  /// log p(x) of each example of a batch by importance weighting. The bound uses draw 0; the weights
  /// use draws of their own. Nil when `progress`, told the fraction of the draws, stopped it.
  private func logLikelihoods(
    _ x: Tensor, posterior: any Posterior, samples: Int, _ context: Context,
    _ progress: (Double) -> Bool
  ) -> [Double]? {
    var context = context
    var request = DrawRequest()
    request.usesSampledRate = true
    var weights = RunningLogSumExp(columns: x.shape[0])
    let samples = model.drawsDiffer ? samples : 1
    var done = 0
    while done < samples {
      guard progress(Double(done) / Double(samples)) else { return nil }
      request.samples = min(max(1, rowLimit / x.shape[0]), samples - done)
      context.firstDraw = 1 + done
      let part = model.evaluate(x, posterior: posterior, request, context)
      part.logWeights.withFloats { weights.add($0) }
      done += request.samples
    }
    return weights.logMeans
  }

  /// log p(x) of each example in nats, with draws that follow from what the example is: it has the
  /// same score beside any others.
  ///
  /// - Parameters:
  ///   - samples: draws per example for importance weighting, zero for the bound: −(distortion +
  ///     rate) of one draw.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: a number for each example in order; nil when it was stopped.
  public func logLikelihoods(
    samples: Int, progress: (Double) -> Bool = { _ in true }
  ) -> [Double]? {
    withoutTape {
      var found: [Double] = []
      for indices in batches(importanceSamples: samples) {
        guard let part = logLikelihoods(indices, samples, progress) else { return nil }
        found += part
      }
      return found
    }
  }

  /// The same, divided among ranks, all of which ask for the same and get all numbers.
  ///
  /// - Throws: `MemoryError`, `CommunicationError`.
  package func logLikelihoods(
    samples: Int, among communicator: any Communicator, progress: (Double) -> Bool
  ) throws -> [Double]? {
    try withoutTape {
      try Self.numbers(
        of: batches(importanceSamples: samples), among: communicator, progress: progress
      ) {
        logLikelihoods($0, samples, progress)
      }
    }
  }

  /// A number for each example of all batches, in order; nil where `body` or `progress` stopped it.
  static func numbers(
    of batches: [[Int]], among communicator: any Communicator, progress: (Double) -> Bool,
    _ body: ([Int]) throws -> [Double]?
  ) throws -> [Double]? {
    var found: [Double] = []
    let isDone = try Rounds(communicator, of: "the scores").run(batches.count) { number in
      try body(batches[number]).map { [BatchFindings([$0])] }
    } goesOn: {
      progress($0)
    } take: {
      found += $1.first?.numbers(0) ?? []
    }
    return isDone ? found : nil
  }

  /// log p(x) of the examples of a batch; nil when it was stopped.
  private func logLikelihoods(
    _ indices: [Int], _ samples: Int, _ progress: (Double) -> Bool
  ) -> [Double]? {
    guard progress(fraction(indices, 0)) else { return nil }
    let (x, context) = examples.batchByContent(indices, context(for: indices))
    guard samples > 0 else {
      return model.evaluate(x, DrawRequest(), context).logWeights.floats.map(Double.init)
    }
    return logLikelihoods(
      x, posterior: model.encoder.encode(x, context), samples: samples, context
    ) { progress(fraction(indices, $0)) }
  }

  /// The examples, as many at a time as a forward pass may have; with many draws fewer, so that
  /// several draws of an example share a pass and with it what depends on the example alone.
  func batches(importanceSamples: Int) -> [[Int]] {
    batches(of: Array(0..<exampleCount), importanceSamples: importanceSamples)
  }

  /// Some of the examples in the same way.
  func batches(of chosen: [Int], importanceSamples: Int) -> [[Int]] {
    let size = max(
      1, min(rowLimit, Self.passLimit) / min(max(1, importanceSamples), Self.sharedDraws))
    return stride(from: 0, to: chosen.count, by: size).map {
      Array(chosen[$0..<min($0 + size, chosen.count)])
    }
  }

  /// Draws of an example that a pass has at least, where so many are asked for.
  private static let sharedDraws = 16

  func context(for indices: [Int]) -> Context {
    examples.context(.evaluation, indices, random: random)
  }
}

// MARK: - What Swift code asks a result for

extension Evaluator.Result {
  /// The bound on log p(x) in nats per example: −(distortion + rate), one draw per example. This and the
  /// next two are NaN where other metrics were asked for.
  public var elbo: Estimate { metrics[ELBOMetric.self] ?? .none }
  /// The price of the latents in nats per example.
  public var rate: Estimate { metrics[RateMetric.self] ?? .none }
  /// −log p(x|z) in nats per example.
  public var distortion: Estimate { metrics[DistortionMetric.self] ?? .none }
  /// −log p(x) by importance weighting in nats per example, where it was asked for.
  public var nll: NLLMetric.Value? { metrics[NLLMetric.self] }
}

extension Estimate {
  /// Of nothing.
  fileprivate static let none = Estimate(mean: .nan, standardError: nil)
}

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

  /// What was measured.
  public struct Result: Sendable {
    /// The number of examples.
    public var examples: Int
    /// The bound on log p(x) in nats an example: −(distortion + rate), one draw an example.
    public var elbo: Estimate
    /// The price of the latents in nats an example.
    public var rate: Estimate
    /// −log p(x|z) in nats an example.
    public var distortion: Estimate
    /// −log p(x) by importance weighting in nats an example, with the number of samples, where
    /// asked for.
    public var nll: (estimate: Estimate, samples: Int)?
    /// How far the posteriors of all examples together lie from the prior, where it was asked for, the
    /// prior is a transformation of N(0, I), and there are two examples at least.
    public var aggregatePosterior: AggregateMoments.Distance?
    /// The bound of each class, where the model is told a label.
    public var classes: [ClassBound]?
    /// Bits a dimension: of the importance-weighted likelihood where there is one, else of the
    /// bound; of dequantized bytes an upper bound on those of the bytes. Nil for densities over
    /// other real numbers.
    public var bitsPerDimension: Estimate?
    /// Latent units that carry information.
    public var activeUnits: Estimate?
    /// Mean rate of each latent unit, where it is a sum over units; those of the layer nearest to
    /// the data first.
    public var unitRates: [Double]?
    /// Mean rate of each stochastic layer, the one nearest to the data first.
    public var layerRates: [Double]
    /// How often each code was used, where the latents are codes.
    public var codeUsage: CodeUsage?
    /// How units and generating factors correspond, where it was asked for, the examples' factors
    /// are known, and the posterior has one vector of means, all finite. Codes have no means; in a
    /// hierarchy those of a layer follow from draws in the layers above, so that no one vector
    /// stands for an example.
    public var disentanglement: Disentanglement?
  }

  /// Measures all examples.
  ///
  /// - Parameters:
  ///   - importanceSamples: draws an example for the likelihood, nil for the bound alone.
  ///   - wantsDisentanglement: whether units are compared with factors, where these are known.
  ///   - wantsAggregate: whether the posteriors of all examples together are compared with the prior.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: nil when it was stopped.
  public func run(
    importanceSamples: Int? = nil, wantsDisentanglement: Bool = false,
    wantsAggregate: Bool = false, progress: (Double) -> Bool = { _ in true }
  ) -> Result? {
    withoutTape {
      let factors = wantsDisentanglement ? examples.split.factors : nil
      var sums = Sums(codeUsage: CodeUsage(model.prior.latents), keepsMeans: factors != nil)
      if wantsAggregate { sums.aggregate = AggregateMoments() }
      for indices in batches(importanceSamples: importanceSamples ?? 1) {
        let isComplete = measure(indices, importanceSamples: importanceSamples, into: &sums) {
          progress(fraction(indices, $0))
        }
        guard isComplete else { return nil }
      }
      guard progress(1) else { return nil }
      var result = sums.result(
        code: CodeLength(of: examples, isDiscrete: model.likelihood.isDiscrete),
        importanceSamples: importanceSamples)
      result.classes = ClassBound.of(
        zip(sums.rates, sums.distortions).map { -($0 + $1) }, examples)
      result.disentanglement = factors.flatMap(sums.representation).map {
        Disentanglement($0, random: random.child("disentanglement"))
      }
      return result
    }
  }

  /// Measures a batch; `progress` is told the fraction of it that is done. False when it was stopped.
  private func measure(
    _ indices: [Int], importanceSamples: Int?, into sums: inout Sums, progress: (Double) -> Bool
  ) -> Bool {
    guard progress(0) else { return false }
    let context = context(for: indices)
    let x = examples.batch(indices, context)
    var request = DrawRequest()
    request.wantsUnitRates = true
    let evaluation = model.evaluate(x, request, context)
    sums.add(evaluation)
    sums.aggregate?.add(evaluation.draw, of: model.prior, context)

    guard let importanceSamples else { return true }
    let found = logLikelihoods(
      x, posterior: evaluation.posterior, samples: importanceSamples, context, progress)
    sums.logLikelihoods += found ?? []
    return found != nil
  }

  /// The fraction of all examples that is done with a fraction of a batch.
  private func fraction(_ indices: [Int], _ part: Double) -> Double {
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
    // Without latents, or with codes, which follow from the example, all draws are the same.
    let samples = model.prior.latents.isContinuous ? samples : 1
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
  ///   - samples: draws an example for importance weighting, zero for the bound: −(distortion +
  ///     rate) of one draw.
  ///   - progress: told the fraction done; returns false to stop.
  /// - Returns: a number for each example in order; nil when it was stopped.
  public func logLikelihoods(
    samples: Int, progress: (Double) -> Bool = { _ in true }
  ) -> [Double]? {
    withoutTape {
      var found: [Double] = []
      for indices in batches(importanceSamples: samples) {
        guard progress(fraction(indices, 0)) else { return nil }
        let (x, context) = examples.batchByContent(indices, context(for: indices))
        if samples > 0 {
          let part = logLikelihoods(
            x, posterior: model.encoder.encode(x, context), samples: samples, context
          ) { progress(fraction(indices, $0)) }
          guard let part else { return nil }
          found += part
        } else {
          found += model.evaluate(x, DrawRequest(), context).logWeights.floats.map(Double.init)
        }
      }
      return found
    }
  }

  /// The examples, as many at a time as a forward pass may have; with many draws fewer, so that
  /// several draws of an example share a pass and with it what depends on the example alone.
  private func batches(importanceSamples: Int) -> [[Int]] {
    let size = max(1, min(rowLimit, 500) / min(max(1, importanceSamples), Self.sharedDraws))
    return stride(from: 0, to: exampleCount, by: size).map {
      Array($0..<min($0 + size, exampleCount))
    }
  }

  /// Draws of an example that a pass has at least, where so many are asked for.
  private static let sharedDraws = 16

  private func context(for indices: [Int]) -> Context {
    examples.context(.evaluation, indices, random: random)
  }

  /// What is gathered over batches.
  private struct Sums {
    var rates: [Double] = []
    var distortions: [Double] = []
    var logLikelihoods: [Double] = []
    var activeUnits = ActiveUnits()
    var unitRates: [[Double]] = []
    var layerRates: [Double] = []
    var codeUsage: CodeUsage?
    var aggregate: AggregateMoments?
    let keepsMeans: Bool
    private var means: [Float] = []
    /// As many as means, or fewer where a posterior has none.
    private var variances: [Float] = []
    private var units = 0

    init(codeUsage: CodeUsage?, keepsMeans: Bool) {
      self.codeUsage = codeUsage
      self.keepsMeans = keepsMeans
    }

    mutating func add(_ evaluation: Evaluation) {
      codeUsage?.add(evaluation)
      rates += evaluation.rate.floats.map(Double.init)
      distortions += evaluation.distortion.floats.map(Double.init)
      if let mean = evaluation.posterior.mean {
        activeUnits.add(mean.floats, units: mean.shape.removingFirst.count)
        if keepsMeans, mean.rank == 2 {
          means += mean.floats
          variances += evaluation.posterior.variance?.floats ?? []
          units = mean.shape[1]
        }
      }
      for (number, layer) in evaluation.draw.layers.enumerated() {
        if number >= layerRates.count { layerRates.append(0) }
        layerRates[number] += layer.rate.doubleSum
        if let units = layer.unitRates {
          let sums = units.sum(axis: 0).floats.map(Double.init)
          if number >= unitRates.count {
            unitRates.append(sums)
          } else {
            unitRates[number] = zip(unitRates[number], sums).map { $0 + $1 }
          }
        }
      }
    }

    /// The posteriors of all examples with their factors; nil where there are no vectors of means.
    func representation(_ factors: FactorTable) -> FactoredRepresentation? {
      FactoredRepresentation(
        means: means, variances: variances.count == means.count ? variances : nil, units: units,
        factors: factors)
    }

    func result(code: CodeLength?, importanceSamples: Int?) -> Result {
      let count = Double(max(1, rates.count))
      let elbos = zip(rates, distortions).map { -($0 + $1) }
      let nll = importanceSamples.map {
        (estimate: Estimate(of: logLikelihoods.map { -$0 }), samples: $0)
      }
      let elbo = Estimate(of: elbos)
      return Result(
        examples: rates.count, elbo: elbo, rate: Estimate(of: rates),
        distortion: Estimate(of: distortions), nll: nll, aggregatePosterior: aggregate?.distance,
        bitsPerDimension: code?.bitsPerDimension(of: nll?.estimate ?? elbo.scaled(by: -1)),
        activeUnits: activeUnits.count,
        unitRates: unitRates.isEmpty ? nil : unitRates.flatMap { $0.map { $0 / count } },
        layerRates: layerRates.map { $0 / count }, codeUsage: codeUsage)
    }
  }
}

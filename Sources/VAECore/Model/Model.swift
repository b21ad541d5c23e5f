import NeuralNetworks
import Tensors

/// A variational autoencoder: four parts and the objective that trains them.
///
///     x ──encoder──▶ q(z|x) ──prior──▶ z, rate ──decoder──▶ parameters ──likelihood──▶ distortion
///
/// −ELBO = distortion + rate in nats per example, whatever objective trained it (Kingma & Welling 2014,
/// equation 3).
///
/// ```swift
/// // What a model says about a batch [N, height, width, channels], with one draw for each example.
/// let context = Context(mode: .evaluation, random: random, examples: Array(0..<UInt64(x.shape[0])))
/// let evaluation = model.evaluate(x, DrawRequest(), context)
/// print("−ELBO", (evaluation.distortion + evaluation.rate).mean().item, "nats per example")
/// let images = model.sample(context)  // as many images from the prior
/// ```
///
/// `VAEComponents` has encoders, decoders, priors and likelihoods to make one of, `VAETraining` trains it,
/// and `VAEZoo` makes one from the name of a variant.
public final class Model: Module {
  /// q(z|x)
  public let encoder: any Encoder
  /// p(z)
  public let prior: any Prior
  /// z to the parameters of p(x|z)
  public let decoder: any Decoder
  /// p(x|z)
  public let likelihood: any Likelihood
  /// What training minimises.
  public let objective: any Objective
  /// What encoder, prior and decoder are told beside the data; nil for a model of p(x).
  public let condition: ConditionSpace?
  /// Whether values may be missing: the contexts of batches say by a mask which are known, and the bound
  /// is one on log p of these alone.
  public let takesMasks: Bool
  /// The logarithm of each element's scale, where the likelihood prices standardized numbers: log p in the
  /// data's own units is smaller by it. Nil where values are as the data have them.
  public let logScales: [Float]?
  /// The parts that `checkParts` asks.
  let fallibleParts: [any FalliblePart]

  /// A model of the given parts.
  ///
  /// - Parameters:
  ///   - encoder: q(z|x).
  ///   - prior: p(z), over latents of the shape that the encoder proposes and the decoder takes.
  ///   - decoder: from z to the parameters of the likelihood.
  ///   - likelihood: p(x|z).
  ///   - objective: what training minimises.
  ///   - condition: what the model is told beside the data, nil for a model of p(x).
  ///   - takesMasks: whether values may be missing.
  ///   - logScales: the logarithm of what each element was divided by, for the bound in the data's own units;
  ///     nil where nothing was.
  ///
  /// With a condition y the model is one of p(x|y): every context that it is called with holds the
  /// condition of its examples, and the bound is one on log p(x|y).
  public init(
    encoder: any Encoder, prior: any Prior, decoder: any Decoder, likelihood: any Likelihood,
    objective: any Objective = EvidenceLowerBound(), condition: ConditionSpace? = nil,
    takesMasks: Bool = false, logScales: [Float]? = nil
  ) {
    self.logScales = logScales
    self.takesMasks = takesMasks
    self.condition = condition
    self.encoder = encoder
    self.prior = prior
    self.decoder = decoder
    self.likelihood = likelihood
    self.objective = objective
    let parts: [any Module] = [encoder, prior, decoder, likelihood, objective]
    fallibleParts = parts.compactMap { $0 as? any FalliblePart }
    (prior as? any EncoderAwarePrior)?.attach(encoder)
  }

  /// Whether parts can fail, as those of plug-ins can: they are called by one thread at a time.
  package var hasFallibleParts: Bool { !fallibleParts.isEmpty }

  /// Whether the draws of an example differ: not without latents, nor with codes, which follow from the example, unless the
  /// likelihood draws too.
  package var drawsDiffer: Bool { prior.latents.isContinuous || likelihood.isDensityDrawn }

  /// Whether the posterior of an example has a mean and a variance that stand for it by themselves.
  public var hasPosteriorMoments: Bool {
    prior.latents.hasOwnMoments && encoder.posteriorTraits.hasMoments
  }

  /// The five parts.
  public var members: Members {
    [
      "encoder": .module(encoder), "prior": .module(prior), "decoder": .module(decoder),
      "likelihood": .module(likelihood), "objective": .module(objective),
    ]
  }

  /// Lets the decoder begin at the mean of the first batches, every part look at them, and the
  /// prior at what the encoder says about them. The context is that of all of them, batch after batch;
  /// `Context.ofBatch` gives that of one.
  public func prepare(firstBatches: [Tensor], context: Context) throws {
    let mean = context.meanOfKnown(firstBatches)
    if let parameters = likelihood.parameters(withMean: mean) { decoder.begin(at: parameters) }
    for part in parts { try part.prepare(firstBatches: firstBatches, context: context) }
    try prior.prepare(firstBatches: firstBatches, encodedBy: encoder, context: context)
    try checkParts()
  }

  /// What the model says about a batch.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`, in the range of the data.
  ///   - request: how many draws, and which prices.
  ///   - context: why the call is made, where random numbers come from, and the condition of each example.
  public func evaluate(_ x: Tensor, _ request: DrawRequest, _ context: Context)
    -> Evaluation
  {
    let posterior = encoder.encode(x, context)
    return evaluate(x, posterior: posterior, request, context)
  }

  /// What the model says about a batch whose posterior is known, so that many draws can be made in
  /// parts.
  public func evaluate(
    _ x: Tensor, posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> Evaluation {
    let draw = prior.draw(from: posterior, request, context)
    return evaluate(x, posterior: posterior, draw: draw, samples: request.samples, context)
  }

  /// What the model says about a batch whose latents are drawn.
  func evaluate(
    _ x: Tensor, posterior: any Posterior, draw: LatentDraw, samples: Int, _ context: Context
  ) -> Evaluation {
    let parameters = decoder.decode(draw, target: x, context)
    return Evaluation(
      batch: x, posterior: posterior, draw: draw, parameters: parameters,
      logDensity: densityInOwnUnits(
        likelihood.observedLogDensity(x, parameters: parameters, context), of: context.mask?.values),
      samples: samples)
  }

  /// log p of standardized numbers as that of the numbers in the data's own units.
  ///
  /// - Parameters:
  ///   - logDensity: `[K · N]`.
  ///   - chosen: ones for the elements that it is of; nil for all.
  public func densityInOwnUnits(_ logDensity: Tensor, of chosen: Tensor?) -> Tensor {
    guard let logScales else { return logDensity }
    guard let chosen else { return logDensity - logScales.reduce(0, +) }
    let scales = withoutTape {
      (chosen.flattened() * Tensor(logScales, shape: [1, logScales.count])).sum(axis: 1)
    }
    return logDensity - scales.tiled(logDensity.shape[0] / scales.shape[0])
  }

  /// Whether the prior can be trained on latents alone, those that the encoder gives as it is: on codes,
  /// or on draws of a posterior over one layer.
  public var learnsFromLatents: Bool {
    prior is any CodePrior || prior.latents.hasOwnMoments
  }

  /// What the prior says about latents that a frozen encoder gives: their rate alone, at no distortion.
  ///
  /// - Parameters:
  ///   - batch: the data, whose posteriors are drawn from; or an index tensor of known codes, `[N, height,
  ///     width]`, of a model with a prior over codes.
  ///   - context: why the call is made, and where random numbers come from.
  public func evaluateLatents(_ batch: Tensor, _ context: Context) -> Evaluation {
    let count = batch.shape[0]
    if batch.elementType == .int32, let prior = prior as? any CodePrior {
      let layer = LatentLayer(sample: batch, rate: prior.rate(of: batch, context), codes: batch)
      return evaluation(
        batch, EmptyPosterior(exampleCount: count), LatentDraw(layers: [layer], rowCount: count))
    }
    let posterior = frozenPosterior(batch, context)
    return evaluation(batch, posterior, prior.draw(from: posterior, DrawRequest(), context))
  }

  /// What the encoder says about a batch once it is trained: without a tape, and with the statistics that
  /// evaluation uses.
  func frozenPosterior(_ x: Tensor, _ context: Context) -> any Posterior {
    var own = context
    own.mode = .evaluation
    return withoutTape { encoder.encode(x, own) }
  }

  /// The latents that the prior makes of a posterior once it is trained, as `frozenPosterior`.
  func frozenDraw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    var own = context
    own.mode = .evaluation
    return withoutTape { prior.draw(from: posterior, request, own) }
  }

  /// What the model says about a batch where encoder and prior are trained already and the other parts are not.
  package func evaluateWithFrozenLatents(
    _ x: Tensor, _ request: DrawRequest, _ context: Context
  ) -> Evaluation {
    let posterior = frozenPosterior(x, context)
    let draw = frozenDraw(from: posterior, request, context)
    return evaluate(x, posterior: posterior, draw: draw, samples: request.samples, context)
  }

  /// Latents at no distortion.
  private func evaluation(
    _ batch: Tensor, _ posterior: any Posterior, _ draw: LatentDraw
  ) -> Evaluation {
    Evaluation(
      batch: batch, posterior: posterior, draw: draw, parameters: .zeros([draw.rowCount, 0]),
      logDensity: .zeros([draw.rowCount]), samples: 1)
  }

  /// Draws of the posteriors of some examples, `[samples · N, …]`, with log q(z|x) of each, `[samples · N]`;
  /// nil where posteriors are no distributions.
  public func posteriorDraws(
    _ x: Tensor, samples: Int, _ context: Context
  ) -> (draws: Tensor, logDensity: Tensor)? {
    guard let posterior = frozenPosterior(x, context) as? any Distribution else { return nil }
    return withoutTape {
      let drawn = posterior.draw(samples, from: "posterior", context)
      return (drawn.value, drawn.logDensity)
    }
  }

  /// The numbers of the codes of some examples, an index tensor `[N, height, width]`. Nil where there
  /// are none.
  public func codes(_ x: Tensor, _ context: Context) -> Tensor? {
    withoutTape {
      prior.draw(from: encoder.encode(x, context), DrawRequest(), context).layers.first?.codes
    }
  }

  /// Images from the prior: the mean of p(x|z), or a draw from it, one for each of the context's
  /// examples. An autoregressive decoder has no mean apart from draws, so it always draws.
  public func sample(
    temperature: Float = 1, drawing: Bool = false, _ context: Context
  ) -> Tensor {
    withoutTape {
      output(
        prior.draw(temperature: temperature, context), drawing: drawing, context)
    }
  }

  /// Each example through the latents and back: the mean of p(x|z) at a draw from q(z|x), or a draw
  /// where the decoder is autoregressive.
  public func reconstruct(_ x: Tensor, _ context: Context) -> Tensor {
    withoutTape {
      let draw = prior.draw(from: encoder.encode(x, context), DrawRequest(), context)
      return output(draw, drawing: false, context)
    }
  }

  /// Images of a draw.
  package func output(_ draw: LatentDraw, drawing: Bool, _ context: Context) -> Tensor {
    if let decoder = decoder as? any AutoregressiveDecoder {
      return decoder.sample(draw, from: likelihood, context)
    }
    let parameters = decoder.decode(draw, target: nil, context)
    let mean = likelihood.mean(parameters)
    guard drawing else { return mean }
    return likelihood.sample(parameters, mean.shape.removingFirst, context)
  }
}

import NeuralNetworks
import Tensors

/// What one phase of an objective may ask of a model about a batch. Each answer is computed once, when it
/// is first asked for: what no loss looks at costs nothing.
///
/// ```swift
/// let phase = Phase(name: "model") { pass in
///   let bound = (pass.evaluation.distortion + pass.evaluation.rate).mean()
///   // A penalty on the size of the latents, beside the bound.
///   return Loss(bound + pass.draw.layers[0].sample.squared().mean() * 0.1)
/// }
/// ```
///
/// A phase that trains a discriminator on latents, for instance, asks for `draw` and
/// `second?.draw`, and no decoder runs. The parameters outside of the phase's group are constants
/// while it runs, so that nothing is recorded for them.
public final class ForwardPass {
  /// The model.
  public let model: Model
  /// The data, `[N, height, width, channels]`.
  public let batch: Tensor
  /// Why the pass is made, and where its random numbers come from.
  public let context: Context
  /// The same for a second batch that was drawn independently, where the objective requires one.
  public let second: ForwardPass?

  private let request: DrawRequest
  private let latentsAreFrozen: Bool
  private var knownPosterior: (any Posterior)?
  private var knownDraw: LatentDraw?
  private var knownEvaluation: Evaluation?

  /// A pass over a batch.
  ///
  /// - Parameters:
  ///   - model: what is asked.
  ///   - batch: the data.
  ///   - second: an independent batch with its context.
  ///   - request: how latents are drawn, of both batches.
  ///   - latentsAreFrozen: whether encoder and prior say of a batch what they say in evaluation, as where neither is
  ///     trained.
  ///   - context: of the batch.
  public init(
    _ model: Model, _ batch: Tensor, second: (batch: Tensor, context: Context)? = nil,
    _ request: DrawRequest, latentsAreFrozen: Bool = false, _ context: Context
  ) {
    self.latentsAreFrozen = latentsAreFrozen
    self.model = model
    self.batch = batch
    self.context = context
    self.request = request
    self.second = second.map {
      ForwardPass(model, $0.batch, request, latentsAreFrozen: latentsAreFrozen, $0.context)
    }
  }

  /// A pass whose evaluation is known, as that of codes in place of data.
  public init(_ model: Model, _ evaluation: Evaluation, _ context: Context) {
    self.model = model
    self.context = context
    batch = evaluation.batch
    second = nil
    latentsAreFrozen = false
    var request = DrawRequest()
    request.samples = evaluation.samples
    self.request = request
    knownPosterior = evaluation.posterior
    knownDraw = evaluation.draw
    knownEvaluation = evaluation
  }

  /// q(z|x).
  public var posterior: any Posterior {
    once(&knownPosterior) {
      latentsAreFrozen
        ? model.frozenPosterior(batch, context) : model.encoder.encode(batch, context)
    }
  }

  /// The latents, drawn K times for each example, and what they cost.
  public var draw: LatentDraw {
    once(&knownDraw) {
      latentsAreFrozen
        ? model.frozenDraw(from: posterior, request, context)
        : model.prior.draw(from: posterior, request, context)
    }
  }

  /// Everything that the model says about the batch.
  public var evaluation: Evaluation {
    once(&knownEvaluation) {
      model.evaluate(
        batch, posterior: posterior, draw: draw, samples: request.samples, context)
    }
  }

  /// The mean of p(x|z) at the draws, `[K · N, height, width, channels]`.
  public private(set) lazy var decodedMean = model.likelihood.mean(evaluation.parameters)

  /// Latents drawn from the prior and decoded, one for each example of the batch; nil where the decoder
  /// is autoregressive, whose draws no gradient passes.
  public private(set) lazy var priorSamples: DecodedDraw? = {
    guard !(model.decoder is any AutoregressiveDecoder) else { return nil }
    var own = context
    own.random = context.random.child("prior samples")
    let draw = model.prior.draw(temperature: 1, own)
    let parameters = model.decoder.decode(draw, target: nil, own)
    return DecodedDraw(
      draw: draw, parameters: parameters, mean: model.likelihood.mean(parameters))
  }()

  /// Images that a frozen network can look at.
  public enum Picture: Hashable, Sendable {
    /// The data, whose features carry no gradient.
    case data
    /// `decodedMean`
    case decodedMean
    /// The mean of `priorSamples`; no images where there are none.
    case priorSamples
  }

  /// The features of some images, one tensor for each of the network's `layers`. The objective states
  /// the network in its requirements.
  public func features(of picture: Picture, in network: FrozenNetworkFile) -> [Tensor] {
    let key = FeatureKey(network: ObjectIdentifier(network), picture: picture)
    if let known = knownFeatures[key] { return known }
    let found: [Tensor] =
      switch picture {
      case .data: withoutTape { network.features(of: batch) }
      case .decodedMean: network.features(of: decodedMean)
      case .priorSamples: priorSamples.map { network.features(of: $0.mean) } ?? []
      }
    knownFeatures[key] = found
    return found
  }

  /// Zero, a scalar, with the gradient of the distortion for the likelihood's own parameters alone, which fits these to
  /// the decoder's output as it is: for losses that hold something else against the decoder. Nil where the likelihood has
  /// no parameters.
  public var distortionOfLikelihoodAlone: Tensor? {
    guard !model.likelihood.parameters.isEmpty else { return nil }
    let fit = -model.likelihood.logDensity(
      batch, parameters: evaluation.parameters.detached(), context
    ).mean()
    return fit - fit.detached()
  }

  private struct FeatureKey: Hashable {
    let network: ObjectIdentifier
    let picture: Picture
  }

  private var knownFeatures: [FeatureKey: [Tensor]] = [:]

  private func once<Answer>(_ known: inout Answer?, _ compute: () -> Answer) -> Answer {
    if let known { return known }
    let answer = compute()
    known = answer
    return answer
  }
}

/// Latents with what a decoder makes of them.
public struct DecodedDraw {
  /// The latents.
  public let draw: LatentDraw
  /// The likelihood's parameters, `[N, height, width, channels · parameters]`.
  public let parameters: Tensor
  /// The mean of p(x|z), `[N, height, width, channels]`.
  public let mean: Tensor
}

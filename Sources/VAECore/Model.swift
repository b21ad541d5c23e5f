import NeuralNetworks
import Tensors

/// A variational autoencoder: four parts and the objective that trains them.
///
///     x ──encoder──▶ q(z|x) ──prior──▶ z, rate ──decoder──▶ parameters ──likelihood──▶ distortion
///
/// −ELBO = distortion + rate in nats an example, whatever objective trained it.
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

  /// A model of the given parts.
  public init(
    encoder: any Encoder, prior: any Prior, decoder: any Decoder, likelihood: any Likelihood,
    objective: any Objective = EvidenceLowerBound()
  ) {
    self.encoder = encoder
    self.prior = prior
    self.decoder = decoder
    self.likelihood = likelihood
    self.objective = objective
  }

  /// The five parts.
  public var members: Members {
    [
      "encoder": .module(encoder), "prior": .module(prior), "decoder": .module(decoder),
      "likelihood": .module(likelihood), "objective": .module(objective),
    ]
  }

  /// Lets the decoder begin at the mean of the first batches, and every part look at them.
  public func prepare(firstBatches: [Tensor], context: Context) throws {
    let mean = Tensor.concatenated(firstBatches, axis: 0).mean(axis: 0)
    if let parameters = likelihood.parameters(withMean: mean) { decoder.begin(at: parameters) }
    for part in parts { try part.prepare(firstBatches: firstBatches, context: context) }
  }

  /// What the model says about a batch `[N, height, width, channels]`.
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
    let parameters = decoder.decode(draw, target: x, context)
    return Evaluation(
      batch: x, posterior: posterior, draw: draw, parameters: parameters,
      logDensity: likelihood.logDensity(x, parameters: parameters, context),
      samples: request.samples)
  }

  /// The posterior and draws of a second batch, for objectives that compare two.
  public func encodeSecond(
    _ x: Tensor, _ request: DrawRequest, _ context: Context
  ) -> Evaluation.Second {
    let posterior = encoder.encode(x, context)
    return Evaluation.Second(
      batch: x, posterior: posterior, draw: prior.draw(from: posterior, request, context))
  }

  /// Images from the prior: the mean of p(x|z), or a draw from it, one for each of the context's
  /// examples.
  public func sample(
    temperature: Float = 1, drawing: Bool = false, _ context: Context
  ) -> Tensor {
    withoutTape {
      output(prior.draw(temperature: temperature, context), drawing: drawing, context)
    }
  }

  /// Each example through the latents and back: the mean of p(x|z) at a draw from q(z|x).
  public func reconstruct(_ x: Tensor, _ context: Context) -> Tensor {
    withoutTape {
      let draw = prior.draw(from: encoder.encode(x, context), DrawRequest(), context)
      return output(draw, target: x, drawing: false, context)
    }
  }

  private func output(
    _ draw: LatentDraw, target: Tensor? = nil, drawing: Bool, _ context: Context
  ) -> Tensor {
    let parameters = decoder.decode(draw, target: target, context)
    return drawing ? likelihood.sample(parameters, context) : likelihood.mean(parameters)
  }
}

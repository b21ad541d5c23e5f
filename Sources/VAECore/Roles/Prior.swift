import NeuralNetworks
import Tensors

/// What is asked of a draw of latents.
public struct DrawRequest: Sendable {
  /// Draws an example.
  public var samples = 1
  /// Whether the rate must be log q − log p at the draw rather than a closed-form divergence, as
  /// importance weights need.
  public var usesSampledRate = false
  /// Whether log q is computed with constant posterior parameters, so that its gradient flows
  /// through the draw alone, and each draw comes with a `GradientGate`.
  public var stopsPosterior = false
  /// Whether the rate of each unit is wanted.
  public var wantsUnitRates = false

  /// One draw with a closed-form rate.
  public init() {}
}

/// The latents of one stochastic layer, priced.
public struct LatentLayer {
  /// The draws, `[K · N, …]`.
  public var sample: Tensor
  /// The price of each draw in nats, `[K · N]`: a divergence, or log q − log p at the draw.
  public var rate: Tensor
  /// log q(z|x) at the draw, `[K · N]`, where it was asked for.
  public var logPosterior: Tensor?
  /// log p(z) at the draw, `[K · N]`, where it was asked for.
  public var logPrior: Tensor?
  /// The divergence of each unit, `[N, units]`, where it was asked for and there is one.
  public var unitRates: Tensor?
  /// Weighs the gradient that reaches each draw, where it was asked for.
  public var gate: GradientGate?
  /// The numbers of the codes, an index tensor `[K · N, height, width]`, where the layer is a grid of
  /// codes.
  public var codes: Tensor?

  /// A priced layer.
  public init(
    sample: Tensor, rate: Tensor, logPosterior: Tensor? = nil, logPrior: Tensor? = nil,
    unitRates: Tensor? = nil, codes: Tensor? = nil
  ) {
    self.sample = sample
    self.rate = rate
    self.logPosterior = logPosterior
    self.logPrior = logPrior
    self.unitRates = unitRates
    self.codes = codes
  }
}

/// Latents for a decoder: what was drawn in each stochastic layer and what it costs.
public struct LatentDraw {
  /// The stochastic layers, the one nearest to the data first. Empty for a model without latents.
  public var layers: [LatentLayer]
  /// The number of rows, K · N.
  public var rowCount: Int
  /// What a top-down path computed for the decoder beside the draws.
  public var features: Tensor?
  /// Terms that an objective may add to the loss but that are no part of the rate, `[K · N]` each,
  /// by name.
  public var auxiliary: [String: Tensor]

  /// A draw of the given layers.
  public init(
    layers: [LatentLayer], rowCount: Int, features: Tensor? = nil, auxiliary: [String: Tensor] = [:]
  ) {
    self.layers = layers
    self.rowCount = rowCount
    self.features = features
    self.auxiliary = auxiliary
  }

  /// The price of all layers together in nats, `[K · N]`.
  public var rate: Tensor {
    layers.dropFirst().reduce(layers.first?.rate ?? .zeros([rowCount])) { $0 + $1.rate }
  }
}

extension LatentDraw {
  /// What a decoder starts from, `[K · N, …]`: the features of a top-down path where there are any,
  /// else the layer nearest to the data; without latents, rows without elements.
  public var decoderInput: Tensor {
    features ?? layers.first?.sample ?? .zeros([rowCount, 0])
  }
}

/// Draws latents and prices them: p(z).
public protocol Prior: Module {
  /// What the latents look like.
  var latents: LatentStructure { get }

  /// Whether the temperature of a draw changes anything.
  var usesTemperature: Bool { get }

  /// Called once before the first update, after every part has seen the first training batches, for
  /// a start from what the encoder says about them.
  func prepare(firstBatches: [Tensor], encodedBy encoder: any Encoder, context: Context) throws

  /// Latents drawn from a posterior, with what they cost under this prior.
  func draw(from posterior: any Posterior, _ request: DrawRequest, _ context: Context) -> LatentDraw

  /// Latents drawn from the prior itself, one for each of the context's examples; the rates are
  /// zero. The temperature multiplies standard deviations.
  func draw(temperature: Float, _ context: Context) -> LatentDraw

  /// Given latents as a draw without a price, one tensor a stochastic layer.
  func draw(of latents: [Tensor], _ context: Context) -> LatentDraw
}

extension Prior {
  /// It does.
  public var usesTemperature: Bool { true }

  /// Starts from what it is.
  public func prepare(
    firstBatches: [Tensor], encodedBy encoder: any Encoder, context: Context
  ) throws {}

  /// Given latents, at no rate.
  public func draw(of latents: [Tensor], _ context: Context) -> LatentDraw {
    let count = latents.first?.shape[0] ?? context.examples.count
    return LatentDraw(
      layers: latents.map { LatentLayer(sample: $0, rate: .zeros([count])) }, rowCount: count)
  }
}

/// A prior over codes with a network that a later stage trains on the codes alone.
public protocol CodePrior: Prior {
  /// −log p(codes) in nats, `[N]`, of an index tensor of code numbers `[N, height, width]`.
  func rate(of codes: Tensor, _ context: Context) -> Tensor
}

/// A prior over one stochastic layer with a density, to which the reparameterised draw and its
/// price follow.
public protocol DensityPrior: Prior {
  /// log p(z) in nats, `[K · N]`, of latents `[K · N, units]`: K draws for each of the context's
  /// examples.
  func logDensity(_ z: Tensor, samples: Int, _ context: Context) -> Tensor

  /// KL(q ‖ p) in nats, `[N]`, where there is a closed form; nil where there is none.
  func divergence(of posterior: any Posterior, _ context: Context) -> Tensor?

  /// KL(q ‖ p) in nats for each example and latent unit, `[N, units]`, where it is a sum over units;
  /// else nil.
  func unitDivergence(of posterior: any Posterior, _ context: Context) -> Tensor?

  /// One draw for each of the context's examples, `[N, units]`.
  func sample(temperature: Float, _ context: Context) -> Tensor
}

extension DensityPrior {
  /// The closed form that the posterior knows.
  public func divergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    posterior.divergence(to: self)
  }

  /// The closed form that the posterior knows.
  public func unitDivergence(of posterior: any Posterior, _ context: Context) -> Tensor? {
    posterior.unitDivergence(to: self)
  }

  /// A draw from the posterior; its rate is the closed-form divergence where there is one and it
  /// may be used, else log q − log p at the draw.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    let gate = request.stopsPosterior ? GradientGate() : nil
    let drawn = posterior.sample(request.samples, context)
    let z = gate?.applied(to: drawn) ?? drawn
    var layer: LatentLayer
    if !request.usesSampledRate, let divergence = divergence(of: posterior, context) {
      layer = LatentLayer(sample: z, rate: divergence.tiled(request.samples))
    } else {
      let proposal = request.stopsPosterior ? posterior.stoppingGradient() : posterior
      let logPosterior = proposal.logDensity(z)
      let logPrior = logDensity(z, samples: request.samples, context)
      layer = LatentLayer(
        sample: z, rate: logPosterior - logPrior, logPosterior: logPosterior, logPrior: logPrior)
    }
    layer.gate = gate
    if request.wantsUnitRates { layer.unitRates = unitDivergence(of: posterior, context) }
    return LatentDraw(layers: [layer], rowCount: z.shape[0])
  }

  /// A draw from the prior.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    draw(of: [sample(temperature: temperature, context)], context)
  }
}

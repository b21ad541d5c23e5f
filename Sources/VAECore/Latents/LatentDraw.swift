import Tensors

/// What is asked of a draw of latents: how many draws, and which of their prices.
///
/// ```swift
/// var request = DrawRequest()
/// request.samples = 50
/// request.usesSampledRate = true  // importance weights need log q − log p
/// let evaluation = model.evaluate(x, request, context)
/// ```
public struct DrawRequest: Sendable {
  /// K, the draws per example.
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

/// The latents of one stochastic layer with their price. Rows stand draw by draw: row k · N + n is draw k of
/// example n.
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

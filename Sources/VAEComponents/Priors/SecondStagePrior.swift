import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A second variational autoencoder, of the latents of a first one, as that one's prior (Dai & Wipf 2019,
/// "Diagnosing and Enhancing VAE Models", section 4): p(z) = ∫ N(z; μ(u), γ² I) N(u; 0, I) du, with as many u as z and one
/// learnt γ, which is trained with the rest and is the noise of draws, u → z → x.
///
/// The integral has no closed form. log p(z) is priced from below by a draw of the second encoder q(u|z):
///
///     log p(z) ≥ log N(z; μ(u), γ² I) − KL(q(u|z) ‖ N(0, I)),
///
/// so that the rate is an upper bound and distortion + rate is −ELBO of the model whose latents are z and u. Where
/// importance weights ask, it is the logarithm of p(z, u) / q(u|z), whose mean is p(z).
///
/// Latents are first brought to mean zero and deviation one (``begin(at:)``), by a shift and scale that are
/// parameters too. The last layer of each network sees its input beside the hidden layer, as in the authors' code.
public final class SecondStagePrior: PricingPrior, LatentStartingPrior {
  /// The shift of the latents, `[units]`.
  public let shift: Parameter
  /// The logarithms of the scales of the latents, `[units]`.
  public let logScale: Parameter
  /// log γ, `[1]`, in units of these scales.
  public let logDeviation: Parameter
  private let encoder: SkippingPerceptron
  private let decoder: SkippingPerceptron

  /// A fresh second stage.
  ///
  /// - Parameters:
  ///   - units: of the latents z, and of the second latents u.
  ///   - hidden: sizes of the hidden layers, of both networks.
  ///   - random: where the first weights come from.
  public init(units: Int, hidden: [Int], random: RandomSource) {
    ensure(units > 0 && !hidden.isEmpty, "\(units) units and \(hidden) are no second stage")
    shift = Parameter([units], isDecayed: false) { .zeros([units]) }
    logScale = Parameter([units], isDecayed: false) { .zeros([units]) }
    logDeviation = Parameter([1], isDecayed: false) { .zeros([1]) }
    encoder = SkippingPerceptron(
      inputs: units, hidden: hidden, outputs: 2 * units, random: random.child("encoder"))
    decoder = SkippingPerceptron(
      inputs: units, hidden: hidden, outputs: units, random: random.child("decoder"))
  }

  /// Both networks, γ, and shift and scale of the latents.
  public var members: Members {
    [
      "encoder": .module(encoder), "decoder": .module(decoder),
      "log_deviation": .parameter(logDeviation), "shift": .parameter(shift),
      "log_scale": .parameter(logScale),
    ]
  }

  /// One layer: the decoder of images sees z alone, and u belongs to the prior.
  public var latents: LatentSpace { .units(shift.shape[0]) }

  /// The latents; the second encoder sees these, and the second decoder as many.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    _ = try trace.pass([units], through: encoder, "encoder")
    return try trace.pass([units], through: decoder, "decoder")
  }

  private var units: Int { shift.shape[0] }

  private var affine: ElementwiseAffine {
    ElementwiseAffine(shift: shift.tensor, logScale: logScale.tensor.clamped(to: -20...20))
  }

  /// log γ. What collapses onto fewer dimensions than there are units has no smallest γ.
  private var limitedDeviation: Tensor { logDeviation.tensor.clamped(to: -10...10) }

  /// The bound on log p(z), or the logarithm of an unbiased estimate of p(z).
  public func logDensity(of z: Tensor, _ request: DrawRequest, _ context: Context) -> Tensor {
    guard let (own, logDeterminant) = affine.inverse(z) else {
      fatalError("a shift and scale has an inverse")
    }
    let posterior = DiagonalGaussian(head: encoder(own, context))
    let samples = z.shape[0] / max(1, context.examples.count)
    let u = posterior.draw(samples, from: "second posterior", context)
    let explained = Tensor.gaussianLogDensity(
      own, mean: decoder(u.value, context), logVariance: .zeros(own.shape) + limitedDeviation * 2)
    let layer = LatentLayer(u, from: posterior, under: .standard(like: posterior), request)
    return explained - layer.rate - logDeterminant
  }

  /// u of N(0, I), then z with its noise; the temperature multiplies both deviations.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    let u = context.normalNoise("prior", samples: 1, shape: [units]) * temperature
    let noise = context.normalNoise("prior noise", samples: 1, shape: [units]) * temperature
    let own = decoder(u, context) + noise * limitedDeviation.exp()
    return draw(of: [affine.forward(own).value], context)
  }

  /// Shift and scale become mean and deviation of the draws.
  public func begin(at draws: Tensor) {
    let moments = ColumnMoments(of: draws)
    (shift.value, logScale.value) = (moments.mean, moments.logDeviation)
  }
}

/// A perceptron whose last layer sees the input beside the last hidden layer.
private final class SkippingPerceptron: Module {
  private let layers: Sequential
  private let head: Dense

  init(inputs: Int, hidden: [Int], outputs: Int, random: RandomSource) {
    layers = .perceptron([inputs] + hidden, activation: .relu, random: random)
    head = Dense(
      inputs: (hidden.last ?? 0) + inputs, outputs: outputs, random: random.child("head"))
  }

  var members: Members { ["layers": .module(layers), "head": .module(head)] }

  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let hidden = try trace.pass(input, through: layers, "layers")
    return try trace.pass(hidden.map { [$0.count + input.count] }, through: head, "head")
  }

  func callAsFunction(_ input: Tensor, _ context: Context) -> Tensor {
    head(.concatenated([layers(input, context), input], axis: 1), context)
  }
}

extension SecondStagePrior {
  /// The hyper-parameters of `second-stage`.
  struct Options: HyperparameterSet {
    var units = LatentUnits()
    @Setting(
      count: 1...16, each: 1...65536,
      help: "hidden layers of the second encoder, and of the second decoder")
    var stageHidden = [512, 512, 512]
  }
}

extension Component where Part == any Prior {
  /// The recipe component `second-stage`.
  public static var secondStage: Component {
    Component(
      role: .prior, name: "second-stage",
      summary: "a second variational autoencoder, of the latents, with as many latents of its own",
      options: SecondStagePrior.Options()
    ) { options, build in
      SecondStagePrior(
        units: options.units.latent, hidden: options.stageHidden, random: build.random)
    }
  }
}

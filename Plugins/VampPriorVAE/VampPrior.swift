import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// The variational mixture of posteriors: p(z) = 1/K Σ_k q(z|u_k), with K pseudo-inputs u_k that are
/// learnt (Tomczak & Welling 2018, equation 10).
///
/// The prior that makes the bound largest is the posterior averaged over the data; this one is that
/// average over a few inputs that stand for the data. Gradients of the rate reach the pseudo-inputs, and
/// the encoder a second time, through what it says about them. There is no closed form of KL(q ‖ p); the
/// rate is log q − log p at the draw.
public final class VampPrior: EncoderAwarePrior, DensityPrior {
  /// The pseudo-inputs as the encoder sees them, `[K, height, width, channels]`.
  ///
  /// They stay in the range of the data: where that is 0 to 1 they are put back into it after every
  /// update. The paper's hard hyperbolic tangent gives the same inputs, but no gradient to a value
  /// that has once been pushed over the edge.
  public let pseudoInputs: Parameter

  private let units: Int
  private let range: ValueRange
  private var encoder: (any Encoder)?

  /// A share of the data's standard deviation, by which pseudo-inputs differ at first from the examples
  /// that they begin at: where there are fewer examples than pseudo-inputs, equal ones would never part.
  private static let spread: Float = 0.01

  /// A prior over a number of units. Pseudo-inputs are grey until `prepare` has seen data, or values are
  /// loaded.
  ///
  /// - Parameters:
  ///   - units: latent units.
  ///   - shape: of the pseudo-inputs, `[K, height, width, channels]`.
  ///   - range: of the data.
  ///   - random: where the first values come from.
  public init(units: Int, shape: Shape, range: ValueRange, random: RandomSource) {
    ensure(
      units > 0 && shape.rank == 4 && shape.count > 0,
      "a VampPrior takes pseudo-inputs [K, height, width, channels], not \(shape)")
    self.units = units
    self.range = range
    pseudoInputs = Parameter(shape, isDecayed: false) {
      let first = random.stream("pseudo-inputs").normal(shape).scaled(
        by: Self.spread, shift: range == .real ? 0 : 0.5)
      return range == .real ? first : first.clamped(to: 0...1)
    }
  }

  /// The pseudo-inputs; the encoder is a member of the model.
  public var members: Members { ["pseudo_inputs": .parameter(pseudoInputs)] }

  /// One layer.
  public var latents: LatentSpace { .units(units) }

  /// Whether it changes the draws of the posteriors.
  public var usesTemperature: Bool { encoder?.posteriorTraits.hasTemperature ?? true }

  /// Takes the encoder whose posteriors are mixed.
  public func attach(_ encoder: any Encoder) { self.encoder = encoder }

  /// Begins at training examples, each with a little noise.
  public func prepare(firstBatches: [Tensor], context: Context) {
    guard let first = firstBatches.first,
      first.shape.removingFirst == pseudoInputs.shape.removingFirst
    else { return }
    let examples = Tensor.concatenated(firstBatches, axis: 0)
    let (available, count) = (examples.shape[0], pseudoInputs.shape[0])
    guard available > 0 else { return }
    let chosen = (0..<count).map { Int32($0 % available) }
    let deviation = (examples - examples.mean()).squared().mean().squareRoot()
    let noise = context.random.child("pseudo-inputs").stream("start").normal(pseudoInputs.shape)
    pseudoInputs.value =
      examples.gathering(Tensor(indices: chosen)) + noise * (deviation * Self.spread)
    keepInRange()
  }

  /// Puts pseudo-inputs back into the range of the data.
  public func afterUpdate(_ context: Context) {
    if pseudoInputs.isTrainable { keepInRange() }
  }

  private func keepInRange() {
    guard range != .real else { return }
    pseudoInputs.value = pseudoInputs.value.clamped(to: 0...1)
  }

  /// The mixture of what the encoder says about the pseudo-inputs, for each of the context's examples.
  ///
  /// In training, normalisations use the statistics of the pseudo-inputs, which are a batch of their
  /// own; in evaluation those of the data. A calibration, which gathers these, must not count the
  /// pseudo-inputs among the data.
  public func distribution(_ context: Context) -> any Distribution {
    guard let encoder else {
      fatalError("a VampPrior is asked for its density before it is part of a model")
    }
    let count = pseudoInputs.shape[0]
    let own = Context(
      mode: context.mode == .calibration ? .training : context.mode, step: context.step,
      epochs: context.epochs, random: context.random.child("pseudo-inputs"),
      examples: (0..<count).map(UInt64.init))
    let (examples, logits) = (context.examples.count, Tensor.zeros([count]))
    guard let posteriors = encoder.encode(pseudoInputs.tensor, own) as? any Distribution else {
      fatalError("a VampPrior mixes posteriors that are distributions")
    }
    guard let gaussians = posteriors as? DiagonalGaussian else {
      return Mixture(exampleCount: examples, logits: logits, components: posteriors)
    }
    return GaussianMixture(exampleCount: examples, logits: logits, components: gaussians)
  }

  /// There is no closed form, which is known without asking the encoder.
  public func divergence(of posterior: any Distribution, _ context: Context) -> Divergence? { nil }
}

extension VampPrior {
  /// The hyper-parameters of `vampprior`.
  struct Options: HyperparameterSet {
    var units = LatentUnits(latent: 40)
    @Setting(1...65536, help: "learnt inputs whose posteriors are mixed") var pseudoInputs = 500
  }
}

extension Component where Part == any Prior {
  /// The recipe component `vampprior`.
  static var vampPrior: Component {
    Component(
      role: .prior, name: "vampprior",
      summary: "a mixture of the encoder's posteriors at learnt pseudo-inputs",
      options: VampPrior.Options()
    ) { options, build in
      let data = build.data
      return VampPrior(
        units: options.units.latent,
        shape: [options.pseudoInputs, data.height, data.width, data.channels], range: data.range,
        random: build.random)
    }
  }
}

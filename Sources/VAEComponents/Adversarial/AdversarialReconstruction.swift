import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// A reconstruction loss and a discriminator of patches against it, as VQGAN is trained (Esser et al. 2021,
/// section 3.1 and the authors' code):
///
///     model:          R(x, x̂) + β · rate + terms of the parts + w λ G(D(x̂))
///     discriminator:  ½ (C₁(D(x)) + C₀(D(x̂)))
///
/// x̂ is the mean of p(x|z) at a draw of z, R the reconstruction loss, to which the distance of features in a frozen network is added
/// where there is one (the authors' LPIPS), and G, C₁ and C₀ the sides of an
/// `AdversarialLoss`. λ = ‖∇_W R‖ / (‖∇_W G‖ + 10⁻⁴), at most 10⁴, makes both pull equally hard at the weights W of
/// the decoder's last layer; it is a number without a gradient, and w says how much of that the discriminator gets.
/// Both phases begin after `start` updates of the plain autoencoder: a discriminator has nothing to teach while
/// reconstructions are grey. Where a penalty γ is set, every 16th update of the discriminator adds
/// 16 · γ/2 · ‖∇D(x)‖², R₁ by finite differences.
///
/// What the model minimises is **no bound** on −log p(x). Records and evaluations report the plain one of
/// the same networks beside it. With absolute differences for R the likelihood prices nothing that trains the decoder, so that parameters
/// of its own, such as a learnt σ, are fitted to the decoder's output as it is.
public final class AdversarialReconstruction: Objective {
  /// R, summed over the elements of an example and averaged over examples.
  public enum Reconstruction: String, SettingChoice {
    /// Σ |x − x̂|, which does not reward the mean of several sharp images as squares do.
    case l1
    /// −log p(x|z) in nats, whatever the likelihood is.
    case distortion
  }

  /// What weighs the parts of the losses.
  public struct Weights: Sendable {
    /// w, the share of the discriminator's pull.
    public var adversarial: Float = 0.8
    /// Whether λ makes the pulls equal; else it is one.
    public var isAdaptive = true
    /// β, the weight of the rate.
    public var rate: Float = 1
    /// γ of R₁, zero for none.
    public var gradientPenalty: Float = 0

    /// The weights of the authors' code.
    public init() {}
  }

  /// D.
  public let discriminator: any ImageDiscriminator
  /// R, without features.
  public let reconstruction: Reconstruction
  /// The part of R that compares features; nil for none.
  public let features: FeatureTerm?
  /// G, C₁ and C₀.
  public let loss: AdversarialLoss
  /// What weighs the parts.
  public let weights: Weights
  /// Updates before the discriminator takes part.
  public let start: Int
  /// The discriminator's learning rate as a multiple of the model's.
  public let rateFactor: Float

  /// An objective with a given discriminator.
  public init(
    discriminator: any ImageDiscriminator, reconstruction: Reconstruction = .l1,
    features: FeatureTerm? = nil, loss: AdversarialLoss = .hinge, weights: Weights = Weights(),
    start: Int = 0,
    rateFactor: Float = 1
  ) {
    self.discriminator = discriminator
    self.reconstruction = reconstruction
    self.features = features
    self.loss = loss
    self.weights = weights
    self.start = start
    self.rateFactor = rateFactor
  }

  /// The discriminator.
  public var members: Members { ["discriminator": .module(discriminator)] }

  /// One draw with a closed-form rate where there is one.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.needsDecodedMeans = true
    requirements.needsWholeImages = true
    if let features { requirements.networks = [features.network] }
    return requirements
  }

  /// The logits of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(input, through: discriminator, "discriminator")
  }

  /// The model, then the discriminator by Adam with β = (0.5, 0.9), as in the authors' code.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] in lossOfModel($0) },
      Phase(
        name: "discriminator", group: .objective, rule: .adam(beta1: 0.5, beta2: 0.9),
        rateFactor: rateFactor, startStep: start
      ) { [self] in lossOfDiscriminator($0) },
    ]
  }

  private func lossOfModel(_ pass: ForwardPass) -> Loss {
    let evaluation = pass.evaluation
    let error = reconstructionError(pass)
    let term = features.map { $0(pass) }
    let whole = term.map { error + $0.value } ?? error
    var value = whole + evaluation.rate.mean() * weights.rate
    if reconstruction != .distortion, let fit = pass.distortionOfLikelihoodAlone {
      value = value + fit
    }
    var terms = [(name: "reconstruction", value: error)]
    if let term { terms.append((name: "feature_distance", value: term.distance)) }
    if pass.context.step >= start {
      let judged = loss.ofGenerator(discriminator(pass.decodedMean, pass.context))
      var weight: Float = 1
      if weights.isAdaptive, let last = pass.model.decoder.lastWeights {
        weight = AdaptiveWeight().value(of: whole, against: judged, at: last, pass.context)
        terms.append((name: "adversarial_weight", value: Tensor(weight)))
      }
      value = value + judged * (weights.adversarial * weight)
      terms.append((name: "generator_loss", value: judged))
    }
    var result = Loss.withAuxiliary(value, evaluation)
    result.terms += terms
    return result
  }

  private func lossOfDiscriminator(_ pass: ForwardPass) -> Loss {
    let context = pass.context
    let real = loss.ofData(discriminator(pass.batch, context))
    let made = loss.ofGenerated(discriminator(pass.decodedMean.detached(), context))
    let sum = (real + made) * 0.5
    var whole = Loss(sum, terms: [(name: "discriminator_loss", value: sum)])
    if weights.gradientPenalty > 0,
      (context.step - start).isMultiple(of: Self.penaltyInterval)
    {
      let noise = context.normalNoise(
        "gradient penalty", samples: 1, shape: pass.batch.shape.removingFirst)
      let norm = AdversarialLoss.squaredGradientNorm(
        at: pass.batch, along: noise, step: Self.penaltyStep
      ) { discriminator($0, context) }
      whole.value = sum + norm * (weights.gradientPenalty / 2 * Float(Self.penaltyInterval))
      whole.terms.append((name: "squared_gradient", value: norm))
    }
    return whole
  }

  /// R without features, a scalar.
  private func reconstructionError(_ pass: ForwardPass) -> Tensor {
    switch reconstruction {
    case .distortion: pass.evaluation.distortion.mean()
    case .l1:
      (pass.batch - pass.decodedMean).magnitude().sum() / Float(max(1, pass.batch.shape[0]))
    }
  }

  /// Updates of the discriminator from one that has the penalty to the next (Karras et al. 2020, section 3).
  private static let penaltyInterval = 16
  /// h of the penalty's difference, for values of images.
  private static let penaltyStep: Float = 0.01

  /// That the discriminator has won.
  public func concern(about terms: [(name: String, value: Double)]) -> Message? {
    AdversarialBalance.concern(
      about: terms, loss: loss,
      changes: [
        "a smaller \(.setting("objective.discriminator_rate"))",
        weights.gradientPenalty > 0
          ? "a larger \(.setting("objective.gradient_penalty"))"
          : "\(.setting("objective.gradient_penalty", "10"))",
        "fewer \(.setting("objective.discriminator_channels"))",
      ])
  }
}

import Messages
import NeuralNetworks
import Tensors
import VAEComponents
import VAECore

/// Three networks, three losses (Larsen et al. 2016, algorithm 1). With x̃ = Dec(z), z ~ q(z|x), and x_p = Dec(z_p),
/// z_p ~ p(z), and Dis_l the features of the discriminator at layer l,
///
///     L_prior = β KL(q(z|x) ‖ p(z))
///     L_llike = ½ Σ (Dis_l(x) − Dis_l(x̃))²
///     L_GAN   = log D(x) + log(1 − D(x̃)) + log(1 − D(x_p))
///
///     Enc minimises L_prior + L_llike
///     Dec minimises γ L_llike + G(x̃) + G(x_p)
///     Dis maximises L_GAN
///
/// where G(y) = log(1 − D(y)) with the loss `minimax`, as in the algorithm (which means the loss of Dis by L_GAN where it
/// subtracts it), and −log D(y) with `nonSaturating`. L_llike is −log N(Dis_l(x); Dis_l(x̃), I) without its constant, in nats. Each network has a
/// phase of its own, in which the others are constants: no gradient of L_GAN reaches Enc, and none of L_llike Dis.
///
/// The equilibrium rule of the authors' code keeps the two sides of the game level: with the costs C₁ = E[−log D(x)]
/// and C₀, the mean of E[−log(1 − D(x̃))] and E[−log(1 − D(x_p))], Dis is left out of an update where one of them is below
/// equilibrium − margin, and Dec where one is above equilibrium + margin; both take part where both would be left out.
///
/// None of these losses is a bound on −log p(x): the features change with Dis. Records and evaluations report the
/// plain bound of the same networks.
public final class LearnedSimilarity: Objective {
  /// What weighs the parts of the losses.
  public struct Weights: Sendable {
    /// γ, the weight of L_llike at the decoder.
    public var similarity: Float = 1
    /// β, the weight of the rate.
    public var rate: Float = 1

    /// One each.
    public init() {}
  }

  /// When a side of the game is left out of an update, in nats.
  public struct Equilibrium: Sendable {
    /// What a discriminator pays where neither side is ahead.
    public var cost: Float = 0.68
    /// How far from that a cost may be.
    public var margin: Float = 0.35

    /// The numbers of the authors' code.
    public init() {}

    /// Which of the two sides take part, for the costs of data and of what was made.
    public func takesPart(
      ofData data: Float, ofGenerated made: Float
    ) -> (decoder: Bool, discriminator: Bool) {
      let costs = [data, made]
      let decoder = !costs.contains { $0 > cost + margin }
      let discriminator = !costs.contains { $0 < cost - margin }
      return decoder || discriminator ? (decoder, discriminator) : (true, true)
    }
  }

  /// Dis.
  public let discriminator: any ImageDiscriminator
  /// l, counted from 0 at the image.
  public let layer: Int
  /// `minimax` or `nonSaturating`; a discriminator's costs are the same with both.
  public let loss: AdversarialLoss
  /// What weighs the parts.
  public let weights: Weights
  /// When a side is left out; nil for never.
  public let equilibrium: Equilibrium?
  /// The discriminator's learning rate as a multiple of the model's.
  public let rateFactor: Float
  private var seen: Seen?
  private var decision: (step: Int, decoder: Bool, discriminator: Bool)?

  /// What the discriminator says in one phase, asked for by the rule and by the loss.
  private struct Seen {
    let pass: ForwardPass
    let data: DiscriminatorJudgement
    let decoded: DiscriminatorJudgement
    let drawn: DiscriminatorJudgement?
  }

  /// An objective with a given discriminator.
  public init(
    discriminator: any ImageDiscriminator, layer: Int, loss: AdversarialLoss = .minimax,
    weights: Weights = Weights(), equilibrium: Equilibrium? = Equilibrium(), rateFactor: Float = 1
  ) {
    ensure(
      (0..<discriminator.featureCount).contains(layer),
      "a discriminator with \(discriminator.featureCount) layers of features has none of number \(layer)"
    )
    self.discriminator = discriminator
    self.layer = layer
    self.loss = loss
    self.weights = weights
    self.equilibrium = equilibrium
    self.rateFactor = rateFactor
  }

  /// The discriminator.
  public var members: Members { ["discriminator": .module(discriminator)] }

  /// One draw with a closed-form rate where there is one.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.needsDecodedMeans = true
    requirements.needsWholeImages = true
    return requirements
  }

  /// The logits of an image.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    try trace.pass(input, through: discriminator, "discriminator")
  }

  /// Enc with the prior, Dec with the likelihood, Dis, in this order and each of the networks as the phase before
  /// has left them.
  public var phases: [Phase] {
    [
      Phase(name: "encoder", group: .paths(["encoder.", "prior."])) { [self] pass in
        let evaluation = pass.evaluation
        let similarity = similarity(pass, judged: false)
        var loss = Loss.withAuxiliary(
          evaluation.rate.mean() * weights.rate + similarity, evaluation)
        loss.terms.append((name: "feature_distance", value: similarity))
        return loss
      },
      Phase(
        name: "decoder", group: .paths(["decoder.", "likelihood."]),
        skips: { [self] in !takesPart($0).decoder }
      ) { [self] pass in
        let judged = judgements(pass)
        let made = [judged.decoded] + (judged.drawn.map { [$0] } ?? [])
        let sum = made.map { loss.ofGenerator($0.logits) }
        let adversarial = sum.dropFirst().reduce(sum[0]) { $0 + $1 }
        var value = similarity(pass, judged: true) * weights.similarity + adversarial
        if let fit = pass.distortionOfLikelihoodAlone { value = value + fit }
        return Loss(
          value,
          terms: [(name: "generator_loss", value: adversarial * (1 / Float(made.count)))])
      },
      Phase(
        name: "discriminator", group: .objective, rule: .adam(beta1: 0.5, beta2: 0.9),
        rateFactor: rateFactor, skips: { [self] in !takesPart($0).discriminator }
      ) { [self] pass in
        let judged = judgements(pass)
        let real = loss.ofData(judged.data.logits)
        let made = costOfMade(judged)
        let kinds: Float = judged.drawn == nil ? 1 : 2
        return Loss(
          real + made * kinds,
          terms: [(name: "discriminator_loss", value: (real + made) * 0.5)])
      },
    ]
  }

  // MARK: What the discriminator says

  private func judgements(_ pass: ForwardPass) -> Seen {
    if let seen, seen.pass === pass { return seen }
    let context = pass.context
    let found = Seen(
      pass: pass, data: discriminator.judge(pass.batch, context),
      decoded: discriminator.judge(pass.decodedMean, context),
      drawn: pass.priorSamples.map { discriminator.judge($0.mean, context) })
    seen = found
    return found
  }

  /// L_llike, a scalar; by the features that a game's phase has at hand, or by themselves.
  private func similarity(_ pass: ForwardPass, judged: Bool) -> Tensor {
    let data: Tensor
    let decoded: Tensor
    if judged {
      let judgements = judgements(pass)
      (data, decoded) = (judgements.data.features[layer], judgements.decoded.features[layer])
    } else {
      data = discriminator.features(of: pass.batch, at: layer, pass.context)
      decoded = discriminator.features(of: pass.decodedMean, at: layer, pass.context)
    }
    return Tensor.squaredError(data.detached(), mean: decoded).mean() * 0.5
  }

  private func costOfMade(_ judged: Seen) -> Tensor {
    let decoded = loss.ofGenerated(judged.decoded.logits)
    guard let drawn = judged.drawn else { return decoded }
    return (decoded + loss.ofGenerated(drawn.logits)) * 0.5
  }

  // MARK: The equilibrium

  /// Which sides take part in an update: decided once, by what the discriminator says before either is trained.
  private func takesPart(_ pass: ForwardPass) -> (decoder: Bool, discriminator: Bool) {
    guard let equilibrium else { return (true, true) }
    if let decision, decision.step == pass.context.step {
      return (decision.decoder, decision.discriminator)
    }
    let judged = judgements(pass)
    let found = equilibrium.takesPart(
      ofData: loss.ofData(judged.data.logits).item, ofGenerated: costOfMade(judged).item)
    decision = (pass.context.step, found.decoder, found.discriminator)
    return found
  }

  /// Forgets the update.
  public func afterUpdate(_ context: Context) {
    forget()
    discriminator.afterUpdate(context)
  }

  /// Forgets the update.
  public func dropUpdate() {
    forget()
    discriminator.dropUpdate()
  }

  private func forget() { (seen, decision) = (nil, nil) }

  /// That the discriminator has won.
  public func concern(about terms: [(name: String, value: Double)]) -> Message? {
    AdversarialBalance.concern(
      about: terms, loss: loss,
      changes: [
        "a smaller \(.setting("objective.discriminator_rate"))",
        "\(.setting("objective.equilibrium", "true"))",
        "fewer \(.setting("objective.discriminator_channels"))",
      ])
  }
}

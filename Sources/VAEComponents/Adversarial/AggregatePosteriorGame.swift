import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Distortion, and a discriminator of latents that makes those of all data together look like draws of the prior, in
/// place of a rate for each example (Makhzani et al. 2015; Tolstikhin et al. 2018, algorithm 1).
///
///     model:          E[−log p(x|z)] + λ G(D(z))                   z ~ q(z|x)
///     discriminator:  ½ (C₁(D(z_p)) + C₀(D(z)))                    z_p ~ p(z)
///
/// with the sides of an `AdversarialLoss`. Where the phases alternate, as in an adversarial autoencoder, the model's loss is the
/// distortion alone, and a third phase trains the encoder, by an optimizer of its own, on λ G(D(z)) once the discriminator
/// has learnt from the batch.
///
/// Nothing here is a bound on −log p(x): a discriminator sees whether q(z) = E q(z|x) is like p(z) and not what single examples
/// cost. Records and evaluations report the plain bound of the same networks.
public final class AggregatePosteriorGame: Objective {
  /// Gives a logit, `[N, 1]`, for latents `[N, units]`.
  public let discriminator: any Layer
  /// λ
  public let weight: Float
  /// G, C₁ and C₀.
  public let loss: AdversarialLoss
  /// Whether reconstruction and game are phases of their own.
  public let alternates: Bool
  /// The discriminator's learning rate as a multiple of the model's.
  public let rateFactor: Float

  /// An objective with a given discriminator.
  public init(
    discriminator: any Layer, weight: Float, loss: AdversarialLoss = .nonSaturating,
    alternates: Bool, rateFactor: Float = 1
  ) {
    self.discriminator = discriminator
    self.weight = weight
    self.loss = loss
    self.alternates = alternates
    self.rateFactor = rateFactor
  }

  /// The discriminator.
  public var members: Members { ["discriminator": .module(discriminator)] }

  /// One draw.
  public var requirements: ObjectiveRequirements { ObjectiveRequirements() }

  /// The model, the discriminator by Adam with β₁ = 0.5, and where they alternate the encoder.
  public var phases: [Phase] {
    let discriminatorPhase = Phase(
      name: "discriminator", group: .objective, rule: .adam(beta1: 0.5), rateFactor: rateFactor
    ) { [self] pass in
      let drawn = loss.ofData(judged(drawnFromPrior(pass), pass))
      let encoded = loss.ofGenerated(judged(pass.draw.decoderInput.detached(), pass))
      let sum = (drawn + encoded) * 0.5
      return Loss(sum, terms: [(name: "discriminator_loss", value: sum)])
    }
    guard alternates else {
      let model = Phase(name: "model") { [self] pass in
        let game = loss.ofGenerator(judged(pass.draw.decoderInput, pass))
        var whole = Loss.withAuxiliary(
          pass.evaluation.distortion.mean() + game * weight, pass.evaluation)
        whole.terms.append((name: "generator_loss", value: game))
        return whole
      }
      return [model, discriminatorPhase]
    }
    let reconstruction = Phase(name: "model") { pass in
      .withAuxiliary(pass.evaluation.distortion.mean(), pass.evaluation)
    }
    let encoder = Phase(name: "encoder", group: .paths(["encoder."])) { [self] pass in
      let game = loss.ofGenerator(judged(pass.draw.decoderInput, pass))
      return Loss(game * weight, terms: [(name: "generator_loss", value: game)])
    }
    return [reconstruction, discriminatorPhase, encoder]
  }

  private func judged(_ latents: Tensor, _ pass: ForwardPass) -> Tensor {
    discriminator(latents.flattened(), pass.context)
  }

  /// As many draws from the prior as the batch has examples.
  private func drawnFromPrior(_ pass: ForwardPass) -> Tensor {
    var own = pass.context
    own.random = own.random.child("prior draws")
    return pass.model.prior.draw(temperature: 1, own).decoderInput.detached()
  }

  /// That the discriminator has won.
  public func concern(about terms: [(name: String, value: Double)]) -> Message? {
    AdversarialBalance.concern(
      about: terms, loss: loss,
      changes: [
        "a larger \(.setting("objective.adversarial_weight"))",
        "a smaller \(.setting("objective.discriminator_rate"))",
        "smaller \(.setting("objective.discriminator_hidden"))",
      ])
  }
}

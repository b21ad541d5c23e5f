import NeuralNetworks
import Tensors
import VAECore

/// −ELBO + γ · TC, where the total correlation TC = KL(q(z) ‖ Πⱼ q(zⱼ)) of the aggregate posterior
/// is estimated by a discriminator (Kim & Mnih 2018, equation 2 and algorithm 1).
///
/// The discriminator D gives two logits for a latent vector: l₀ that it is a draw of q(z), l₁ that
/// its units come from different examples, as draws of Πⱼ q(zⱼ) do. Where D is optimal, l₀ − l₁ is the
/// logarithm of the ratio of the two densities, so that
///
///     TC ≈ E_q(z)[l₀(z) − l₁(z)].
///
/// The first phase trains the model on that estimate with D held constant. The second one trains D alone,
/// on ½ E[−log D₀(z)] + ½ E[−log D₁(z̃)] with D₀, D₁ the softmax of the logits: z are draws for the
/// batch, and z̃ are draws for a second, independent batch in which each unit was permuted over the
/// examples by itself.
///
/// The estimate bounds TC neither from above nor from below. What records and evaluations report
/// as `elbo` is the plain bound of the same networks; the estimate stands beside it in records, as
/// `total_correlation`.
public final class FactorObjective: Objective {
  /// Gives the logits l₀ and l₁, `[N, 2]`, for latents `[N, units]`.
  public let discriminator: any Layer
  /// γ, the weight of the total correlation.
  public let gamma: Float
  /// The discriminator's learning rate as a multiple of the model's.
  public let rateFactor: Float

  /// An objective with a given discriminator.
  public init(discriminator: any Layer, gamma: Float, rateFactor: Float = 1) {
    self.discriminator = discriminator
    self.gamma = gamma
    self.rateFactor = rateFactor
  }

  /// The discriminator.
  public var members: Members { ["discriminator": .module(discriminator)] }

  /// One draw with a closed-form rate where there is one, and a second batch, of which a permutation must
  /// leave something to tell from the first.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.needsSecondBatch = true
    requirements.fewestExamples = 2
    return requirements
  }

  /// The model, then the discriminator by Adam with β = (0.5, 0.9), as in the paper.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let correlation = totalCorrelation(of: latents(pass), pass.context)
        var loss = Loss.withAuxiliary(
          (evaluation.distortion + evaluation.rate).mean() + correlation * gamma, evaluation)
        loss.terms.append((name: "total_correlation", value: correlation))
        return loss
      },
      Phase(
        name: "discriminator", group: .objective, rule: .adam(beta1: 0.5, beta2: 0.9),
        rateFactor: rateFactor
      ) { [self] pass in
        guard let second = pass.second else {
          fatalError("the discriminator needs draws for a second batch")
        }
        let joint = latents(pass).detached()
        // Units are permuted over the batch as a whole, of which a shard then takes its own rows.
        let own = latents(second).detached()
        let all = Self.permuted(
          second.context.shard?.gathered(own) ?? own, pass.context.stream("permutation"))
        let product = second.context.shard.map { all.rows($0.examples) } ?? all
        let loss = discriminatorLoss(
          joint: joint, product: product, productWeight: second.context.weight(in: pass.context),
          pass.context)
        return Loss(loss, terms: [(name: "discriminator_loss", value: loss)])
      },
    ]
  }

  /// E[l₀ − l₁] in nats, a scalar: the total correlation of the distribution that the latents
  /// `[N, units]` are drawn from, where the discriminator is optimal.
  public func totalCorrelation(of latents: Tensor, _ context: Context) -> Tensor {
    logRatio(latents, context).mean()
  }

  /// ½ E[−log D₀(z)] + ½ E[−log D₁(z̃)], a scalar; log 2 where the discriminator knows nothing.
  ///
  /// - Parameters:
  ///   - joint: z, draws of q(z), `[N, units]`.
  ///   - product: z̃, draws whose units are independent, `[M, units]`.
  ///   - productWeight: of their mean, which is not one where both are parts of batches of different sizes.
  ///   - context: why the call is made.
  public func discriminatorLoss(
    joint: Tensor, product: Tensor, productWeight: Float = 1, _ context: Context
  ) -> Tensor {
    // Of two logits, −log softmax₀ = softplus(l₁ − l₀) and −log softmax₁ = softplus(l₀ − l₁).
    let falselyProduct = (-logRatio(joint, context)).softplus().mean()
    let falselyJoint = logRatio(product, context).softplus().mean()
    return (falselyProduct + falselyJoint * productWeight) * 0.5
  }

  /// Each unit's values in another order of the examples, drawn for each unit by itself:
  /// `[N, units]`.
  public static func permuted(_ latents: Tensor, _ stream: RandomStream) -> Tensor {
    let (count, units) = (latents.shape[0], latents.shape[1])
    var generator = stream.generator()
    return latents.withFloats { values in
      Tensor([count, units]) { result in
        for unit in 0..<units {
          let order = (0..<count).shuffled(using: &generator)
          for row in 0..<count {
            result[row * units + unit] = values[order[row] * units + unit]
          }
        }
      }
    }
  }

  /// l₀ − l₁, `[N, 1]`.
  private func logRatio(_ latents: Tensor, _ context: Context) -> Tensor {
    let logits = discriminator(latents, context).split(sizes: [1, 1])
    return logits[0] - logits[1]
  }

  private func latents(_ pass: ForwardPass) -> Tensor { pass.draw.decoderInput }
}

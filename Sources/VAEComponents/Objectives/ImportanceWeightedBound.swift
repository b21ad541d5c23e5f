import Glibc
import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The negative importance-weighted bound, −(log Σₖ wₖ − log K) with wₖ = p(x, zₖ) / q(zₖ|x) and K
/// draws from q(z|x) (Burda et al. 2016, equation 8). With K = 1 it is the negative evidence lower
/// bound.
///
/// Larger K tightens the bound but weakens what the encoder learns from it (Rainforth et al. 2018);
/// the doubly reparameterised gradient does not suffer so.
public final class ImportanceWeightedBound: Objective {
  /// How gradients reach the encoder.
  public enum Gradient: String, SettingChoice {
    /// That of the bound as it is computed, through the draws and through log q.
    case reparameterized
    /// Through the draws alone, with squared normalised weights w̃ₖ²: unbiased, and of a
    /// signal-to-noise ratio that grows with K (Tucker et al. 2019). All other parts keep the
    /// bound's own gradient. The prior must give each layer's draws a `GradientGate`, as every
    /// `PricingPrior` does; a ladder does not.
    case doublyReparameterized = "dreg"
  }

  /// K, the draws per example.
  public let samples: Int
  /// How gradients reach the encoder.
  public let gradient: Gradient

  /// A bound of K draws.
  public init(samples: Int, gradient: Gradient = .reparameterized) {
    ensure(samples > 0, "an importance-weighted bound needs draws, not \(samples)")
    self.samples = samples
    self.gradient = gradient
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// K draws, priced by log q − log p.
  public var requirements: ObjectiveRequirements {
    var requirements = ObjectiveRequirements()
    requirements.draw.samples = samples
    requirements.draw.usesSampledRate = true
    requirements.draw.stopsPosterior = gradient == .doublyReparameterized
    return requirements
  }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let logWeights = evaluation.logWeights.transposed()
        let bound = logWeights.logSumExp() - log(Float(samples))
        if gradient == .doublyReparameterized {
          // The bound's own gradient brings w̃ₖ to each draw; the gate brings the second one.
          let normalized = withoutTape { logWeights.detached().softmax().transposed() }
          for layer in evaluation.draw.layers {
            guard let gate = layer.gate else {
              fatalError(
                "the doubly reparameterised gradient needs a gate at every layer's draws")
            }
            gate.weights = normalized.reshaped(to: [normalized.count])
          }
        }
        var loss = Loss.withAuxiliary(-bound.mean(), evaluation)
        loss.terms.append((name: "importance_weighted_elbo", value: bound.mean()))
        return loss
      }
    ]
  }
}

extension ImportanceWeightedBound {
  /// The hyper-parameters of `importance-weighted`.
  struct Options: HyperparameterSet {
    @Setting(2...10_000, help: "draws an example, K") var importanceSamples = 5
    @Setting(
      help: "how it reaches the encoder: through the bound as computed, or doubly reparameterised")
    var gradient = Gradient.reparameterized
  }
}

extension Component where Part == any Objective {
  /// The recipe component `importance-weighted`.
  public static var importanceWeighted: Component {
    Component(
      role: .objective, name: "importance-weighted",
      summary: "the bound of K weighted draws",
      options: ImportanceWeightedBound.Options()
    ) { options, build in
      let gradient = options.gradient
      guard build.latents.isContinuous else {
        throw RecipeError(
          .invalid,
          "the importance-weighted objective compares different draws for an example, but with "
            + "\(build.latents.phrase) all are equal; choose \(.setting("objective.name", "elbo"))")
      }
      if build.latents.isHierarchy, gradient == .doublyReparameterized {
        throw RecipeError(
          .invalid,
          "gradient dreg is defined for one layer of latents, but the prior has \(build.latents.phrase), whose "
            + "lower layers' densities depend on the draws above; choose "
            + "\(.setting("objective.gradient", "reparameterized"))"
        )
      }
      guard build.posteriorTraits.pricesAnyPoint || gradient != .doublyReparameterized else {
        throw RecipeError(
          .invalid,
          "gradient dreg needs the density of a posterior at points whose parameters are held constant, but "
            + "the encoder's posterior has no cheap inverse and knows that of its own draws alone; choose "
            + (build.posteriorTraits.pricingRemedy.map { "\($0) or " } ?? "")
            + "\(.setting("objective.gradient", "reparameterized"))")
      }
      return ImportanceWeightedBound(samples: options.importanceSamples, gradient: gradient)
    }
  }
}

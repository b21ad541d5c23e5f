import Messages
import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// Distortion + γ · |rate − C|, where the capacity C rises linearly from zero over a number of
/// updates (Burgess et al. 2018, equation 8). The rate is averaged over the batch before it is
/// compared.
public final class CapacityObjective: Objective {
  /// C after the rise, in nats.
  public let capacity: Float
  /// Updates over which C rises.
  public let steps: Int
  /// γ, the weight of the distance.
  public let gamma: Float

  /// An objective.
  public init(capacity: Float, steps: Int, gamma: Float) {
    self.capacity = capacity
    self.steps = steps
    self.gamma = gamma
  }

  /// Nothing is trained.
  public var members: Members { [:] }
  /// One draw, closed-form rate where there is one.
  public var requirements: ObjectiveRequirements { ObjectiveRequirements() }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] pass in
        let evaluation = pass.evaluation
        let target = capacity(step: pass.context.step)
        let distance = (pass.context.batchMean(evaluation.rate) - target).magnitude()
        var loss = Loss.withAuxiliary(
          evaluation.distortion.mean() + distance * gamma, evaluation)
        loss.terms.append((name: "capacity", value: Tensor(target)))
        return loss
      }
    ]
  }

  /// C after a number of updates, in nats.
  public func capacity(step: Int) -> Float {
    guard steps > 0 else { return capacity }
    return capacity * Float(min(1, Double(step) / Double(steps)))
  }

  /// To wait until the capacity has risen; then a larger one.
  public func latentAdvice(step: Int, epochs: Double) -> LatentAdvice {
    step < steps ? .wait : .change(["a larger \(.setting("capacity"))"])
  }
}

extension CapacityObjective {
  /// The hyper-parameters of `capacity`.
  struct Options: HyperparameterSet {
    @Setting(0...1e6, help: "nats the rate is held to") var capacity = 25.0
    @Setting(0...1_000_000_000, help: "updates over which the capacity rises from zero")
    var capacitySteps = 10_000
    @Setting(0...1e9, help: "weight of the distance between rate and capacity") var gamma = 100.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `capacity`.
  static var capacity: Component {
    Component(
      role: .objective, name: "capacity",
      summary: "distortion + gamma · |rate − capacity|, the capacity rising from zero",
      options: CapacityObjective.Options()
    ) { options, build in
      guard build.latents.isContinuous else {
        throw RecipeError(
          .invalid,
          "the capacity objective steers the rate, but a model with \(build.latents.phrase) has a rate that "
            + "training cannot change; choose \(.setting("objective.name", "elbo"))")
      }
      return CapacityObjective(
        capacity: Float(options.capacity), steps: options.capacitySteps,
        gamma: Float(options.gamma))
    }
  }
}

import NeuralNetworks
import Tensors

/// The negative evidence lower bound, distortion + β · rate, averaged over examples and draws
/// (Kingma & Welling 2014, equation 10; β by Higgins et al. 2017). β rises linearly from zero over
/// a number of epochs where a warm-up is asked for (Bowman et al. 2016; Sønderby et al. 2016).
public final class EvidenceLowerBound: Objective {
  /// The weight of the rate after the warm-up.
  public let beta: Float
  /// Epochs over which the weight rises from zero.
  public let warmUpEpochs: Double

  /// The bound with a weight for the rate.
  public init(beta: Float = 1, warmUpEpochs: Double = 0) {
    self.beta = beta
    self.warmUpEpochs = warmUpEpochs
  }

  /// Nothing is trained.
  public var members: Members { [:] }

  /// One draw, closed-form rate where there is one.
  public var requirements: ObjectiveRequirements { ObjectiveRequirements() }

  /// One phase over the model.
  public var phases: [Phase] {
    [
      Phase(name: "model") { [self] evaluation, context in
        let weight = weight(epochs: context.epochs)
        return Loss((evaluation.distortion + evaluation.rate * weight).mean())
      }
    ]
  }

  /// The weight of the rate after the given number of epochs.
  public func weight(epochs: Double) -> Float {
    guard warmUpEpochs > 0 else { return beta }
    return beta * Float(min(1, epochs / warmUpEpochs))
  }
}

extension Component where Part == any Objective {
  /// The recipe component `elbo`.
  public static var evidenceLowerBound: Component {
    Component(
      role: .objective, name: "elbo",
      summary: "distortion + beta · rate, the negative evidence lower bound",
      hyperparameters: [
        Hyperparameter(
          "beta", .number(0...1e6), default: .number(1), help: "weight of the rate in the loss"),
        Hyperparameter(
          "warmup_epochs", .number(0...1e6), default: .number(0),
          help: "epochs over which beta rises from zero"),
      ]
    ) { values, _ in
      EvidenceLowerBound(
        beta: Float(values.number("beta")), warmUpEpochs: values.number("warmup_epochs"))
    }
  }
}

import Messages
import NeuralNetworks
import Tensors

/// The negative evidence lower bound, distortion + β · rate, averaged over examples and draws
/// (Kingma & Welling 2014, equation 10; β by Higgins et al. 2017, equation 4).
///
/// ```swift
/// let objective = EvidenceLowerBound(beta: 4, warmUpEpochs: 5)
/// print(objective.weight(epochs: 2.5))  // 2.0
/// ```
///
/// β rises linearly from zero over a number of epochs where a warm-up is asked for (Bowman et al.
/// 2016; Sønderby et al. 2016), with one weight for all stochastic layers. With free bits λ, each
/// layer's rate, averaged over the batch first, counts as at least λ (Kingma et al. 2016, equation
/// 16). Terms that a part of the model adds to its loss, such as a commitment loss, are added with
/// weight one and are no part of the bound.
public final class EvidenceLowerBound: Objective {
  /// The weight of the rate after the warm-up.
  public let beta: Float
  /// Epochs over which the weight rises from zero.
  public let warmUpEpochs: Double
  /// Nats of each stochastic layer's mean rate that cost nothing more when they are not used.
  public let freeBits: Float

  /// The bound with a weight for the rate; with the defaults it is the bound itself.
  ///
  /// - Parameters:
  ///   - beta: the weight of the rate after the warm-up.
  ///   - warmUpEpochs: epochs over which the weight rises from zero.
  ///   - freeBits: λ, nats of each layer's mean rate that cost nothing more when they are not used.
  public init(beta: Float = 1, warmUpEpochs: Double = 0, freeBits: Float = 0) {
    self.beta = beta
    self.warmUpEpochs = warmUpEpochs
    self.freeBits = freeBits
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
        let weight = weight(epochs: pass.context.epochs)
        guard freeBits > 0 else {
          return .withAuxiliary(
            (evaluation.distortion + evaluation.rate * weight).mean(), evaluation)
        }
        let rates = evaluation.draw.layers.map { pass.context.batchMean($0.rate) }
        let floor = Tensor(freeBits)
        let rate = rates.reduce(Tensor(0)) { $0 + .maximum($1, floor) }
        return .withAuxiliary(evaluation.distortion.mean() + rate * weight, evaluation)
      }
    ]
  }

  /// The weight of the rate after the given number of epochs.
  public func weight(epochs: Double) -> Float {
    guard warmUpEpochs > 0 else { return beta }
    return beta * Float(min(1, epochs / warmUpEpochs))
  }

  /// To wait for the end of the warm-up; then what makes latents cheaper.
  public func latentAdvice(step: Int, epochs: Double) -> LatentAdvice {
    guard epochs >= warmUpEpochs else { return .wait }
    var changes: [Message] = []
    if beta > 1 { changes.append("a smaller \(.setting("beta"))") }
    changes.append(
      warmUpEpochs > 0
        ? "a longer \(.setting("warmup_epochs"))" : "\(.setting("warmup_epochs", "5"))")
    if freeBits == 0 { changes.append("\(.setting("free_bits", "0.5"))") }
    return .change(changes)
  }
}

extension Loss {
  /// A loss of rate and distortion, with the terms that parts of the model add to theirs.
  public static func withAuxiliary(_ bound: Tensor, _ evaluation: Evaluation) -> Loss {
    Loss(
      evaluation.auxiliary.reduce(bound) { $0 + $1.value }, terms: evaluation.auxiliary)
  }
}

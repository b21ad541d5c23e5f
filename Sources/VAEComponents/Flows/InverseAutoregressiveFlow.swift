import NeuralNetworks
import Tensors
import VAECore

/// Inverse autoregressive flow: z ← σ ⊙ z + (1 − σ) ⊙ m, where m and σ = sigmoid(s + 2) of a unit are
/// computed from the units before it and the context (Kingma et al. 2016, equations 13 and 14).
///
/// The network is masked (MADE, Germain et al. 2015), so that one pass transforms all units; the order
/// of units is turned round from step to step. The inverse takes a pass per unit, so there is none here.
package final class InverseAutoregressiveFlow: Flow {
  private let networks: [ConditionerNetwork]
  private let context: Int

  package init(_ sizes: ConditionerSizes, steps: Int, random: RandomSource) {
    context = sizes.context
    networks = (0..<steps).map { step in
      ConditionerNetwork(
        masked: sizes, isReversed: step % 2 == 1, random: random.child("\(step)"))
    }
  }

  /// The network of each step.
  package var members: Members {
    var members: Members = [:]
    for (step, network) in networks.enumerated() {
      members.entries.append((name: "\(step)", member: .module(network)))
    }
    return members
  }

  /// What it gets.
  package func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    for (step, network) in networks.enumerated() {
      _ = try trace.pass([input.count + context], through: network, "\(step)")
    }
    return input
  }

  /// The context, which all steps share.
  package var numbers: Int { context }

  package func bijectors(_ numbers: Tensor, _ context: Context) -> [AutoregressiveStep] {
    networks.enumerated().map { step, network in
      AutoregressiveStep(
        network: network, law: .gated, isReversed: step % 2 == 1, h: numbers, context: context)
    }
  }
}

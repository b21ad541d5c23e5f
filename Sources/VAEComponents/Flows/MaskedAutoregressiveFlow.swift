import NeuralNetworks
import Tensors
import VAECore

/// An autoregressive flow for priors, eˢ ⊙ z + m with s and m of a unit from masked networks (MADE) that see those before
/// it, in either direction. From latents to standard normal numbers it is a masked autoregressive flow (Papamakarios et
/// al. 2017, equations 3 and 4): the density of a point takes one pass through a network, a draw one for each unit. From
/// numbers to latents it is an inverse autoregressive flow: a draw takes one pass, a density one for each unit.
///
/// s is bounded by a learnt multiple of tanh, as in `CouplingFlow`, and networks begin at zero, so that a fresh
/// flow is the identity. The order of units is turned round from step to step.
package final class MaskedAutoregressiveFlow: Flow {
  private let networks: [ConditionerNetwork]
  private let bounds: [Parameter]
  private let context: Int
  private let quick: SolvedStep.Quick

  /// A fresh flow.
  ///
  /// - Parameter quick: what takes one pass: prices (MAF) or draws (IAF).
  package init(
    _ sizes: ConditionerSizes, steps: Int, quick: SolvedStep.Quick, random: RandomSource
  ) {
    context = sizes.context
    self.quick = quick
    networks = (0..<steps).map { step in
      ConditionerNetwork(
        masked: sizes, isReversed: step % 2 == 1, random: random.child("\(step)"))
    }
    bounds = (0..<steps).map { _ in
      Parameter([sizes.units], isDecayed: false) { .ones([sizes.units]) }
    }
  }

  /// The network and the bound of s of each step.
  package var members: Members {
    var members: Members = [:]
    for (step, network) in networks.enumerated() {
      members.entries.append((name: "\(step)", member: .module(network)))
      members.entries.append((name: "scale\(step)", member: .parameter(bounds[step])))
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

  package func bijectors(_ numbers: Tensor, _ context: Context) -> [SolvedStep] {
    networks.indices.map { step in
      SolvedStep(
        step: AutoregressiveStep(
          network: networks[step], law: .affine(bound: bounds[step]), isReversed: step % 2 == 1,
          h: numbers, context: context), quick: quick)
    }
  }
}

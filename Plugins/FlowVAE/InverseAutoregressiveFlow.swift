import NeuralNetworks
import Tensors
import VAECore

/// Inverse autoregressive flow: z ← σ ⊙ z + (1 − σ) ⊙ m, where m and σ = sigmoid(s + 2) of a unit are
/// computed from the units before it and the context (Kingma et al. 2016, equations 13 and 14).
///
/// The network is masked (MADE, Germain et al. 2015), so that one pass transforms all units; the order
/// of units is turned round from step to step. The inverse takes a pass per unit, so there is none here.
final class InverseAutoregressiveFlow: Flow {
  private let networks: [ConditionerNetwork]
  private let context: Int

  init(_ sizes: ConditionerSizes, steps: Int, random: RandomSource) {
    context = sizes.context
    networks = (0..<steps).map { step in
      ConditionerNetwork(
        [sizes.units + sizes.context] + sizes.hidden + [2 * sizes.units],
        mask: { Self.mask(ofLayer: $0, sizes, isReversed: step % 2 == 1) },
        random: random.child("\(step)"))
    }
  }

  /// The network of each step.
  var members: Members {
    var members: Members = [:]
    for (step, network) in networks.enumerated() {
      members.entries.append((name: "\(step)", member: .module(network)))
    }
    return members
  }

  /// The context, which all steps share.
  var numbers: Int { context }

  func bijectors(_ numbers: Tensor, _ context: Context) -> [AutoregressiveStep] {
    networks.map { AutoregressiveStep(network: $0, h: numbers, context: context) }
  }

  /// What a layer may see. A unit has its place in the order as degree, context zero, a hidden number
  /// one from 0 to units − 1; a hidden number sees degrees up to its own, m and s of a unit see less
  /// than the unit's.
  static func mask(ofLayer layer: Int, _ sizes: ConditionerSizes, isReversed: Bool) -> Tensor {
    let units = sizes.units
    let places = (1...units).map { isReversed ? units + 1 - $0 : $0 }
    func hidden(_ layer: Int) -> [Int] { (0..<sizes.hidden[layer]).map { $0 % units } }
    let isLast = layer == sizes.hidden.count
    let inputs =
      layer == 0 ? places + Array(repeating: 0, count: sizes.context) : hidden(layer - 1)
    let outputs = isLast ? places + places : hidden(layer)
    return Tensor(
      inputs.flatMap { input in
        outputs.map { output in isLast ? (input < output ? 1 : 0) : (input <= output ? 1 : 0) }
      }, shape: [inputs.count, outputs.count])
  }
}

/// A step of an inverse autoregressive flow for the examples of a batch.
struct AutoregressiveStep: Bijector {
  let network: ConditionerNetwork
  /// The context, `[N, numbers]`.
  let h: Tensor
  let context: Context
  var isConstant = false

  /// log|det| = Σ log σ.
  func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let units = z.shape[1]
    let input = Tensor.concatenated([z, h.tiled(z.shape[0] / h.shape[0])], axis: 1)
    let parts = network.output(input, isConstant: isConstant, context).split(sizes: [units, units])
    let gate = parts[1] + 2
    let sigma = gate.sigmoid()
    // log σ = −softplus(−gate), which stays finite.
    return (parts[0] + sigma * (z - parts[0]), -(-gate).softplus().sum(axis: 1))
  }

  func stoppingGradient() -> any Bijector {
    AutoregressiveStep(network: network, h: h.detached(), context: context, isConstant: true)
  }
}

import NeuralNetworks
import Tensors
import VAECore

/// Affine couplings (RealNVP): half of the units stay, the others become z ⊙ eˢ + t, where s and t are
/// computed from those that stay and the context (Dinh et al. 2017, equations 7 and 8); the halves change
/// roles from step to step.
///
/// s is bounded by a learnt multiple of tanh, without which it overflows. The inverse costs what the
/// map costs.
package final class CouplingFlow: Flow {
  private let networks: [ConditionerNetwork]
  private let scales: [Parameter]
  private let units: Int
  private let context: Int

  package init(_ sizes: ConditionerSizes, steps: Int, random: RandomSource) {
    (units, context) = (sizes.units, sizes.context)
    let halves = (0..<steps).map { Coupling.halves(sizes.units, step: $0) }
    networks = halves.enumerated().map { step, halves in
      ConditionerNetwork(
        [max(1, halves.kept.count + sizes.context)] + sizes.hidden + [2 * halves.changed.count],
        random: random.child("\(step)"))
    }
    scales = halves.map { halves in
      Parameter([halves.changed.count], isDecayed: false) { .ones([halves.changed.count]) }
    }
  }

  /// The network and the bound of s of each step.
  package var members: Members {
    var members: Members = [:]
    for (step, network) in networks.enumerated() {
      members.entries.append((name: "\(step)", member: .module(network)))
      members.entries.append((name: "scale\(step)", member: .parameter(scales[step])))
    }
    return members
  }

  /// What it gets.
  package func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    for (step, network) in networks.enumerated() {
      let kept = Coupling.halves(units, step: step).kept.count
      _ = try trace.pass([max(1, kept + context)], through: network, "\(step)")
    }
    return input
  }

  /// The context, which all steps share.
  package var numbers: Int { context }

  package func bijectors(_ numbers: Tensor, _ context: Context) -> [Coupling] {
    networks.indices.map { step in
      Coupling(
        network: networks[step], scale: scales[step], halves: Coupling.halves(units, step: step),
        h: numbers, context: context)
    }
  }
}

/// A coupling for the examples of a batch.
package struct Coupling: Bijector {
  let network: ConditionerNetwork
  /// The bound of s, `[changed]`.
  let scale: Parameter
  let halves: (kept: Range<Int>, changed: Range<Int>)
  /// The context, `[N, numbers]`.
  let h: Tensor
  let context: Context
  var isConstant = false

  /// Which units stay in a step, and which change. Of an only unit nothing stays.
  static func halves(_ units: Int, step: Int) -> (kept: Range<Int>, changed: Range<Int>) {
    let middle = units / 2
    return step % 2 == 0 || middle == 0
      ? (0..<middle, middle..<units) : (middle..<units, 0..<middle)
  }

  /// log|det| = Σ s.
  package func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let (s, t) = parameters(z)
    return (joined(z, changed(z) * s.exp() + t), s.sum(axis: 1))
  }

  package static var hasInverse: Bool { true }

  package func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? {
    let (s, t) = parameters(value)
    return (joined(value, (changed(value) - t) * (-s).exp()), s.sum(axis: 1))
  }

  package func stoppingGradient() -> any Bijector {
    Coupling(
      network: network, scale: scale, halves: halves, h: h.detached(), context: context,
      isConstant: true)
  }

  private func changed(_ z: Tensor) -> Tensor { z.slice(axis: 1, halves.changed) }

  private func parameters(_ z: Tensor) -> (s: Tensor, t: Tensor) {
    let input = ConditionerNetwork.input(
      halves.kept.isEmpty ? nil : z.slice(axis: 1, halves.kept), h, rows: z.shape[0])
    let count = halves.changed.count
    let parts = network.output(input, isConstant: isConstant, context).split(sizes: [count, count])
    return (parts[0].tanh() * (isConstant ? scale.value : scale.tensor), parts[1])
  }

  /// All units, with others in place of those that change.
  private func joined(_ z: Tensor, _ changed: Tensor) -> Tensor {
    guard !halves.kept.isEmpty else { return changed }
    let kept = z.slice(axis: 1, halves.kept)
    return .concatenated(halves.kept.lowerBound == 0 ? [kept, changed] : [changed, kept], axis: 1)
  }
}

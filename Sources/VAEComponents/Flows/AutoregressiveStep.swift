import NeuralNetworks
import Tensors
import VAECore

/// A step that shifts and scales each unit by what a masked network makes of the units before it, for
/// the examples of a batch.
///
/// One pass through the network transforms all units. The way back takes a pass for each of them, and so
/// it is no `inverse` of a posterior's step; `SolvedStep` is the step for priors, which go both ways.
package struct AutoregressiveStep: Bijector {
  /// How a unit is transformed.
  package enum Law {
    /// σ z + (1 − σ) m with σ = sigmoid(s + 2) (Kingma et al. 2016, equation 14).
    case gated
    /// eˢ z + m, with s between plus and minus a learnt bound, `[units]`: at a network's first output,
    /// zero, this is the identity.
    case affine(bound: Parameter)
  }

  let network: ConditionerNetwork
  let law: Law
  /// Whether the first unit is the last one in the order.
  let isReversed: Bool
  /// The context, `[N, numbers]`.
  let h: Tensor
  let context: Context
  var isConstant = false

  /// log|det| is the sum of the logarithms of the scales.
  package func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    let (m, s) = parameters(z)
    switch law {
    case .gated:
      let gate = s + 2
      // log σ = −softplus(−gate), which stays finite.
      return (m + gate.sigmoid() * (z - m), -(-gate).softplus().sum(axis: 1))
    case .affine:
      return (z * s.exp() + m, s.sum(axis: 1))
    }
  }

  /// z of f(z), unit after unit, and log|det ∂f/∂z| at that z, of an affine step: as many passes as there are units, each
  /// of which gradients flow through.
  func solved(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor) {
    guard case .affine = law else { fatalError("a gated step is not solved for") }
    let units = value.shape[1]
    var columns = Array(repeating: Tensor.zeros([value.shape[0], 1]), count: units)
    var logScales = columns
    for place in 0..<units {
      let unit = isReversed ? units - 1 - place : place
      let (m, s) = parameters(.concatenated(columns, axis: 1))
      func own(_ values: Tensor) -> Tensor { values.slice(axis: 1, unit..<unit + 1) }
      columns[unit] = (own(value) - own(m)) * (-own(s)).exp()
      logScales[unit] = own(s)
    }
    return (
      .concatenated(columns, axis: 1), Tensor.concatenated(logScales, axis: 1).sum(axis: 1)
    )
  }

  package func stoppingGradient() -> any Bijector { stopped() }

  func stopped() -> AutoregressiveStep {
    AutoregressiveStep(
      network: network, law: law, isReversed: isReversed, h: h.detached(), context: context,
      isConstant: true)
  }

  private func parameters(_ z: Tensor) -> (m: Tensor, s: Tensor) {
    let units = z.shape[1]
    let input = ConditionerNetwork.input(z, h, rows: z.shape[0])
    let parts = network.output(input, isConstant: isConstant, context).split(sizes: [units, units])
    guard case .affine(let bound) = law else { return (parts[0], parts[1]) }
    return (parts[0], parts[1].tanh() * (isConstant ? bound.value : bound.tensor))
  }
}

/// An autoregressive step as a prior has it: it can be drawn from, and it prices any point. One of the two
/// takes a pass through the network, the other one a pass for each unit.
package struct SolvedStep: Bijector {
  /// What takes one pass; the other one is solved for.
  package enum Quick {
    /// The way from numbers to latents, an inverse autoregressive flow (IAF).
    case draws
    /// The way from latents to numbers, a masked autoregressive flow (MAF).
    case prices
  }

  /// An affine step, from what is given to what is quick.
  let step: AutoregressiveStep
  let quick: Quick

  package static var hasInverse: Bool { true }

  package func forward(_ z: Tensor) -> (value: Tensor, logDeterminant: Tensor) {
    guard quick == .prices else { return step.forward(z) }
    let (value, logDeterminant) = step.solved(z)
    return (value, -logDeterminant)
  }

  package func inverse(_ value: Tensor) -> (z: Tensor, logDeterminant: Tensor)? {
    guard quick == .prices else { return step.solved(value) }
    let (z, logDeterminant) = step.forward(value)
    return (z, -logDeterminant)
  }

  package func stoppingGradient() -> any Bijector {
    SolvedStep(step: step.stopped(), quick: quick)
  }
}

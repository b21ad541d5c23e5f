import NeuralNetworks
import Tensors
import VAECore

/// A family of flows: the numbers that it takes from an encoder, and the bijectors that they make.
package protocol Flow: Module {
  /// A step of the flow.
  associatedtype Step: Bijector
  /// Numbers per example; none for a flow that is the same for all examples.
  var numbers: Int { get }
  /// The steps for the examples of a batch, from `[N, numbers]`.
  func bijectors(_ numbers: Tensor, _ context: Context) -> [Step]
}

extension Flow {
  /// Whether its steps have an inverse.
  package var hasInverse: Bool { Step.hasInverse }
}

import NeuralNetworks
import Tensors

/// Proposes a distribution over latents for each example: q(z|x).
///
/// ```swift
/// /// A dense layer from the pixels to means and log-variances.
/// final class LinearEncoder: Encoder {
///   let layer: Dense
///
///   init(inputs: Int, units: Int, random: RandomSource) {
///     layer = Dense(inputs: inputs, outputs: 2 * units, random: random)
///   }
///
///   var members: Members { ["layer": .module(layer)] }
///
///   func encode(_ x: Tensor, _ context: Context) -> any Posterior {
///     DiagonalGaussian(head: layer(x.flattened(), context))
///   }
/// }
/// ```
public protocol Encoder: Module {
  /// The posterior for a batch.
  ///
  /// - Parameters:
  ///   - x: `[N, height, width, channels]`, in the range that the data source states.
  ///   - context: why the call is made, and where random numbers come from.
  func encode(_ x: Tensor, _ context: Context) -> any Posterior

  /// What its posteriors can say about themselves.
  var posteriorTraits: PosteriorTraits { get }
}

extension Encoder {
  /// Everything.
  public var posteriorTraits: PosteriorTraits { PosteriorTraits() }
}

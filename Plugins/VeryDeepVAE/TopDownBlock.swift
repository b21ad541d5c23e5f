import NeuralNetworks
import Tensors
import VAECore

/// A block of the path down: a stochastic layer in a residual path (Child 2021, figure 3). With the state x of the path
/// and the encoder's map d at the same size
///
///     q(z | x, d) = N(posterior([x, d]))      p(z | x), h = prior(x)
///     x ← residual(x + h + W z)
///
/// where posterior, prior and residual are networks of their own. The last weights of the prior start at zero, so that
/// it begins as N(0, I) and h as nothing.
final class TopDownBlock: Module {
  private let posterior: BottleneckBlock
  private let prior: BottleneckBlock
  private let projection: Conv2D
  private let residual: BottleneckBlock
  private let size: DeepSize
  /// Channels of the layer's map.
  private let latent: Int

  /// A block at a size.
  ///
  /// - Parameters:
  ///   - size: of the map.
  ///   - latent: channels that it draws.
  ///   - scale: what the first weights of what it adds to the path are multiplied by.
  ///   - random: where first weights come from.
  init(_ size: DeepSize, latent: Int, scale: Float, random: RandomSource) {
    (self.size, self.latent) = (size, latent)
    let (channels, hidden, kernel) = (size.channels, size.hidden, size.kernel)
    posterior = BottleneckBlock(
      inputs: 2 * channels, hidden: hidden, outputs: 2 * latent, kernel: kernel,
      random: random.child("posterior"))
    prior = BottleneckBlock(
      inputs: channels, hidden: hidden, outputs: 2 * latent + channels, kernel: kernel,
      lastScale: 0, random: random.child("prior"))
    projection = .unbiasedAtFirst(
      inputs: latent, outputs: channels, kernel: 1, scale: scale,
      random: random.child("projection"))
    residual = BottleneckBlock(
      inputs: channels, hidden: hidden, outputs: channels, kernel: kernel, isResidual: true,
      lastScale: scale, random: random.child("residual"))
  }

  /// The networks in the order of computation.
  var members: Members {
    [
      "posterior": .module(posterior), "prior": .module(prior), "projection": .module(projection),
      "residual": .module(residual),
    ]
  }

  /// The map that it draws, of one example.
  var latentShape: Shape { [size.height, size.width, latent] }

  /// That of the state, which it keeps.
  func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    let both = Shape(input.dimensions.dropLast() + [2 * input[-1]])
    _ = try trace.pass(both, through: posterior, "posterior")
    _ = try trace.pass(input, through: prior, "prior")
    let drawn = try trace.pass(latentShape, through: projection, "projection")
    return try trace.pass(drawn, through: residual, "residual")
  }

  /// p(z | x), and what the prior's network adds to the state.
  func belief(_ state: Tensor, _ context: Context) -> (prior: DiagonalGaussian, features: Tensor) {
    let parts = prior(state, context).split(sizes: [2 * latent, size.channels])
    return (DiagonalGaussian(head: parts[0]), parts[1])
  }

  /// q(z | x, d)
  func posterior(_ state: Tensor, _ map: Tensor, _ context: Context) -> DiagonalGaussian {
    DiagonalGaussian(head: posterior(.concatenated([state, map], axis: -1), context))
  }

  /// The state after the block.
  func continued(
    _ state: Tensor, features: Tensor, drawn z: Tensor, _ context: Context
  ) -> Tensor {
    residual(state + features + projection(z, context), context)
  }
}

import NeuralNetworks
import Tensors
import VAEComponents
import VAECore
import VAERecipes

/// p(z|y): a Gaussian with independent units whose means and log-variances are an affine function of
/// the condition; of a label, a Gaussian of its own for each class.
///
/// It begins as N(0, I) whatever the condition is. Where the label says much about x, classes may lie
/// apart in latent space and the rate is only what is left to say.
public final class ConditionalNormalPrior: DensityPrior, ReparameterizedPrior {
  /// The number of latent units.
  public let units: Int
  private let head: Dense

  /// A prior over a number of units, told a condition of `width` numbers.
  public init(units: Int, conditionWidth width: Int, random: RandomSource) {
    self.units = units
    head = Dense(inputs: width, outputs: 2 * units, initializer: .zeros, random: random)
  }

  /// The map from the condition to means and log-variances.
  public var members: Members { ["head": .module(head)] }
  /// One layer.
  public var latents: LatentSpace { .units(units) }

  /// A unit for each latent.
  public func outputShape(for input: Shape, _ trace: inout ShapeTrace) throws -> Shape? {
    _ = try trace.pass([head.weights.shape[0]], through: head, "head")
    return [units]
  }

  /// p(z|y) of each of the context's examples.
  public func distribution(_ context: Context) -> any Distribution {
    gaussian(rows: context.examples.count, context)
  }

  private func gaussian(rows: Int, _ context: Context) -> DiagonalGaussian {
    DiagonalGaussian(head: head(context.condition(rows: rows), context))
  }

  /// mean(y) + σ(y) · noise.
  public func draw(noise: [Tensor], _ context: Context) -> LatentDraw {
    draw(
      of: noise.map { gaussian(rows: $0.shape[0], context).value(at: $0) }, context)
  }

  /// (z − mean(y)) / σ(y)
  public func noise(of latents: [Tensor], _ context: Context) -> [Tensor] {
    latents.map { gaussian(rows: $0.shape[0], context).noise(of: $0) }
  }
}

extension Component where Part == any Prior {
  /// The recipe component `conditional-normal`.
  static var conditionalNormal: Component {
    Component(
      role: .prior, name: "conditional-normal",
      summary: "a Gaussian over one layer of latent units for each condition, learnt",
      options: LatentUnits(), usesCondition: true
    ) { options, build in
      ConditionalNormalPrior(
        units: options.latent, conditionWidth: build.condition?.width ?? 0, random: build.random)
    }
  }
}

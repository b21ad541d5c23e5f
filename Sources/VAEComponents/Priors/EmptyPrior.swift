import NeuralNetworks
import Tensors
import VAECore
import VAERecipes

/// The prior of a model without latents: nothing is drawn and nothing is paid.
public final class EmptyPrior: Prior {
  /// A prior over nothing.
  public init() {}

  /// Nothing is trained.
  public var members: Members { [:] }
  /// None.
  public var latents: LatentSpace { .none }
  /// Nothing is drawn.
  public var usesTemperature: Bool { false }

  /// No layers, for K · N rows.
  public func draw(
    from posterior: any Posterior, _ request: DrawRequest, _ context: Context
  ) -> LatentDraw {
    LatentDraw(layers: [], rowCount: request.samples * posterior.exampleCount)
  }

  /// No layers.
  public func draw(temperature: Float, _ context: Context) -> LatentDraw {
    LatentDraw(layers: [], rowCount: context.examples.count)
  }
}

extension Component where Part == any Prior {
  /// The recipe component `none`.
  public static var none: Component {
    Component(
      role: .prior, name: "none", summary: "no latents at all"
    ) { _ in EmptyPrior() }
  }
}

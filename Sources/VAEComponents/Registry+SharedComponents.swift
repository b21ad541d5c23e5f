import VAECore
import VAERecipes

extension Registry {
  /// A registry of the components and stages that several variants share, without variants.
  public static var sharedComponents: Registry {
    var registry = Registry()
    for encoder in [
      .mlp, .convolutional, .residual, .masked(.mlp, flattens: true),
      .masked(.convolutional, flattens: false), .none,
    ] as [Component<any Encoder>] {
      registry.register(encoder)
    }
    for decoder in [.mlp, .convolutional, .residual, .pixelCNN] as [Component<any Decoder>] {
      registry.register(decoder)
    }
    for prior in [.standardNormal, .standardNormalMap, .fittedMixture, .none]
      as [Component<any Prior>]
    {
      registry.register(prior)
    }
    for likelihood in [
      .bernoulli, .gaussian, .categorical, .logisticMixture, .laplace, .logistic, .logCosh,
      .multiscaleGaussian,
    ] as [Component<any Likelihood>] {
      registry.register(likelihood)
    }
    registry.register(Component<any Objective>.evidenceLowerBound)
    registry.register(FurtherStage.mixture)
    return registry
  }
}

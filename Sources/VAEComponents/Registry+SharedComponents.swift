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
    for prior in [
      .standardNormal, .standardNormalMap, .fittedMixture, .fittedClassMixture, .flow, .secondStage,
      .none,
    ] as [Component<any Prior>] {
      registry.register(prior)
    }
    for likelihood in [
      .bernoulli, .gaussian, .categorical, .logisticMixture, .mixed, .laplace, .logistic, .logCosh,
      .studentT, .multiscaleGaussian, .conditionalCoupling, .negativeBinomial,
      .zeroInflatedNegativeBinomial,
    ] as [Component<any Likelihood>] {
      registry.register(likelihood)
    }
    registry.register(Component<any Objective>.evidenceLowerBound)
    registry.register(Component<any Objective>.importanceWeighted)
    registry.register(Component<any Objective>.adversarialReconstruction)
    registry.register(Component<any Objective>.aggregatePosteriorGame)
    registry.register(FurtherStage.mixture)
    registry.register(FurtherStage.classMixture)
    registry.register(FurtherStage.flow)
    registry.register(FurtherStage.twoStage)
    registry.register(FurtherStage.decoder)
    return registry
  }
}

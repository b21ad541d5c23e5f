import Messages
import NeuralNetworks
import VAECore
import VAERecipes

extension AdversarialReconstruction {
  /// The hyper-parameters of `adversarial`.
  struct Options: HyperparameterSet {
    @Setting(
      help: "l1: sum of absolute differences; distortion: that of the likelihood, in nats")
    var reconstruction = Reconstruction.distortion
    var features = FeatureTerm.Options()
    @Setting(0...1e6, help: "weight of the rate in the loss") var rateWeight = 1.0
    @Setting(help: "what discriminator and decoder play for")
    var adversarialLoss = AdversarialLoss.hinge
    @Setting(0...1e6, help: "weight of the discriminator's pull at the decoder")
    var adversarialWeight = 0.8
    @Setting(
      help:
        "scale that pull to the reconstruction's, by the gradients at the decoder's last layer")
    var adaptiveWeight = true
    @Setting(0...1_000_000_000, help: "updates before the discriminator takes part")
    var discriminatorStart = 1000
    @Setting(
      0...1e6, help: "weight of the squared gradient of the discriminator at data, R1; 0 for none")
    var gradientPenalty = 0.0
    var discriminator = PatchDiscriminator.Options()
  }
}

extension Component where Part == any Objective {
  /// The recipe component `adversarial`.
  public static var adversarialReconstruction: Component {
    Component(
      role: .objective, name: "adversarial",
      summary:
        "a reconstruction loss, features where a network is named, the rate and a discriminator of patches; no bound on log p(x)",
      options: AdversarialReconstruction.Options()
    ) { options, build in
      try build.checkImagesCanBeJudged()
      // That a decoder has no decoded means is said first, by the objective's requirements.
      guard
        !options.adaptiveWeight || build.decoder?.lastWeights != nil
          || build.decoder is any AutoregressiveDecoder
      else {
        throw RecipeError(
          .invalid,
          "\(build.part) compares gradients at the last layer of the decoder, but this decoder names none; choose "
            + "\(.setting("objective.adaptive_weight", "false")) or another decoder")
      }
      var weights = AdversarialReconstruction.Weights()
      weights.adversarial = Float(options.adversarialWeight)
      weights.isAdaptive = options.adaptiveWeight
      weights.rate = Float(options.rateWeight)
      weights.gradientPenalty = Float(options.gradientPenalty)
      return AdversarialReconstruction(
        discriminator: PatchDiscriminator(options.discriminator, build),
        reconstruction: options.reconstruction, features: try options.features.termIfNamed(build),
        loss: options.adversarialLoss, weights: weights, start: options.discriminatorStart,
        rateFactor: Float(options.discriminator.discriminatorRate))
    }
  }
}

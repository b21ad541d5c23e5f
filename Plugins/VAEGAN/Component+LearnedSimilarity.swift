import Messages
import NeuralNetworks
import VAEComponents
import VAECore
import VAERecipes

extension LearnedSimilarity {
  /// What the decoder plays for.
  enum Game: String, SettingChoice {
    case minimax
    case nonSaturating = "non_saturating"

    var loss: AdversarialLoss { self == .minimax ? .minimax : .nonSaturating }
  }

  /// The hyper-parameters of `vae-gan`.
  struct Options: HyperparameterSet {
    @Setting(0...1e6, help: "weight of the distance of features at the decoder") var gamma = 1e-3
    @Setting(0...1e6, help: "weight of the rate at the encoder") var rateWeight = 1.0
    @Setting(
      0...12,
      help:
        "layer of the discriminator whose features are compared, 0 next to the image; the last where there are fewer"
    )
    var featureLayer = 2
    @Setting(help: "what the decoder plays for; minimax is the loss of the paper's algorithm")
    var adversarialLoss = Game.minimax
    @Setting(help: "leave out of an update the side of the game that is ahead")
    var equilibrium = true
    var discriminator = PatchDiscriminator.Options()
  }
}

extension Component where Part == any Objective {
  /// The recipe component `vae-gan`.
  static var vaeGAN: Component {
    Component(
      role: .objective, name: "vae-gan",
      summary:
        "rate and distance of a discriminator's features, and a game with it; no bound on log p(x)",
      options: LearnedSimilarity.Options()
    ) { options, build in
      try build.checkImagesCanBeJudged()
      let discriminator = PatchDiscriminator(options.discriminator, build)
      var weights = LearnedSimilarity.Weights()
      weights.similarity = Float(options.gamma)
      weights.rate = Float(options.rateWeight)
      return LearnedSimilarity(
        discriminator: discriminator,
        layer: min(options.featureLayer, discriminator.featureCount - 1),
        loss: options.adversarialLoss.loss, weights: weights,
        equilibrium: options.equilibrium ? LearnedSimilarity.Equilibrium() : nil,
        rateFactor: Float(options.discriminator.discriminatorRate))
    }
  }
}

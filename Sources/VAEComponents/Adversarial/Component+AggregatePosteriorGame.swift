import Messages
import NeuralNetworks
import VAECore
import VAERecipes

extension AggregatePosteriorGame {
  /// The hyper-parameters of `latent-adversarial`.
  struct Options: HyperparameterSet {
    @Setting(0...1e9, help: "weight of the discriminator's pull at the encoder")
    var adversarialWeight = 10.0
    @Setting(help: "what discriminator and encoder play for")
    var adversarialLoss = AdversarialLoss.nonSaturating
    @Setting(help: "train reconstruction and game in phases of their own")
    var alternates = false
    @Setting(count: 0...64, each: 1...65536, help: "sizes of the discriminator's hidden layers")
    var discriminatorHidden = [Int](repeating: 512, count: 4)
    @Setting(0...1e6, help: "learning rate of the discriminator, as a multiple of the model's")
    var discriminatorRate = 1.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `latent-adversarial`.
  public static var aggregatePosteriorGame: Component {
    Component(
      role: .objective, name: "latent-adversarial",
      summary:
        "distortion, and a discriminator of latents against draws of the prior; no bound on log p(x)",
      options: AggregatePosteriorGame.Options()
    ) { options, build in
      let units = try build.singleLatentSize()
      // One that is fitted by an algorithm of its own needs no gradient.
      guard build.prior is any FittedPrior || build.prior?.parameters.isEmpty != false else {
        throw RecipeError(
          .invalid,
          "\(build.part) draws from the prior and trains nothing of it, but this prior is learnt; choose "
            + "\(.setting("prior.name", "standard-normal")) or \(.setting("objective.name", "elbo"))"
        )
      }
      return AggregatePosteriorGame(
        discriminator: Sequential.discriminator(
          [units] + options.discriminatorHidden + [1], random: build.random.child("discriminator")),
        weight: Float(options.adversarialWeight), loss: options.adversarialLoss,
        alternates: options.alternates, rateFactor: Float(options.discriminatorRate))
    }
  }
}

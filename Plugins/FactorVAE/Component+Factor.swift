import Messages
import NeuralNetworks
import VAEComponents
import VAECore
import VAERecipes

extension FactorObjective {
  /// The hyper-parameters of `factor`.
  struct Options: HyperparameterSet {
    @Setting(0...1e6, help: "weight of the total correlation") var gamma = 35.0
    @Setting(count: 0...64, each: 1...65536, help: "sizes of the discriminator's hidden layers")
    var discriminatorHidden = [Int](repeating: 1000, count: 6)
    @Setting(
      0...1e6, help: "learning rate of the discriminator's own Adam, as a multiple of the model's")
    var discriminatorRate = 1.0
  }
}

extension Component where Part == any Objective {
  /// The recipe component `factor`.
  static var factor: Component {
    Component(
      role: .objective, name: "factor",
      summary: "the negative evidence lower bound + gamma · total correlation of the latent units",
      options: FactorObjective.Options()
    ) { options, build in
      guard let units = try? build.singleLatentSize() else {
        throw RecipeError(
          .invalid,
          "the factor objective needs one layer of continuous latent units, whose total correlation it estimates, "
            + "but the prior has \(build.latents.phrase); choose \(.setting("objective.name", "elbo"))"
        )
      }
      guard units > 1 else {
        throw RecipeError(
          .invalid,
          "the factor objective estimates the total correlation of latent units, which is 0 with one unit; choose a "
            + "\(.setting("prior.latent", "2")) or more, or \(.setting("objective.name", "elbo"))")
      }
      let sizes = [units] + options.discriminatorHidden + [2]
      return FactorObjective(
        discriminator: Sequential.discriminator(sizes, random: build.random.child("discriminator")),
        gamma: Float(options.gamma),
        rateFactor: Float(options.discriminatorRate))
    }
  }
}

import VAECore
import VAERecipes

extension FurtherStage {
  /// The stage `two-stage`, of every model with one layer of real units: a second variational autoencoder
  /// learns the draws of the posteriors (Dai & Wipf 2019), and becomes the prior.
  public static var twoStage: FurtherStage {
    FurtherStage(
      name: "two-stage",
      summary: "a second VAE, of draws of the posteriors, in place of the prior",
      latents: "one layer of real units",
      parts: { latents in
        latents.vectorUnits.map {
          [.prior: Composition.Choice("second-stage", ["latent": .integer($0)])]
        }
      }, trains: ["prior."], data: .latents,
      training: [
        "epochs": .integer(200), "patience": .integer(10), "learning_rate": .number(5e-4),
        "schedule": .text("constant"),
      ], holdout: 0.1)
  }
}

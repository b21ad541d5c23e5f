import VAECore
import VAERecipes

extension FurtherStage {
  /// The stage `flow`, of every model with one layer of real units: a flow learns the draws of the posteriors
  /// of the training examples, anew at each use, and becomes the prior. It stops by held-out examples, and ends with
  /// the weights that were best for these.
  public static var flow: FurtherStage {
    FurtherStage(
      name: "flow",
      summary: "a normalising flow, trained on draws of the posteriors, in place of the prior",
      latents: "one layer of real units",
      parts: { latents in
        latents.vectorUnits.map {
          [.prior: Composition.Choice("flow", ["latent": .integer($0)])]
        }
      }, trains: ["prior."], data: .latents,
      training: [
        "epochs": .integer(100), "patience": .integer(5), "learning_rate": .number(1e-3),
        "schedule": .text("constant"),
      ], holdout: 0.1)
  }
}

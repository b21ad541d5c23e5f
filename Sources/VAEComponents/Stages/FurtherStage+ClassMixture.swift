import VAECore
import VAERecipes

extension FurtherStage {
  /// The stage `class-mixture`, of every model with one layer of real units on data with labels: what its
  /// encoder says of the training examples of a class becomes the prior of that class, so that samples
  /// can be asked for by class, whatever the networks know of it.
  public static var classMixture: FurtherStage {
    FurtherStage(
      name: "class-mixture",
      summary: "a mixture of Gaussians for each class, fitted to draws of the posteriors",
      latents: "one layer of real units",
      parts: { latents in
        latents.vectorUnits.map {
          [.prior: Composition.Choice("fitted-class-mixture", ["latent": .integer($0)])]
        }
      }, trains: ["prior."], data: .latents,
      training: ["epochs": .integer(1), "average_decay": .number(0)])
  }
}
